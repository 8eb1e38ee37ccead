"""From scores to a draw: softmax and temperature in one picture, and the line that is divided."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QFontMetricsF

from gui import theme
from gui.panes.stage.marks import Bars, Mark, Words, limit_of, signs_of
from gui.panes.stage.scenes.kit import LABEL, LEFT, LINE, Scenery, above, caption, text_width
from gui.panes.stage.scenes.vocabulary import names_of_tokens, of_tokens
from gui.panes.stage.stacked import Divided
from model.sampling import OWN, Sampling

LINE_HEIGHT = 18.0
UNDER = 2 * LINE + LINE_HEIGHT + 4
"""What the line from 0 to 1 takes, with its words."""


def rows_of_tokens(height: float) -> int:
    """How many tokens there is room for above the line."""
    return max(3, int((height - 2 * LINE - UNDER) / 14))


def compose_softmax(scenery: Scenery) -> list[Mark]:
    """Scores of the likeliest tokens, the probabilities that they become, and the draw."""
    found, room = scenery.found, scenery.room
    logits, shares = found.panel("in"), found.panel("out")
    if logits is None or shares is None or not found.scored:
        return []
    sampling = scenery.asked.sampling
    ids = np.array([each.id for each in found.scored])
    n = len(ids)
    other = sampling != OWN
    columns = 3 if other else 2
    gap = 44.0
    wide = (room.width() - LABEL - gap * (columns - 1) - 8) / columns
    top = room.top() + LINE + 4
    high = min(22.0, max(4.0, (room.height() - LINE - 8 - UNDER) / n))
    boxes = [
        QRectF(room.left() + LABEL + i * (wide + gap), top, wide, n * high) for i in range(columns)
    ]
    told = frozenset(range(n)) if high >= 10 else frozenset({0})
    scores = np.array([each.score for each in found.scored])[None]
    own = np.array([each.own for each in found.scored])[None]
    drawn = np.array([each.share for each in found.scored])[None]
    of_logits = of_tokens(logits, scores, ids)
    marks: list[Mark] = [
        caption("logit", above(boxes[0])),
        Bars(of_logits, boxes[0], limit_of(scores), signs_of(scores), told),
        caption("→ probability, temperature 1", above(boxes[1])),
        Bars(of_tokens(shares, own, ids), boxes[1], 1.0, "positive", told, 3),
    ]
    if other:
        marks.append(caption(f"→ {said(sampling)}", above(boxes[2]), tone="accent"))
        kept = np.where(drawn > 0, drawn, -np.inf)  # what can't be drawn is hatched
        bars = Bars(of_tokens(shares, kept, ids), boxes[2], 1.0, "positive", told, 3)
        marks.append(bars)
    marks += names_of_tokens(scenery, ids, boxes[0], room)
    marks += _draw(
        scenery, QRectF(room.left() + LABEL, room.bottom() - UNDER, room.width() - LABEL - 8, UNDER)
    )
    return marks


def said(sampling: Sampling) -> str:
    """How is sampled, in words."""
    words = ["greedy" if sampling.temperature == 0 else f"temperature {sampling.temperature:g}"]
    if sampling.top_k:
        words.append(f"top {sampling.top_k}")
    if sampling.top_p < 1:
        words.append(f"top-p {sampling.top_p:g}")
    return ", ".join(words)


def _draw(scenery: Scenery, box: QRectF) -> list[Mark]:
    """All shares laid end to end, by the tokens' ids: a random number falls into one of them."""
    found = scenery.found
    shares = found.panel("out")
    assert shares is not None
    there = [each for each in found.scored if each.share > 0]
    if not there or box.width() < 60:
        return []
    ids = np.array([each.id for each in there])
    panel = of_tokens(shares, np.array([each.share for each in there])[None], ids)
    starts = np.array([each.before for each in there])
    line = QRectF(box.left(), box.top() + 2 * LINE, box.width(), LINE_HEIGHT)
    divided = Divided(panel, starts, line)
    n = found.n_kept
    short = "a draw: a random number from 0 to 1 falls into one token's part"
    words = f"{short} ({n:,} tokens end to end, by id; hatched: all others)"
    if QFontMetricsF(theme.sans(theme.SMALL_FONT_SIZE)).horizontalAdvance(words) > box.width():
        words = short
    font = theme.mono(theme.SMALL_FONT_SIZE)
    marks: list[Mark] = [
        caption(words, QRectF(box.left(), box.top(), box.width(), LINE), LEFT),
        divided,
        Words("0", QRectF(line.left() - 14, line.top(), 12, LINE_HEIGHT), "dim", font=font),
        Words("1", QRectF(line.right() + 3, line.top(), 12, LINE_HEIGHT), "dim", font=font),
    ]
    for i, each in enumerate(there):
        rect = divided.rect_of((0, i))
        text = scenery.model.token_text(each.id)
        if text_width(text) + 4 <= rect.width():
            label = QRectF(rect.left(), rect.top() - LINE, rect.width(), LINE)
            marks.append(Words(text, label, "text", font=font))
    return marks
