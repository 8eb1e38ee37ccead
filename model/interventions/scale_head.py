"""What a head hands on is scaled, or taken away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from model.config import TransformerConfig
from model.interventions.intervention import Intervention, no_layer, out_of_range

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class ScaleHead(Intervention):
    """A head's mixed values ``z`` count more, less or not at all.

    Attributes:
        layer: index of the block.
        head: index of the query head.
        factor: multiplies them; 1 changes nothing, 0 cuts the head.
    """

    kind: ClassVar[str] = "scale_head"
    title: ClassVar[str] = "Scale a head"

    layer: int
    head: int
    factor: float = 0.0

    def operations(self, config: TransformerConfig) -> tuple[str, ...]:
        return (f"blocks.{self.layer}.attn.hook_z",)

    def refusal(self, config: TransformerConfig) -> str:
        return no_layer(config, self.layer) or out_of_range("head", self.head, config.n_heads)

    @property
    def words(self) -> str:
        head = f"head {self.layer}.{self.head}"
        return f"{head} × {self.factor:g}" if self.factor else f"cut {head}"

    def change(self, name: str, tensor: Tensor) -> Tensor:
        z_BTHK = tensor.clone()
        # Not a product with zero: what has overflowed is to be gone as well.
        z_BTHK[:, :, self.head] = z_BTHK[:, :, self.head] * self.factor if self.factor else 0.0
        return z_BTHK
