"""Charts beside the rows of a grid: a value for every row, side by side, each on its own axis.

What is drawn stands at the height of the row that it is about. Knows the theme and what it is
given; no store, no answer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from gui import theme
from gui.panes.residual.scales import written
from gui.widgets.drawing_cache import line

BAR = 9.0
"""The thickest that a bar is."""
DOT = 2.2


@dataclass(frozen=True, slots=True)
class Series:
    """Values of one kind.

    Attributes:
        name: for the legend; empty for none.
        color: of the theme: a name, or which of its series.
        looks: points on a line, bars from zero, or a thin line for the other side.
        rows: where each stands: the middle of row 3 is 3.5.
        values: NaN leaves a gap.
        thickness: of a bar, as a share of a row.
    """

    name: str
    color: str | int
    looks: Literal["line", "bars", "other"]
    rows: tuple[float, ...]
    values: tuple[float, ...]
    thickness: float = 0.5

    def ink(self, alpha: float = 1.0) -> QColor:
        """Its colour, as the theme in force has it."""
        t = theme.current()
        if isinstance(self.color, str):
            return t.color(self.color, alpha)
        ink = QColor(t.series[self.color])
        ink.setAlphaF(alpha)
        return ink


@dataclass(frozen=True, slots=True)
class Track:
    """One chart.

    Attributes:
        title: what its values are.
        low, high: the ends of its axis, from left to right; low may be the larger one.
        log: whether the axis is logarithmic.
        series: what is drawn, the last on top.
        ends: what stands at the ends; the numbers themselves if left out.
        tip: what hovering its title says.
    """

    title: str
    low: float
    high: float
    series: tuple[Series, ...]
    log: bool = False
    ends: tuple[str, str] | None = None
    tip: str = ""

    def share(self, value: float) -> float:
        """Where a value stands on the axis, 0 to 1; NaN if nowhere."""
        low, high = self.low, self.high
        if self.log:
            if not value > 0:
                return 0.0 if value == 0 else math.nan
            low, high, value = math.log(low), math.log(high), math.log(value)
        if math.isnan(value):
            return math.nan
        return min(max((value - low) / (high - low), 0.0), 1.0)

    @property
    def zero(self) -> float:
        """Where bars begin, 0 to 1."""
        return self.share(min(max(0.0, min(self.low, self.high)), max(self.low, self.high)))


def paint_head(painter: QPainter, track: Track, area: QRectF) -> None:
    """The title of a track and what stands at its ends, in two lines."""
    t = theme.current()
    small = theme.sans(theme.SMALL_FONT_SIZE)
    half = area.height() / 2
    painter.setPen(t.color("text"))
    line(track.title, small, area.width()).draw(painter, area.left(), area.top() + half / 2)
    figures = theme.mono(theme.SMALL_FONT_SIZE)
    low, high = track.ends or (written(track.low), written(track.high))
    painter.setPen(t.color("dim"))
    middle = area.bottom() - half / 2
    left, right = line(low, figures), line(high, figures)
    if left.width + right.width + 4 <= area.width():  # else the other end says enough
        left.draw(painter, area.left(), middle)
    right.draw(painter, area.right() - right.width, middle)


def paint_body(
    painter: QPainter, track: Track, area: QRectF, row_height: float, seen: range, offset: float
) -> None:
    """The values of a track.

    Args:
        painter: clipped to where rows are seen.
        track: what is drawn.
        area: as wide as the axis, as high as what is seen of the rows.
        row_height: of each.
        seen: rows of which something is seen.
        offset: where row 0 begins, in the painter's coordinates.
    """
    t = theme.current()
    painter.setPen(QPen(t.color("line"), 1))
    for share in {0.0, track.zero, 1.0}:
        x = round(area.left() + share * area.width()) + 0.5
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
    for series in track.series:
        if series.looks == "bars":
            for row, value in zip(series.rows, series.values, strict=True):
                if seen.start - 1 <= row <= seen.stop + 1:
                    bar = bar_rect(track, series, area, row, value, row_height, offset)
                    painter.fillRect(bar, series.ink())
        else:
            _paint_line(painter, track, series, area, row_height, seen, offset)


def bar_rect(
    track: Track,
    series: Series,
    area: QRectF,
    row: float,
    value: float,
    row_height: float,
    offset: float,
) -> QRectF:
    """The bar of a value; empty where there is none."""
    end = track.share(value)
    if math.isnan(end):
        return QRectF()
    high = max(2.0, min(BAR, row_height * series.thickness))
    start, stop = sorted((track.zero * area.width(), end * area.width()))
    return QRectF(area.left() + start, offset + row * row_height - high / 2, stop - start, high)


def point_at(
    track: Track, area: QRectF, row: float, value: float, row_height: float, offset: float
) -> QPointF | None:
    """Where a value is drawn; None where it is none."""
    share = track.share(value)
    if math.isnan(share):
        return None
    return QPointF(area.left() + share * area.width(), offset + row * row_height)


def _paint_line(
    painter: QPainter,
    track: Track,
    series: Series,
    area: QRectF,
    row_height: float,
    seen: range,
    offset: float,
) -> None:
    other = series.looks == "other"
    color = series.ink(0.7 if other else 1.0)
    style = Qt.PenStyle.DotLine if other else Qt.PenStyle.SolidLine
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    last: QPointF | None = None
    dots: list[QPointF] = []
    painter.setPen(QPen(color, 1.3, style))
    for row, value in zip(series.rows, series.values, strict=True):
        if not seen.start - 1.5 <= row <= seen.stop + 1.5:
            continue
        here = point_at(track, area, row, value, row_height, offset)
        if here is not None and last is not None:
            painter.drawLine(last, here)
        if here is not None:
            dots.append(here)
        last = here
    if not other:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        size = DOT if row_height >= 10 else DOT * 0.7
        for dot in dots:
            painter.drawEllipse(dot, size, size)
        painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
