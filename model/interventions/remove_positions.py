"""Positions are taken away: the network is not told where a token stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from model.config import TransformerConfig
from model.interventions.intervention import Intervention
from model.operations import Operation, operations

if TYPE_CHECKING:
    from torch import Tensor

    from model.network.execute import Run


@dataclass(frozen=True, slots=True)
class RemovePositions(Intervention):
    """No position vectors, rotations or linear biases; a causal mask still tells of the order."""

    kind: ClassVar[str] = "remove_positions"
    title: ClassVar[str] = "Take away positions"

    def operations(self, config: TransformerConfig) -> tuple[str, ...]:
        telling = ("pos_embed", "rotate", "bias")
        return tuple(op.output for op in operations(config) if op.kind in telling)

    def refusal(self, config: TransformerConfig) -> str:
        return "" if self.operations(config) else "This network isn't told positions anyway."

    @property
    def words(self) -> str:
        return "no positions"

    def replace(self, op: Operation, inputs: Sequence[Tensor], run: Run) -> Tensor | None:
        if op.kind == "pos_embed":
            vectors_BTD = run(inputs)
            return vectors_BTD.new_zeros(vectors_BTD.shape)
        return inputs[0]
