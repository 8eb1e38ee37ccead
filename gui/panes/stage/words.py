"""What a scene means here: one sentence about this text's own numbers.

Knows an answer, the operation and the tokens; no store, no widget.
"""

from __future__ import annotations

import math

import numpy as np

from gui.panes.stage.changes import changes
from gui.panes.stage.marks import figure
from gui.panes.stage.scenes.kit import EXPERT, Scenery, symbol
from gui.reading.quoting import quoted
from gui.widgets.text import counted
from model.probe.question import Array
from model.probe.scene.asks import Panel
from model.probe.tensors.asks import AXES


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
                f"{counted(len(ids), 'token')}; {own} is number {ids[scenery.position]:,} "
                "of the vocabulary."
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
            return _answers(scenery, own)
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
            return _normed(scenery, own, before.values_RC[0].astype(np.float64), values)
        case "mix":
            return _mix(scenery, own)
        case "attn_out":
            heads = found.panel("parts")
            if heads is None or not heads.is_whole:
                return ""
            lengths = np.linalg.norm(heads.values_RC.astype(np.float64), axis=1)
            most = int(lengths.argmax())
            return f"Head {most} adds most to {own}: a vector of length {lengths[most]:.3g}."
        case "mlp_act" | "head_act":
            return _fires(scenery, own)
        case "unembed" | "softmax":
            if not found.scored or math.isnan(found.scored[0].share):
                return ""
            best = found.scored[0]
            name = quoted(scenery.model.token_text(best.id))
            if not scenery.model.config.causal:  # it guesses what stands there
                return (
                    f"In the place of {own} the likeliest token is {name}, with {best.share:.1%}."
                )
            return f"After {own} the likeliest token is {name}, with {best.share:.1%}."
        case "rotate":
            if found.angles is None or not len(found.angles):
                return ""
            if not found.angles.any():
                return f"{own} stands at position {scenery.position:,}: no pair turns there."
            first, last = (math.degrees(float(found.angles[i])) for i in (0, -1))
            return (
                f"{own} stands at position {scenery.position:,}: its fastest pair of dimensions "
                f"has turned to {first:+.0f}°, its slowest to {last:+.2g}°."
            ).replace("-", "−")
        case _:
            return f"For {own}, {_farthest(out)} of {symbol(out.name)}."


def _farthest(panel: Panel) -> str:
    """Where the number of a row that is farthest from 0 stands: of blocks it is known, too."""
    values = panel.values_RC[0].astype(np.float64)
    at = int(np.nanargmax(np.abs(values))) if np.isfinite(values).any() else 0
    what = AXES[panel.letters[-1]].replace("_", " ")
    place = panel.place(0, at)[-1]
    return f"{what} {place:,} has the number farthest from 0, {figure(float(values[at]))},"


def _normed(scenery: Scenery, own: str, before: Array, after: Array) -> str:
    """How large the numbers are before and after."""
    if scenery.model.config.norm == "rms":
        sizes = [figure(math.sqrt(float(np.mean(x**2))), 3) for x in (before, after)]
        return f"The RMS of the numbers of {own} is {sizes[0]} before and {sizes[1]} after."
    sizes = [figure(float(x.std()), 3) for x in (before, after)]
    return f"The numbers of {own} are spread by {sizes[0]} before and by {sizes[1]} after."


def _answers(scenery: Scenery, own: str) -> str:
    """What the neurons, or their gates, make of the vector."""
    out = scenery.found.panel("out")
    assert out is not None
    values = out.values_RC[0].astype(np.float64)
    weight = scenery.found.panel("weight")
    expert = None if weight is None else EXPERT.search(weight.name)
    of = f" of expert {expert[1]}" if expert else ""
    whose = "the gate of " if scenery.op.kind == "mlp_gate" else ""
    said = _farthest(out).rstrip(",")
    if not out.is_whole:
        return f"For {own}, of {counted(out.n_columns, 'neuron')}{of}, {whose}{said}."
    above = int((values > 0).sum())
    many = f"{above:,} of {counted(values.size, 'neuron')}{of}"
    verb = "have a gate above 0" if whose else "have a number above 0"
    return f"For {own} {many} {verb}; {whose}{said}."


def _fires(scenery: Scenery, own: str) -> str:
    """Which neuron answers most, and how many come near it."""
    out = scenery.found.panel("out")
    assert out is not None
    values = out.values_RC[0].astype(np.float64)
    sizes = np.abs(values)
    most = int(sizes.argmax())
    what = "neuron" if scenery.op.kind == "mlp_act" else "dimension"
    near = int((sizes >= 0.1 * sizes[most]).sum())
    mixed = scenery.model.config.experts is not None and what == "neuron"
    of = " of the expert that counts most" if mixed else ""
    if not sizes[most]:
        return f"For {own} all numbers are 0."
    return (
        f"{what.capitalize()} {most:,} answers {own} most, with {figure(float(values[most]))}; "
        f"{near:,} of {counted(values.size, what)}{of} reach a tenth of that size."
    )


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
    whose = "itself" if key == scenery.position else scenery.told(key)
    share = _percent(weights[most])
    if scenery.read.n_tokens == 1:
        return f"{own} is the only token: all that it reads in this head is its own value."
    after = f"After the softmax, {share} of what {own} reads in this head is the value of {whose}."
    names = [panel.name for panel in chain]
    at = names.index(scenery.op.output) if scenery.op.output in names else len(chain) - 1
    now = chain[at].values_RC[0].astype(np.float64)
    if scenery.op.kind == "dot":
        # Of the keys that it may read: what a later one would give is masked.
        finite = np.where(np.isfinite(now) & (weights > 0), now, -np.inf)
        best = int(finite.argmax())
        fits = best if shown is None else int(shown[best])
        if (weights > 0).sum() == 1 and fits == scenery.position:
            return f"{own} may read its own key alone, with {_minus(figure(now[best]))}."
        which = "its own key" if fits == scenery.position else f"the key of {scenery.told(fits)}"
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
    if n > 1 and not at and hidden == n - 1:
        return (
            f"{own} stands first: it sees itself alone, all {counted(later, 'later key')} masked."
        )
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
    offers = "it offers itself" if key == scenery.position else f"{scenery.told(key)} offers"
    return f"{own} now carries {_percent(values[most])} of what {offers} in this head."


def _percent(share: float) -> str:
    """Of many keys even the one that is read most may have less than one of a hundred."""
    return f"{share:.0%}" if share >= 0.01 else f"{100 * share:.2g}%"
