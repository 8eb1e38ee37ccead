"""How a network lies over the processes of a run: held by one, copied to each, or in shards.

Copied (DDP): each process has all weights, and gradients are averaged. In shards (FSDP2): each
process has a part of every tensor, of its gradient and of what the optimiser keeps of it; a block's
weights are gathered just before it runs. Both give the gradients of the whole batch.

Knows the network and torch.distributed; no text, no optimiser's rule, no files.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.nn.parallel import DistributedDataParallel

from model.config import TransformerConfig
from model.first_weights import FirstWeights
from model.train.processes.group import Group
from model.transformer import Transformer

Parallel = Literal["auto", "ddp", "fsdp"]
BYTES_A_PARAMETER = 16
"""Weight, gradient and AdamW's two moments, in float32."""
ROOM = 0.6
"""Share of a GPU's memory that these may take before a network is put in shards: the rest is for
activations."""


class Spread:
    """A network that is trained by this process alone.

    Attributes:
        transformer: the network; its parameters are what the optimiser changes.
        network: what is called to run it.
        evaluated: what is called to run it where nothing is learned.
        factor: what a process's share of the loss is multiplied by before its backward pass.
        kind: how it lies over the processes, as it stands in run.toml.
        is_sharded: whether this process has a part of the weights only.
    """

    kind = "one"
    is_sharded = False

    def __init__(self, transformer: Transformer, group: Group) -> None:
        self.transformer = transformer
        self.network: nn.Module = transformer
        self.evaluated: nn.Module = transformer
        self.group = group
        self.factor = float(group.size)  # both ways take the mean of what the processes have

    def syncing(self, is_last: bool) -> AbstractContextManager[None]:
        """Around a piece's forward and backward pass: gradients are exchanged with the last."""
        return nullcontext()

    def evaluating(self) -> AbstractContextManager[Any]:
        """Around a forward pass that is not learned from."""
        return torch.inference_mode()

    def whole(self) -> Transformer | None:
        """The network with all its weights, in the first process; called by all."""
        return self.transformer if self.group.is_first else None

    def weights_are_finite(self) -> bool:
        """Whether every weight is a finite number; called by all."""
        with torch.no_grad():
            finite = all(bool(_mine(p).isfinite().all()) for p in self.transformer.parameters())
        return not self.group.any(not finite)


class Copied(Spread):
    """A network of which each process has a copy; those of the first one are taken."""

    kind = "ddp"

    def __init__(self, transformer: Transformer, group: Group) -> None:
        super().__init__(transformer, group)
        self._ddp = DistributedDataParallel(transformer, gradient_as_bucket_view=True)
        self.network = self._ddp

    def syncing(self, is_last: bool) -> AbstractContextManager[None]:
        return nullcontext() if is_last else self._ddp.no_sync()


class Sharded(Spread):
    """A network in shards. Made by `in_shards`."""

    kind = "fsdp"
    is_sharded = True

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        # What is gathered is used again in training, so it may be no inference tensor. A backward
        # pass would give back what the pass gathers last; here nothing else does, and until then
        # the network's parameters are no shards.
        with torch.no_grad():
            yield
        cast("FSDPModule", self.transformer).reshard()

    def whole(self) -> Transformer | None:
        first = self.group.is_first
        state: dict[str, Tensor] = {}
        for name, parameter in self.transformer.named_parameters():
            full = full_of(parameter.detach())  # one at a time: a GPU has room for that
            if first:
                state[name] = full.cpu()
        if not first:
            return None
        with torch.random.fork_rng(devices=[]):
            whole = Transformer(self.transformer.config, empty=True)
        whole.adopt(state)
        return whole.eval()


def spread_out(
    config: TransformerConfig,
    group: Group,
    device: str,
    *,
    sharded: bool,
    seed: int,
    first: FirstWeights,
) -> Spread:
    """A new network over the processes, with the first weights that one process would draw.

    Args:
        config: of the network.
        group: the processes.
        device: of this one.
        sharded: whether in shards.
        seed: of its first weights.
        first: how they are drawn.
    """
    generator = torch.Generator().manual_seed(seed)
    if sharded:
        return in_shards(config, group, device, generator, first)
    with torch.random.fork_rng(devices=[]):  # torch's own first weights draw from the global one
        transformer = Transformer(config)
    transformer.initialize(generator, first=first)
    transformer.eval().to(device)
    return (Spread if group.is_alone else Copied)(transformer, group)


def in_shards(
    config: TransformerConfig,
    group: Group,
    device: str,
    generator: torch.Generator,
    first: FirstWeights,
) -> Sharded:
    """A network in shards, which is whole nowhere: of one tensor after the other a part is kept."""
    with torch.device("meta"):
        transformer = Transformer(config, empty=True)
    mesh = group.mesh(device)
    for block in transformer.blocks:
        fully_shard(block, mesh=mesh)
    fully_shard(transformer, mesh=mesh)
    transformer.to_empty(device=device.partition(":")[0])
    transformer.tie()  # memory of its own was given to each use of a weight
    for name, parameter in transformer.named_parameters():
        full = torch.empty(parameter.shape, dtype=parameter.dtype)
        first.draw(name, full, config, generator)
        put(parameter.detach(), full)
    return Sharded(transformer.eval(), group)


def fits(config: TransformerConfig, device: str) -> bool:
    """Whether each process has room for a copy of a network that is trained."""
    if not device.startswith("cuda"):
        return True
    _, total = torch.cuda.mem_get_info(device)
    return BYTES_A_PARAMETER * config.n_params <= ROOM * total


def take_whole(transformer: Transformer, state: dict[str, Tensor]) -> None:
    """Set every weight from a whole state dict, of which each process keeps its part.

    Raises:
        RuntimeError: a name or a shape is another.
    """
    if not any(isinstance(p, DTensor) for p in transformer.parameters()):
        transformer.load_state_dict(state)
        return
    for name, parameter in transformer.named_parameters():
        if name not in state or state[name].shape != parameter.shape:
            raise RuntimeError(f"{name} is not there, or of another shape")
        put(parameter.detach(), state[name])


def take_optimiser(optimiser: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Set what an optimiser keeps from a whole state, of which each process keeps its part."""
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    if any(isinstance(p, DTensor) for p in parameters):
        kept = {
            index: {
                key: like(value, parameters[index])
                if isinstance(value, Tensor) and value.ndim
                else value
                for key, value in values.items()
            }
            for index, values in state["state"].items()
        }
        state = state | {"state": kept}
    optimiser.load_state_dict(state)


def put(target: Tensor, full: Tensor) -> None:
    """Fill a tensor, or this process's part of it, from the whole one, which all have."""
    with torch.no_grad():
        target.copy_(like(full, target))


def like(full: Tensor, other: Tensor) -> Tensor:
    """A whole tensor, cut and placed as another one; nothing is sent."""
    full = full.to(other.device)
    if not isinstance(other, DTensor):
        return full
    return distribute_tensor(full, other.device_mesh, other.placements, src_data_rank=None)


def full_of(tensor: Tensor) -> Tensor:
    """The whole of a tensor that may be in shards; called by all processes."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def _mine(tensor: Tensor) -> Tensor:
    """The part of a tensor that lies here."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor
