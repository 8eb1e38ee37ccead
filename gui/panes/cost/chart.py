"""Curves on axes of logarithms, with a legend beside their ends.

A straight line is a power of the length; how steep it is, is the exponent. What is counted and not
measured is dashed. Hovering, or the arrow keys, go from length to length and write the numbers into
the legend. Knows curves; no store.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.cost.curves import Curve, Picture
from gui.widgets.canvas import Canvas
from gui.widgets.charts.log_scale import LogScale, decades, doublings, spanning
from gui.widgets.drawing_cache import line
from gui.widgets.figure import is_figure

LEFT, BOTTOM, TOP = 64.0, 40.0, 24.0
LEGEND = 196.0
NARROW = 168.0
TICK_ROOM = (58.0, 26.0)
"""Pixels that a tick's words want along each axis."""


class LogChart(Canvas):
    """The widget.

    Attributes:
        picture: what is drawn; None for nothing.
        chosen: index of the place on the x axis whose numbers stand in the legend; None for none.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picture: Picture | None = None
        self.chosen: int | None = None
        self._x: LogScale | None = None
        self._y: LogScale | None = None
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def set_picture(self, picture: Picture | None) -> None:
        """Draw it; the chosen length stays, where it is there still."""
        before = self.chosen_x
        self.picture = picture
        self.chosen = None
        if picture is not None and before is not None:
            at = np.flatnonzero(picture.x_N == before)
            self.chosen = int(at[0]) if len(at) else None
        self.lay_out()
        self._tell()
        self.redraw()

    @property
    def chosen_x(self) -> float | None:
        """The length whose numbers stand in the legend."""
        if self.picture is None or self.chosen is None:
            return None
        return float(self.picture.x_N[self.chosen])

    # -------------------------------------------------------------------------- places

    @property
    def area(self) -> QRectF:
        """Where the curves are."""
        whole = QRectF(self.viewport().rect())
        legend = LEGEND if whole.width() > 560 else NARROW
        return whole.adjusted(LEFT, TOP, -legend, -BOTTOM)

    def lay_out(self) -> None:
        self._x = self._y = None
        if self.picture is None:
            return
        xs = [float(x) for curve in self.picture.curves for x in curve.x_N[_known(curve)]]
        ys = [
            float(y)
            for curve in self.picture.curves
            for one_N in (curve.y_N, curve.low_N, curve.high_N)
            for y in one_N[_known(curve)]
        ]
        area = self.area
        if xs and ys and area.width() > 40 and area.height() > 40:
            self._x = spanning(xs, area.left(), area.right(), 12)
            self._y = spanning(ys, area.bottom(), area.top(), 12)

    def point(self, key: str, at: int) -> QPointF | None:
        """Where a point of a curve is drawn; None where there is none."""
        curve = (
            next((c for c in self.picture.curves if c.key == key), None) if self.picture else None
        )
        if curve is None or self._x is None or self._y is None or not np.isfinite(curve.y_N[at]):
            return None
        return QPointF(self._x.at(float(curve.x_N[at])), self._y.at(float(curve.y_N[at])))

    # ------------------------------------------------------------------------- painting

    def paint_ground(self, painter: QPainter) -> None:
        if self.picture is None or self._x is None or self._y is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_axes(painter, self.picture, self._x, self._y)
        painter.save()
        painter.setClipRect(self.area)
        for curve in sorted(self.picture.curves, key=lambda one: not one.formula):
            self._paint_curve(painter, curve)
        painter.restore()

    def _paint_axes(self, painter: QPainter, picture: Picture, x: LogScale, y: LogScale) -> None:
        t, area, font = theme.current(), self.area, theme.mono(theme.SMALL_FONT_SIZE)
        grid = QPen(t.color("line", 0.7), 1)
        for value in doublings(x, int(area.width() // TICK_ROOM[0])):
            at = round(x.at(value)) + 0.5
            painter.setPen(grid)
            painter.drawLine(QPointF(at, area.top()), QPointF(at, area.bottom()))
            painter.setPen(t.color("dim"))
            words = line(f"{value:,.0f}", font)
            words.draw(painter, at - words.width / 2, area.bottom() + 11)
        for value in decades(y, int(area.height() // TICK_ROOM[1])):
            at = round(y.at(value)) + 0.5
            painter.setPen(grid)
            painter.drawLine(QPointF(area.left(), at), QPointF(area.right(), at))
            painter.setPen(t.color("dim"))
            words = line(_round(picture.y_words(value)), font)
            words.draw(painter, area.left() - 6 - words.width, at)
        painter.setPen(t.color("line"))
        painter.drawRect(area)
        painter.setPen(t.color("dim"))
        font = theme.sans(theme.SMALL_FONT_SIZE)
        title = line(picture.x_title, font)
        title.draw(painter, area.center().x() - title.width / 2, area.bottom() + 29)
        line(picture.y_title, font, area.width() + LEFT - 8).draw(painter, 8, TOP / 2)

    def _paint_curve(self, painter: QPainter, curve: Curve) -> None:
        assert self._x is not None
        assert self._y is not None
        color = theme.current().series[curve.color]
        known = np.flatnonzero(_known(curve))
        points = [
            QPointF(self._x.at(float(curve.x_N[at])), self._y.at(float(curve.y_N[at])))
            for at in known
        ]
        pen = QPen(QColor(color), 1.3 if curve.formula else 1.8)
        if curve.formula:
            pen.setDashPattern([4, 3])
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF(points))
        if curve.formula:
            return
        for at, point in zip(known, points, strict=True):
            low, high = (self._y.at(float(one[at])) for one in (curve.low_N, curve.high_N))
            if abs(low - high) > 1:
                painter.setPen(QPen(QColor(color), 1))
                painter.drawLine(QPointF(point.x(), low), QPointF(point.x(), high))
            painter.setPen(QPen(theme.current().color("panel"), 1))
            painter.setBrush(QColor(color))
            painter.drawEllipse(point, 3.2, 3.2)

    def paint_overlay(self, painter: QPainter) -> None:
        """The legend, and the length that is looked at."""
        picture, chosen = self.picture, None if is_figure() else self.chosen_x
        if picture is None or self._x is None or self._y is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if chosen is not None:
            at, area = round(self._x.at(chosen)) + 0.5, self.area
            painter.setPen(QPen(theme.current().color("accent"), 1))
            painter.drawLine(QPointF(at, area.top()), QPointF(at, area.bottom()))
            title = line(self._place(chosen), theme.sans(theme.SMALL_FONT_SIZE, bold=True))
            painter.setPen(theme.current().color("text"))
            title.draw(painter, area.right() + 14, TOP / 2)
        for curve, y in self._legend(picture):
            self._paint_legend(painter, curve, y, chosen)

    def _place(self, x: float) -> str:
        assert self.picture is not None
        noun = self.picture.x_noun
        return f"{x:,.0f} {noun}{'s' if x != 1 else ''}" if noun else f"{x:,.0f} at once"

    def _legend(self, picture: Picture) -> Iterator[tuple[Curve, float]]:
        """Each curve and where its two lines are: beside its end, as far as there is room."""
        assert self._y is not None
        metrics = QFontMetricsF(theme.sans(theme.SMALL_FONT_SIZE))
        high, area = 2 * metrics.height() + 6, self.area
        last = {
            curve.key: float(curve.y_N[np.flatnonzero(_known(curve))[-1]])
            for curve in picture.curves
            if _known(curve).any()
        }
        ordered = sorted(
            (curve for curve in picture.curves if curve.key in last),
            key=lambda curve: -last[curve.key],
        )
        high = min(high, (area.height() + BOTTOM) / max(len(ordered), 1))
        wanted = [self._y.at(last[curve.key]) - high / 2 for curve in ordered]
        lowest = area.bottom() + BOTTOM - high * len(ordered)
        y = area.top() - 4
        for index, (curve, top) in enumerate(zip(ordered, wanted, strict=True)):
            y = max(y, min(top, lowest + index * high))
            yield curve, y
            y += high

    def _paint_legend(
        self, painter: QPainter, curve: Curve, y: float, chosen: float | None
    ) -> None:
        t, left = theme.current(), self.area.right() + 14
        room = self.viewport().width() - left - 26
        font = theme.sans(theme.SMALL_FONT_SIZE)
        height = QFontMetricsF(font).height()
        pen = QPen(QColor(t.series[curve.color]), 2)
        if curve.formula:
            pen.setDashPattern([2.2, 1.6])
        painter.setPen(pen)
        middle = y + height / 2
        painter.drawLine(QPointF(left, middle), QPointF(left + 14, middle))
        painter.setPen(t.color("text"))
        line(curve.label, font, room).draw(painter, left + 20, middle)
        note, tone = curve.note, "dim"
        if chosen is not None:
            note, tone = self._said(curve, chosen), "text"
        painter.setPen(t.color(tone))
        words = line(note, theme.mono(theme.SMALL_FONT_SIZE), room)
        words.draw(painter, left + 20, middle + height)

    def _said(self, curve: Curve, x: float) -> str:
        """A curve's number at a length."""
        assert self.picture is not None
        at = np.flatnonzero(curve.x_N == x)
        if not len(at) or not np.isfinite(curve.y_N[at[0]]):
            return "–"
        return self.picture.y_words(float(curve.y_N[at[0]]))

    # ------------------------------------------------------------------ mouse and keyboard

    def hover(self, at: QPoint | None) -> None:
        inside = at is not None and self.area.adjusted(-8, 0, 8, 8).contains(QPointF(at))
        self._choose(self._nearest(float(at.x())) if at is not None and inside else None)

    def _nearest(self, x: float) -> int | None:
        if self.picture is None or self._x is None or not len(self.picture.x_N):
            return None
        places = np.array([self._x.at(float(one)) for one in self.picture.x_N])
        return int(np.abs(places - x).argmin())

    def _choose(self, index: int | None) -> None:
        if index != self.chosen:
            self.chosen = index
            self._tell()
            self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        n = 0 if self.picture is None else len(self.picture.x_N)
        to: int | None = None
        at = self.chosen
        match event.key():
            case Qt.Key.Key_Right:
                to = 0 if at is None else at + 1
            case Qt.Key.Key_Left:
                to = n - 1 if at is None else at - 1
            case Qt.Key.Key_Home:
                to = 0
            case Qt.Key.Key_End:
                to = n - 1
            case Qt.Key.Key_Escape if at is not None:
                self._choose(None)
                return
            case _:
                super().keyPressEvent(event)
                return
        if n:
            self._choose(min(max(to, 0), n - 1))

    def tooltip(self, at: QPoint) -> str:
        curve, index = self._at(QPointF(at))
        if curve is None or self.picture is None:
            return ""
        if index is None:
            return f"{curve.label}: {curve.means}."
        words = [
            f"{curve.label}, {self._place(float(curve.x_N[index]))}:",
            self.picture.y_words(float(curve.y_N[index])),
        ]
        detail = f" ({curve.details[index]})" if curve.details[index] else ""
        return f"{' '.join(words)}{detail}\n{curve.means}."

    def _at(self, at: QPointF) -> tuple[Curve | None, int | None]:
        """The curve whose point or legend is there, and which point."""
        if self.picture is None or self._x is None or self._y is None:
            return None, None
        if at.x() > self.area.right() + 8:
            height = 2 * QFontMetricsF(theme.sans(theme.SMALL_FONT_SIZE)).height()
            hit = [c for c, y in self._legend(self.picture) if y <= at.y() <= y + height]
            return (hit[0], None) if hit else (None, None)
        best: tuple[float, Curve | None, int | None] = (12.0, None, None)
        for curve in self.picture.curves:
            for index in np.flatnonzero(_known(curve)).tolist():
                point = self.point(curve.key, index)
                assert point is not None
                away = math.hypot(point.x() - at.x(), point.y() - at.y())
                if away < best[0]:
                    best = away, curve, index
        return best[1], best[2]

    def _tell(self) -> None:
        """To screen readers: the numbers at the chosen length, or how each curve grows."""
        if self.picture is None:
            self.setAccessibleDescription("")
            return
        x = self.chosen_x
        said = [
            f"{curve.label}: {curve.note if x is None else self._said(curve, x)}"
            for curve in self.picture.curves
        ]
        head = f"{self.picture.y_title} by {self.picture.x_title}" if x is None else self._place(x)
        self.setAccessibleDescription(f"{head}. {'; '.join(said)}.")


def _known(curve: Curve) -> np.ndarray:
    return np.isfinite(curve.y_N) & (curve.y_N > 0)


def _round(words: str) -> str:
    """Of a tick: "2.00 ms" is 2 ms."""
    number, _, unit = words.partition(" ")
    short = number.rstrip("0").rstrip(".") if "." in number else number
    return f"{short} {unit}".strip()
