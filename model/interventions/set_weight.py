"""One number of a weight matrix is another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from model.config import TransformerConfig
from model.interventions.intervention import Intervention, out_of_range
from model.operations import Operation, operations, parameter_sizes

if TYPE_CHECKING:
    from torch import Tensor, nn

    from model.network.execute import Run
    from model.transformer import Transformer


@dataclass(frozen=True, slots=True)
class SetWeight(Intervention):
    """One number of a parameter has another value, wherever the network reads it.

    Attributes:
        name: of the parameter, as TransformerLens has it: ``blocks.0.mlp.W_in``.
        index: of the number, one for each of its axes.
        value: that it has.
    """

    kind: ClassVar[str] = "set_weight"
    title: ClassVar[str] = "Set a weight"

    name: str
    index: tuple[int, ...]
    value: float = 0.0

    def operations(self, config: TransformerConfig) -> tuple[str, ...]:
        name = _read_as(self.name, config)
        return tuple(op.output for op in operations(config) if name in op.parameters)

    def refusal(self, config: TransformerConfig) -> str:
        name = _read_as(self.name, config)
        if not any(name in op.parameters for op in operations(config)):
            return f"This network has no parameter {self.name}."
        sizes = parameter_sizes(config, self.name)
        if len(self.index) != len(sizes):
            return f"{self.name} has {len(sizes)} axes; the index has {len(self.index)}."
        for axis, (at, size) in enumerate(zip(self.index, sizes, strict=True)):
            if why := out_of_range(f"axis {axis} of {self.name}: index", at, size):
                return why
        return ""

    def place(self, config: TransformerConfig) -> tuple[str, tuple[int, ...]]:
        """Which number it is, whatever it is called: a tied unembedding is the embedding."""
        name = _read_as(self.name, config)
        return name, self.index if name == self.name else self.index[::-1]

    @property
    def words(self) -> str:
        return f"{self.name}[{', '.join(map(str, self.index))}] set to {self.value:g}"

    def replace(self, op: Operation, inputs: Sequence[Tensor], run: Run) -> Tensor | None:
        with _having(run.network, self.name, self.index, self.value):
            return run(inputs)


def _read_as(name: str, config: TransformerConfig) -> str:
    """Under which name operations read a parameter: a tied unembedding is the embedding."""
    return "W_E" if name == "W_U" and config.tied_embeddings else name


@contextmanager
def _having(
    network: Transformer, name: str, index: tuple[int, ...], value: float
) -> Iterator[None]:
    """A network whose parameter has another number in one place, while one operation is run.

    A copy of it stands in its place: what is computed from the copy may be differentiated after
    this, and the network's own is never written to.
    """
    import torch
    from torch import nn

    from model.parameters import parameter, place_of

    module, key = place_of(network, name)
    own = module.get_parameter(key)
    places = list(_places(network, own))
    copy = nn.Parameter(own.detach().clone(), requires_grad=False)
    try:
        for module, key in places:
            module._parameters[key] = copy
        with torch.no_grad():
            parameter(network, name)[index] = value
        yield
    finally:
        for module, key in places:
            module._parameters[key] = own


def _places(network: Transformer, own: nn.Parameter) -> Iterator[tuple[nn.Module, str]]:
    for module in network.modules():
        for key, parameter in module._parameters.items():
            if parameter is own:
                yield module, key
