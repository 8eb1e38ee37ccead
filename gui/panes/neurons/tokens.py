"""Three lists of tokens with bars: what a neuron raises, what it lowers, what it listens to.

Knows the theme and what it is given; no store, no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.widgets.canvas import Canvas
from gui.widgets.drawing_cache import line

ROW = 18.0
HEAD = 20.0
GAP = 14.0


@dataclass(frozen=True, slots=True)
class Entry:
    """A token of a list.

    Attributes:
        token_id: in the vocabulary.
        text: as it is written.
        score: how much.
    """

    token_id: int
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Column:
    """A list.

    Attributes:
        title: what its tokens have in common, in a word or two.
        tip: the same as a sentence.
        entries: strongest first.
        why_not: why there are none.
    """

    title: str
    tip: str
    entries: tuple[Entry, ...] = ()
    why_not: str = ""


class TokenColumns(Canvas):
    """As many rows as fit; bars of one list are to one scale.

    Signals:
        chosen: id of a token that was clicked.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Tokens that the neuron raises, lowers and listens to")
        self.columns: tuple[Column, ...] = ()
        self._hovered: tuple[int, int] | None = None
        self._at = (0, 0)
        for policy in (self.setHorizontalScrollBarPolicy, self.setVerticalScrollBarPolicy):
            policy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Draw these."""
        self.columns = tuple(columns)
        said = [
            f"{one.title}: " + (", ".join(e.text for e in one.entries[:6]) or one.why_not)
            for one in self.columns
        ]
        self.setAccessibleDescription("; ".join(said))
        self.redraw()

    # ------------------------------------------------------------------ what is where

    @property
    def n_rows(self) -> int:
        """How many tokens of a list there is room for."""
        return max(1, int((self.viewport().height() - HEAD) // ROW))

    def column_rect(self, column: int) -> QRectF:
        """Where a list is."""
        n = max(1, len(self.columns))
        width = (self.viewport().width() - (n - 1) * GAP) / n
        return QRectF(column * (width + GAP), 0, width, self.viewport().height())

    def row_rect(self, column: int, row: int) -> QRectF:
        """Where a token is."""
        box = self.column_rect(column)
        return QRectF(box.left(), HEAD + row * ROW, box.width(), ROW)

    def bar_rect(self, column: int, row: int) -> QRectF:
        """The bar behind a token, as long as its score among those of the list."""
        entries = self.columns[column].entries
        most = max(abs(entry.score) for entry in entries) or 1.0
        box = self.row_rect(column, row).adjusted(0, 1, 0, -1)
        box.setWidth(box.width() * abs(entries[row].score) / most)
        return box

    def cell_at(self, at: QPoint) -> tuple[int, int] | None:
        """List and row under a point."""
        for column, one in enumerate(self.columns):
            for row in range(min(self.n_rows, len(one.entries))):
                if self.row_rect(column, row).contains(QPointF(at)):
                    return column, row
        return None

    # ----------------------------------------------------------------------- painting

    def paint_ground(self, painter: QPainter) -> None:
        t = theme.current()
        small, mono = theme.sans(theme.SMALL_FONT_SIZE), theme.mono(theme.SMALL_FONT_SIZE)
        for index, one in enumerate(self.columns):
            box = self.column_rect(index)
            painter.setPen(t.color("dim"))
            line(one.title, small, box.width()).draw(painter, box.left(), HEAD / 2)
            if not one.entries:
                painter.setFont(small)
                how = Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
                painter.drawText(box.adjusted(0, HEAD, 0, 0), how, one.why_not)
                continue
            for row, entry in enumerate(one.entries[: self.n_rows]):
                place = self.row_rect(index, row)
                side = "accent" if entry.score >= 0 else "negative"
                painter.fillRect(self.bar_rect(index, row), t.color(side, 0.2))
                number = line(f"{entry.score:+.2f}".replace("-", "−"), mono)
                room = place.width() - number.width - 8
                painter.setPen(t.color("text"))
                line(entry.text, mono, room).draw(painter, place.left() + 3, place.center().y())
                painter.setPen(t.color("dim"))
                number.draw(painter, place.right() - number.width - 2, place.center().y())

    def paint_overlay(self, painter: QPainter) -> None:
        t = theme.current()
        for cell, shown in ((self._hovered, True), (self._at, self.hasFocus())):
            if cell is not None and shown and self._there(*cell):
                painter.fillRect(self.row_rect(*cell), t.color("text", 0.1))

    def _there(self, column: int, row: int) -> bool:
        shown = column < len(self.columns)
        return shown and row < min(self.n_rows, len(self.columns[column].entries))

    # ------------------------------------------------------------------ mouse and keys

    def hover(self, at: QPoint | None) -> None:
        cell = None if at is None else self.cell_at(at)
        if cell != self._hovered:
            self._hovered = cell
            self.viewport().update()

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        cell = self.cell_at(at)
        if cell is not None:
            self._at = cell
            self.chosen.emit(self.columns[cell[0]].entries[cell[1]].token_id)

    def tooltip(self, at: QPoint) -> str:
        for column, one in enumerate(self.columns):
            if self.column_rect(column).contains(QPointF(at)):
                cell = self.cell_at(at)
                if cell is None:
                    return one.tip
                entry = one.entries[cell[1]]
                return f"{entry.text}  {entry.score:+.6g}\ntoken {entry.token_id}\n{one.tip}"
        return ""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, -1),
            Qt.Key.Key_Down: (0, 1),
        }
        step = steps.get(Qt.Key(event.key()))
        column, row = self._at
        if step is not None:
            if self._there(column + step[0], row + step[1]) and min(column, row) >= 0:
                at = column + step[0], row + step[1]
                if min(at) >= 0:
                    self._at = at
            self.viewport().update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._there(column, row):
            self.chosen.emit(self.columns[column].entries[row].token_id)
        else:
            event.ignore()
