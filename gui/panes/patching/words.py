"""What the patching pane says: how two prompts lie beside each other, cells, and what a map shows.

Pure functions of answers, tokens and the model's description; no store, no widget.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gui.panes.patching import sweep_map
from gui.panes.patching.sweep_map import Cell, SweepMap
from gui.reading.quoting import quoted
from model.counting import counted
from model.messages import ModelInfo, PromptRead
from model.probe.facts.asks import Facts, FactsFound
from model.probe.patch.alignment import aligned
from model.probe.patch.asks import Kind, Patch, PatchFound

WEAK = 0.25
"""A share of the way below which a place is not said to carry the difference."""

NAMES = {
    "residual": "stream into block",
    "attention": "attention of block",
    "mlp": "MLP of block",
    "z": "head",
    "q": "query of head",
    "k": "key of head",
    "v": "value of head",
    "pattern": "pattern of head",
}


def beside(read: PromptRead, ids: Sequence[int], model: ModelInfo, kind: Kind) -> tuple[str, str]:
    """How B's tokens lie beside A's, and the tone in which that is said."""
    own = read.subject.ids
    if tuple(ids) == own:
        return "B has the same tokens as A: change a word in it.", "warning"
    sources = aligned(own, ids)
    if len(ids) != len(own):
        lengths = f"B has {counted(len(ids), 'token')}, A {len(own)}"
        if kind == "pattern":
            why = "patterns need as many in both. Reword B, or choose heads."
            return f"{lengths}: {why}", "warning"
        alone = [at for at, source in enumerate(sources) if source < 0]
        said = f"{lengths}: paired from both ends"
        if alone:
            left = _listed([f"{at} {read.tokens[at].text}" for at in alone])
            stays = "stays as it is" if len(alone) == 1 else "stay as they are"
            return f"{said}; {left} of A {stays}.", "warning"
        skipped = len(ids) - len(own)
        return f"{said}; {counted(skipped, 'token')} of B between them left out.", "warning"
    pairs = [
        f"{at} {read.tokens[at].text} → {model.token_text(ids[at])}"
        for at in range(len(own))
        if own[at] != ids[at]
    ]
    return f"{counted(len(ids), 'token')}, as in A; other at {_listed(pairs)}", "dim"


def number(value: float, form: str) -> str:
    """A number in a sentence, with a real minus."""
    return format(value, form).replace("-", "−")


def _listed(some: Sequence[str], most: int = 3) -> str:
    more = len(some) - most
    return ", ".join(some[:most]) + (f" and {more} more" if more > 0 else "")


def place(cell: Cell, kind: str, read: PromptRead) -> str:
    """``MLP of block 2 at 3 ·king``."""
    where = f"{cell.layer}" if cell.head is None else f"{cell.layer}.{cell.head}"
    token = "" if cell.position is None else f" at {_at(read, cell.position)}"
    return f"{NAMES[kind]} {where}{token}"


def hover(answer: PatchFound | FactsFound, cell: Cell, read: PromptRead, model: ModelInfo) -> str:
    """What hovering a cell says."""
    at = sweep_map.at(answer, cell)
    if isinstance(answer, FactsFound):
        return _hover_fact(answer, cell, at, read)
    question = answer.question
    assert isinstance(question, Patch)
    lines = [place(cell, question.kind, read)]
    if cell.position is not None and (source := answer.sources[cell.position]) >= 0:
        theirs = question.clean_ids[source]
        if theirs != read.tokens[cell.position].id:
            lines.append(f"B has {model.token_text(theirs)} here")
    if cell.position is not None and answer.sources[cell.position] < 0:
        return "\n".join((*lines, "B has no token here: it stays as it is."))
    share, value = float(answer.recovered[at]), float(answer.values[at])
    exact = bool(answer.done[at])
    if np.isnan(share):
        lines.append(answer.problem or "Still to run")
        return "\n".join(lines)
    lines.append(f"{number(share, '+.3f')} of the way from A to B{'' if exact else ' (estimate)'}")
    lines.append(f"{measured(answer, model)}: {number(value, '.4g')}")
    lines.append(f"A {number(answer.corrupted, '.4g')} · B {number(answer.clean, '.4g')}")
    if exact and np.isfinite(answer.preview[at]):
        lines.append(f"the gradient's estimate was {number(float(answer.preview[at]), '+.3f')}")
    lines.append(activation(cell, question.kind))
    return "\n".join(lines)


def _hover_fact(answer: FactsFound, cell: Cell, at: tuple[int, ...], read: PromptRead) -> str:
    question = answer.question
    assert isinstance(question, Facts)
    lines = [restored(answer, cell, read)]
    if np.isnan(answer.effect[at]):
        return "\n".join((*lines, "Still to run"))
    lines.append(f"{number(float(answer.effect[at]), '+.4g')} comes back")
    lines.append(f"{answer.measure}: {number(float(answer.values[at]), '.4g')}")
    lines.append(
        f"under noise {number(answer.corrupted, '.4g')} · without {number(answer.clean, '.4g')}"
    )
    return "\n".join(lines)


def activation(cell: Cell, kind: str) -> str:
    """The name of what is put in."""
    tail = {
        "residual": "hook_resid_pre",
        "attention": "hook_attn_out",
        "mlp": "hook_mlp_out",
    }.get(kind, f"attn.hook_{kind}")
    return f"blocks.{cell.layer}.{tail}"


def measured(found: PatchFound | FactsFound, model: ModelInfo) -> str:
    """``logit difference of “·her” and “·his”``."""
    target = model.token_text(found.target)
    if found.measure == "KL divergence":
        return "KL divergence from B, nats"
    if found.against is None:
        return f"{found.measure} of {quoted(target)}"
    return f"{found.measure} {quoted(target)} − {quoted(model.token_text(found.against))}"


def heading(found: PatchFound | FactsFound, model: ModelInfo) -> str:
    """What is measured, and between which ends."""
    if isinstance(found, FactsFound):
        ends = f"{number(found.clean, '.3g')}, under noise {number(found.corrupted, '.3g')}"
    else:
        ends = f"A {number(found.corrupted, '.3g')} · B {number(found.clean, '.3g')}"
    return f"{measured(found, model)}: {ends}"


# ------------------------------------------------------------------- what a map shows here


def here(answer: PatchFound | FactsFound, drawn: SweepMap, read: PromptRead) -> str:
    """What the map says of this text, in a sentence or two."""
    if isinstance(answer, FactsFound):
        return _of_fact(answer, drawn, read)
    if answer.problem:
        return answer.problem
    question = answer.question
    assert isinstance(question, Patch)
    said = ""
    if question.kind == "residual" and not question.together:
        said = _along_the_stream(drawn, read, "What makes the difference is", 1.0)
    if not said:
        said = _strongest_place(drawn, read, question.kind)
    if np.isfinite(answer.preview_correlation) and answer.is_whole:
        said += f" Gradient and passes agree with r = {answer.preview_correlation:.2f}."
    elif not answer.is_whole:
        said = f"By the gradient's estimate so far: {said[:1].lower()}{said[1:]}"
    return said


def _along_the_stream(drawn: SweepMap, read: PromptRead, begin: str, whole: float) -> str:
    """At which token each layer's stream carries most; empty where none does."""
    values = drawn.values_RC
    runs: list[tuple[int, int, int, float]] = []
    for row, cells in enumerate(drawn.cells):
        column = sweep_map.strongest(values[row : row + 1])
        if column is None or values[row, column[1]] < WEAK * whole:
            continue
        layer, position = cells[0].layer, column[1]
        share = float(values[row, position]) / whole
        if runs and runs[-1][2] == position and runs[-1][1] == layer - 1:
            runs[-1] = (runs[-1][0], layer, position, max(runs[-1][3], share))
        else:
            runs.append((layer, layer, position, share))
    if not runs:
        return ""
    parts = []
    for first, last, position, share in runs[:4]:
        blocks = f"block {first} reads" if first == last else f"blocks {first} to {last} read"
        parts.append(f"at {_token(read, position)} where {blocks} ({share:.0%})")
    more = "; then elsewhere" if len(runs) > 4 else ""
    return f"{begin} {', then '.join(parts)}{more}."


