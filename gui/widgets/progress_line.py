"""A line of places, one of which is current, that can be clicked and dragged along.

Knows how many places there are and where parts begin; not what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui import theme
from gui.widgets.figure import is_figure
from gui.widgets.focus_ring import draw_focus
from gui.widgets.text import as_written
from gui.widgets.tips import Tips

EDGE = 8.0
"""Left and right of the line, half a knob and some air."""
KNOB = 5.0


class ProgressLine(QWidget):
    """The line.

    Signals:
        sought: index of a place that was clicked or dragged to.

    Attributes:
        describe: says which place an index is, for the tooltip.
    """

    sought = Signal(int)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        Tips(self, self.show_tip)
        self.describe: Callable[[int], str] | None = None
        self._n = self._at = 0
        self._borders: tuple[int, ...] = ()
        self._dragged = False
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_place(self, at: int, n: int, borders: Sequence[int]) -> None:
        """Say where it is.

        Args:
            at: the current place.
            n: how many there are.
            borders: places at which a part begins.
        """
        now = at, n, tuple(borders)
        if now != (self._at, self._n, self._borders):
            self._at, self._n, self._borders = now
            words = "" if self.describe is None or not n else self.describe(at)
            self.setAccessibleDescription(words)
            self.update()

    # -------------------------------------------------------------------------- places

    def x_of(self, index: float) -> float:
        """Where a place is, in pixels from the left."""
        return EDGE + (self.width() - 2 * EDGE) * index / max(1, self._n - 1)

    def index_at(self, x: float) -> int:
        """The nearest place."""
        share = (x - EDGE) / max(1.0, self.width() - 2 * EDGE)
        return min(max(round(share * (self._n - 1)), 0), max(0, self._n - 1))

    # ------------------------------------------------------------------------- painting

    def sizeHint(self) -> QSize:
        return QSize(200, 24)

    def minimumSizeHint(self) -> QSize:
        return QSize(60, 24)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._n or is_figure():
            return
        t, middle = theme.current(), self.height() / 2
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            left, right, here = self.x_of(0), self.x_of(self._n - 1), self.x_of(self._at)
            painter.setPen(QPen(t.color("line"), 3, c=Qt.PenCapStyle.RoundCap))
            painter.drawLine(QPointF(left, middle), QPointF(right, middle))
            # Between two places: what begins there lies to the right of its mark.
            painter.setPen(QPen(t.color("faint"), 1))
            if len(self._borders) * 4 < right - left:
                for border in self._borders:
                    x = round(self.x_of(border - 0.5)) + 0.5
                    painter.drawLine(QPointF(x, middle - 6), QPointF(x, middle + 6))
            painter.setPen(QPen(t.color("accent"), 3, c=Qt.PenCapStyle.RoundCap))
            painter.drawLine(QPointF(left, middle), QPointF(here, middle))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(t.color("accent"))
            painter.drawEllipse(QPointF(here, middle), KNOB, KNOB)
            if self.hasFocus():
                draw_focus(painter, QRectF(self.rect()))

    # --------------------------------------------------------------------------- events

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._n:
            self._dragged = True
            self._seek(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragged:
            self._seek(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragged = False

    def _seek(self, x: float) -> None:
        index = self.index_at(x)
        if index != self._at:
            self.sought.emit(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Left: self._at - 1,
            Qt.Key.Key_Right: self._at + 1,
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: self._n - 1,
        }
        wanted = steps.get(Qt.Key(event.key()))
        if wanted is None or not self._n or event.modifiers() & ~_KEYPAD:
            super().keyPressEvent(event)
        elif 0 <= wanted < self._n:
            self.sought.emit(wanted)

    def show_tip(self, event: QHelpEvent) -> None:
        """Say what there is to say where the mouse is."""
        if self.describe is not None and self._n:
            words = as_written(self.describe(self.index_at(event.pos().x())))
            QToolTip.showText(event.globalPos(), words, self)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()


_KEYPAD = Qt.KeyboardModifier.KeypadModifier
