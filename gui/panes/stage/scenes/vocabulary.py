"""The two ends of the network: tokens as ids, and a score for every token."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF
from PySide6.QtGui import QFontMetricsF

from gui import theme
from gui.panes.stage.marks import Bars, Grid, Lines, Mark, Words, color_limit, limit_of, signs_of
from gui.panes.stage.scenes.kit import (
    LABEL,
    LARGEST_CELL,
    LEFT,
    LINE,
    RIGHT,
    STRIP,
    Scenery,
    arrow,
    called,
    caption,
    over,
    worded,
)
from model.probe.question import Array
from model.probe.scene.asks import Panel

TOKEN_ROW = 3 * LINE + 6
LARGE = 3
"""Pixels by which the pieces of the text are larger than other tokens."""
BESIDE = 640.0
"""Width of the room from which on the vocabulary stands beside the text, not below."""
VOCABULARY, ASIDE = 230.0, 24.0
"""Width of the vocabulary; between the text and it."""
NEIGHBOURS = 12
"""Lines of the vocabulary on each side of the token's own."""


def compose_tokens(scenery: Scenery) -> list[Mark]:
    """Pieces of the text and the numbers that stand for them; beside, where a number comes from."""
    room, ids = scenery.room, scenery.read.subject.ids
    beside = room.width() >= BESIDE
    area = room.adjusted(0, 0, -(VOCABULARY + ASIDE), 0) if beside else room
    font, small = theme.mono(theme.FONT_SIZE + LARGE), theme.mono(theme.FONT_SIZE)
    texts = [scenery.model.token_text(id) for id in ids]
    per, least = QFontMetricsF(font).horizontalAdvance("x"), QFontMetricsF(small)
    widths = [
        max(40.0, per * len(t) + 14, least.horizontalAdvance(f"{i:,}") + 14)
        for t, i in zip(texts, ids)
    ]
    rows = _rows(widths, area)
    own_row = next(i for i, row in enumerate(rows) if scenery.position in row)
    fit = max(1, int((area.height() - LINE) / TOKEN_ROW))
    first = max(0, min(own_row - fit // 2, len(rows) - fit))
    shown = rows[first : first + fit]
    short = "the text, in pieces"
    words = (f"{short}; beneath each its number in the vocabulary", short)
    at = [position for row in shown for position in row]
    if len(at) < len(ids):
        which = f"positions {at[0]:,} to {at[-1]:,} of {len(ids):,}"
        words = (f"{short}, with their numbers; {which}", which)
    marks: list[Mark] = [worded(words, QRectF(area.left(), area.top(), area.width(), LINE), LEFT)]
    below = area.top() + LINE + 8 + len(shown) * TOKEN_ROW
    for line, row in enumerate(shown):
        y = area.top() + LINE + 8 + line * TOKEN_ROW
        for position, (x, wide) in row.items():
            own = position == scenery.position
            left, tone = area.left() + x, "accent" if own else "text"
            marks.append(Words(texts[position], QRectF(left, y, wide, 20), tone, font=font))
            box = QRectF(left, y + 22, wide, LINE)
            marks.append(Words(f"{ids[position]:,}", box, "text" if own else "dim", font=small))
            if own:
                under = y + 24 + LINE
                ends = QPointF(left, under), QPointF(left + wide - 14, under)
                marks.append(Lines(ends, "accent", 2.0))
    if beside:
        there = QRectF(room.right() - VOCABULARY, room.top(), VOCABULARY, room.height())
    else:
        there = QRectF(room.left(), below, room.width(), room.bottom() - below)
    marks += _vocabulary(scenery, ids[scenery.position], there)
    return marks


def _vocabulary(scenery: Scenery, id: int, area: QRectF) -> list[Mark]:
    """The lines of the vocabulary around a token's own, as many as there is room for.

    Args:
        scenery: whose vocabulary.
        id: of the token.
        area: where; a low one has none.
    """
    n = scenery.model.config.d_vocab
    fit = int((area.height() - LINE - 4) / LINE)
    if fit < 3:
        return []
    beside = min(NEIGHBOURS, (fit - 1) // 2)
    first = max(0, min(id - beside, n - 2 * beside - 1))
    lines = range(first, min(n, first + 2 * beside + 1))
    font = theme.mono(theme.FONT_SIZE)
    marks: list[Mark] = [
        caption(f"the vocabulary: {n:,} pieces of text", QRectF(area.topLeft(), _line(area)), LEFT)
    ]
    for i, each in enumerate(lines):
        own = each == id
        tone = "accent" if own else "dim"
        box = QRectF(area.left(), area.top() + LINE + 4 + i * LINE, 80, LINE)
        marks.append(Words(f"{each:,}", box, tone, RIGHT, font))
        text = box.translated(96, 0)
        text.setWidth(VOCABULARY - 96)
        marks.append(Words(scenery.model.token_text(each), text, tone, font=font))
        if own:
            end = box.right() - 6 - QFontMetricsF(font).horizontalAdvance(f"{each:,}")
            marks.append(arrow(end - 22, box.center().y(), end, box.center().y(), "accent"))
    return marks


def _line(area: QRectF) -> QSizeF:
    return QSizeF(area.width(), LINE)


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


def rows_of_scores(height: float) -> int:
    """How many tokens there is room for, each with its name."""
    return max(3, int((height - STRIP - 2 * LINE - 4) / 14))


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
    high = min(26.0, (room.height() - STRIP - 2 * LINE - 4) / n)
    upper = Grid(x, QRectF(left, top, wide, STRIP), limit=color_limit(x.values_RC))
    grid = Grid(
        table, QRectF(left, top + STRIP + LINE, wide, n * high), limit=color_limit(table.values_RC)
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
    marks.append(over(_made(scenery), box, room))
    told = frozenset(range(n))
    marks.append(Bars(panel, box, limit_of(scores), signs_of(scores), told))
    marks += names_of_tokens(scenery, ids, grid.box, room)
    return marks


def _made(scenery: Scenery) -> str:
    """What is done to a product to have the logit."""
    config, op = scenery.model.config, scenery.op
    steps = [
        "x · token",
        "+ bias" if len(op.parameters) > 1 else "",
        "scaled" if config.scales.logits != 1 else "",
        "capped" if config.caps.logits is not None else "",
    ]
    return ", ".join(filter(None, (" ".join(filter(None, steps[:2])), *steps[2:]))) + " = logit"


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
