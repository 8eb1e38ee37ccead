"""The residual stream: rows that are fetched, sums, norms, rotations, nonlinearities."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from gui import theme
from gui.panes.stage.marks import Bars, Dots, Grid, Lines, Mark, Words, figure, limit_of, signs_of
from gui.panes.stage.scenes.kit import (
    CENTER,
    LABEL,
    LINE,
    RIGHT,
    STRIP,
    Scenery,
    above,
    caption,
    length_note,
    symbol,
    vector,
)
from model.probe.question import Array
from model.probe.scene.asks import Panel

N_BINS = 41
"""Of a distribution of a vector's numbers."""


def compose_fetch(scenery: Scenery) -> list[Mark]:
    """A row of a table, among its neighbours, as what comes out."""
    found, room = scenery.found, scenery.room
    table, out = found.panel("table"), found.panel("out")
    assert out is not None
    marks: list[Mark] = []
    top = room.top() + LINE + 2
    if table is not None:
        rows, columns = table.values_RC.shape
        at = table.at_rows if table.at_rows is not None else np.arange(rows)
        high = min(20.0, (room.height() - STRIP - 4 * LINE) / rows)
        wide = min(room.width() - LABEL - 84, columns * 14.0)
        grid = Grid(
            table,
            QRectF(room.left() + LABEL, top, wide, rows * high),
            limit=limit_of(table.values_RC, out.values_RC),
        )
        marks.append(caption(f"rows of {table.name}, {columns:,} numbers each", above(grid.box)))
        fetched = _fetched(scenery)
        font = theme.mono(theme.SMALL_FONT_SIZE)
        for i, place in enumerate(int(each) for each in at):
            box = grid.rect_of((i, 0))
            tone = "accent" if place == fetched else "faint"
            name = scenery.model.token_text(place) if table.letters == "VD" else ""
            label = QRectF(room.left(), box.top(), LABEL - 8, box.height())
            marks.append(Words(name or str(place), label, tone, RIGHT, font))
            beside = QRectF(grid.box.right() + 8, box.top(), 70, box.height())
            marks.append(Words(f"{place:,}", beside, tone, font=font))
        strength = np.where(np.asarray(at) == fetched, 1.0, 0.25)
        marks.append(Grid(table, grid.box, limit=grid.limit, strength=strength))
        row = list(np.asarray(at)).index(fetched) if fetched in list(at) else 0
        y = grid.rect_of((row, 0)).bottom()
        middle = grid.box.left() + 10
        marks.append(
            Lines(
                (QPointF(middle, y), QPointF(middle, grid.box.bottom() + LINE + 2)),
                "accent",
                arrow=True,
            )
        )
        top = grid.box.bottom() + LINE + 6
    vector(
        marks,
        symbol(out.name),
        out,
        QRectF(room.left(), top, room.width(), STRIP),
        note=length_note(out, found.lengths),
    )
    return marks


def _fetched(scenery: Scenery) -> int:
    if scenery.op.kind == "embed":
        return scenery.read.subject.ids[scenery.position]
    if scenery.op.kind == "pos_embed":
        return scenery.position + scenery.model.config.position_offset
    return 0


def compose_sum(scenery: Scenery) -> list[Mark]:
    """Vectors that are added, with their lengths, and how they lie to each other."""
    found, room = scenery.found, scenery.room
    parts, out = found.all_of("in"), found.panel("out")
    assert out is not None
    marks: list[Mark] = []
    drawing = min(240.0, room.width() * 0.3)
    wide = room.width() - drawing - 16
    step = min(54.0, (room.height() - 10) / (len(parts) + 1))
    limit = limit_of(*(p.values_RC for p in parts), out.values_RC)
    y = room.top() + 8
    for i, panel in enumerate((*parts, out)):
        last = panel is out
        if last:
            marks.append(
                Lines(
                    (QPointF(room.left() + LABEL, y - 6), QPointF(room.left() + wide - 84, y - 6))
                )
            )
        sign = "= " if last else "+ " if i else ""
        grid = vector(
            marks,
            sign + symbol(panel.name),
            panel,
            QRectF(room.left(), y, wide, min(26.0, step - 12)),
            note=length_note(panel, found.lengths),
        )
        marks[marks.index(grid)] = Grid(panel, grid.box, limit=limit)
        y += step
    if len(parts) == 2:
        box = QRectF(room.right() - drawing, room.top() + LINE, drawing, room.height() - 2 * LINE)
        marks += _triangle(parts[0], parts[1], out, box)
    return marks


