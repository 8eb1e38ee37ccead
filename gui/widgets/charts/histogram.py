"""How often each value occurs in a tensor: bars from the least to the largest.

Knows the counts that it is given; no store, no model.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.widgets.canvas import Canvas


class Histogram(Canvas):
    """The widget. Click, or L, changes between a linear and a logarithmic count axis."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Histogram of the tensor's values")
        self._counts: NDArray[np.integer] = np.zeros(0, np.int64)
        self._low = self._high = 0.0
        self._mean = self._std = math.nan
        self._log = False
        self._hovered: int | None = None

    # ------------------------------------------------------------------------ contents

    def set_counts(
        self, counts: NDArray[np.integer], low: float, high: float, mean: float, std: float
    ) -> None:
        """Draw equal bins from low to high, and where mean and deviation are."""
        self._counts, self._low, self._high = counts, low, high
        self._mean, self._std = mean, std
        self.redraw()

    @property
    def logarithmic(self) -> bool:
        """Whether the height of a bar is the logarithm of its count."""
        return self._log

    def toggle_log(self) -> None:
        """Change the count axis."""
        self._log = not self._log
        self.redraw()

    @property
    def plot(self) -> QRectF:
        """Where the bars are."""
        return QRectF(self.viewport().rect()).adjusted(8, 18, -8, -18)

    def bar_rect(self, index: int) -> QRectF:
        """The bar of a bin."""
        plot, n = self.plot, len(self._counts)
        height = plot.height() * self._amount(int(self._counts[index]))
        left = plot.left() + plot.width() * index / n
        right = plot.left() + plot.width() * (index + 1) / n
        return QRectF(left, plot.bottom() - height, right - left, height)

    def edges(self, index: int) -> tuple[float, float]:
        """From where to where a bin goes."""
        step = (self._high - self._low) / max(1, len(self._counts))
        return self._low + index * step, self._low + (index + 1) * step

    def _amount(self, count: int) -> float:
        most = int(self._counts.max()) if len(self._counts) else 0
        if most == 0 or count == 0:
            return 0.0
        if self._log:
            # A count of one still has a bar: the axis begins below it.
            return (math.log10(count) + 0.3) / (math.log10(most) + 0.3)
        return count / most

    def _x(self, value: float) -> float:
        plot = self.plot
        return plot.left() + plot.width() * (value - self._low) / (self._high - self._low)

    # ------------------------------------------------------------------------ painting

    def paint_ground(self, painter: QPainter) -> None:
        t, plot = theme.current(), self.plot
        if not len(self._counts) or plot.width() < 20 or plot.height() < 8:
            return
        painter.setPen(Qt.PenStyle.NoPen)
        for index in range(len(self._counts)):
            low, high = self.edges(index)
            # Half a pixel between bars, where they are wide enough to be told apart.
            bar = self.bar_rect(index)
            gap = 0.5 if bar.width() > 3 else 0.0
            side = "accent" if low + high >= 0 else "negative"
            painter.fillRect(bar.adjusted(gap, 0, -gap, 0), t.color(side, 0.85))
        painter.setPen(t.color("line"))
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        self._paint_marks(painter)
        self._paint_axis(painter)
        painter.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        painter.setPen(t.color("dim"))
        top = QRectF(plot.left(), 0, plot.width(), 16)
        most = f"{int(self._counts.max()):,}"
        words = f"highest bar {most}" + (" · log" if self._log else "")
        shown = QFontMetricsF(painter.font()).elidedText(
            words, Qt.TextElideMode.ElideRight, plot.width()
        )
        painter.drawText(top, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)

    def _paint_marks(self, painter: QPainter) -> None:
        """The mean, and one deviation to either side."""
        t, plot = theme.current(), self.plot
        if not math.isfinite(self._mean):
            return
        left = max(plot.left(), self._x(self._mean - self._std))
        right = min(plot.right(), self._x(self._mean + self._std))
        painter.setPen(QPen(t.color("text", 0.5), 1))
        y = plot.bottom() + 2.5
        painter.drawLine(QPointF(left, y), QPointF(right, y))
        painter.setPen(QPen(t.color("text", 0.8), 1))
        x = self._x(self._mean)
        painter.drawLine(QPointF(x, plot.bottom()), QPointF(x, plot.bottom() + 5))

    def _paint_axis(self, painter: QPainter) -> None:
        t, plot = theme.current(), self.plot
        painter.setFont(theme.mono(theme.SMALL_FONT_SIZE - 0.5))
        painter.setPen(t.color("dim"))
        metrics = QFontMetricsF(painter.font())
        line = QRectF(plot.left(), plot.bottom() + 4, plot.width(), 14)
        middle = Qt.AlignmentFlag.AlignVCenter
        low, high = f"{self._low:.3g}", f"{self._high:.3g}"
        painter.drawText(line, middle | Qt.AlignmentFlag.AlignLeft, low)
        painter.drawText(line, middle | Qt.AlignmentFlag.AlignRight, high)
        if self._low < 0 < self._high:
            x = self._x(0.0)
            half = metrics.horizontalAdvance("0") / 2
            clear = metrics.horizontalAdvance(low) + half + 4
            if x - plot.left() > clear and plot.right() - x > clear:
                zero = QRectF(x - half, line.top(), 2 * half + 2, line.height())
                painter.drawText(zero, middle | Qt.AlignmentFlag.AlignLeft, "0")

    def paint_overlay(self, painter: QPainter) -> None:
        if self._hovered is not None and self._hovered < len(self._counts):
            t, bar = theme.current(), self.bar_rect(self._hovered)
            band = QRectF(bar.left(), self.plot.top(), bar.width(), self.plot.height())
            painter.fillRect(band, t.color("text", 0.12))

    # ------------------------------------------------------------------ mouse and keys

    def bin_at(self, at: QPoint) -> int | None:
        """The bin under a point."""
        plot = self.plot
        if not len(self._counts) or not plot.left() <= at.x() < plot.right():
            return None
        return int((at.x() - plot.left()) / plot.width() * len(self._counts))

    def hover(self, at: QPoint | None) -> None:
        index = None if at is None else self.bin_at(at)
        if index != self._hovered:
            self._hovered = index
            self.viewport().update()

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        self.toggle_log()

    def tooltip(self, at: QPoint) -> str:
        index = self.bin_at(at)
        if index is None:
            return ""
        low, high = self.edges(index)
        count = int(self._counts[index])
        share = count / max(1, int(self._counts.sum()))
        numbers = "number" if count == 1 else "numbers"
        return (
            f"{count:,} {numbers} from {low:.4g} to {high:.4g} ({share:.2%})\n"
            f"mean {self._mean:.4g}, standard deviation {self._std:.4g}\n"
            f"Click: {'linear' if self._log else 'logarithmic'} counts"
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_L:
            self.toggle_log()
        else:
            event.ignore()
