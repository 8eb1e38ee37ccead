"""Which composer draws which kind of operation."""

from __future__ import annotations

from collections.abc import Mapping

from gui.panes.stage.marks import Mark
from gui.panes.stage.scenes import product, scores, stream, vocabulary
from gui.panes.stage.scenes.kit import Composer, Scenery

COMPOSERS: Mapping[str, Composer] = {
    "tokens": vocabulary.compose_tokens,
    "embed": stream.compose_fetch,
    "pos_embed": stream.compose_fetch,
    "token_type_embed": stream.compose_fetch,
    "add": stream.compose_sum,
    "norm_scale": stream.compose_norm,
    "norm": stream.compose_norm,
    "rotate": stream.compose_rotation,
    "dot": scores.compose_scores,
    "scale": scores.compose_scores,
    "bias": scores.compose_scores,
    "cap": scores.compose_scores,
    "mask": scores.compose_scores,
    "pattern": scores.compose_scores,
    "mix": scores.compose_mix,
    "attn_out": product.compose_join,
    "mlp_act": stream.compose_activation,
    "head_act": stream.compose_activation,
    "unembed": vocabulary.compose_unembed,
    "softmax": vocabulary.compose_softmax,
    **dict.fromkeys(
        (
            "project_in",
            "query",
            "key",
            "value",
            "router",
            "mlp_gate",
            "mlp_in",
            "mlp_out",
            "head_dense",
            "project_out",
        ),
        product.compose_product,
    ),
    **dict.fromkeys(("expert_weights", "expert_indices", "expert_shares"), stream.compose_vectors),
}
"""By the kind of operation."""


def compose(scenery: Scenery) -> list[Mark]:
    """All marks of a scene."""
    if not scenery.found.panels:
        return []
    return COMPOSERS[scenery.op.kind](scenery)