def _strongest_place(drawn: SweepMap, read: PromptRead, kind: str) -> str:
    values = drawn.values_RC
    best = sweep_map.strongest(values)
    if best is None:
        return "Nothing is known yet."
    share = float(values[best])
    cell = drawn.cells[best[0]][best[1]]
    said = _said(cell, kind, read)
    if share < WEAK:
        return f"No single place carries it: the most is {share:.0%} of the way, by {said}."
    rest = np.array(values, float)
    rest[best] = np.nan
    second = sweep_map.strongest(rest)
    text = f"Most comes with {said}: {share:.0%} of the way from A to B"
    if second is not None and rest[second] >= 0.1:
        other = drawn.cells[second[0]][second[1]]
        text += f"; next is {_said(other, kind, read)} with {float(rest[second]):.0%}"
    return f"{text}."


def _said(cell: Cell, kind: str, read: PromptRead) -> str:
    where = f"{cell.layer}" if cell.head is None else f"{cell.layer}.{cell.head}"
    token = "" if cell.position is None else f" at {_token(read, cell.position)}"
    article = "" if kind == "z" else "the "
    return f"{article}{NAMES[kind]} {where}{token}"


def _at(read: PromptRead, position: int) -> str:
    return f"{position} {read.tokens[position].text}"


def _token(read: PromptRead, position: int) -> str:
    return f"{quoted(read.tokens[position].text)} ({position})"


