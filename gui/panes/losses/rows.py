"""Lines of a few columns, one with a bar under its figure; one line is selected.

Only lines in view are painted. Knows the theme and what it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QPainter
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.widgets.canvas import Canvas

HIGH = 21.0
HEAD = 20.0
PAD = 6.0


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes:
        title: above it.
        width: pixels; 0 takes what the others leave.
        figure: whether it holds numbers, to the right and in tabular digits.
        elide: where words that have no room are cut; those cut on the left stand to the right, as
            what is before something.
    """

    title: str
    width: float
    figure: bool = False
    elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight


@dataclass(frozen=True, slots=True)
class Line:
    """A line.

    Attributes:
        cells: a text a column.
        share: how long its bar is, from 0 to 1.
        color: of the bar.
    """

    cells: tuple[str, ...]
    share: float = 0.0
    color: QColor | None = None


class RowList(Canvas):
    """The lines.

    Args:
        name: for screen readers.
        columns: from left to right.
        bar: the column whose figures have a bar under them.

    Signals:
        chosen: number of a line that was clicked, or reached by a key.
    """

    chosen = Signal(int)

    def __init__(
        self, name: str, columns: Sequence[Column], bar: int, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.describe: Callable[[int], str] | None = None
        self._columns, self._bar = tuple(columns), bar
        self._lines: tuple[Line, ...] = ()
        self._current = -1
        self._hovered = -1

    @property
    def lines(self) -> tuple[Line, ...]:
        return self._lines

    @property
    def current(self) -> int:
        """The selected line; -1 for none."""
        return self._current

    def set_lines(self, lines: Sequence[Line], current: int = -1) -> None:
        """Show other lines."""
        self._lines, self._current = tuple(lines), current
        self.lay_out()
        self.redraw()

    def set_current(self, current: int) -> None:
        """Select a line, without reporting it."""
        if current != self._current:
            self._current = current
            if 0 <= current < len(self._lines):
                self.scroll_to(self.box(current), self._window)
            self.viewport().update()

    @property
    def _window(self) -> QRectF:
        size = self.viewport().size()
        return QRectF(0, HEAD, size.width(), max(1.0, size.height() - HEAD))

    def lay_out(self) -> None:
        whole = QSizeF(1, HIGH * len(self._lines))
        self.scroll_over(whole, self._window.size())

    def box(self, line: int) -> QRectF:
        """Where a line is in the viewport."""
        top = HEAD + HIGH * line - self.scrolled.y()
        return QRectF(0, top, self.viewport().width(), HIGH)

    def line_at(self, at: QPoint) -> int:
        """The line there; -1 for none."""
        line = int((at.y() - HEAD + self.scrolled.y()) // HIGH)
        return line if at.y() >= HEAD and 0 <= line < len(self._lines) else -1

    def paint_ground(self, painter: QPainter) -> None:
        t, boxes = theme.current(), self._boxes()
        painter.setClipRect(self._window)
        for number, line in enumerate(self._lines):
            box = self.box(number)
            if box.bottom() < HEAD or box.top() > self.viewport().height():
                continue
            if line.share > 0:
                left, width = boxes[self._bar]
                # Under the figure: across its digits the bar's end would read as one of them.
                bar = QRectF(left + 2, box.bottom() - 4, (width - 4) * min(line.share, 1), 3)
                painter.fillRect(bar, line.color or t.color("accent", 0.7))
            for column, (left, width), text in zip(self._columns, boxes, line.cells, strict=True):
                cell = QRectF(left + PAD, box.top(), width - 2 * PAD, HIGH)
                size = theme.SMALL_FONT_SIZE
                painter.setFont(theme.mono(size) if column.figure else theme.sans(size))
                painter.setPen(t.color("text"))
                painter.drawText(cell, _flags(column), _elided(painter, text, cell.width(), column))
        painter.setClipping(False)
        painter.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        painter.setPen(t.color("dim"))
        for column, (left, width) in zip(self._columns, boxes, strict=True):
            head = QRectF(left + PAD, 0, width - 2 * PAD, HEAD)
            painter.drawText(head, _flags(column), _elided(painter, column.title, width, column))
        painter.setPen(t.color("line"))
        painter.drawLine(0, int(HEAD) - 1, self.viewport().width(), int(HEAD) - 1)

    def paint_overlay(self, painter: QPainter) -> None:
        t = theme.current()
        painter.setClipRect(self._window)
        if 0 <= self._hovered < len(self._lines):
            painter.fillRect(self.box(self._hovered), t.color("text", 0.06))
        if 0 <= self._current < len(self._lines):
            painter.setPen(t.color("accent"))
            painter.setBrush(t.color("accent", 0.12))
            painter.drawRect(self.box(self._current).adjusted(0, 0, -1, -1))
        painter.setClipping(False)

    def _boxes(self) -> list[tuple[float, float]]:
        fixed = sum(column.width for column in self._columns)
        wide = max(60.0, self.viewport().width() - fixed)
        boxes, left = [], 0.0
        for column in self._columns:
            width = column.width or wide
            boxes.append((left, width))
            left += width
        return boxes

    def hover(self, at: QPoint | None) -> None:
        line = -1 if at is None else self.line_at(at)
        if line != self._hovered:
            self._hovered = line
            self.viewport().update()

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        line = self.line_at(at)
        if line >= 0:
            self._choose(line)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
        if event.key() in moves and self._lines:
            wanted = self._current + moves[Qt.Key(event.key())]
            self._choose(min(max(wanted, 0), len(self._lines) - 1))
        else:
            super().keyPressEvent(event)

    def _choose(self, line: int) -> None:
        self.set_current(line)
        self.chosen.emit(line)

    def tooltip(self, at: QPoint) -> str:
        line = self.line_at(at)
        return "" if line < 0 or self.describe is None else self.describe(line)

    def sizeHint(self) -> QSize:
        return QSize(240, 200)


def _flags(column: Column) -> Qt.AlignmentFlag:
    right = column.figure or column.elide is Qt.TextElideMode.ElideLeft
    side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _elided(painter: QPainter, text: str, width: float, column: Column) -> str:
    if column.figure:
        return text
    return QFontMetricsF(painter.font()).elidedText(text, column.elide, width)
