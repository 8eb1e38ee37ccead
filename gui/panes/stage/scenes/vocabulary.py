"""The two ends of the network: tokens as ids, and a score for every token."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from gui import theme
from gui.panes.stage.marks import Bars, Grid, Lines, Mark, Words, limit_of, signs_of
from gui.panes.stage.scenes.kit import (
    LABEL,
    LARGEST_CELL,
    LEFT,
    LINE,
    RIGHT,
    STRIP,
    Scenery,
    called,
    caption,
    over,
)
from model.probe.question import Array
from model.probe.scene.asks import Panel

TOKEN_ROW = 3 * LINE


def compose_tokens(scenery: Scenery) -> list[Mark]:
    """Pieces of the text, and the numbers that stand for them; the selected one is in view."""
    room, ids = scenery.room, scenery.read.subject.ids
    font, small = theme.mono(theme.FONT_SIZE), theme.mono(theme.SMALL_FONT_SIZE)
    texts = [scenery.model.token_text(id) for id in ids]
    rows = _rows([max(34.0, 8.0 * max(len(t), len(str(i))) + 10) for t, i in zip(texts, ids)], room)
    own_row = next(i for i, row in enumerate(rows) if scenery.position in row)
    fit = max(1, int((room.height() - 2 * LINE) / TOKEN_ROW))
    first = max(0, min(own_row - fit // 2, len(rows) - fit))
    shown = rows[first : first + fit]
    words = "the text, in pieces; beneath each its number in the vocabulary"
    if len(shown) < len(rows):
        at = [position for row in shown for position in row]
        words += f"; positions {at[0]:,} to {at[-1]:,} of {len(ids):,}"
    marks: list[Mark] = [caption(words, QRectF(room.left(), room.top(), room.width(), LINE), LEFT)]
    for line, row in enumerate(shown):
        y = room.top() + LINE + 8 + line * TOKEN_ROW
        for position, (x, wide) in row.items():
            tone = "accent" if position == scenery.position else "text"
            left = room.left() + x
            marks.append(Words(texts[position], QRectF(left, y, wide, LINE), tone, font=font))
            box = QRectF(left, y + LINE, wide, LINE)
            marks.append(Words(f"{ids[position]}", box, "dim", font=small))
            if position == scenery.position:
                under = y + 2 * LINE + 2
                ends = QPointF(left, under), QPointF(left + wide - 8, under)
                marks.append(Lines(ends, "accent", 2.0))
    return marks


def _rows(widths: list[float], room: QRectF) -> list[dict[int, tuple[float, float]]]:
    """Lines of tokens: position -> where it begins, and how wide it is."""
    rows: list[dict[int, tuple[float, float]]] = [{}]
    x = 0.0
    for position, wide in enumerate(widths):
        if rows[-1] and x + wide > room.width():
            rows.append({})
            x = 0.0
        rows[-1][position] = x, min(wide, room.width())
        x += wide + 8
    return rows


def compose_unembed(scenery: Scenery) -> list[Mark]:
    """The vector against the likeliest tokens' vectors, a line each, and the score of each."""
    found, room = scenery.found, scenery.room
    x, table = found.panel("in"), found.panel("table")
    if x is None or table is None or not found.scored:
        return []
    n, columns = table.values_RC.shape
    left, top = room.left() + LABEL, room.top() + LINE + 2
    bars = 150.0
    wide = min(room.width() - LABEL - bars - 20, columns * LARGEST_CELL)
    high = min(20.0, (room.height() - STRIP - 3 * LINE) / n)
    upper = Grid(x, QRectF(left, top, wide, STRIP), limit=limit_of(x.values_RC))
    grid = Grid(
        table, QRectF(left, top + STRIP + LINE, wide, n * high), limit=limit_of(table.values_RC)
    )
    font = theme.mono(theme.SMALL_FONT_SIZE)
    name = QRectF(room.left(), top, LABEL - 8, STRIP)
    marks: list[Mark] = [
        over(f"{called(x.name)}, {x.n_columns:,} dimensions", upper.box, room),
        Words("x", name, "accent", RIGHT, font),
        over(
            f"rows of {table.name}: {n} of {scenery.model.config.d_vocab:,} tokens, the likeliest",
            grid.box,
            room,
        ),
        upper,
        grid,
    ]
    scores = np.array([each.score for each in found.scored])[None]
    ids = np.array([each.id for each in found.scored])
    out = found.panel("out")
    assert out is not None
    panel = of_tokens(out, scores, ids)
    box = QRectF(grid.box.right() + 16, grid.box.top(), bars, grid.box.height())
    marks.append(over("x · token = logit", box, room))
    told = frozenset(range(n))
    marks.append(Bars(panel, box, limit_of(scores), signs_of(scores), told))
    marks += names_of_tokens(scenery, ids, grid.box, room)
    return marks


def of_tokens(panel: Panel, values: Array, ids: Array) -> Panel:
    """The same tensor, of some tokens."""
    return Panel(
        panel.role,
        panel.name,
        panel.letters,
        1,
        len(ids),
        values,
        None,
        None,
        panel.index,
        at_columns=ids,
    )


def names_of_tokens(scenery: Scenery, ids: Array, box: QRectF, room: QRectF) -> list[Mark]:
    """The token of each line."""
    font = theme.mono(theme.SMALL_FONT_SIZE)
    high = box.height() / len(ids)
    return [
        Words(
            scenery.model.token_text(int(id)),
            QRectF(room.left(), box.top() + i * high, LABEL - 8, high),
            "text" if i == 0 else "dim",
            RIGHT,
            font,
        )
        for i, id in enumerate(ids)
    ]
