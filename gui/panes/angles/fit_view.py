"""How many nearly orthogonal vectors fit, by dimensions: found, the bound, and the orthogonal ones.

Both axes are logarithmic. Knows what was packed; no store.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.widgets.canvas import Canvas
from gui.widgets.drawing_cache import line
from gui.widgets.legend_rows import SWATCH, TO_TEXT, placed
from model import messages as m

ROW, FOOT, LEFT, RIGHT = 18.0, 36.0, 52.0, 16.0
HIGH_TITLE = 28.0
"""Of the vertical axis, above it."""
HIGHEST = 10_000
STYLES = {
    "accent": Qt.PenStyle.SolidLine,
    "text": Qt.PenStyle.DashLine,
    "dim": Qt.PenStyle.DotLine,
}
LEGEND = (
    ("accent", "vectors found to fit"),
    ("text", "more can't (Welch 1974)"),
    ("dim", "as many as dimensions"),
)


class FitView(Canvas):
    """The chart."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("How many vectors fit")
        self.fits: tuple[m.Fit, ...] = ()
        self.dimensions: tuple[int, ...] = ()
        self._hovered: m.Fit | None = None

    def show_fits(self, fits: tuple[m.Fit, ...], dimensions: tuple[int, ...]) -> None:
        """Draw what was found so far, of these dimensions."""
        self.fits, self.dimensions = fits, dimensions
        self.redraw()

    # ------------------------------------------------------------------------------ places

    @property
    def plot(self) -> QRectF:
        """Where the curves are."""
        room = QRectF(self.viewport().rect())
        return room.adjusted(LEFT, self.legend()[1] + HIGH_TITLE, -RIGHT, -FOOT)

    def legend(self) -> tuple[list[tuple[QRectF, str, str]], float]:
        """Swatch, colour and what it means, of each line; and where the legend ends."""
        return placed(LEGEND, QRectF(LEFT, 4, self.viewport().width() - LEFT - RIGHT, 0), ROW)

    def place(self, d: float, n: float) -> QPointF:
        """Where so many vectors in so many dimensions are."""
        low, high = self.dimensions[0], self.dimensions[-1]
        x = math.log(d / low) / math.log(high / low)
        y = math.log(max(1.0, n)) / math.log(HIGHEST)
        return QPointF(
            self.plot.left() + self.plot.width() * x, self.plot.bottom() - self.plot.height() * y
        )

    # ---------------------------------------------------------------------------- painting

    def paint_ground(self, painter: QPainter) -> None:
        if len(self.dimensions) < 2:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        t = theme.current()
        self._paint_axes(painter)
        painter.setClipRect(self.plot.adjusted(-6, -1, 6, 1))
        first, last = self.dimensions[0], self.dimensions[-1]
        painter.setPen(QPen(t.color("dim"), 1.2, Qt.PenStyle.DotLine))
        painter.drawLine(self.place(first, first), self.place(last, last))
        bounds = [
            self.place(fit.d, min(fit.most, 1e12)) for fit in self.fits if math.isfinite(fit.most)
        ]
        painter.setPen(QPen(t.color("text", 0.8), 1.4, Qt.PenStyle.DashLine))
        painter.drawPolyline(QPolygonF(bounds))
        points = [self.place(fit.d, fit.n) for fit in self.fits if fit.n]
        painter.setPen(QPen(t.color("accent"), 2))
        painter.drawPolyline(QPolygonF(points))
        for fit in self.fits:
            if fit.n:
                self._paint_point(painter, self.place(fit.d, fit.n), more=fit.more)
        painter.setClipping(False)
        self._paint_legend(painter)

    def _paint_point(self, painter: QPainter, at: QPointF, *, more: bool) -> None:
        t = theme.current()
        painter.setPen(QPen(t.color("accent"), 1.5))
        painter.setBrush(t.color("panel" if more else "accent"))
        painter.drawEllipse(at, 4, 4)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if more:
            painter.drawLine(at + QPointF(0, -6), at + QPointF(0, -13))
            painter.drawLine(at + QPointF(0, -13), at + QPointF(-3, -9))
            painter.drawLine(at + QPointF(0, -13), at + QPointF(3, -9))

    def _paint_axes(self, painter: QPainter) -> None:
        t, plot, font = theme.current(), self.plot, theme.mono(theme.SMALL_FONT_SIZE)
        for d in self.dimensions:
            x = self.place(d, 1).x()
            painter.setPen(QPen(t.color("line"), 1))
            painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
            words = line(f"{d:,}", font)
            painter.setPen(t.color("dim"))
            words.draw(
                painter,
                min(x - words.width / 2, plot.right() - words.width + 8),
                plot.bottom() + 11,
            )
        for n in (1, 10, 100, 1000, 10_000):
            y = self.place(self.dimensions[0], n).y()
            painter.setPen(QPen(t.color("line"), 1))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            words = line(f"{n:,}", font)
            painter.setPen(t.color("dim"))
            words.draw(painter, plot.left() - words.width - 6, y)
        small = theme.sans(theme.SMALL_FONT_SIZE)
        vectors = line("vectors, logarithmic", small)
        vectors.draw(painter, 4, plot.top() - HIGH_TITLE + 10)
        title = line("dimensions", small)
        title.draw(painter, plot.center().x() - title.width / 2, plot.bottom() + 26)

    def _paint_legend(self, painter: QPainter) -> None:
        t, font = theme.current(), theme.sans(theme.SMALL_FONT_SIZE)
        for swatch, tone, said in self.legend()[0]:
            painter.setPen(QPen(t.color(tone), 2, STYLES[tone]))
            middle = swatch.center().y()
            painter.drawLine(
                QPointF(swatch.left(), middle), QPointF(swatch.left() + SWATCH, middle)
            )
            painter.setPen(t.color("dim"))
            line(said, font).draw(painter, swatch.left() + TO_TEXT, middle)

    # ------------------------------------------------------------------------------- mouse

    def hover(self, at: QPoint | None) -> None:
        near = None
        if at is not None and self.fits:
            near = min(self.fits, key=lambda fit: abs(self.place(fit.d, 1).x() - at.x()))
        if near is not self._hovered:
            self._hovered = near
            self.viewport().update()

    def paint_overlay(self, painter: QPainter) -> None:
        if self._hovered is not None and len(self.dimensions) > 1:
            painter.setPen(QPen(theme.current().color("text", 0.5), 1))
            x = self.place(self._hovered.d, 1).x()
            painter.drawLine(QPointF(x, self.plot.top()), QPointF(x, self.plot.bottom()))

    def tooltip(self, at: QPoint) -> str:
        fit = self._hovered
        if fit is None:
            return ""
        found = f"at least {fit.n:,} fit" if fit.more else f"{fit.n:,} were found to fit"
        most = f"more than {fit.most:,.0f} can't" if fit.most < 1e12 else "no bound is near"
        return f"{fit.d:,} dimensions: {found}\n{most}"
