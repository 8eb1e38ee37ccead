"""A token's strongest neurons as bars to either side of zero.

Knows the theme and what it is given; no store, no model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.widgets.canvas import Canvas
from gui.widgets.drawing_cache import line

ROW = 18.0
BAR = 9.0


@dataclass(frozen=True, slots=True)
class NeuronBar:
    """What one row draws.

    Attributes:
        neuron: its number.
        name: as it is called.
        value: how long the bar is, and to which side.
    """

    neuron: int
    name: str
    value: float


class NeuronBars(Canvas):
    """A row a neuron, the strongest first.

    Signals:
        chosen: number of a neuron that was clicked or reached by a key.

    Attributes:
        tip: what hovering a row says.
        rows: what is drawn, from top to bottom.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Strongest neurons of the token")
        self.tip: Callable[[NeuronBar], str] | None = None
        self.rows: tuple[NeuronBar, ...] = ()
        self._selected: int | None = None
        self._hovered: int | None = None
        self._empty = ""
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def set_rows(self, rows: Sequence[NeuronBar], selected: int | None, empty: str = "") -> None:
        """Draw these; `empty` is said where there are none."""
        self._empty = empty
        moved = selected != self._selected
        self.rows, self._selected = tuple(rows), selected
        said = [f"{row.name} {written(row.value)}" for row in self.rows[:10]]
        self.setAccessibleDescription(", ".join(said))
        self.lay_out()
        if moved and (at := self._at(selected)) is not None:
            self.scroll_to(self.row_rect(at), QRectF(self.viewport().rect()))
        self.redraw()

    # ------------------------------------------------------------------ what is where

    def row_rect(self, row: int) -> QRectF:
        """Where a row is."""
        return QRectF(0, row * ROW - self.scrolled.y(), self.viewport().width(), ROW)

    def bar_rect(self, row: int) -> QRectF:
        """The bar of a row: it begins at zero, on whichever side."""
        left, right, zero = self._axis()
        low, high = self._limits()
        length = self.rows[row].value / ((high - low) or 1.0) * (right - left)
        top = self.row_rect(row).top() + (ROW - BAR) / 2
        return QRectF(zero + min(length, 0), top, abs(length), BAR)

    def row_at(self, at: QPoint) -> int | None:
        """The row under a point."""
        row = int((at.y() + self.scrolled.y()) // ROW)
        return row if 0 <= row < len(self.rows) else None

    def lay_out(self) -> None:
        size = self.viewport().size()
        self.scroll_over(QSize(0, int(len(self.rows) * ROW)).toSizeF(), size.toSizeF())
        self.verticalScrollBar().setSingleStep(int(ROW))

    def _at(self, neuron: int | None) -> int | None:
        return next((i for i, row in enumerate(self.rows) if row.neuron == neuron), None)

    def _limits(self) -> tuple[float, float]:
        values = [row.value for row in self.rows if row.value == row.value]
        return min(0.0, *values, 0.0), max(0.0, *values, 0.0)

    def _axis(self) -> tuple[float, float, float]:
        """Left and right end of the bars' room, and where zero is."""
        font = theme.mono(theme.SMALL_FONT_SIZE)
        names = max((line(row.name, font).width for row in self.rows), default=0.0)
        numbers = max((line(written(row.value), font).width for row in self.rows), default=0.0)
        left = min(names, 0.4 * self.viewport().width()) + theme.SPACE
        right = max(self.viewport().width() - numbers - theme.SPACE - 2, left + 8)
        low, high = self._limits()
        return left, right, left - low / ((high - low) or 1.0) * (right - left)

    # ----------------------------------------------------------------------- painting

    def paint_ground(self, painter: QPainter) -> None:
        t, font = theme.current(), theme.mono(theme.SMALL_FONT_SIZE)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self.rows:
            painter.setPen(t.color("dim"))
            painter.setFont(theme.sans(theme.SMALL_FONT_SIZE))
            how = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.viewport().rect(), how, self._empty)
            return
        left, _, zero = self._axis()
        painter.setPen(t.color("line"))
        bottom = self.row_rect(len(self.rows) - 1).bottom()
        painter.drawLine(QPointF(zero, 0), QPointF(zero, bottom))
        for at, row in enumerate(self.rows):
            box = self.row_rect(at)
            if box.bottom() < 0 or box.top() > self.viewport().height():
                continue
            selected = row.neuron == self._selected
            if selected:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(t.color("accent_soft"))
                painter.drawRoundedRect(box, theme.RADIUS, theme.RADIUS)
            middle = box.center().y()
            painter.setPen(t.color("accent" if selected else "text"))
            line(row.name, font, left - theme.SPACE).draw(painter, 2, middle)
            painter.fillRect(self.bar_rect(at), t.color("accent" if row.value >= 0 else "negative"))
            painter.setPen(t.color("text" if selected else "dim"))
            number = line(written(row.value), font)
            number.draw(painter, self.viewport().width() - number.width - 2, middle)

    def paint_overlay(self, painter: QPainter) -> None:
        if self._hovered is not None and self._hovered < len(self.rows):
            painter.fillRect(self.row_rect(self._hovered), theme.current().color("text", 0.08))

    # ------------------------------------------------------------------ mouse and keys

    def hover(self, at: QPoint | None) -> None:
        row = None if at is None else self.row_at(at)
        if row != self._hovered:
            self._hovered = row
            self.viewport().update()

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        row = self.row_at(at)
        if row is not None:
            self.chosen.emit(self.rows[row].neuron)

    def tooltip(self, at: QPoint) -> str:
        row = self.row_at(at)
        return "" if row is None or self.tip is None else self.tip(self.rows[row])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if step is None or not self.rows:
            event.ignore()
            return
        at = self._at(self._selected)
        row = 0 if at is None else min(max(at + step, 0), len(self.rows) - 1)
        self.chosen.emit(self.rows[row].neuron)


def written(value: float) -> str:
    """A number as it stands beside its bar."""
    return f"{value:.3g}".replace("-", "−")
