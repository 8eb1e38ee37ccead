"""The two ends of the network: tokens as ids, and a score for every token."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF

from gui import theme
from gui.panes.stage.marks import Bars, Grid, Mark, Words, limit_of, signs_of
from gui.panes.stage.scenes.kit import (
    LABEL,
    LARGEST_CELL,
    LINE,
    RIGHT,
    STRIP,
    Scenery,
    above,
    caption,
)
from model.probe.question import Array
from model.probe.scene.asks import Panel


def compose_tokens(scenery: Scenery) -> list[Mark]:
    """Pieces of the text, and the numbers that stand for them."""
    room = scenery.room
    marks: list[Mark] = []
    x, y = room.left(), room.top() + 12
    font, small = theme.mono(theme.FONT_SIZE), theme.mono(theme.SMALL_FONT_SIZE)
    for position, id in enumerate(scenery.read.subject.ids):
        text = scenery.model.token_text(id)
        width = max(34.0, 8.0 * max(len(text), len(str(id))) + 10)
        if x + width > room.right():
            x, y = room.left(), y + 3.4 * LINE
        if y + 2 * LINE > room.bottom():
            break
        own = position == scenery.position
        tone = "accent" if own else "text"
        marks.append(Words(text, QRectF(x, y, width, LINE), tone, font=font))
        marks.append(Words(str(id), QRectF(x, y + LINE, width, LINE), "dim", font=small))
        x += width + 8
    return marks


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
        caption(f"the vector after the last block, {x.n_columns:,} dimensions", above(upper.box)),
        Words("x", name, "accent", RIGHT, font),
        upper,
        grid,
    ]
    scores = np.array([each.score for each in found.scored])[None]
    ids = np.array([each.id for each in found.scored])
    out = found.panel("out")
    assert out is not None
    panel = _of_tokens(out, scores, ids)
    box = QRectF(grid.box.right() + 16, grid.box.top(), bars, grid.box.height())
    marks.append(caption("logit", above(box)))
    told = frozenset(range(n))
    marks.append(Bars(panel, box, limit_of(scores), signs_of(scores), told))
    marks += _tokens(scenery, ids, grid.box, room)
    return marks


def compose_softmax(scenery: Scenery) -> list[Mark]:
    """Scores of the likeliest tokens, and the probabilities that they become."""
    found, room = scenery.found, scenery.room
    logits, shares = found.panel("in"), found.panel("out")
    if logits is None or shares is None or not found.scored:
        return []
    ids = np.array([each.id for each in found.scored])
    n = len(ids)
    high = min(22.0, (room.height() - 2 * LINE) / n)
    half = (room.width() - LABEL - 50) / 2
    top = room.top() + LINE + 4
    before = QRectF(room.left() + LABEL, top, half, n * high)
    after = QRectF(before.right() + 50, top, half, n * high)
    scores = np.array([each.score for each in found.scored])[None]
    probabilities = np.array([each.share for each in found.scored])[None]
    told = frozenset(range(n))
    temperature = scenery.asked.sampling.temperature
    marks: list[Mark] = [
        caption("logit", above(before)),
        caption(f"probability at temperature {temperature:g}", above(after)),
        Bars(_of_tokens(logits, scores, ids), before, limit_of(scores), signs_of(scores), told),
        Bars(_of_tokens(shares, probabilities, ids), after, 1.0, "positive", told, 3),
    ]
    marks += _tokens(scenery, ids, before, room)
    return marks


def _of_tokens(panel: Panel, values: Array, ids: Array) -> Panel:
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


def _tokens(scenery: Scenery, ids: Array, box: QRectF, room: QRectF) -> list[Mark]:
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
