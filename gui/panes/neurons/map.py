"""Neurons by tokens as colours: rows of one height, of which those in view are asked for.

Knows what it is given: values of some rows, how many rows there are, labels. No store, no model.
Shape suffixes: R rows that are here, T tokens.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QPoint, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPen, QWheelEvent
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.neurons.map_layout import ROW, Content, Places, place
from gui.panes.neurons.map_painter import MapPainter
from gui.widgets.canvas import Canvas


class NeuronGrid(Canvas):
    """The widget.

    Signals:
        chosen: ``(row, column)`` of a cell that was clicked or reached by a key.
        moved: by how many rows and columns a key goes on from what is selected.
        seen_changed: other rows are in view.

    Attributes:
        describe: gives the tooltip of ``(row, column)``; a column of None is the row's label.
    """

    chosen = Signal(object)
    moved = Signal(int, int)
    seen_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Neurons by tokens")
        self.describe: Callable[[int, int | None], str] | None = None
        self.content: Content | None = None
        self._marked: tuple[int | None, int | None] = (None, None)
        self._hovered: tuple[int | None, int | None] | None = None
        self._told = range(0)
        self._places = Places()
        self._zoom: float | None = None  # width of a column that was asked for
        self.verticalScrollBar().valueChanged.connect(self._tell_seen)

    # ----------------------------------------------------------------------- contents

    def set_content(self, content: Content | None) -> None:
        """Draw other values."""
        self.content = content
        self.lay_out()
        self.redraw()

    def set_marks(self, row: int | None, column: int | None) -> None:
        """Frame a row and a column."""
        if (row, column) != self._marked:
            self._marked = row, column
            self.redraw()  # labels give way to the marked ones

    def reveal(self, row: int | None, column: int | None) -> None:
        """Scroll so that a row and a column are seen."""
        box = QRectF(self.places.window)
        if row is not None:
            band = self.places.row_band(row)
            box.setTop(band.top())
            box.setBottom(band.bottom())
        if column is not None:
            band = self.places.column_band(column)
            box.setLeft(band.left())
            box.setRight(band.right())
        self.scroll_to(box, self.places.window)

    # ------------------------------------------------------------------------- places

    @property
    def room(self) -> int:
        """How many rows fit, at least in part."""
        return max(1, math.ceil(max(self.places.window.height(), self.height() - 120) / ROW) + 1)

    @property
    def seen(self) -> range:
        """The rows of which something is in view."""
        if self.content is None:
            return range(self.room)
        first = self.scrolled.y() // ROW
        return range(first, min(self.content.n_rows, first + self.room))

    @property
    def places(self) -> Places:
        """Where cells are, as it is scrolled now."""
        return replace(self._places, scrolled=self.scrolled)

    def cell_at(self, at: QPoint) -> tuple[int | None, int | None] | None:
        """The cell under a point; one of them None over a label; None elsewhere."""
        return None if self.content is None else self.places.at(at, self.content)

    def lay_out(self) -> None:
        content = self.content
        if content is None or not content.tokens:
            self._places, whole = Places(), QSizeF()
        else:
            bar = self.verticalScrollBar().sizeHint().width()
            self._places, whole = place(content, self.maximumViewportSize(), bar, self._zoom)
        if self._zoom is not None:
            self._zoom = self._places.column
        self.scroll_over(whole, self._places.window.size())
        self.verticalScrollBar().setSingleStep(ROW)
        self._tell_seen()

    def set_column_width(self, width: float | None) -> None:
        """Zoom along the text, to columns of so many logical pixels; None: as fits."""
        self._zoom = width
        self.lay_out()
        self.redraw()

    def _tell_seen(self) -> None:
        if self.seen != self._told:
            self._told = self.seen
            self.seen_changed.emit()

    # ----------------------------------------------------------------------- painting

    def paint_ground(self, painter: QPainter) -> None:
        if self.content is not None and self.places.column > 0:
            seen = MapPainter(self.content, self.places, self._marked)
            seen.paint(painter, QRectF(self.viewport().rect()), self.seen)

    def paint_overlay(self, painter: QPainter) -> None:
        content, t = self.content, theme.current()
        if content is None or self.places.column <= 0:
            return
        painter.setClipRect(self.places.window.adjusted(-1, -1, 1, 1))
        if self._hovered is not None:
            row, column = self._hovered
            if row is not None and row < content.n_rows:
                painter.fillRect(self.places.row_band(row), t.color("text", 0.09))
            if column is not None and column < len(content.tokens):
                painter.fillRect(self.places.column_band(column), t.color("text", 0.09))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(t.color("accent"), 1.5))
        row, column = self._marked
        if row is not None and row < content.n_rows:
            painter.drawRect(self.places.row_band(row).intersected(self.places.window))
        if column is not None and column < len(content.tokens):
            painter.drawRect(self.places.column_band(column).intersected(self.places.window))
        painter.setClipping(False)

    # ------------------------------------------------------------------ mouse and keys

    def hover(self, at: QPoint | None) -> None:
        cell = None if at is None else self.cell_at(at)
        if cell != self._hovered:
            self._hovered = cell
            self.viewport().update()

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        cell = self.cell_at(at)
        if cell is not None:
            self.chosen.emit(cell)

    def tooltip(self, at: QPoint) -> str:
        cell = self.cell_at(at)
        if cell is None or self.content is None:
            return ""
        row, column = cell
        if row is None:
            assert column is not None
            return f"{self.content.tokens[column]}\nposition {column}"
        return "" if self.describe is None else self.describe(row, column)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        page = max(1, int(self.places.window.height() // ROW) - 1)
        far = 0 if self.content is None else self.content.n_rows
        steps = {
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
            Qt.Key.Key_PageUp: (-page, 0),
            Qt.Key.Key_PageDown: (page, 0),
            Qt.Key.Key_Home: (-far, 0),
            Qt.Key.Key_End: (far, 0),
        }
        key = Qt.Key(event.key())
        if self.content is None:
            event.ignore()
        elif key in steps:
            self.moved.emit(*steps[key])
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.set_column_width(max(self.places.column + 1, self.places.column * 1.25))
        elif key == Qt.Key.Key_Minus:
            self.set_column_width(min(self.places.column - 1, self.places.column / 1.25))
        elif key == Qt.Key.Key_0:
            self.set_column_width(None)
        else:
            event.ignore()

    def wheelEvent(self, event: QWheelEvent) -> None:
        turn = event.angleDelta().y()
        if not event.modifiers() & Qt.KeyboardModifier.ControlModifier or not turn:
            super().wheelEvent(event)
            return
        x = event.position().x() - self.places.window.left()
        column = (x + self.scrolled.x()) / (self.places.column or 1.0)
        wider = self.places.column * 1.25 ** (turn / 120)
        step = (
            max(wider, self.places.column + 1) if turn > 0 else min(wider, self.places.column - 1)
        )
        self.set_column_width(step)
        self.horizontalScrollBar().setValue(round(column * self.places.column - x))
        event.accept()

    def sizeHint(self) -> QSize:
        return QSize(400, 300)
