"""A norm: all numbers of the vector as a distribution, before and after."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from gui import theme
from gui.panes.stage.marks import Lines, Mark, Words, figure, limit_of
from gui.panes.stage.scenes.kit import (
    CENTER,
    LABEL,
    LEFT,
    LINE,
    RIGHT,
    STRIP,
    Scenery,
    caption,
    symbol,
    vector,
)
from model.probe.question import Array

N_BINS = 41
"""Of a distribution of a vector's numbers."""


def compose_norm(scenery: Scenery) -> list[Mark]:
    """The vector, the weight and the result as strips, their numbers as distributions."""
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
    line = QRectF(room.left(), y, room.width() - 78, STRIP)
    words = f"σ {figure(spread, 3)}" if rms else f"mean {figure(mean, 3)}  σ {figure(spread, 3)}"
    after = scenery.op.kind == "norm"
    vector(marks, "before", before, line, note=words, tone="dim")
    o = out.values_RC[0].astype(np.float64)
    if after:
        if weight is not None:
            line = line.translated(0, STRIP + 6)
            vector(marks, f"× {symbol(weight.name)}", weight, line, note="what is learned")
        line = line.translated(0, STRIP + 6)
        note = f"mean {figure(_mean(o), 3)}  σ {figure(_spread(o, _mean(o)), 3)}"
        vector(marks, "after", out, line, note=note, tone="accent")
    top = line.bottom() + 8
    plot = QRectF(
        room.left() + LABEL, top, room.width() - LABEL - 170, room.bottom() - top - 2 * LINE - 4
    )
    if plot.height() < 24:
        return marks
    limit = limit_of(x, out.values_RC) if after else limit_of(x)
    bands = [("before", "dim", x, 0.0 if rms else mean, spread)]
    if after:
        bands.append(("after", "accent", o, _mean(o), _spread(o, _mean(o))))
    most = max(int(_counts(values, limit).max()) for _, _, values, _, _ in bands) or 1
    for i, (name, tone, values, middle, width) in enumerate(bands):
        marks += _distribution(values, plot, limit, tone, most)
        label = QRectF(plot.right() + 12, plot.top() + i * LINE, 158, LINE)
        words = f"━ {name}" if after else "━ the numbers of the vector"
        marks.append(Words(words, label, tone, font=theme.sans(theme.SMALL_FONT_SIZE)))
        if math.isfinite(middle) and math.isfinite(width):
            marks += _band(plot, limit, middle, width, tone, i)
    label = QRectF(plot.right() + 12, plot.top() + len(bands) * LINE, 158, LINE)
    marks.append(caption("├─┤ mean ± σ", label, align=LEFT))
    marks += _axis(plot, limit, most)
    return marks


def _mean(values: Array) -> float:
    """NaN where a number is none, or too large."""
    return float(values.mean()) if np.isfinite(values).all() else math.nan


def _spread(values: Array, around: float) -> float:
    if not np.isfinite(values).all():
        return math.nan
    return math.sqrt(float(np.mean((values - around) ** 2)))


def _counts(values: Array, limit: float) -> Array:
    """How many numbers fall into each bin."""
    finite = values[np.isfinite(values)].astype(np.float64)
    counts: Array = np.histogram(finite, bins=N_BINS, range=(-limit, limit))[0]
    return counts


def _distribution(values: Array, box: QRectF, limit: float, tone: str, most: int) -> list[Mark]:
    """An outline of how the numbers are spread; at the top where there are `most`."""
    counts = _counts(values, limit)
    points = [QPointF(box.left(), box.bottom())]
    for i, count in enumerate(counts):
        x1 = box.left() + i / N_BINS * box.width()
        x2 = box.left() + (i + 1) / N_BINS * box.width()
        y = box.bottom() - count / most * box.height()
        points += [QPointF(x1, y), QPointF(x2, y)]
    points.append(QPointF(box.right(), box.bottom()))
    return [Lines(tuple(points), tone, 1.6)]


def _band(box: QRectF, limit: float, mean: float, spread: float, tone: str, row: int) -> list[Mark]:
    """From the mean less σ to the mean plus σ, beneath the axis."""
    y = box.bottom() + 4 + 6 * row

    def at(value: float) -> float:
        return box.center().x() + max(-1.0, min(1.0, value / limit)) * box.width() / 2

    ends = at(mean - spread), at(mean + spread)
    return [
        Lines((QPointF(ends[0], y), QPointF(ends[1], y)), tone, 1.6),
        *(Lines((QPointF(x, y - 2), QPointF(x, y + 2)), tone, 1.6) for x in (*ends, at(mean))),
    ]


def _axis(box: QRectF, limit: float, most: int) -> list[Mark]:
    line = QRectF(box.left(), box.bottom() + LINE - 2, box.width(), LINE)
    font = theme.mono(theme.SMALL_FONT_SIZE)
    beside = QRectF(box.left() - LABEL, box.top(), LABEL - 8, LINE)
    return [
        Lines((box.bottomLeft(), box.bottomRight())),
        Words(figure(-limit).replace("-", "−"), line, "dim", font=font),
        Words("0", line, "dim", CENTER, font),
        Words(figure(limit), line, "dim", RIGHT, font),
        caption("how many", beside, RIGHT),
        Words(f"{most:,}", beside.translated(0, LINE - 2), "dim", RIGHT, font),
        caption("their value", QRectF(beside.left(), line.top(), LABEL - 8, LINE), RIGHT),
    ]
