"""The mask is taken away: every position sees all others, those that come later too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from model.config import TransformerConfig
from model.interventions.intervention import Intervention, no_layer
from model.operations import Operation, operations

if TYPE_CHECKING:
    from torch import Tensor

    from model.network.execute import Run


@dataclass(frozen=True, slots=True)
class RemoveMask(Intervention):
    """No score is masked, neither those of later positions nor those outside a window.

    Attributes:
        layer: index of the block; None for all.
    """

    kind: ClassVar[str] = "remove_mask"
    title: ClassVar[str] = "Take away the mask"

    layer: int | None = None

    def operations(self, config: TransformerConfig) -> tuple[str, ...]:
        return tuple(
            op.output
            for op in operations(config)
            if op.kind == "mask" and self.layer in (None, op.layer)
        )

    def refusal(self, config: TransformerConfig) -> str:
        missing = "" if self.layer is None else no_layer(config, self.layer)
        if missing or self.operations(config):
            return missing
        return "Nothing is masked here: every position sees all others already."

    @property
    def words(self) -> str:
        return "no mask" if self.layer is None else f"no mask in layer {self.layer}"

    @property
    def keeps_prefix(self) -> bool:
        return False

    def replace(self, op: Operation, inputs: Sequence[Tensor], run: Run) -> Tensor | None:
        return inputs[0]
