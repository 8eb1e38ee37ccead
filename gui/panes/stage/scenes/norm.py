"""A norm: all numbers of the vector as a distribution, before and after."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from gui import theme
from gui.panes.stage.marks import Lines, Mark, Words, color_limit, figure
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
from model.probe.scene.asks import Panel

N_BINS = 41
"""Of a distribution of a vector's numbers."""
ROUNDING = 1e-5
"""Part of σ below which a mean is 0 but for rounding."""


def compose_norm(scenery: Scenery) -> list[Mark]:
    """The vector, the weight and the result as strips, their numbers as distributions."""
    found, room = scenery.found, scenery.room
    before = found.panel("in")
    out, weight = found.panel("out"), found.panel("bias")
    assert before is not None
    assert out is not None
    rms = scenery.model.config.norm == "rms"
    after = scenery.op.kind == "norm"
    bands = [_Band("before" if after else "its numbers", "dim", _float(before), rms)]
    if after:
        bands.append(_Band("after", "accent", _float(out), rms))
    marks: list[Mark] = []
    line = QRectF(room.left(), room.top() + 4, room.width() - 78, STRIP)
    vector(marks, "before", before, line, note=bands[0].figures, tone="dim")
    if after:
        if weight is not None:
            line = line.translated(0, STRIP + 6)
            name, offset = symbol(weight.name), scenery.model.config.norms.offset
            times = f"× ({offset:g} + {name})" if offset else f"× {name}"
            learned = f"{name} is learned" if offset else "what is learned"
            vector(marks, times, weight, line, note=learned)
        line = line.translated(0, STRIP + 6)
        vector(marks, "after", out, line, note=bands[1].figures, tone="accent")
    top = line.bottom() + 8
    plot = QRectF(
        room.left() + LABEL, top, room.width() - LABEL - 170, room.bottom() - top - 2 * LINE - 4
    )
    if plot.height() < 24:
        return marks
    # As colours do, the axis ends before the few numbers that stand far out: they are counted.
    limit = max(color_limit(band.values) for band in bands)
    most = max(int(_counts(band.values, limit).max()) for band in bands) or 1
    small = theme.sans(theme.SMALL_FONT_SIZE)
    for i, band in enumerate(bands):
        marks += _distribution(band.values, plot, limit, band.tone, most)
        label = QRectF(plot.right() + 12, plot.top() + i * LINE, 158, LINE)
        marks.append(
            Words(f"━ {band.name}{_beyond(band.values, limit)}", label, band.tone, font=small)
        )
        if math.isfinite(band.middle) and math.isfinite(band.spread):
            marks += _band(plot, limit, band.middle, band.spread, band.tone, i)
    label = QRectF(plot.right() + 12, plot.top() + len(bands) * LINE, 158, LINE)
    marks.append(caption("├─┤ 0 ± RMS" if rms else "├─┤ mean ± σ", label, align=LEFT))
    marks += _axis(plot, limit, most)
    return marks


@dataclass(frozen=True, slots=True)
class _Band:
    """Numbers of a vector, and where most of them lie."""

    name: str
    tone: str
    values: Array
    rms: bool

    @property
    def middle(self) -> float:
        """0 for an RMSNorm, which takes no mean away."""
        return 0.0 if self.rms else _mean(self.values)

    @property
    def spread(self) -> float:
        """Root of the mean square around the middle."""
        return _spread(self.values, self.middle)

    @property
    def figures(self) -> str:
        """The same in words."""
        if self.rms:
            return f"RMS {figure(self.spread, 3)}"
        mean = 0.0 if abs(self.middle) < ROUNDING * self.spread else self.middle
        return f"mean {figure(mean, 3)}  σ {figure(self.spread, 3)}"


def _float(panel: Panel) -> Array:
    values: Array = panel.values_RC[0].astype(np.float64)
    return values


def _beyond(values: Array, limit: float) -> str:
    """How many numbers lie past the ends of the axis."""
    n = int((np.abs(values[np.isfinite(values)]) > limit).sum())
    return f", {n:,} beyond" if n else ""


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
