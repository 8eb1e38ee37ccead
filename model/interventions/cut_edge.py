"""One edge of a pattern is cut: a query no longer reads one key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from model.config import TransformerConfig
from model.interventions.intervention import Intervention, no_layer, out_of_range
from model.interventions.window import Window

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class CutEdge(Intervention):
    """The weight from a query to a key is zero.

    Attributes:
        layer: index of the block.
        query: position that reads.
        key: position that is read.
        head: index of the query head; None for all of the layer.
        share: whether the query's other keys take over its weight, as if the score had been masked
            (the attention knockout of Geva et al. 2023, arXiv 2304.14767). Otherwise theirs stay
            as they are, and what the query read of this key is missing.
    """

    kind: ClassVar[str] = "cut_edge"
    title: ClassVar[str] = "Cut an edge of a pattern"

    layer: int
    query: int
    key: int
    head: int | None = None
    share: bool = False

    def operations(self, config: TransformerConfig) -> tuple[str, ...]:
        attn = f"blocks.{self.layer}.attn"
        pattern = f"{attn}.hook_pattern"
        return (f"{attn}.hook_attn_scores", pattern) if self.share else (pattern,)

    def refusal(self, config: TransformerConfig) -> str:
        return (
            no_layer(config, self.layer)
            or ("" if self.head is None else out_of_range("head", self.head, config.n_heads))
            or out_of_range("position", self.query, config.n_ctx)
            or out_of_range("position", self.key, config.n_ctx)
        )

    @property
    def words(self) -> str:
        whose = f"head {self.layer}.{self.head}"
        if self.head is None:
            whose = f"all heads of layer {self.layer}"
        return f"{'mask' if self.share else 'cut'} edge {self.query} → {self.key} of {whose}"

    def change_in(self, name: str, tensor: Tensor, window: Window) -> Tensor:
        row = self.query - window.start
        if not (0 <= row < tensor.shape[2] and self.key < tensor.shape[3]):
            return tensor  # these are other positions, or the text is shorter
        heads = slice(None) if self.head is None else slice(self.head, self.head + 1)
        x_BHQS = tensor.clone()
        if name.endswith("pattern"):
            x_BHQS[:, heads, row, self.key] = 0.0
            return x_BHQS
        row_BHS = x_BHQS[:, heads, row]
        others_BHS = row_BHS.isfinite()
        others_BHS[..., self.key] = False
        # A softmax of nothing is no number: the last key keeps its score, and loses its weight.
        has_others_BH1 = others_BHS.any(-1)
        row_BHS[..., self.key] = row_BHS[..., self.key].masked_fill(has_others_BH1, -float("inf"))
        return x_BHQS
