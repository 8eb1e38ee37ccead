"""What interventions do to the operation on the stage: in a sentence, and as marks on its picture.

Knows interventions, an answer and marks; no store, no widget.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from gui import theme
from gui.panes.stage.marks import Bars, Cell, Dots, Grid, Mark, signs_of
from gui.panes.stage.scenes.kit import Scenery
from gui.panes.stage.stacked import Stacks
from gui.reading.quoting import quoted
from gui.widgets.text import hatch
from model.interventions import (
    AblateHead,
    CutEdge,
    Intervention,
    PatchActivation,
    RemoveMask,
    RemoveNorm,
    RemovePositions,
    RemoveResidual,
    ScaleHead,
    ScaleOutput,
    SetNeuron,
    Steer,
)
from model.operations import Operation, operations
from model.probe.question import Array
from model.probe.scene.asks import Panel, SceneFound

TONE = "warning"
"""Of what an intervention has changed, here as in the line of terms."""
GHOST = 6.0
"""Height of the strip that shows what a vector was before."""


@dataclass(frozen=True, slots=True)
class Change:
    """What an intervention does at the operation, the position and the head in view.

    Attributes:
        intervention: which.
        name: of the activation that it changes.
        says: one sentence.
        written: whether the operation itself writes it; else it only reads it.
    """

    intervention: Intervention
    name: str
    says: str
    written: bool


def changes(scenery: Scenery) -> list[Change]:
    """All that concern the scene: what the operation writes, then what it reads."""
    found: list[Change] = []
    config = scenery.model.config
    ops = {op.output: op for op in operations(config)}
    # The scores and the weights are one scene: a change to any step of it belongs there.
    shown = {panel.name for panel in scenery.found.panels} & set(ops)
    for one in scenery.found.subject.interventions:
        # First what the scene is about: what else of it is changed is said only where that isn't.
        for name in sorted(one.operations(config), key=lambda name: name != scenery.op.output):
            if (name == scenery.op.output or name in shown) and _is_here(one, ops[name], scenery):
                written = name == scenery.op.output
                says = _says(one, ops[name], scenery)
                if not written:
                    says = f"What it reads is changed: {one.words}."
                    if any(p.name == name and p.role == "chain" for p in scenery.found.panels):
                        says = f"A step of this is changed: {one.words}."
                found.append(Change(one, name, says, written))
                break
    return sorted(found, key=lambda change: not change.written)


def _is_here(one: Intervention, op: Operation, scenery: Scenery) -> bool:
    """Whether it changes the position and the head in view; joined heads are all in view."""
    at, head = scenery.position, scenery.asked.head
    joined = scenery.op.kind == "attn_out"
    config = scenery.model.config
    match one:
        case AblateHead() | ScaleHead():
            return joined or one.head == head
        case CutEdge():
            return one.query == at and one.head in (None, head)
        case PatchActivation():
            of = head * config.n_kv_heads // config.n_heads if "G" in op.shape else head
            mine = one.head in (None, of) or joined
            reach = not one.positions and at < len(one.ids)
            return mine and (at in one.positions or reach)
        case Steer():
            return not one.positions or at in one.positions
        case _:
            return True


def _says(one: Intervention, op: Operation, scenery: Scenery) -> str:
    match one:
        case AblateHead(mean=True):
            return f"Head {one.layer}.{one.head} writes its mean over all positions."
        case AblateHead() | ScaleHead(factor=0):
            return f"Cut: head {one.layer}.{one.head} writes zero."
        case ScaleHead():
            whose = f"head {one.layer}.{one.head}"
            return f"What {whose} writes is multiplied by {one.factor:g}."
        case ScaleOutput(factor=0):
            part = "the MLP" if op.output.endswith("mlp_out") else "attention"
            return f"Cut: {part} of block {one.layer} writes zero."
        case ScaleOutput():
            return f"What is written is multiplied by {one.factor:g}."
        case CutEdge():
            how = "is masked" if one.share else "counts for nothing"
            key, query = (quoted(scenery.token(at)) for at in (one.key, one.query))
            return f"Cut: {key} {how} for {query}."
        case SetNeuron():
            return f"Neuron {one.neuron:,} is set to {one.value:g}, whatever it reads."
        case RemoveResidual():
            return "Cut: the stream is not added; what the part wrote takes its place."
        case RemoveMask():
            return "Taken away: nothing is masked, later positions are seen, too."
        case RemoveNorm() if op.kind == "norm_scale":
            return "Taken away: the norm divides by 1."
        case RemoveNorm():
            return "Taken away: the norm passes on what it reads."
        case RemovePositions():
            what = {
                "pos_embed": "the position's vector is zero",
                "rotate": "nothing turns",
                "bias": "distance costs nothing",
            }.get(op.kind, "no positions")
            return f"Taken away: {what}."
        case PatchActivation():
            return f"Put in from another text: {one.words}."
        case Steer():
            return f"A direction is added: {one.words}."
        case _:
            return f"Changed here: {one.words}."


# ------------------------------------------------------------------------------------- marks


@dataclass(frozen=True, slots=True)
class Changed:
    """A frame around what an intervention changed; hatched where nothing is left."""

    box: QRectF
    is_nothing: bool

    def paint(self, painter: QPainter) -> None:
        color = theme.current().color(TONE)
        if self.is_nothing:
            hatch(painter, self.box, color, 6.0)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(color, 1.6, Qt.PenStyle.DashLine))
        painter.drawRect(self.box.adjusted(-1.5, -1.5, 1.5, 1.5))

    def cell_at(self, point: object) -> Cell | None:
        return None


@dataclass(frozen=True, slots=True)
class Ghost:
    """Where bars end on the other side: an outline over each of them.

    Attributes:
        bars: that are drawn.
        values: what they are there.
    """

    bars: Bars
    values: Array

    def span(self, at: int) -> QRectF:
        """Where one of them reached."""
        bars = self.bars
        signs = bars.signs
        share = {"both": 0.5, "positive": 0.0, "negative": 1.0}[signs]
        room = max(12.0, bars.box.width() - 46.0)
        zero = bars.box.left() + room * share
        reach = room * (0.5 if signs == "both" else 1.0)
        value = float(self.values[at])
        fits = signs == "both" or (value < 0) == (signs == "negative")
        length = 0.0
        if fits and np.isfinite(value):
            length = reach * min(1.0, abs(value) / bars.limit)
        line = bars.rect_of((0, at))
        thick = min(9.0, max(2.0, line.height() - 4))
        left = zero - length if value < 0 else zero
        return QRectF(left, line.center().y() - thick / 2, length, thick)

    def paint(self, painter: QPainter) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.current().color("text", 0.8), 1.0))
        drawn = self.bars.panel.values_RC[0]
        for at, value in enumerate(self.values):
            if not np.isclose(value, drawn[at], rtol=1e-5, atol=1e-6 * self.bars.limit):
                painter.drawRect(self.span(at))

    def cell_at(self, point: object) -> Cell | None:
        return None


def with_changes(marks: list[Mark], scenery: Scenery) -> list[Mark]:
    """A scene's marks with the other side's as ghosts, and frames around what is changed."""
    drawn: list[Mark] = []
    for mark in marks:
        drawn += _with_ghost(mark, scenery.other, scenery.other_name)
    for change in changes(scenery):
        for mark in list(drawn):
            if isinstance(mark, Grid | Bars | Dots | Stacks) and mark.panel.name == change.name:
                drawn += _frames(mark, change, scenery)
        if isinstance(change.intervention, AblateHead | ScaleHead):
            drawn += _head_of_joined(drawn, change)
    return drawn


def has_ghosts(marks: list[Mark], scenery: Scenery) -> bool:
    """Whether the other side is drawn somewhere: it may have the same numbers."""
    strips = f" {scenery.other_name}"
    return scenery.other is not None and any(
        isinstance(mark, Ghost) or (isinstance(mark, Grid) and mark.panel.name.endswith(strips))
        for mark in marks
    )


def _frames(mark: Grid | Bars | Dots | Stacks, change: Change, scenery: Scenery) -> list[Mark]:
    """Around what of a mark is changed."""
    one = change.intervention
    panel = mark.panel
    columns = range(panel.values_RC.shape[1])
    at = {
        place: i
        for i, place in enumerate(columns if panel.at_columns is None else panel.at_columns)
    }
    if isinstance(one, CutEdge):
        return [_frame(mark, at[one.key])] if one.key in at else []
    if isinstance(one, SetNeuron):
        if one.neuron not in at or not panel.is_whole:
            return []
        return [_frame(mark, at[one.neuron])]
    if isinstance(one, AblateHead | ScaleHead) and scenery.op.kind == "attn_out":
        return []  # its rows, below
    if isinstance(mark, Dots):
        return []
    return [Changed(mark.box, not panel.values_RC.any() and not isinstance(mark, Stacks))]


def _frame(mark: Grid | Bars | Dots | Stacks, column: int) -> Changed:
    """Around one number of a row."""
    return Changed(mark.rect_of((0, column)), mark.panel.values_RC[0, column] == 0)


def _head_of_joined(marks: list[Mark], change: Change) -> list[Mark]:
    """The rows of a head where all heads are joined."""
    one = change.intervention
    assert isinstance(one, AblateHead | ScaleHead)
    found: list[Mark] = []
    for mark in marks:
        if isinstance(mark, Grid) and mark.panel.letters[0] == "H" and mark.panel.is_whole:
            first = mark.rect_of((one.head, 0))
            row = QRectF(mark.box.left(), first.top(), mark.box.width(), first.height())
            found.append(Changed(row, not mark.values[one.head].any()))
    return found


def _with_ghost(mark: Mark, other: SceneFound | None, name: str) -> list[Mark]:
    if other is None or not isinstance(mark, Grid | Bars):
        return [mark]
    old = _same(mark.panel, other)
    if old is None or np.array_equal(old.values_RC, mark.panel.values_RC, equal_nan=True):
        return [mark]
    if isinstance(mark, Bars):
        values = _aligned(mark.panel, old)
        if values is None or signs_of(values) not in (mark.signs, "positive", "negative"):
            return [mark]
        return [mark, Ghost(mark, values)]
    if mark.panel.role != "out" or mark.box.height() < 2 * GHOST or mark.upright:
        return [mark]
    high = mark.box.height() - GHOST - 1
    box = mark.box
    now = replace(mark, box=QRectF(box.left(), box.top(), box.width(), high))
    strip = QRectF(box.left(), box.top() + high + 1, box.width(), GHOST)
    if old.values_RC.shape != mark.panel.values_RC.shape:
        return [mark]
    old = replace(old, role="in", name=f"{old.name} {name}")
    return [now, Grid(old, strip, limit=mark.limit)]


def _same(panel: Panel, other: SceneFound) -> Panel | None:
    """The panel of the same tensor on the other side."""
    for old in other.panels:
        if old.name == panel.name and old.role == panel.role and old.index == panel.index:
            return old
    return None


def _aligned(panel: Panel, old: Panel) -> Array | None:
    """What the places of a row are on the other side; NaN where that isn't known."""
    n = panel.values_RC.shape[1]
    places = range(n) if panel.at_columns is None else panel.at_columns
    was = range(old.values_RC.shape[1]) if old.at_columns is None else old.at_columns
    known = {int(place): i for i, place in enumerate(was)}
    values = [
        old.values_RC[0, known[int(place)]] if int(place) in known else np.nan for place in places
    ]
    return np.array(values, dtype=np.float64) if np.isfinite(values).any() else None
