"""Which composer draws which kind of operation."""

from __future__ import annotations

from collections.abc import Mapping

from gui.panes.stage.marks import Mark
from gui.panes.stage.scenes import (
    mix,
    neurons,
    norm,
    product,
    routing,
    sampling,
    scores,
    stream,
    vocabulary,
)
from gui.panes.stage.scenes.kit import Composer, Scenery

COMPOSERS: Mapping[str, Composer] = {
    "tokens": vocabulary.compose_tokens,
    "embed": stream.compose_fetch,
    "pos_embed": stream.compose_fetch,
    "token_type_embed": stream.compose_fetch,
    "add": stream.compose_sum,
    "norm_scale": norm.compose_norm,
    "norm": norm.compose_norm,
    "rotate": stream.compose_rotation,
    "dot": scores.compose_scores,
    "scale": scores.compose_scores,
    "bias": scores.compose_scores,
    "cap": scores.compose_scores,
    "mask": scores.compose_scores,
    "pattern": scores.compose_scores,
    "mix": mix.compose_mix,
    "attn_out": product.compose_join,
    "mlp_act": neurons.compose_activation,
    "head_act": neurons.compose_activation,
    "unembed": vocabulary.compose_unembed,
    "softmax": sampling.compose_softmax,
    **dict.fromkeys(
        (
            "project_in",
            "query",
            "key",
            "value",
            "mlp_gate",
            "mlp_in",
            "head_dense",
            "project_out",
        ),
        product.compose_product,
    ),
    "mlp_out": neurons.compose_down,
    **dict.fromkeys(
        ("router", "expert_weights", "expert_indices", "expert_shares"), routing.compose_routing
    ),
}
"""By the kind of operation."""
WITHOUT_COLORS = frozenset(("tokens", "softmax"))
"""Kinds whose scene has no cells."""


def compose(scenery: Scenery) -> list[Mark]:
    """All marks of a scene."""
    if not scenery.found.panels:
        return []
    if scenery.op.kind == "mlp_out" and scenery.model.config.experts is not None:
        return routing.compose_routing(scenery)
    return COMPOSERS[scenery.op.kind](scenery)


def rows_for(kind: str, height: float) -> int:
    """How many keys, neurons, experts or tokens a scene of a kind has room for."""
    counts = {
        "mix": mix.rows_of_values,
        "mlp_out": neurons.rows_of_neurons,
        "softmax": sampling.rows_of_tokens,
        "unembed": vocabulary.rows_of_scores,
    }
    return counts.get(kind, scores.rows_that_fit)(height)