def _triangle(first: Panel, second: Panel, out: Panel, box: QRectF) -> list[Mark]:
    """Both vectors and their sum, true to length and angle, in the plane that they span."""
    a, b = (p.values_RC[0].astype(np.float64) for p in (first, second))
    if len(a) != len(b) or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return []
    length_a, length_b = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    if length_a == 0 or length_b == 0:
        return []
    cosine = float(np.clip(a @ b / (length_a * length_b), -1, 1))
    ax, ay = length_a, 0.0
    bx, by = length_b * cosine, length_b * math.sqrt(max(0.0, 1 - cosine**2))
    points = np.array([[0, 0], [ax, ay], [ax + bx, ay + by]])
    low, high = points.min(axis=0), points.max(axis=0)
    size = np.maximum(high - low, 1e-9)
    scale = min(box.width() / size[0], (box.height() - LINE) / max(size[1], size[0] * 0.12))
    middle = (low + high) / 2

    def at(x: float, y: float) -> QPointF:
        return QPointF(
            box.center().x() + (x - middle[0]) * scale,
            box.center().y() - LINE / 2 - (y - middle[1]) * scale,
        )

    origin, tip, end = at(0, 0), at(ax, ay), at(ax + bx, ay + by)
    angle = math.degrees(math.acos(cosine))
    words = QRectF(box.left(), box.bottom() - LINE, box.width(), LINE)
    return [
        Lines((origin, tip), "dim", 2.0, arrow=True),
        Lines((tip, end), "negative", 2.0, arrow=True),
        Lines((origin, end), "accent", 2.0, arrow=True),
        caption(f"angle between them {angle:.0f}°, true to length", words),
    ]


def compose_norm(scenery: Scenery) -> list[Mark]:
    """All numbers of the vector as a distribution, before and after."""
    found, room = scenery.found, scenery.room
    before = found.panel("in")
    out, weight = found.panel("out"), found.panel("bias")
    assert before is not None
    assert out is not None
    rms = scenery.model.config.norm == "rms"
    x = before.values_RC[0].astype(np.float64)
    mean, spread = _mean(x), _spread(x, 0.0 if rms else _mean(x))
    marks: list[Mark] = []
    y = room.top() + 4
    words = f"σ {figure(spread, 3)}" if rms else f"mean {figure(mean, 3)}  σ {figure(spread, 3)}"
    after = scenery.op.kind == "norm"
    vector(marks, "before", before, QRectF(room.left(), y, room.width() - 90, STRIP), note=words)
    y += STRIP + 8
    if after:
        if weight is not None:
            strip = QRectF(room.left(), y, room.width() - 90, STRIP)
            vector(marks, symbol(weight.name), weight, strip, note="weight")
            y += STRIP + 8
        o = out.values_RC[0].astype(np.float64)
        note = f"σ {figure(_spread(o, _mean(o)), 3)}"
        vector(marks, "after", out, QRectF(room.left(), y, room.width() - 90, STRIP), note=note)
        y += STRIP + 8
    plot = QRectF(
        room.left() + LABEL, y + LINE, room.width() - LABEL - 60, room.bottom() - y - 2.4 * LINE
    )
    if plot.height() > 30:
        limit = limit_of(x, out.values_RC) if after else limit_of(x)
        marks += _distribution(x, plot, limit, "dim", "before" if after else "")
        if after:
            marks += _distribution(out.values_RC[0], plot, limit, "accent", "after")
        marks += _axis(plot, limit)
    return marks


def _mean(values: Array) -> float:
    """NaN where a number is none, or too large."""
    return float(values.mean()) if np.isfinite(values).all() else math.nan


