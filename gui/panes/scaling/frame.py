"""The frame of a chart with logarithmic axes: scales, ticks, grid and titles, and size's colours.

Knows numbers and the theme; nothing of runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPen

from gui import theme
from gui.widgets.charts.log_scale import LogScale, decades, spanning
from gui.widgets.drawing_cache import line

Numbers = NDArray[np.float64]
LEFT, RIGHT, TOP, BOTTOM = 50.0, 14.0, 24.0, 38.0
_STEPS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_TICK = 20.0
"""Pixels between two ticks of the loss at least."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where numbers stand.

    Attributes:
        area: of the curves, in pixels.
        x, y: the scales.
    """

    area: QRectF
    x: LogScale
    y: LogScale

    def point(self, x: float, y: float) -> QPointF:
        """Where a pair of numbers is."""
        return QPointF(self.x.at(x), self.y.at(y))

    def line(self, xs: Numbers, ys: Numbers) -> list[QPointF]:
        """A curve's points."""
        return [self.point(float(x), float(y)) for x, y in zip(xs, ys)]


def framed(
    whole: QRectF, xs: Sequence[float], ys: Sequence[float], *, right: float = RIGHT
) -> Frame | None:
    """The frame that holds all of some numbers; None where there is no room, or nothing.

    Args:
        whole: of the chart, in pixels.
        xs, ys: numbers above 0.
        right: pixels that stay free at the right.
    """
    area = whole.adjusted(LEFT, TOP, -right, -BOTTOM)
    if not xs or not ys or area.width() < 40 or area.height() < 30:
        return None
    return Frame(
        area,
        spanning(xs, area.left(), area.right(), 12),
        _close(ys, area.bottom(), area.top()),
    )


def _close(values: Sequence[float], start: float, stop: float) -> LogScale:
    """A scale of losses: they often lie closer together than `spanning` would have it."""
    low, high = min(values), max(values)
    if high < 1.02 * low:
        low, high = low / 1.01, high * 1.01
    room = (high / low) ** 0.06
    return LogScale(low / room, high * room, start, stop)


def loss_ticks(scale: LogScale) -> list[float]:
    """Round losses within a scale, as close together as they can be read."""
    for step in _STEPS:
        first = int(scale.low / step) + 1
        ticks = [step * n for n in range(first, int(scale.high / step) + 1)]
        places = [scale.at(tick) for tick in ticks]
        if all(abs(a - b) >= _TICK for a, b in pairwise(places)):
            return [round(tick, 2) for tick in ticks]
    return []


def paint_frame(
    painter: QPainter,
    frame: Frame,
    x_title: str,
    y_title: str,
    x_words: Callable[[float], str],
) -> None:
    """Grid, ticks and titles."""
    t, area, font = theme.current(), frame.area, theme.mono(theme.SMALL_FONT_SIZE)
    grid = QPen(t.color("line", 0.7), 1)
    for value in decades(frame.x, int(area.width() // 62)):
        at = round(frame.x.at(value)) + 0.5
        painter.setPen(grid)
        painter.drawLine(QPointF(at, area.top()), QPointF(at, area.bottom()))
        painter.setPen(t.color("dim"))
        words = line(x_words(value), font)
        words.draw(painter, at - words.width / 2, area.bottom() + 10)
    for value in loss_ticks(frame.y):
        at = round(frame.y.at(value)) + 0.5
        painter.setPen(grid)
        painter.drawLine(QPointF(area.left(), at), QPointF(area.right(), at))
        painter.setPen(t.color("dim"))
        words = line(f"{value:g}", font)
        words.draw(painter, area.left() - 6 - words.width, at)
    painter.setPen(t.color("line"))
    painter.drawRect(area)
    painter.setPen(t.color("dim"))
    small = theme.sans(theme.SMALL_FONT_SIZE)
    title = line(x_title, small, area.width() + LEFT)
    title.draw(painter, area.center().x() - title.width / 2, area.bottom() + 27)
    line(y_title, small, area.width() + LEFT - 8).draw(painter, 8, TOP / 2)


def size_color(at: int, of: int) -> QColor:
    """The colour of a size: from the middle of the sequential map to its end, small to large."""
    share = at / max(1, of - 1)
    return theme.sequential_color(0.38 + 0.57 * share)
