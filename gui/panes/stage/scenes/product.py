"""A vector times a matrix, and what heads add to what is joined."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from gui import theme
from gui.panes.stage.marks import Grid, Lines, Mark, Words, color_limit
from gui.panes.stage.scenes.kit import (
    EXPERT,
    LABEL,
    LINE,
    NOTE,
    RIGHT,
    STRIP,
    Scenery,
    called,
    over,
    size,
    symbol,
)
from gui.reading.operation_tones import tone_of
from model.probe.question import Array

BETWEEN = 10.0
"""From the heads to what is added to them, and on to the sum."""
LEAST_LINE = 11.0
"""Height of a row from which on each has its name."""
WIDEST = 28.0
"""Of a column of a weight matrix."""
TALL = 18.0
"""Width of a vector that stands."""


def compose_product(scenery: Scenery) -> list[Mark]:
    """The vector stands beside the rows that it multiplies; each result lies under its column."""
    found, room = scenery.found, scenery.room
    x, weight, out = found.panel("in"), found.panel("weight"), found.panel("out")
    bias = found.panel("bias")
    if x is None or weight is None or out is None:
        return []
    below = (2 if bias is not None else 1) * (STRIP + LINE)
    tone = tone_of(scenery.op)
    left, top = room.left() + LABEL + TALL + 26, room.top() + LINE + 2
    width = max(40.0, room.right() - left - 12)
    height = max(30.0, room.height() - below - LINE - 6)
    rows, columns = weight.values_RC.shape
    wide, high = min(width, columns * WIDEST), min(height, rows * 14.0)
    matrix = Grid(weight, QRectF(left, top, wide, high), limit=color_limit(weight.values_RC))
    tall = Grid(
        x,
        QRectF(left - TALL - 10, top, TALL, high),
        limit=color_limit(x.values_RC),
        upright=True,
    )
    n, k = weight.n_rows, weight.n_columns
    marks: list[Mark] = [
        over(f"{_weight(weight.name)}, {n:,} × {k:,}: each column times x", matrix.box, room),
        *(
            Words(
                text,
                QRectF(room.left(), top + i * LINE, tall.box.left() - room.left() - 8, LINE),
                "text" if i == 0 else "dim",
                RIGHT,
                theme.mono(theme.SMALL_FONT_SIZE),
            )
            for i, text in enumerate(("x", called(x.name), f"{n:,}"))
        ),
        tall,
        matrix,
    ]
    y = matrix.box.bottom() + LINE
    if bias is not None:
        marks += _strip(
            "+ " + symbol(bias.name),
            Grid(bias, QRectF(left, y, wide, STRIP), limit=color_limit(bias.values_RC)),
            room,
        )
        y += STRIP + LINE - 6
    marks.append(Lines((QPointF(left, y - 5), QPointF(left + wide, y - 5))))
    marks += _strip(
        "= " + ("gate" if scenery.op.kind == "mlp_gate" else called(out.name)),
        Grid(out, QRectF(left, y, wide, STRIP), limit=color_limit(out.values_RC)),
        room,
        tone,
    )
    return marks


def _weight(name: str) -> str:
    """What a matrix is called; of a mixture, whose it is."""
    expert = EXPERT.search(name)
    return symbol(name) + (f" of expert {expert[1]}" if expert else "")


def compose_join(scenery: Scenery) -> list[Mark]:
    """What each head adds, one below the other, and their sum."""
    found, room = scenery.found, scenery.room
    z, heads, out = found.panel("in"), found.panel("parts"), found.panel("out")
    bias = found.panel("bias")
    if z is None or heads is None or out is None:
        return []
    n = z.values_RC.shape[0]
    left, top = room.left() + LABEL, room.top() + LINE + 2
    below = (2 if bias is not None else 1) * (STRIP + BETWEEN) + 2
    high = min(52.0, (room.height() - below - LINE - 6) / max(1, n))
    narrow = min(room.width() * 0.24, z.values_RC.shape[1] * 8.0)
    wide = min(room.right() - left - narrow - 48 - NOTE, heads.values_RC.shape[1] * 14.0)
    mixed = Grid(z, QRectF(left, top, narrow, n * high), limit=color_limit(z.values_RC))
    added = Grid(
        heads,
        QRectF(left + narrow + 40, top, wide, n * high),
        limit=color_limit(heads.values_RC, out.values_RC),
    )
    font = theme.mono(theme.SMALL_FONT_SIZE)
    marks: list[Mark] = [
        over("z of each head", mixed.box, room),
        over("z · W_O: what each head adds to the stream", added.box, room),
        mixed,
        added,
    ]
    lengths = np.linalg.norm(heads.values_RC.astype(np.float64), axis=1)
    if heads.is_whole:
        for head in _named(lengths, high, scenery.asked.head):
            row = added.rect_of((head, 0))
            tone = "accent" if head == scenery.asked.head else "dim"
            box = QRectF(room.left(), row.top(), LABEL - 8, row.height())
            marks.append(Words(f"head {head}", box, tone, RIGHT, font))
            middle = row.center().y()
            marks.append(
                Lines(
                    (QPointF(mixed.box.right() + 8, middle), QPointF(added.box.left() - 8, middle)),
                    "faint",
                    arrow=True,
                )
            )
            note = QRectF(added.box.right() + 8, row.top(), NOTE, row.height())
            marks.append(Words(f"length {size(float(lengths[head]))}", note, tone, font=font))
    y = added.box.bottom() + BETWEEN
    if bias is not None:
        box = QRectF(added.box.left(), y, wide, STRIP)
        marks += _strip("+ " + symbol(bias.name), Grid(bias, box, limit=added.limit), room)
        y += STRIP + BETWEEN
    marks.append(Lines((QPointF(added.box.left(), y - 5), QPointF(added.box.right(), y - 5))))
    box = QRectF(added.box.left(), y, wide, STRIP)
    marks += _strip("Σ heads", Grid(out, box, limit=added.limit), room)
    return marks


def _named(lengths: Array, high: float, own: int) -> list[int]:
    """Heads that have room for a name: the selected one, then those that write most.

    Args:
        lengths: of what each writes.
        high: pixels from one to the next.
        own: the selected one.
    """
    named = [own] if own < len(lengths) else []
    for head in (int(each) for each in np.argsort(-lengths, kind="stable")):
        if all(abs(head - other) * high >= LEAST_LINE for other in named):
            named.append(head)
    return sorted(named)


def _strip(label: str, grid: Grid, room: QRectF, tone: str = "text") -> list[Mark]:
    box = QRectF(room.left(), grid.box.top(), grid.box.left() - room.left() - 8, STRIP)
    return [Words(label, box, tone, RIGHT, theme.mono(theme.SMALL_FONT_SIZE)), grid]