def _spread(values: Array, around: float) -> float:
    if not np.isfinite(values).all():
        return math.nan
    return math.sqrt(float(np.mean((values - around) ** 2)))


def _distribution(values: Array, box: QRectF, limit: float, tone: str, name: str) -> list[Mark]:
    """An outline of how the numbers are spread; highest where most are."""
    finite = values[np.isfinite(values)].astype(np.float64)
    counts, _ = np.histogram(finite, bins=N_BINS, range=(-limit, limit))
    most = counts.max() or 1
    points = [QPointF(box.left(), box.bottom())]
    for i, count in enumerate(counts):
        x1 = box.left() + i / N_BINS * box.width()
        x2 = box.left() + (i + 1) / N_BINS * box.width()
        y = box.bottom() - count / most * box.height()
        points += [QPointF(x1, y), QPointF(x2, y)]
    points.append(QPointF(box.right(), box.bottom()))
    marks: list[Mark] = [Lines(tuple(points), tone, 1.6)]
    if name:
        peak = int(counts.argmax())
        right = box.left() + (peak + 1) / N_BINS * box.width() + 6
        line = QRectF(right, box.top() + (0 if tone == "accent" else LINE), 80, LINE)
        marks.append(Words(name, line, tone, font=theme.sans(theme.SMALL_FONT_SIZE)))
    return marks


def _axis(box: QRectF, limit: float) -> list[Mark]:
    line = QRectF(box.left(), box.bottom() + 2, box.width(), LINE)
    font = theme.mono(theme.SMALL_FONT_SIZE)
    return [
        Lines((box.bottomLeft(), box.bottomRight())),
        Words(figure(-limit), line, "dim", font=font),
        Words("0", line, "dim", CENTER, font),
        Words(figure(limit), line, "dim", RIGHT, font),
    ]


