"""What attention, an MLP or a whole block adds to the stream is scaled, or taken away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from model.config import TransformerConfig
from model.interventions.intervention import Intervention, no_layer

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class ScaleOutput(Intervention):
    """A layer's attention, its MLP or both count more, less or not at all.

    Attributes:
        layer: index of the block.
        part: whose output; ``block`` is both. Where norms stand after the sums these stay, so that
            such a block without its parts still norms the stream.
        factor: multiplies what is added to the stream, after any norm of it; 0 takes it away.
    """

    kind: ClassVar[str] = "scale_output"
    title: ClassVar[str] = "Scale what a layer adds"

    layer: int
    part: Literal["attn", "mlp", "block"]
    factor: float = 0.0

    def operations(self, config: TransformerConfig) -> tuple[str, ...]:
        parts = ("attn", "mlp") if self.part == "block" else (self.part,)
        return tuple(f"blocks.{self.layer}.hook_{part}_out" for part in parts)

    def refusal(self, config: TransformerConfig) -> str:
        if self.part not in ("attn", "mlp", "block"):
            return f"A block's parts are attn and mlp, or block for both, not {self.part!r}."
        return no_layer(config, self.layer)

    @property
    def words(self) -> str:
        part = {"attn": "attention of layer", "mlp": "MLP of layer"}.get(self.part, self.part)
        return (
            f"{part} {self.layer} × {self.factor:g}" if self.factor else f"cut {part} {self.layer}"
        )

    def change(self, name: str, tensor: Tensor) -> Tensor:
        # Not a product with zero: what has overflowed is to be gone as well.
        return tensor * self.factor if self.factor else tensor.new_zeros(tensor.shape)