def restored(found: FactsFound, cell: Cell, read: PromptRead) -> str:
    """``MLPs of blocks 1 to 3 at 4 ·Jordan``."""
    token = "" if cell.position is None else f" at {_at(read, cell.position)}"
    return f"{_layers(found, cell.layer)}{token}"


def _layers(found: FactsFound, layer: int) -> str:
    question = found.question
    assert isinstance(question, Facts)
    if question.kind == "residual":
        return f"stream into block {layer}"
    first = max(0, layer - (found.window - 1) // 2)
    last = min(len(found.effect), layer + found.window // 2 + 1) - 1
    part = "MLP" if question.kind == "mlp" else "attention"
    if first == last:
        return f"{part} of block {first}"
    return f"{part}{'s' if part == 'MLP' else ''} of blocks {first} to {last}"


def _of_fact(found: FactsFound, drawn: SweepMap, read: PromptRead) -> str:
    question = found.question
    assert isinstance(question, Facts)
    lost = found.clean - found.corrupted
    if not found.is_whole:
        return "Places are restored one by one; the map fills from coarse to fine."
    if lost <= 0.02 * max(abs(found.clean), 1e-9):
        return (
            "Hiding these words hardly changes the answer, so there is nothing to bring back: "
            "choose other words, or more noise."
        )
    if question.kind == "residual":
        said = _along_the_stream(drawn, read, "The fact is brought back", lost)
        return said or "No single place of the stream brings the fact back."
    row, column = found.best_layer, found.best_position
    share = float(found.effect[row, column]) / lost
    best = f"the {_layers(found, row)} at {_token(read, column)}"
    if share < WEAK:
        return f"No single place holds it: the most, {share:.0%}, comes back by {best}."
    said = (
        f"{best[:1].upper()}{best[1:]} bring{_s(found, row)} back {share:.0%} of what noise takes"
    )
    if not found.first <= column <= found.last:
        own = found.effect[:, found.first : found.last + 1]
        place_own = sweep_map.strongest(own)
        if place_own is not None:
            layer, position = place_own[0], found.first + place_own[1]
            held = float(own[place_own]) / lost
            said += (
                f"; of the hidden words the most is {held:.0%}, by the {_layers(found, layer)} at "
                f"{_token(read, position)}"
            )
    return f"{said}."


def _s(found: FactsFound, layer: int) -> str:
    """``bring`` or ``brings``."""
    return "" if _layers(found, layer).startswith("MLPs") else "s"
