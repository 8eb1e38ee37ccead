"""The low-rank change of a network: two thin factors for each matrix that it adapts.

Factors belong to the matrices of the family's *files* (``q_proj``, ``c_attn``), as PEFT has them,
and the family's own rules carry the change over to the network's tensors, wherever those join or
cut. So what is trained here is applied by PEFT to equal logits, and what others trained opens here.

The network always holds ordinary, merged weights: whoever looks at it, runs or saves it needs to
know nothing of adapters. Gradients of the merged weights are pulled back to the factors.

Shapes: A ``[r, in]``, B ``[out, r]``, of a linear map ``[out, in]``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.checkpoint.families import FAMILIES
from model.config import TransformerConfig
from model.transformer import Transformer

CONV1D_FAMILIES = frozenset({"gpt2"})
"""Families whose files store linear maps as ``Conv1D``, ``[in, out]``; PEFT says fan_in_fan_out."""

_MAPS_OF_BLOCKS = (
    ".attn.qkv.weight",
    ".attn.out.weight",
    ".mlp.up.weight",
    ".mlp.gate.weight",
    ".mlp.down.weight",
)


class AdapterError(ValueError):
    """An adapter that does not fit its network; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraConfig:
    """How an adapter was made.

    Attributes:
        rank: r, columns of B.
        alpha: the change is α / r times B A.
        targets: last names of the adapted maps (``q_proj``); empty takes every linear map of the
            blocks.
        rank_stabilized: the factor is α / √r instead (rsLoRA, arXiv:2312.03732).
    """

    rank: int = 8
    alpha: float = 16.0
    targets: tuple[str, ...] = ()
    rank_stabilized: bool = False

    def scale(self, rank: int, alpha: float | None = None) -> float:
        """What B A is multiplied by, for a map whose rank and alpha may be its own."""
        own = self.alpha if alpha is None else alpha
        return own / (math.sqrt(rank) if self.rank_stabilized else rank)


def adaptable(family: str, config: TransformerConfig) -> dict[str, tuple[int, int]]:
    """The linear maps of a network's blocks that can be adapted.

    Returns:
        Name of the module in the family's files, without ``.weight`` -> its shape ``(out, in)``.
    """
    shapes = _file_shapes(family, config)
    flipped = family in CONV1D_FAMILIES
    found: dict[str, tuple[int, int]] = {}
    for name in _names_of_maps(family, config):
        shape = shapes[name]
        if name.endswith(".weight") and len(shape) == 2:
            rows, columns = shape
            found[name.removesuffix(".weight")] = (columns, rows) if flipped else (rows, columns)
    return found


def chosen(maps: Mapping[str, object], targets: Sequence[str]) -> list[str]:
    """Of a network's maps those that are meant by their last names, or by all of their names.

    Raises:
        AdapterError: a name is of none; the message lists those there are.
    """
    if not targets:
        return list(maps)
    ends = sorted({name.rpartition(".")[2] for name in maps})
    picked = [name for name in maps if any(name == t or name.endswith(f".{t}") for t in targets)]
    for target in targets:
        if not any(name == target or name.endswith(f".{target}") for name in maps):
            raise AdapterError(
                f"This network has no linear map {target!r} that can be adapted; there are "
                f"{', '.join(ends)}."
            )
    return picked