def compose_rotation(scenery: Scenery) -> list[Mark]:
    """Each pair of dimensions as an arrow, before and after it turned."""
    found, room = scenery.found, scenery.room
    before, after = found.panel("in"), found.panel("out")
    if before is None or after is None or found.pairs is None or found.angles is None:
        return []
    marks: list[Mark] = []
    y = room.top() + 4
    vector(marks, "before", before, QRectF(room.left(), y, room.width(), STRIP))
    y += STRIP + 8
    vector(marks, "after", after, QRectF(room.left(), y, room.width(), STRIP))
    y += STRIP + 10
    n = len(found.pairs)
    height = room.bottom() - y - 4
    across = max(1, min(n, int(room.width() // 84)))
    down = max(1, min(math.ceil(n / across), int(height // 88)))
    shown = min(n, across * down)
    size = min(room.width() / across, height / down)
    longest = (
        max(float(np.hypot(*before.values_RC[0, pair])) for pair in found.pairs[:shown]) or 1.0
    )
    for i in range(shown):
        pair, angle = found.pairs[i], float(found.angles[i])
        center = QPointF(
            room.left() + (i % across + 0.5) * room.width() / across,
            y + (i // across + 0.5) * height / down - LINE / 2,
        )
        radius = size / 2 - LINE
        marks += _turn(
            before.values_RC[0, pair] / longest, after.values_RC[0, pair] / longest, center, radius
        )
        words = QRectF(center.x() - 50, center.y() + radius, 100, LINE)
        marks.append(caption(f"{pair[0]}, {pair[1]}   {math.degrees(angle):+.0f}°", words))
    return marks


def _turn(before: Array, after: Array, center: QPointF, radius: float) -> list[Mark]:
    circle = tuple(
        QPointF(center.x() + radius * math.cos(a), center.y() + radius * math.sin(a))
        for a in np.linspace(0, 2 * math.pi, 33)
    )
    ends = [
        QPointF(center.x() + radius * float(v[0]), center.y() - radius * float(v[1]))
        for v in (before, after)
    ]
    return [
        Lines(circle, "line"),
        Lines((center, ends[0]), "dim", 1.4, arrow=True),
        Lines((center, ends[1]), "accent", 2.0, arrow=True),
    ]


def compose_activation(scenery: Scenery) -> list[Mark]:
    """The nonlinearity's curve with this token's neurons on it."""
    found, room = scenery.found, scenery.room
    inputs, out = found.all_of("in"), found.panel("out")
    if not inputs or out is None:
        return []
    pre = inputs[0]
    marks: list[Mark] = []
    y = room.top() + 4
    names = ("gate", "up") if len(inputs) > 1 else ("before",)
    for name, panel in zip(names, inputs):
        vector(marks, name, panel, QRectF(room.left(), y, room.width(), STRIP))
        y += STRIP + 6
    vector(marks, "after", out, QRectF(room.left(), y, room.width(), STRIP))
    y += STRIP + LINE
    plot = QRectF(room.left() + LABEL, y, room.width() - LABEL - 120, room.bottom() - y - LINE - 4)
    if plot.height() < 40 or not pre.is_whole or not out.is_whole:
        return marks
    x, h = pre.values_RC[0].astype(np.float64), out.values_RC[0].astype(np.float64)
    wide, high = limit_of(x), limit_of(h)

    def at(value: float, height: float) -> QPointF:
        share = min(max(height / high, -0.25), 1.0)
        return QPointF(
            plot.center().x() + value / wide * plot.width() / 2,
            plot.bottom() - plot.height() * (0.2 + 0.8 * share),
        )

    zero = at(0, 0)
    marks += [
        Lines((QPointF(plot.left(), zero.y()), QPointF(plot.right(), zero.y()))),
        Lines((QPointF(zero.x(), plot.top()), QPointF(zero.x(), plot.bottom()))),
    ]
    strongest = np.argsort(-np.abs(h))[:5]
    told = frozenset(int(i) for i in strongest)
    finite = np.isfinite(x) & np.isfinite(h)
    points = tuple(
        at(float(a), float(b)) if ok else QPointF(-100, -100) for a, b, ok in zip(x, h, finite)
    )
    marks.append(Dots(out, points, told))
    font = theme.mono(theme.SMALL_FONT_SIZE)
    line = QRectF(plot.right() + 12, plot.top(), 118, LINE)
    marks.append(caption("strongest neurons", line, tone="dim", align=RIGHT))
    for rank, i in enumerate(strongest):
        row = QRectF(line.left(), line.top() + (rank + 1) * LINE, line.width(), LINE)
        marks.append(Words(f"{int(i):>5}  {figure(float(h[i]))}", row, "text", RIGHT, font))
    axis = QRectF(plot.left(), plot.bottom() + 2, plot.width(), LINE)
    marks += [
        Words(figure(-wide), axis, "dim", font=font),
        Words("before", axis, "dim", CENTER, theme.sans(theme.SMALL_FONT_SIZE)),
        Words(figure(wide), axis, "dim", RIGHT, font),
    ]
    return marks


def compose_vectors(scenery: Scenery) -> list[Mark]:
    """What is read and what is written, where nothing plainer is known."""
    found, room = scenery.found, scenery.room
    panels = [p for p in found.panels if p.role in ("in", "out")]
    marks: list[Mark] = []
    step = min(64.0, room.height() / max(1, len(panels)))
    y = room.top() + 8
    for panel in panels:
        if panel.values_RC.shape[1] <= 16 and panel.values_RC.dtype.kind == "f":
            box = QRectF(room.left() + LABEL, y, room.width() - LABEL - 80, step - 8)
            marks.append(
                Words(
                    symbol(panel.name),
                    QRectF(room.left(), y, LABEL - 8, LINE),
                    "text",
                    RIGHT,
                    theme.mono(theme.SMALL_FONT_SIZE),
                )
            )
            told = frozenset(range(panel.values_RC.shape[1]))
            numbers = panel.values_RC
            marks.append(Bars(panel, box, limit_of(numbers), signs_of(numbers), told, 3))
        else:
            vector(marks, symbol(panel.name), panel, QRectF(room.left(), y, room.width(), STRIP))
        y += step
    return marks
