"""A box or a loop that a person draws over a cloud of points, to select what lies in it.

Lies over the view while one is drawn, and lets the wheel through to it. Knows places on the
screen; neither points nor tokens.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from gui import theme

SMALLEST = 4.0
"""A region of fewer pixels is a click, which selects nothing."""


class RegionLayer(QWidget):
    """The sheet that is drawn on.

    Args:
        view: over which it lies.

    Signals:
        drawn: ``[N, 2]`` corners of the region on the view; whether it adds to what was selected.
        left: Escape was pressed.

    Attributes:
        kind: box or lasso.
    """

    drawn = Signal(object, bool)
    left = Signal()

    def __init__(self, view: QWidget) -> None:
        super().__init__(view)
        self.kind = "box"
        self._view = view
        self._corners: list[QPointF] = []
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName("Draw a region over the points")
        view.installEventFilter(self)
        self.hide()

    def begin(self, kind: str) -> None:
        """From now on a region can be drawn."""
        self.kind, self._corners = kind, []
        self.setGeometry(self._view.rect())
        self.show()
        self.raise_()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.setGeometry(self._view.rect())
        return super().eventFilter(watched, event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._corners = [event.position()]

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not self._corners:
            return
        if self.kind == "box":
            self._corners = _box(self._corners[0], event.position())
        else:
            self._corners.append(event.position())
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or not self._corners:
            return
        if self.kind == "box":
            self._corners = _box(self._corners[0], event.position())
        corners = np.array([(at.x(), at.y()) for at in self._corners])
        self._corners = []
        self.update()
        if len(corners) > 2 and np.ptp(corners, axis=0).max() >= SMALLEST:
            adds = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.drawn.emit(corners, adds)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._corners:
            return
        with QPainter(self) as painter:
            t = theme.current()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(t.color("accent"), 1.5, Qt.PenStyle.DashLine))
            painter.setBrush(t.color("accent", 0.12))
            painter.drawPolygon(QPolygonF(self._corners))


def _box(first: QPointF, last: QPointF) -> list[QPointF]:
    across, down = QPointF(last.x(), first.y()), QPointF(first.x(), last.y())
    return [first, across, last, down]


def inside(xy_N2: NDArray[np.float32], corners_C2: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which places lie in a polygon, by the even-odd rule; NaN lies nowhere."""
    low, high = corners_C2.min(0), corners_C2.max(0)
    within = ((xy_N2 >= low) & (xy_N2 <= high)).all(1)
    x, y = xy_N2[within].T.astype(np.float64)
    odd = np.zeros(len(x), np.bool_)
    for (x0, y0), (x1, y1) in zip(corners_C2, np.roll(corners_C2, -1, 0)):
        if y0 == y1:
            continue
        crosses = (y0 > y) != (y1 > y)
        odd ^= crosses & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    found = np.zeros(len(xy_N2), np.bool_)
    found[np.flatnonzero(within)[odd]] = True
    return found
