"""Summands as bars to either side of zero: the strongest, and all others as one.

So what is drawn adds up. Knows the theme and what it is given; no store, no model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui import theme
from gui.widgets.drawing_cache import line
from gui.widgets.focus_ring import draw_focus
from gui.widgets.text import as_written
from gui.widgets.tips import Tips
from model.probe.attribution.asks import Part

ROW = 18.0
BAR_HEIGHT = 9.0
NAMES = 0.4
"""Names take at most this share of the width."""


@dataclass(frozen=True, slots=True)
class Summand:
    """What one row draws.

    Attributes:
        name: of the part, or how many others it stands for.
        value: what it adds.
        part: what it is; None for the others.
    """

    name: str
    value: float
    part: Part | None = None


class PartBars(QWidget):
    """A row a summand; a click or Return goes to what wrote it.

    Signals:
        part_chosen: the `Part` of a row.

    Attributes:
        tip: what hovering a row says.
    """

    part_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        Tips(self, self.show_tip)
        self.tip: Callable[[Summand], str] | None = None
        self._rows: tuple[Summand, ...] = ()
        self._at: int | None = None  # of the keyboard
        self._hovered: int | None = None
        self._names_font = theme.sans(theme.SMALL_FONT_SIZE)
        self._font = theme.mono(theme.SMALL_FONT_SIZE)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Parts of the logit")

    @property
    def rows(self) -> tuple[Summand, ...]:
        """What is drawn, from top to bottom."""
        return self._rows

    def set_rows(self, rows: Sequence[Summand]) -> None:
        """Draw these."""
        if len(rows) != len(self._rows):
            self.updateGeometry()
        self._rows = tuple(rows)
        said = [f"{row.name} {written(row.value)}" for row in rows]
        self.setAccessibleDescription(", ".join(said))
        self.update()

    # ------------------------------------------------------------------ what is where

    def bar_rect(self, row: int) -> QRectF:
        """The bar of a row: it begins at zero, on whichever side."""
        left, right, zero = self._axis()
        values = [one.value for one in self._rows]
        low, high = min(0.0, *values), max(0.0, *values)
        length = self._rows[row].value / ((high - low) or 1.0) * (right - left)
        top = row * ROW + (ROW - BAR_HEIGHT) / 2
        return QRectF(zero + min(length, 0), top, abs(length), BAR_HEIGHT)

    def row_at(self, point: QPointF) -> int | None:
        """The row under a point."""
        row = int(point.y() // ROW)
        return row if point.y() >= 0 and row < len(self._rows) else None

    def _axis(self) -> tuple[float, float, float]:
        """Left and right end of the bars' room, and where zero is."""
        left = self._names_width() + theme.SPACE
        right = self.width() - self._numbers_width() - theme.SPACE
        right = max(right, left + 8)
        values = [one.value for one in self._rows]
        low, high = min(0.0, *values), max(0.0, *values)
        return left, right, left - low / ((high - low) or 1.0) * (right - left)

    def _names_width(self) -> float:
        widest = max((line(row.name, self._names_font).width for row in self._rows), default=0.0)
        return min(widest, NAMES * self.width())

    def _numbers_width(self) -> float:
        return max((line(written(row.value), self._font).width for row in self._rows), default=0.0)

    def sizeHint(self) -> QSize:
        return QSize(200, int(len(self._rows) * ROW) + 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.sizeHint().height())

    # ------------------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            if self._rows:
                t = theme.current()
                _, _, zero = self._axis()
                painter.setPen(t.color("line"))
                painter.drawLine(QPointF(zero, 0), QPointF(zero, len(self._rows) * ROW))
            for at, row in enumerate(self._rows):
                self._paint_row(painter, at, row)
            if self.hasFocus():
                draw_focus(painter, QRectF(self.rect()))

    def _paint_row(self, painter: QPainter, at: int, row: Summand) -> None:
        t = theme.current()
        top, middle = at * ROW, at * ROW + ROW / 2
        lit = self.hasFocus() and at == self._at
        if lit or (at == self._hovered and row.part is not None):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(t.color("accent_soft" if lit else "raised"))
            box = QRectF(0, top, self.width(), ROW)
            painter.drawRoundedRect(box.adjusted(0, 1, 0, -1), theme.RADIUS, theme.RADIUS)
        width = self._names_width()
        name = line(row.name, self._names_font, width)
        painter.setPen(t.color("dim" if row.part is None else "text"))
        name.draw(painter, width - name.width, middle)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(t.color("accent" if row.value >= 0 else "negative"))
        if row.part is None:
            painter.setBrush(t.color("accent" if row.value >= 0 else "negative", 0.45))
        painter.drawRect(self.bar_rect(at))
        number = line(written(row.value), self._font)
        painter.setPen(t.color("dim" if row.part is None else "text"))
        number.draw(painter, self.width() - number.width, middle)

    # ------------------------------------------------------------------ mouse and keys

    def show_tip(self, event: QHelpEvent) -> None:
        """Say what there is to say where the mouse is."""
        at = self.row_at(QPointF(event.pos()))
        if at is not None and self.tip is not None:
            area = QRectF(0, at * ROW, self.width(), ROW).toAlignedRect()
            text = as_written(self.tip(self._rows[at]))
            QToolTip.showText(event.globalPos(), text, self, area)
        else:
            QToolTip.hideText()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self.row_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(None)

    def _hover(self, row: int | None) -> None:
        if row != self._hovered:
            self._hovered = row
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = self.row_at(event.position())
        if at is not None and event.button() == Qt.MouseButton.LeftButton:
            self._at = at
            self._choose(at)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, n = event.key(), len(self._rows)
        if n and key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            step = 1 if key == Qt.Key.Key_Down else -1
            self._at = 0 if self._at is None else max(0, min(self._at + step, n - 1))
            self.update()
        elif self._at is not None and self._at < n and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose(self._at)
        else:
            super().keyPressEvent(event)

    def _choose(self, at: int) -> None:
        part = self._rows[at].part
        if part is not None:
            self.part_chosen.emit(part)


def written(value: float) -> str:
    """A summand, with its sign."""
    return f"{value:+.2f}"
