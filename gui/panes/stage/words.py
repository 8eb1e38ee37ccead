"""What a scene means here: one sentence about this text's own numbers.

Knows an answer, the operation and the tokens; no store, no widget.
"""

from __future__ import annotations

import math

import numpy as np

from gui.panes.stage.marks import figure
from gui.panes.stage.scenes.kit import Scenery, symbol
from gui.widgets.text import counted


def here(scenery: Scenery) -> str:
    """What the operation did with this text; empty where there is nothing plain to say."""
    kind = scenery.op.kind
    own = f"“{scenery.token(scenery.position)}”"
    found = scenery.found
    out = found.panel("out")
    if kind in ("dot", "scale", "bias", "cap", "mask", "pattern"):
        return _scores(scenery, own)
    if out is None:
        return ""
    values = out.values_RC[0].astype(np.float64)
    vectors = [p.values_RC for p in found.panels if p.role in ("in", "out", "heads")]
    if bad := sum(int((~np.isfinite(each)).sum()) for each in vectors):
        return f"{counted(bad, 'number')} on the stage stand for nothing: no number, or too large."
    match kind:
        case "embed":
            id = scenery.read.subject.ids[scenery.position]
            return f"{own} is token {id:,}: its row of the table, {out.n_columns:,} numbers."
        case "tokens":
            ids = scenery.read.subject.ids
            return (
                f"{len(ids):,} tokens; {own} is number {ids[scenery.position]:,} of the vocabulary."
            )
        case "pos_embed":
            row = scenery.position + scenery.model.config.position_offset
            return f"{own} stands at position {scenery.position}: row {row:,} is added to it."
        case "token_type_embed":
            return f"The same row is added to {own} as to every token of the first text."
        case "norm_scale":
            return f"The numbers of {own} are divided by {figure(float(values[0]), 3)}."
        case "expert_indices":
            chosen = ", ".join(str(int(each)) for each in values)
            return f"{own} is sent to the experts {chosen}."
        case "expert_weights" | "expert_shares" | "router":
            at = int(np.nanargmax(values)) if np.isfinite(values).any() else 0
            return f"For {own} the largest is {figure(float(values[at]), 3)}, at {at:,}."
        case "query" | "key" | "value":
            length = float(np.linalg.norm(values))
            n = out.n_columns
            return f"{own} gets {n:,} numbers for this head, a vector of length {length:.3g}."
        case "mlp_in" | "mlp_gate":
            above = int((values > 0).sum())
            return f"{above:,} of {values.size:,} neurons answer {own} with a positive number."
        case "mlp_out":
            length = float(np.linalg.norm(values))
            return f"All neurons together write a vector of length {length:.3g} for {own}."
        case "add":
            parts = found.all_of("in")
            if len(parts) < 2:
                return ""
            first, last = (found.lengths[p.name] for p in (parts[0], parts[-1]))
            share = last / first if first else math.inf
            cosine = found.cosines.get(parts[0].name)
            turned = "" if cosine is None else f", and turns it by {_degrees(cosine)}"
            return (
                f"What is added to {own} is {share:.0%} as long as what was there{turned}: "
                f"‖·‖ {first:.3g} becomes {found.lengths[out.name]:.3g}."
            )
        case "norm":
            before = found.panel("in")
            assert before is not None
            spread = float(before.values_RC[0].astype(np.float64).std())
            return (
                f"The numbers of {own} are spread by {figure(spread, 3)} before and by "
                f"{figure(float(values.std()), 3)} after."
            )
        case "mix":
            return _mix(scenery, own)
        case "attn_out":
            heads = found.panel("heads")
            if heads is None:
                return ""
            lengths = np.linalg.norm(heads.values_RC.astype(np.float64), axis=1)
            most = int(lengths.argmax())
            return f"Head {most} adds most to {own}: a vector of length {lengths[most]:.3g}."
        case "mlp_act":
            fire = int((values > 0.05 * np.nanmax(np.abs(values))).sum()) if values.size else 0
            return f"For {own}, {fire:,} of {values.size:,} neurons fire strongly."
        case "unembed" | "softmax":
            if not found.scored:
                return ""
            best = found.scored[0]
            name = scenery.model.token_text(best.id)
            if math.isnan(best.share):
                return ""
            return f"After {own} the likeliest token is “{name}”, with {best.share:.1%}."
        case "rotate":
            return (
                f"{own} stands at position {scenery.position}: the farther on, the more it turns."
            )
        case _:
            name = symbol(out.name)
            at = int(np.nanargmax(np.abs(values))) if np.isfinite(values).any() else 0
            return f"For {own}, the largest number of {name} is {figure(values[at])}, at {at:,}."


def _degrees(cosine: float) -> str:
    return f"{math.degrees(math.acos(min(1.0, max(-1.0, cosine)))):.0f}°"


def _scores(scenery: Scenery, own: str) -> str:
    chain = scenery.found.all_of("chain")
    if not chain:
        return ""
    weights = chain[-1].values_RC[0].astype(np.float64)
    if not np.isfinite(weights).any():
        return "No weight of this row is a number."
    most = int(np.nanargmax(weights))
    shown = chain[-1].at_columns
    key = most if shown is None else int(shown[most])
    name = scenery.token(key)
    whose = "itself" if key == scenery.position else f"“{name}”"
    share = f"{weights[most]:.0%}"
    return f"After the softmax, {share} of what {own} reads in this head is the value of {whose}."


def _mix(scenery: Scenery, own: str) -> str:
    weights = scenery.found.all_of("in")[0]
    values = weights.values_RC[0].astype(np.float64)
    if not np.isfinite(values).any():
        return ""
    most = int(np.nanargmax(values))
    shown = weights.at_columns
    key = most if shown is None else int(shown[most])
    return (
        f"{own} now carries {values[most]:.0%} of what “{scenery.token(key)}” offers in this head."
    )
