"""What a scene means here: one sentence about this text's own numbers.

Knows an answer, the operation and the tokens; no store, no widget.
"""

from __future__ import annotations

import math

import numpy as np

from gui.panes.stage.changes import changes
from gui.panes.stage.marks import figure
from gui.panes.stage.scenes.kit import Scenery, symbol
from gui.reading.quoting import quoted
from gui.widgets.text import counted


def here(scenery: Scenery) -> str:
    """What the operation did with this text; empty where there is nothing plain to say.

    Where an intervention changes what it writes, that is what it did.
    """
    found = changes(scenery)
    written = [change.says for change in found if change.written]
    usual = _usual(scenery)
    return " ".join(written or (*(change.says for change in found), usual)).strip()


def _usual(scenery: Scenery) -> str:
    kind = scenery.op.kind
    own = quoted(scenery.token(scenery.position))
    found = scenery.found
    out = found.panel("out")
    if kind in ("dot", "scale", "bias", "cap", "mask", "pattern"):
        return _scores(scenery, own)
    if kind in ("router", "expert_weights", "expert_indices", "expert_shares"):
        return _routing(scenery, own)
    if out is None:
        return ""
    values = out.values_RC[0].astype(np.float64)
    vectors = [p.values_RC for p in found.panels if p.role in ("in", "out", "parts")]
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
        case "query" | "key" | "value":
            length = float(np.linalg.norm(values))
            n = out.n_columns
            return f"{own} gets {n:,} numbers for this head, a vector of length {length:.3g}."
        case "mlp_in" | "mlp_gate":
            if not out.is_whole:
                return f"{out.n_columns:,} numbers for {own}, one for each neuron."
            above = int((values > 0).sum())
            return f"{above:,} of {values.size:,} neurons answer {own} with a positive number."
        case "mlp_out":
            return _down(scenery, own)
        case "add":
            parts = found.all_of("in")
            if len(parts) < 2 or not {parts[0].name, out.name} <= set(found.lengths):
                return ""
            first = found.lengths[parts[0].name]
            added = np.sum([p.values_RC[0].astype(np.float64) for p in parts[1:]], axis=0)
            share = float(np.linalg.norm(added)) / first if first else math.inf
            cosine = found.cosines.get(parts[0].name)
            turned = "" if cosine is None else f", and turns it by {_degrees(cosine)}"
            return (
                f"What is added to {own} is {share:.0%} as long as what was there{turned}: "
                f"length {first:.3g} becomes {found.lengths[out.name]:.3g}."
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
            heads = found.panel("parts")
            if heads is None or not heads.is_whole:
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
            return f"After {own} the likeliest token is {quoted(name)}, with {best.share:.1%}."
        case "rotate":
            if found.angles is None or not len(found.angles):
                return ""
            first, last = (math.degrees(float(found.angles[i])) for i in (0, -1))
            return (
                f"{own} stands at position {scenery.position:,}: its fastest pair of dimensions "
                f"has turned to {first:+.0f}°, its slowest to {last:+.2g}°."
            ).replace("-", "−")
        case _:
            name = symbol(out.name)
            at = int(np.nanargmax(np.abs(values))) if np.isfinite(values).any() else 0
            return f"For {own}, the largest number of {name} is {figure(values[at])}, at {at:,}."


def _degrees(cosine: float) -> str:
    return f"{math.degrees(math.acos(min(1.0, max(-1.0, cosine)))):.0f}°"


def _scores(scenery: Scenery, own: str) -> str:
    """What this step did to the score of the key that is told of, and what comes of it."""
    chain = scenery.found.all_of("chain")
    if not chain:
        return ""
    weights = chain[-1].values_RC[0].astype(np.float64)
    if not np.isfinite(weights).any():
        return "No weight of this row is a number."
    most = int(np.nanargmax(weights))
    shown = chain[-1].at_columns
    key = most if shown is None else int(shown[most])
    whose = "itself" if key == scenery.position else quoted(scenery.token(key))
    share = f"{weights[most]:.0%}"
    after = f"After the softmax, {share} of what {own} reads in this head is the value of {whose}."
    names = [panel.name for panel in chain]
    at = names.index(scenery.op.output) if scenery.op.output in names else len(chain) - 1
    now = chain[at].values_RC[0].astype(np.float64)
    if scenery.op.kind == "dot":
        finite = np.where(np.isfinite(now), now, -np.inf)
        best = int(finite.argmax())
        fits = best if shown is None else int(shown[best])
        key_of = quoted(scenery.token(fits))
        which = "its own key" if fits == scenery.position else f"the key of {key_of}"
        return f"{own} fits {which} best, with {_minus(figure(now[best]))}. {after}"
    if scenery.op.kind in ("scale", "bias", "cap") and at > 0:
        before = _minus(figure(float(chain[at - 1].values_RC[0, most])))
        return f"The score of {whose}: {before} becomes {_minus(figure(now[most]))}. {after}"
    if scenery.op.kind == "mask":
        return f"{_masked(scenery, own)} {after}"
    return after


def _masked(scenery: Scenery, own: str) -> str:
    """How many keys the query may not see, of all that the text has."""
    config, n, at = scenery.model.config, scenery.read.n_tokens, scenery.position
    window = config.window_at(scenery.op.layer or 0)
    later = n - 1 - at if config.causal else 0
    far = 0
    if window is not None:
        far = max(0, at - window + 1)
        if not config.causal:
            far += max(0, n - at - window)
    hidden = later + far
    if not hidden:
        last = "stands last: " if at == n - 1 and config.causal else "sees all: "
        return f"{own} {last}none of the {counted(n, 'key')} is masked."
    return f"For {own} {hidden:,} of {counted(n, 'key')} {'is' if hidden == 1 else 'are'} masked."


def _minus(text: str) -> str:
    return text.replace("-", "−")


def _routing(scenery: Scenery, own: str) -> str:
    """To whom a position is sent, and how much each counts."""
    found = scenery.found
    chain, parts = found.all_of("chain"), found.panel("parts")
    if len(chain) < 3 or parts is None or parts.at_rows is None:
        return ""
    shares = chain[2].values_RC[0].astype(np.float64)
    each = [f"{int(e)} ({share:.0%})" for e, share in zip(parts.at_rows, shares)]
    said = each[0] if len(each) == 1 else f"{', '.join(each[:-1])} and {each[-1]}"
    experts = scenery.model.config.experts
    n = 0 if experts is None else experts.n
    plural = "expert" if len(each) == 1 else "experts"
    return f"Of {n} experts {own} is sent to {plural} {said}."


def _down(scenery: Scenery, own: str) -> str:
    """Which neuron, or which experts, write most."""
    found = scenery.found
    out, parts = found.panel("out"), found.panel("parts")
    if scenery.model.config.experts is not None:
        return _routing(scenery, own)
    if out is None or parts is None or parts.at_rows is None or not parts.is_whole:
        return ""
    lengths = np.linalg.norm(parts.values_RC.astype(np.float64), axis=1)
    neuron = int(parts.at_rows[0])
    total = found.lengths.get(out.name, float(np.linalg.norm(out.values_RC.astype(np.float64))))
    said = (
        f"Neuron {neuron:,} writes most for {own}: a vector of length {lengths[0]:.3g}; all "
        f"together one of {total:.3g}."
    )
    if found.promoted and found.promoted[0]:
        best = scenery.model.token_text(found.promoted[0][0][0])
        said += f" It raises the score of {quoted(best)} most."
    return said


def _mix(scenery: Scenery, own: str) -> str:
    weights = scenery.found.all_of("in")[0]
    values = weights.values_RC[0].astype(np.float64)
    if not np.isfinite(values).any():
        return ""
    most = int(np.nanargmax(values))
    shown = weights.at_columns
    key = most if shown is None else int(shown[most])
    offered = quoted(scenery.token(key))
    return f"{own} now carries {values[most]:.0%} of what {offered} offers in this head."
