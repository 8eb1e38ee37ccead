"""A head is taken out: what it hands on is zero, or the same at every position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from model.config import TransformerConfig
from model.interventions.intervention import Intervention, no_layer, out_of_range

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class AblateHead(Intervention):
    """Zero or mean ablation of a head's mixed values ``z``.

    Attributes:
        layer: index of the block.
        head: index of the query head.
        mean: its mean over the positions of each sequence instead of zero: what the head says
            everywhere stays, what it says of a position goes.
    """

    kind: ClassVar[str] = "ablate_head"
    title: ClassVar[str] = "Cut a head"

    layer: int
    head: int
    mean: bool = False

    def operations(self, config: TransformerConfig) -> tuple[str, ...]:
        return (f"blocks.{self.layer}.attn.hook_z",)

    def refusal(self, config: TransformerConfig) -> str:
        return no_layer(config, self.layer) or out_of_range("head", self.head, config.n_heads)

    @property
    def words(self) -> str:
        head = f"head {self.layer}.{self.head}"
        return f"{head} at its mean over positions" if self.mean else f"cut {head}"

    @property
    def by_position(self) -> bool:
        return not self.mean

    def change(self, name: str, tensor: Tensor) -> Tensor:
        z_BTHK = tensor.clone()
        head_BTK = z_BTHK[:, :, self.head]
        z_BTHK[:, :, self.head] = head_BTK.mean(1, keepdim=True) if self.mean else 0.0
        return z_BTHK
