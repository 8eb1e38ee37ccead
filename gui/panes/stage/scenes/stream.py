"""The residual stream: rows that are fetched, sums; and pairs of dimensions that turn."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from gui import theme
from gui.panes.stage.marks import Grid, Lines, Mark, Words, color_limit, limit_of
from gui.panes.stage.scenes.kit import (
    LABEL,
    LARGEST_CELL,
    LINE,
    NOTE,
    RIGHT,
    STRIP,
    Scenery,
    called,
    caption,
    length_note,
    over,
    size,
    symbol,
    text_width,
    vector,
    worded,
)
from gui.reading.operation_tones import tone_of
from gui.widgets.text import counted
from model.probe.question import Array
from model.probe.scene.asks import Panel

LEAST_ROW = 14.0
"""Height of a line with a name, so that names don't touch."""
FEW_ROWS = 4
"""Of a table that is drawn higher than others: that of two types would leave the stage empty."""
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
        free = room.height() - STRIP - 3 * LINE - 10
        table = _around(table, _fetched(scenery), max(1, int(free / LEAST_ROW)))
        rows, columns = table.values_RC.shape
        at = table.at_rows if table.at_rows is not None else np.arange(rows)
        high = min(30.0 if rows > FEW_ROWS else 60.0, free / rows)
        wide = min(room.width() - LABEL - NOTE, columns * LARGEST_CELL)
        grid = Grid(
            table,
            QRectF(room.left() + LABEL, top, wide, rows * high),
            limit=color_limit(table.values_RC, out.values_RC),
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


def _around(table: Panel, place: int, most: int) -> Panel:
    """No more rows than there is room for names, the one that is fetched among them."""
    at = table.at_rows if table.at_rows is not None else np.arange(len(table.values_RC))
    n = len(at)
    if n <= most:
        return table
    own = int(np.flatnonzero(at == place)[0]) if place in at else 0
    first = max(0, min(own - most // 2, n - most))
    kept = slice(first, first + most)
    return replace(
        table,
        values_RC=table.values_RC[kept],
        rows_RC=None if table.rows_RC is None else table.rows_RC[kept],
        columns_RC=None if table.columns_RC is None else table.columns_RC[kept],
        at_rows=at[kept],
    )


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
    drawing = min(380.0, room.width() * 0.36) if len(parts) > 1 else 0.0
    wide = room.width() - drawing - 16
    step = min(92.0, (room.height() - 10) / (len(parts) + 1))
    high = min(46.0, max(12.0, step - 16))
    limit = color_limit(*(p.values_RC for p in parts), out.values_RC)
    y = room.center().y() - ((len(parts) + 1) * step - (step - high)) / 2
    for i, panel in enumerate((*parts, out)):
        last = panel is out
        if last:
            ends = room.left() + LABEL, room.left() + wide - NOTE
            above = y - (step - high) / 2
            marks.append(Lines((QPointF(ends[0], above), QPointF(ends[1], above))))
        sign = "= " if last else "+ " if i else ""
        grid = vector(
            marks,
            sign + called(panel.name),
            panel,
            QRectF(room.left(), y, wide, high),
            note=length_note(panel, found.lengths),
            tone="accent" if last else "text" if i else "dim",
        )
        marks[marks.index(grid)] = replace(grid, limit=limit)
        y += step
    box = QRectF(room.right() - drawing, room.top(), drawing, room.height())
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
    inner = box.adjusted(20, LINE, -text_width(added) - 14, -2 * LINE - 4)
    scale = min(inner.width() / max(high - low, 1e-9), inner.height() / max(by, 0.1 * na))
    middle = (low + high) / 2
    base = inner.center().y() + by / 2 * scale

    def at(x: float, y: float) -> QPointF:
        return QPointF(inner.center().x() + (x - middle) * scale, base - y * scale)

    origin, tip, end = (at(x, y) for x, y in zip(xs, ys))
    turned = math.atan2(by, na + bx)
    reach = 0.34 * scale * min(na, math.hypot(na + bx, by))
    arc = tuple(
        QPointF(origin.x() + reach * math.cos(a), origin.y() - reach * math.sin(a))
        for a in np.linspace(0, turned, 17)
    )
    words = QRectF((origin.x() + tip.x()) / 2 - 80, base + LINE + 4, 160, LINE)
    return [
        Lines(arc, "faint", 1.2),
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
        caption(f"it turns by {math.degrees(turned):.0f}°", words),
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
    name = symbol(before.name)
    vector(marks, f"{name} before", before, QRectF(room.left(), y, room.width(), STRIP))
    y += STRIP + 8
    line = QRectF(room.left(), y, room.width(), STRIP)
    vector(marks, f"{name} after", after, line, tone=tone_of(scenery.op))
    y += STRIP + 10
    n = len(found.pairs)
    words = QRectF(room.left(), y - 2, room.width(), LINE)
    y += LINE
    height = room.bottom() - y - 2
    across = max(1, min(n, int(room.width() // TURN)))
    down = max(1, min(math.ceil(n / across), int(height // (TURN + 6))))
    if across * down >= n:  # all have room: no line is left almost empty
        across = math.ceil(n / down)
    shown = min(n, across * down)
    radius = max(4.0, min(room.width() / across / 2 - 4, (height / down - 2 * LINE) / 2, 60.0))
    told = "each pair of dimensions is an arrow: grey before, blue after it turned; thick is long"
    short = "each pair an arrow: grey before, blue after"
    still = before.n_columns - 2 * n
    more = f"; {shown} of {n} pairs" if shown < n else ""
    if still > 0:
        more += f"; the other {counted(still, 'dimension')} of the head are not turned"
    marks.append(worded((told + more, short + more, short), words))
    lengths = [float(np.hypot(*before.values_RC[0, pair])) for pair in found.pairs[:shown]]
    longest = max(lengths) or 1.0
    for i in range(shown):
        pair, angle = found.pairs[i], float(found.angles[i])
        center = QPointF(
            room.left() + (i % across + 0.5) * room.width() / across,
            y + (i // across) * height / down + radius + 1,
        )
        own = lengths[i] or 1.0
        marks += _turn(
            before.values_RC[0, pair] / own,
            after.values_RC[0, pair] / own,
            center,
            radius,
            1.0 + 2.2 * lengths[i] / longest,
        )
        below = QRectF(center.x() - TURN / 2, center.y() + radius, TURN, LINE)
        marks.append(caption(_degrees(angle), below, tone="text"))
        if radius > LINE:
            marks.append(caption(f"{pair[0]}, {pair[1]}", below.translated(0, LINE - 3)))
    return marks


def _degrees(angle: float) -> str:
    """An angle with its sign; small ones in one digit, since no pair stands still."""
    degrees = math.degrees(angle)
    if not degrees:
        return "0°"
    said = f"{degrees:+.0f}°" if abs(degrees) >= 1 else f"{degrees:+.1g}°"
    return said.replace("-", "−")


def _turn(before: Array, after: Array, center: QPointF, radius: float, width: float) -> list[Mark]:
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
        Lines((center, ends[0]), "dim", 0.7 * width, arrow=True),
        Lines((center, ends[1]), "accent", width, arrow=True),
    ]
