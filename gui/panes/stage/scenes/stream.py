"""The residual stream: rows that are fetched, sums; and pairs of dimensions that turn."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from gui import theme
from gui.panes.stage.marks import Grid, Lines, Mark, Words, limit_of
from gui.panes.stage.scenes.kit import (
    LABEL,
    LINE,
    RIGHT,
    STRIP,
    Scenery,
    called,
    caption,
    length_note,
    over,
    size,
    text_width,
    vector,
)
from gui.widgets.text import counted
from model.probe.question import Array
from model.probe.scene.asks import Panel

TURN = 66.0
"""Width of the circle of a pair of dimensions."""


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
        of = _rows_of_table(scenery)
        words = f"{table.name}: a row for each of {of}, {columns:,} numbers each"
        marks.append(over(words, grid.box, room))
        fetched = _fetched(scenery)
        font = theme.mono(theme.SMALL_FONT_SIZE)
        for i, place in enumerate(int(each) for each in at):
            box = grid.rect_of((i, 0))
            tone = "accent" if place == fetched else "dim"
            name = scenery.model.token_text(place) if table.letters == "VD" else ""
            label = QRectF(room.left(), box.top(), LABEL - 8, box.height())
            marks.append(Words(name or str(place), label, tone, RIGHT, font))
            if name:
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
        called(out.name),
        out,
        QRectF(room.left(), top, room.width(), STRIP),
        note=length_note(out, found.lengths),
    )
    return marks


def _rows_of_table(scenery: Scenery) -> str:
    config = scenery.model.config
    return {
        "embed": f"{config.d_vocab:,} tokens",
        "pos_embed": f"{config.n_ctx:,} positions",
    }.get(scenery.op.kind, counted(config.n_token_types, "type"))


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
    drawing = min(280.0, room.width() * 0.32)
    wide = room.width() - drawing - 16
    step = min(54.0, (room.height() - 10) / (len(parts) + 1))
    limit = limit_of(*(p.values_RC for p in parts), out.values_RC)
    y = room.top() + 8
    for i, panel in enumerate((*parts, out)):
        last = panel is out
        if last:
            ends = room.left() + LABEL, room.left() + wide - 84
            marks.append(Lines((QPointF(ends[0], y - 6), QPointF(ends[1], y - 6))))
        sign = "= " if last else "+ " if i else ""
        grid = vector(
            marks,
            sign + called(panel.name),
            panel,
            QRectF(room.left(), y, wide, min(26.0, step - 12)),
            note=length_note(panel, found.lengths),
            tone="accent" if last else "text" if i else "dim",
        )
        marks[marks.index(grid)] = replace(grid, limit=limit)
        y += step
    box = QRectF(room.right() - drawing, room.top() + LINE, drawing, room.height() - 2 * LINE)
    if len(parts) > 1:
        marks += _triangle(parts, out, box)
    return marks


def _triangle(parts: list[Panel], out: Panel, box: QRectF) -> list[Mark]:
    """What was there, what is added and their sum, true to length and angle, in their plane."""
    vectors = [p.values_RC[0].astype(np.float64) for p in parts]
    if len({len(v) for v in vectors}) > 1 or not all(np.isfinite(v).all() for v in vectors):
        return []
    a, b = vectors[0], np.sum(vectors[1:], axis=0)
    total = out.values_RC[0].astype(np.float64)
    if not parts[0].is_whole or not np.allclose(a + b, total, atol=1e-3 * limit_of(total)):
        return []  # an intervention makes of it another sum than that of the two
    na, nb = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    if na == 0 or nb == 0 or box.height() < 4 * LINE:
        return []
    cosine = max(-1.0, min(1.0, float(a @ b) / (na * nb)))
    bx, by = nb * cosine, nb * math.sqrt(1 - cosine**2)
    xs, ys = (0.0, na, na + bx), (0.0, 0.0, by)
    low, high = min(xs), max(xs)
    added = f"{' + '.join(called(p.name) for p in parts[1:])} {size(nb)}"
    inner = box.adjusted(20, LINE, -text_width(added) - 14, -2 * LINE)
    scale = min(inner.width() / max(high - low, 1e-9), inner.height() / max(by, 0.1 * na))
    middle = (low + high) / 2

    def at(x: float, y: float) -> QPointF:
        return QPointF(inner.center().x() + (x - middle) * scale, inner.bottom() - y * scale)

    origin, tip, end = (at(x, y) for x, y in zip(xs, ys))
    words = QRectF(box.left(), box.bottom() - LINE, box.width(), LINE)
    return [
        Lines((origin, tip), "dim", 2.0, arrow=True),
        Lines((tip, end), "text", 2.0, arrow=True),
        Lines((origin, end), "accent", 2.4, arrow=True),
        _beside((origin + tip) / 2, f"before {size(na)}", box, 2, "dim"),
        _beside((tip + end) / 2, added, box, -LINE / 2, "text", right=True),
        _beside(
            (origin + end) / 2,
            f"after {size(float(np.linalg.norm(total)))}",
            box,
            -LINE - 4,
            "accent",
            right=False,
        ),
        caption(f"{math.degrees(math.acos(cosine)):.0f}° between before and added", words),
    ]


def _beside(
    at: QPointF, text: str, box: QRectF, down: float, tone: str, *, right: bool | None = None
) -> Words:
    """Words beside the middle of an arrow, within the drawing."""
    wide = text_width(text) + 6
    left = at.x() - wide / 2 if right is None else at.x() + 6 if right else at.x() - wide - 6
    left = min(max(left, box.left()), box.right() - wide)
    font = theme.mono(theme.SMALL_FONT_SIZE)
    return Words(text, QRectF(left, at.y() + down, wide, LINE), tone, font=font)


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
    words = QRectF(room.left(), y - 2, room.width(), LINE)
    y += LINE
    height = room.bottom() - y - 2
    across = max(1, min(n, int(room.width() // TURN)))
    down = max(1, min(math.ceil(n / across), int(height // (TURN + 6))))
    shown = min(n, across * down)
    radius = max(4.0, min(room.width() / across / 2 - 4, (height / down - 2 * LINE) / 2, 48.0))
    told = "each pair of dimensions is an arrow; grey before, blue after it turned"
    marks.append(caption(told if shown == n else f"{told}; {shown} of {n} pairs", words))
    longest = (
        max(float(np.hypot(*before.values_RC[0, pair])) for pair in found.pairs[:shown]) or 1.0
    )
    for i in range(shown):
        pair, angle = found.pairs[i], float(found.angles[i])
        center = QPointF(
            room.left() + (i % across + 0.5) * room.width() / across,
            y + (i // across) * height / down + radius + 1,
        )
        marks += _turn(
            before.values_RC[0, pair] / longest, after.values_RC[0, pair] / longest, center, radius
        )
        below = QRectF(center.x() - TURN / 2, center.y() + radius, TURN, LINE)
        marks.append(caption(f"{math.degrees(angle):+.0f}°".replace("-", "−"), below, tone="text"))
        if radius > LINE:
            marks.append(caption(f"{pair[0]}, {pair[1]}", below.translated(0, LINE - 3)))
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
