"""The singular values of a matrix, largest first, as a curve.

Knows the values that it is given; no store, no model.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.widgets.canvas import Canvas
from gui.widgets.charts.stroke import stroke

DECADES = 8
"""What lies more powers of ten below the largest is rounding: drawn at the floor."""


class Spectrum(Canvas):
    """The widget. Click, or L, changes between a linear and a logarithmic axis."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Singular values of the matrix")
        self._values: NDArray[np.floating] = np.zeros(0)
        self._energy: NDArray[np.floating] = np.zeros(0)
        self._rank = 0.0
        self._log = False
        self._hovered: int | None = None

    # ------------------------------------------------------------------------ contents

    def set_values(self, values: NDArray[np.floating], effective_rank: float) -> None:
        """Draw all values, largest first; an empty array draws nothing."""
        self._values, self._rank = values, effective_rank
        squares = np.cumsum(values.astype(np.float64) ** 2)
        self._energy = squares / squares[-1] if len(squares) and squares[-1] > 0 else squares
        self._hovered = None
        self.redraw()

    @property
    def logarithmic(self) -> bool:
        """Whether the axis is logarithmic."""
        return self._log

    def toggle_log(self) -> None:
        """Change the axis of the values."""
        self._log = not self._log
        self.redraw()

    @property
    def plot(self) -> QRectF:
        """Where the curve is."""
        return QRectF(self.viewport().rect()).adjusted(8, 18, -8, -18)

    def point(self, index: int) -> QPointF:
        """Where a value is drawn."""
        plot, n = self.plot, len(self._values)
        x = plot.left() + plot.width() * (index / (n - 1) if n > 1 else 0.5)
        return QPointF(x, plot.bottom() - plot.height() * self._amount(float(self._values[index])))

    def _amount(self, value: float) -> float:
        most = float(self._values[0])
        if most <= 0:
            return 0.0
        if not self._log:
            return value / most
        lowest = max(float(self._values[-1]), most * 10.0**-DECADES)
        reach = math.log10(most / lowest)
        if reach <= 0:
            return 1.0
        return max(0.0, 1.0 + math.log10(max(value, lowest) / most) / reach)

    # ------------------------------------------------------------------------ painting

    def paint_ground(self, painter: QPainter) -> None:
        t, plot = theme.current(), self.plot
        n = len(self._values)
        if n == 0 or plot.width() < 20 or plot.height() < 8:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        # As many points as pixels at most; the first and the last are always among them.
        picked = np.unique(np.linspace(0, n - 1, min(n, 2 * int(plot.width()))).round().astype(int))
        points = [self.point(int(index)) for index in picked]
        line = QPolygonF(points)
        area = QPolygonF(line)
        area.append(QPointF(line.last().x(), plot.bottom()))
        area.append(QPointF(line.first().x(), plot.bottom()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(t.color("accent", 0.16))
        painter.drawPolygon(area)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(t.color("accent"), 1.4))
        stroke(painter, [line.at(i) for i in range(line.size())])
        if n <= plot.width() / 8:
            painter.setBrush(t.color("accent"))
            painter.setPen(Qt.PenStyle.NoPen)
            for at in points:
                painter.drawEllipse(at, 2, 2)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(t.color("line"))
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        if 1 <= self._rank <= n and n > 1:
            x = plot.left() + plot.width() * (self._rank - 1) / (n - 1)
            painter.setPen(QPen(t.color("dim"), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
        self._paint_words(painter)

    def _paint_words(self, painter: QPainter) -> None:
        t, plot, n = theme.current(), self.plot, len(self._values)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(t.color("dim"))
        painter.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        words = f"singular values, largest {self._values[0]:.4g}" + (" · log" if self._log else "")
        shown = QFontMetricsF(painter.font()).elidedText(
            words, Qt.TextElideMode.ElideRight, plot.width()
        )
        painter.drawText(
            QRectF(plot.left(), 0, plot.width(), 16), middle | Qt.AlignmentFlag.AlignLeft, shown
        )
        painter.setFont(theme.mono(theme.SMALL_FONT_SIZE - 0.5))
        axis = QRectF(plot.left(), plot.bottom() + 4, plot.width(), 14)
        painter.drawText(axis, middle | Qt.AlignmentFlag.AlignLeft, "1")
        painter.drawText(axis, middle | Qt.AlignmentFlag.AlignRight, f"{n:,}")

    def paint_overlay(self, painter: QPainter) -> None:
        index = self._hovered
        if index is None or index >= len(self._values):
            return
        t, at = theme.current(), self.point(index)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(t.color("text", 0.4), 1))
        painter.drawLine(QPointF(at.x(), self.plot.bottom()), at)
        painter.setBrush(t.color("accent"))
        painter.setPen(QPen(t.color("text"), 1))
        painter.drawEllipse(at, 3, 3)

    # ------------------------------------------------------------------ mouse and keys

    def value_at(self, at: QPoint) -> int | None:
        """Index of the value nearest to a point's column."""
        plot, n = self.plot, len(self._values)
        if n == 0 or not plot.left() - 4 <= at.x() <= plot.right() + 4:
            return None
        if n == 1:
            return 0
        share = (at.x() - plot.left()) / max(1.0, plot.width())
        return min(max(round(share * (n - 1)), 0), n - 1)

    def hover(self, at: QPoint | None) -> None:
        index = None if at is None else self.value_at(at)
        if index != self._hovered:
            self._hovered = index
            self.viewport().update()

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        if len(self._values):
            self.toggle_log()

    def tooltip(self, at: QPoint) -> str:
        index = self.value_at(at)
        if index is None:
            return ""
        n = len(self._values)
        return (
            f"singular value {index + 1} of {n:,}: {self._values[index]:.6g}\n"
            f"the first {index + 1:,} hold {self._energy[index]:.1%} of the square sum\n"
            f"effective rank {self._rank:.1f} (dashed)\n"
            f"Click: {'linear' if self._log else 'logarithmic'} axis"
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_L and len(self._values):
            self.toggle_log()
        else:
            event.ignore()