class Adapter(nn.Module):
    """The factors of a network's low-rank change, which is a function of them.

    Args:
        family: config.json's model_type of the network.
        config: its shape.
        lora: how the adapter is made.
        factors: module's name in the family's files -> A and B. They are kept, not copied.
        alphas: of maps whose alpha is their own.

    Attributes:
        lora: as given.
    """

    def __init__(
        self,
        family: str,
        config: TransformerConfig,
        lora: LoraConfig,
        factors: Mapping[str, tuple[Tensor, Tensor]],
        alphas: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__()
        self.family, self.config, self.lora = family, config, lora
        self._alphas = dict(alphas or {})
        self.A = nn.ParameterDict({_key(name): nn.Parameter(a) for name, (a, _) in factors.items()})
        self.B = nn.ParameterDict({_key(name): nn.Parameter(b) for name, (_, b) in factors.items()})
        self.modules_adapted = tuple(factors)
        self._flipped = family in CONV1D_FAMILIES
        self._shapes = _file_shapes(family, config)
        self._changed = self._found_out()

    @classmethod
    def new(
        cls, family: str, config: TransformerConfig, lora: LoraConfig, seed: int = 0
    ) -> Adapter:
        """An adapter that changes nothing yet: A is drawn as in PEFT, B is zero.

        Raises:
            AdapterError: the network has no such maps.
        """
        maps = adaptable(family, config)
        generator = torch.Generator().manual_seed(seed)
        factors = {}
        for name in chosen(maps, lora.targets):
            n_out, n_in = maps[name]
            bound = 1 / math.sqrt(n_in)  # kaiming_uniform_ with a = √5
            a = torch.empty(lora.rank, n_in).uniform_(-bound, bound, generator=generator)
            factors[name] = (a, torch.zeros(n_out, lora.rank))
        if not factors:
            raise AdapterError(
                "This network has no linear map that can be adapted (experts are not): tune all "
                "of its weights instead."
            )
        return cls(family, config, lora, factors)

    def factors(self) -> Iterator[tuple[str, Tensor, Tensor]]:
        """Module's name in the family's files, A and B."""
        for name in self.modules_adapted:
            yield name, self.A[_key(name)], self.B[_key(name)]

    def alpha_of(self, name: str) -> float:
        """Alpha of one map."""
        return self._alphas.get(name, self.lora.alpha)

    def deltas(self) -> dict[str, Tensor]:
        """What is added to the network's tensors, by their names in its state dict.

        Differentiable in the factors. Tensors that the adapter leaves alone are not there.
        """
        return {name: delta for some in self.by_layer() for name, delta in some.items()}

    def by_layer(self) -> Iterator[dict[str, Tensor]]:
        """The same a layer at a time: of a large network all changes at once fill the memory."""
        for modules, names in self._changed:
            in_file: dict[str, Tensor] = {}
            for name in modules:
                a, b = self.A[_key(name)], self.B[_key(name)]
                delta = (b @ a) * self.lora.scale(a.shape[0], self.alpha_of(name))
                in_file[f"{name}.weight"] = delta.T if self._flipped else delta
            found = self._in_network(in_file)
            yield {name: found[name] for name in names}

    def _in_network(self, in_file: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Tensors of the family's files carried over to the network's; all others hold zeros."""
        like = next(iter(in_file.values()))
        nothing = torch.zeros((), dtype=like.dtype, device=like.device)
        whole = {
            name: in_file[name] if name in in_file else nothing.expand(shape)
            for name, shape in self._shapes.items()
        }
        return FAMILIES[self.family].state_from_hf(whole, self.config)

    def _found_out(self) -> list[tuple[list[str], list[str]]]:
        """By layer the adapted maps, and the network's tensors that they change."""
        layers: dict[str, list[str]] = {}
        for name in self.modules_adapted:
            number = re.search(r"\.(\d+)\.", name)
            layers.setdefault("" if number is None else number[1], []).append(name)
        found = []
        for modules in layers.values():
            # Real bytes: a rule may take a tensor that is one number seen everywhere for empty.
            marks = {
                f"{name}.weight": torch.ones(self._shapes[f"{name}.weight"], dtype=torch.uint8)
                for name in modules
            }
            ours = self._in_network(marks)
            found.append((modules, [name for name, t in ours.items() if bool(t.any())]))
        return found


class Adapting:
    """A network whose weights are those of its base plus an adapter's change.

    Args:
        transformer: the network, whose weights are the base's; changed in place. Only the weights
            that the adapter changes keep asking for gradients.
        adapter: on the network's device.
    """

    def __init__(self, transformer: Transformer, adapter: Adapter) -> None:
        self.adapter = adapter
        parameters = dict(transformer.named_parameters())
        self._weights = {name: parameters[name] for name in adapter.deltas()}
        self._base = {name: p.detach().clone() for name, p in self._weights.items()}
        for name, parameter in parameters.items():
            parameter.requires_grad_(name in self._weights)

    def pull_back(self) -> None:
        """Turn the gradients of the merged weights into those of the factors."""
        found = self.adapter.deltas()
        pairs = [(found[name], p.grad) for name, p in self._weights.items() if p.grad is not None]
        torch.autograd.backward([delta for delta, _ in pairs], [grad for _, grad in pairs])
        for parameter in self._weights.values():
            parameter.grad = None

    @torch.no_grad()
    def write(self) -> None:
        """Let the network's weights be base + change of the factors as they are now."""
        for name, delta in self.adapter.deltas().items():
            self._weights[name].copy_(self._base[name] + delta)


@torch.no_grad()
def merge(transformer: Transformer, adapter: Adapter) -> None:
    """Add an adapter's change to a network's weights, for good.

    Computed in float32, whatever the weights are stored in, and rounded once.
    """
    weights = dict(transformer.named_parameters())
    for deltas in adapter.by_layer():
        for name, delta in deltas.items():
            weight = weights[name]
            summed = weight.float() + delta.to(weight.device, torch.float32)
            weight.copy_(summed.to(weight.dtype))


def _key(name: str) -> str:
    return name.replace(".", "/")  # a dot would be a module's own


def _file_shapes(family: str, config: TransformerConfig) -> dict[str, tuple[int, ...]]:
    """The shapes of all tensors in a family's files, by their canonical names."""
    with torch.device("meta"):
        shapes = Transformer(config, empty=True).state_dict()
    byte = torch.zeros(1, dtype=torch.uint8)
    state = {name: byte.expand(tensor.shape) for name, tensor in shapes.items()}
    in_file = FAMILIES[family].state_to_hf(state, config)
    return {name: tuple(tensor.shape) for name, tensor in in_file.items()}


def _names_of_maps(family: str, config: TransformerConfig) -> list[str]:
    """Names, in the family's files, of what our blocks' linear maps are made of."""
    with torch.device("meta"):
        shapes = Transformer(config, empty=True).state_dict()
    # A mark instead of values: the rules only rename, reshape, transpose, join and cut.
    state = {
        name: torch.full((), float(name.endswith(_MAPS_OF_BLOCKS))).expand(tensor.shape)
        for name, tensor in shapes.items()
    }
    in_file = FAMILIES[family].state_to_hf(state, config)
    return [name for name, t in in_file.items() if t.ndim == 2 and bool(t[0, 0] == 1)]
