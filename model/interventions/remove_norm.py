"""A norm is taken away: what it would bring to a common length is passed on as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from model.config import TransformerConfig
from model.interventions.intervention import Intervention
from model.operations import Operation, norm_name, operations

if TYPE_CHECKING:
    from torch import Tensor

    from model.network.execute import Run

_OF_HEADS = ("q_norm", "k_norm")
"""Norms of queries and keys stand within attention, and keep scores in bounds: not the stream's."""


@dataclass(frozen=True, slots=True)
class RemoveNorm(Intervention):
    """A norm of the stream does nothing: neither mean nor length is taken away, no weight counts.

    The scale that is divided by is 1 then, and is recorded as that.

    Attributes:
        norm: its name, ``blocks.0.ln1`` or ``ln_final``; empty for all but those of queries and
            keys.
    """

    kind: ClassVar[str] = "remove_norm"
    title: ClassVar[str] = "Take away a norm"

    norm: str = ""

    def operations(self, config: TransformerConfig) -> tuple[str, ...]:
        return tuple(
            name
            for op in operations(config)
            if op.kind == "norm" and self._means(norm_name(op))
            for name in (op.inputs[1], op.output)
        )

    def _means(self, name: str) -> bool:
        return name == self.norm if self.norm else not name.endswith(_OF_HEADS)

    def refusal(self, config: TransformerConfig) -> str:
        if self.operations(config):
            return ""
        if not self.norm:
            return "This network has no norms anyway."
        return f"This network has no norm {self.norm}."

    @property
    def words(self) -> str:
        return f"no norm {self.norm}" if self.norm else "no norms"

    def replace(self, op: Operation, inputs: Sequence[Tensor], run: Run) -> Tensor | None:
        if op.kind == "norm":
            return inputs[0]
        # Shaped as the scale is: of heads that are normed together one for all of them.
        scale = run([inputs[0]])
        return scale.new_ones(scale.shape)


def is_removed(norm: str, interventions: Iterable[Intervention]) -> bool:
    """Whether a norm of the stream is taken away by one of some interventions."""
    return any(isinstance(one, RemoveNorm) and one.norm in ("", norm) for one in interventions)
