"""A kind of intervention as a stranger would write it: attention that prefers nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from model.config import TransformerConfig
from model.interventions import Intervention
from model.operations import Operation

if TYPE_CHECKING:
    from torch import Tensor

    from model.network.execute import Run


@dataclass(frozen=True, slots=True)
class EvenAttention(Intervention):
    """Every position that is seen counts alike."""

    kind: ClassVar[str] = "even_attention"
    title: ClassVar[str] = "Attend evenly"

    layer: int

    def operations(self, config: TransformerConfig) -> tuple[str, ...]:
        return (f"blocks.{self.layer}.attn.hook_pattern",)

    @property
    def words(self) -> str:
        return f"even attention in layer {self.layer}"

    def replace(self, op: Operation, inputs: Sequence[Tensor], run: Run) -> Tensor | None:
        scores_BHQS = inputs[0]
        return run((scores_BHQS.masked_fill(scores_BHQS.isfinite(), 0.0),))
