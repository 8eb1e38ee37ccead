"""The shares of variance of the first axes as small bars: click one to draw it.

Knows the numbers that it is given and the theme; no store.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme
from gui.widgets.canvas import Canvas

HEIGHT = 26


class SpectrumStrip(Canvas):
    """A bar an axis; those that are drawn are lit.

    Signals:
        picked: an axis was clicked, counted from 0.
    """

    picked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Variance of the first principal axes")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(HEIGHT)
        self._shares: NDArray[np.floating] = np.zeros(0)
        self._drawn: tuple[int, ...] = ()
        self._hovered: int | None = None

    def show_shares(self, shares: NDArray[np.floating], drawn: tuple[int, ...]) -> None:
        """Show these, of which some are drawn."""
        self._shares, self._drawn = shares, drawn
        first = ", ".join(f"{share:.1%}" for share in shares[:5])
        self.setAccessibleDescription(f"The first axes keep {first} of the variance.")
        self.redraw()

    def bar(self, axis: int) -> QRectF:
        """The bar of an axis."""
        n, height = max(1, len(self._shares)), self.viewport().height() - 4.0
        step = min(14.0, self.viewport().width() / n)
        share = float(self._shares[axis]) / (float(self._shares.max()) or 1.0)
        tall = max(1.0, share * height)
        return QRectF(axis * step, 2 + height - tall, max(1.0, step - 1), tall)

    def axis_at(self, x: float) -> int | None:
        """The axis under a place."""
        n = len(self._shares)
        if not n:
            return None
        axis = int(x // min(14.0, self.viewport().width() / n))
        return axis if 0 <= axis < n else None

    def paint_ground(self, painter: QPainter) -> None:
        t = theme.current()
        for axis in range(len(self._shares)):
            tone = "accent" if axis in self._drawn else "faint"
            painter.fillRect(self.bar(axis), t.color(tone))

    def paint_overlay(self, painter: QPainter) -> None:
        if self._hovered is not None and self._hovered < len(self._shares):
            bar = self.bar(self._hovered)
            whole = QRectF(bar.left(), 0, bar.width(), self.viewport().height())
            painter.fillRect(whole, theme.current().color("text", 0.15))

    def hover(self, at: QPoint | None) -> None:
        axis = None if at is None else self.axis_at(at.x())
        if axis != self._hovered:
            self._hovered = axis
            self.viewport().update()

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        axis = self.axis_at(at.x())
        if axis is not None:
            self.picked.emit(axis)

    def tooltip(self, at: QPoint) -> str:
        axis = self.axis_at(at.x())
        if axis is None:
            return ""
        kept = float(self._shares[: axis + 1].sum())
        return (
            f"axis {axis + 1} keeps {self._shares[axis]:.2%} of the variance, "
            f"the first {axis + 1} together {kept:.1%}\nClick draws it."
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        event.ignore()  # the boxes beside it are for the keyboard

    def sizeHint(self) -> QSize:
        return QSize(200, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(30, HEIGHT)
