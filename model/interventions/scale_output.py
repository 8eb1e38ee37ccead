"""What attention or an MLP adds to the residual stream is scaled, or taken away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from model.config import TransformerConfig
from model.interventions.intervention import Intervention, no_layer

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class ScaleOutput(Intervention):
    """A layer's attention or MLP counts more, less or not at all.

    Attributes:
        layer: index of the block.
        part: whose output.
        factor: multiplies what is added to the stream, after any norm of it; 0 takes it away.
    """

    kind: ClassVar[str] = "scale_output"
    title: ClassVar[str] = "Scale what a layer adds"

    layer: int
    part: Literal["attn", "mlp"]
    factor: float = 0.0

    def operations(self, config: TransformerConfig) -> tuple[str, ...]:
        return (f"blocks.{self.layer}.hook_{self.part}_out",)

    def refusal(self, config: TransformerConfig) -> str:
        if self.part not in ("attn", "mlp"):
            return f"A block's parts are attn and mlp, not {self.part!r}."
        return no_layer(config, self.layer)

    @property
    def words(self) -> str:
        part = "attention" if self.part == "attn" else "MLP"
        return f"{part} of layer {self.layer} × {self.factor:g}"

    def change(self, name: str, tensor: Tensor) -> Tensor:
        # Not a product with zero: what has overflowed is to be gone as well.
        return tensor * self.factor if self.factor else tensor.new_zeros(tensor.shape)
