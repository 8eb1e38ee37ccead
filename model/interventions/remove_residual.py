"""A residual connection is taken away: what was added to the stream takes its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from model.config import TransformerConfig
from model.interventions.intervention import Intervention, no_layer
from model.operations import Operation

if TYPE_CHECKING:
    from torch import Tensor

    from model.network.execute import Run


@dataclass(frozen=True, slots=True)
class RemoveResidual(Intervention):
    """The sum after attention or after the MLP lacks the stream that it adds to.

    Attributes:
        layer: index of the block.
        part: around which of its parts the connection leads; a parallel block has one around both,
            which is called ``mlp``.
    """

    kind: ClassVar[str] = "remove_residual"
    title: ClassVar[str] = "Take away a residual connection"

    layer: int
    part: Literal["attn", "mlp"]

    def operations(self, config: TransformerConfig) -> tuple[str, ...]:
        where = "mid" if self.part == "attn" else "post"
        return (f"blocks.{self.layer}.hook_resid_{where}",)

    def refusal(self, config: TransformerConfig) -> str:
        if self.part not in ("attn", "mlp"):
            return f"A block's parts are attn and mlp, not {self.part!r}."
        if self.part == "attn" and config.parallel:
            return "In a parallel block one residual connection leads around both parts: take mlp."
        return no_layer(config, self.layer)

    @property
    def words(self) -> str:
        part = "attention" if self.part == "attn" else "the MLP"
        return f"no residual connection around {part} of layer {self.layer}"

    def replace(self, op: Operation, inputs: Sequence[Tensor], run: Run) -> Tensor | None:
        _, *added = inputs
        return added[0] if len(added) == 1 else added[0] + added[1]
