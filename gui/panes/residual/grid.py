"""Layers by positions as cells, with charts beside the rows: hover, marks, keys, zoom, scrolling.

Knows what it is given (`GridContent`); no store, no answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPen, QWheelEvent
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.residual.content import GridContent
from gui.panes.residual.grid_painter import GridPainter
from gui.panes.residual.layout import Layout, lay_out
from gui.widgets.canvas import Canvas
from gui.widgets.drawing_cache import line
from gui.widgets.figure import is_figure

SMALLEST, LARGEST = 0.4, 3.0
"""How far it can be zoomed."""

Cell = tuple[int | None, int | None]
"""Row and column; None for one of them over a label or a chart."""


class LayerGrid(Canvas):
    """The widget.

    Signals:
        cell_hovered: a `Cell` under the mouse, or None.
        cell_chosen: a `Cell` that was clicked or reached by a key.
        watch_wanted: ``(row, column)`` whose token is to be watched: Ctrl+click, or Return.
        seen_changed: other rows or columns are in view.

    Attributes:
        describe: gives the tooltip of a `Cell`.
    """

    cell_hovered = Signal(object)
    cell_chosen = Signal(object)
    watch_wanted = Signal(object)
    seen_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Layers by positions")
        self.describe: Callable[[Cell], str] | None = None
        self._content: GridContent | None = None
        self._layout = Layout()
        self._fit = False
        self._zoom = 1.0
        self._mark: tuple[int, int] | None = None
        self._lit: int | None = None
        self._hovered: Cell | None = None
        self._told: object = None
        self._unwritten: list[int] = []  # rows of the ground that is being painted
        self.horizontalScrollBar().valueChanged.connect(self._tell_seen)
        self.verticalScrollBar().valueChanged.connect(self._tell_seen)

    # ----------------------------------------------------------------------- contents

    @property
    def content(self) -> GridContent | None:
        return self._content

    @property
    def place(self) -> Layout:
        """Where things are."""
        return self._layout

    def set_content(self, content: GridContent | None) -> None:
        """Draw something else; what only goes on stays as it is seen."""
        before, self._content = self._content, content
        same = content is not None and content.goes_on(before)
        if not same:
            self._zoom, self._hovered = 1.0, None
        self.lay_out()
        if not same and self._mark is not None:
            self.reveal(*self._mark)
        self.redraw()

    def set_mark(self, mark: tuple[int, int] | None) -> None:
        """Mark a cell with its row and column, and bring it into view."""
        if mark == self._mark:
            return
        self._mark = mark
        if mark is not None:
            self.reveal(*mark)
        self.viewport().update()

    def set_lit(self, column: int | None) -> None:
        """Light a column from outside, as the mouse would."""
        if column != self._lit:
            self._lit = column
            self.viewport().update()

    def set_fit(self, fit: bool) -> None:
        """Show all rows and columns, as far as that goes."""
        if fit != self._fit:
            self._fit, self._zoom = fit, 1.0
            self.lay_out()
            self.redraw()

    def set_zoom(self, zoom: float) -> None:
        """So many times as large as by itself."""
        zoom = min(max(zoom, SMALLEST), LARGEST)
        if zoom != self._zoom:
            self._zoom = zoom
            self.lay_out()
            if self._mark is not None:
                self.reveal(*self._mark)
            self.redraw()

    # ------------------------------------------------------------------------- places

    @property
    def seen(self) -> tuple[range, range]:
        """Rows and columns of which something is in view."""
        return self._layout.seen(self.scrolled)

    def cell_at(self, at: QPoint) -> Cell | None:
        """What is under a point."""
        row = self._layout.row_at(at.y(), self.scrolled)
        column = self._layout.column_at(at.x(), self.scrolled)
        if row is None and (column is None or at.y() >= self._layout.window.bottom()):
            return None
        if row is not None and at.x() > self._right:
            return None
        return row, column

    @property
    def _right(self) -> float:
        tracks = self._layout.tracks
        return tracks[-1].right() if tracks else self._layout.window.right()

    def reveal(self, row: int, column: int) -> None:
        """Scroll so that a cell is seen."""
        if self._content is not None:
            self.scroll_to(self._layout.cell_rect(row, column, self.scrolled), self._layout.window)

    def lay_out(self) -> None:
        content, before = self._content, self._layout
        if content is None or not all(content.shape):
            self._layout = Layout()
            self.scroll_over(QSizeF(0, 0), QSizeF(1, 1))
            return
        font = theme.mono(theme.SMALL_FONT_SIZE)
        small = theme.sans(theme.SMALL_FONT_SIZE)
        rows = max(line(label, font).width for label in content.row_labels)
        longest = max(content.column_labels, key=len)
        self._layout = lay_out(
            self._room,
            self.verticalScrollBar().sizeHint().width(),
            content.shape,
            content.sizes,
            (max(rows, line(content.row_title, small).width), line(longest, font).width),
            len(content.tracks),
            fit=self._fit,
            zoom=self._zoom,
        )
        self.scroll_over(self._layout.whole, self._layout.window.size())
        if self._mark is not None and self._layout.window.size() != before.window.size():
            self.reveal(*self._mark)
        self._tell_seen()

    @property
    def _room(self) -> QSize:
        """The viewport, were there no scroll bars."""
        return self.contentsRect().size()

    def _tell_seen(self) -> None:
        told = self.seen
        if told != self._told:
            self._told = told
            self.seen_changed.emit()

    # ----------------------------------------------------------------------- painting

    def paint_ground(self, painter: QPainter) -> None:
        self._unwritten = []
        if self._content is not None and self._layout.row > 0:
            ground = GridPainter(self._content, self._layout, self.scrolled)
            ground.paint(painter, self.viewport().rect(), self.ratio)
            self._unwritten = list(ground.text_rows)

    def paint_more(self, painter: QPainter, seconds: float) -> bool:
        """The texts of the cells, row by row: colours are there at once while it scrolls."""
        if self._content is None:
            return True
        end = time.monotonic() + seconds
        ground = GridPainter(self._content, self._layout, self.scrolled)
        while self._unwritten:
            ground.paint_texts(painter, self._unwritten.pop(0))
            if time.monotonic() > end:
                break
        return not self._unwritten

    def paint_overlay(self, painter: QPainter) -> None:
        if self._content is None or self._layout.row <= 0:
            return
        t, place, at = theme.current(), self._layout, self.scrolled
        labels = GridPainter(self._content, place, at)
        rows, columns = self.seen
        hovered = None if is_figure() else self._hovered
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if hovered is not None:
            painter.save()
            row, column = hovered
            if row is not None:
                band = place.band(row, at)
                for left, right in ((0, place.window.left()), (place.window.right(), self._right)):
                    box = QRectF(left, place.window.top(), right - left, place.window.height())
                    painter.fillRect(band.intersected(box), t.color("text", 0.07))
            painter.setClipRect(place.window)
            if row is not None and column is not None:
                painter.setPen(QPen(t.color("text", 0.7), 1))
                painter.drawRect(place.cell_rect(row, column, at).adjusted(0.5, 0.5, -0.5, -0.5))
            painter.restore()
        lit = [] if self._lit is None or is_figure() else [self._lit]
        labels.paint_column_labels(painter, [c for c in lit if c in columns], "text")
        if self._mark is None:
            return
        row, column = self._mark
        painter.save()
        window = place.window
        band = place.band(row, at).intersected(
            QRectF(window.right() + 4, window.top(), self._right, window.height())
        )
        painter.fillRect(band, t.color("accent", 0.14))
        painter.setClipRect(window.adjusted(-1, -1, 1, 1))
        down = place.cell_rect(0, column, at)
        painter.setPen(QPen(t.color("accent", 0.55), 1))
        for x in {down.left() - 0.5, down.right() - 0.5} if place.column >= 3 else {down.left()}:
            painter.drawLine(QPointF(x, window.top()), QPointF(x, window.bottom()))
        painter.setPen(QPen(t.color("accent"), 2))
        painter.drawRect(place.cell_rect(row, column, at).adjusted(0, 0, -1, -1))
        painter.restore()
        labels.paint_row_labels(painter, [row] if row in rows else [], "accent")
        labels.paint_column_labels(painter, [column] if column in columns else [], "accent")

    # ----------------------------------------------------------------- mouse and keys

    def hover(self, at: QPoint | None) -> None:
        cell = None if at is None or self._content is None else self.cell_at(at)
        if cell != self._hovered:
            self._hovered = cell
            self.viewport().update()
            self.cell_hovered.emit(cell)

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        cell = None if self._content is None else self.cell_at(at)
        if cell is None:
            return
        if modifiers & Qt.KeyboardModifier.ControlModifier and None not in cell:
            self.watch_wanted.emit(cell)
        else:
            self.cell_chosen.emit(cell)

    def tooltip(self, at: QPoint) -> str:
        if self._content is None:
            return ""
        track = self._layout.track_at(QPointF(at))
        if track is not None and at.y() < self._layout.window.top():
            return self._content.tracks[track].tip
        cell = self.cell_at(at)
        return "" if cell is None or self.describe is None else self.describe(cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
        }
        key, content = Qt.Key(event.key()), self._content
        if content is None or event.modifiers() & Qt.KeyboardModifier.AltModifier:
            event.ignore()
            return
        row, column = self._mark or (0, 0)
        n_rows, n_columns = content.shape
        if key in steps:
            row, column = row + steps[key][0], column + steps[key][1]
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            page = max(1, len(self.seen[0]) - 1)
            row += page if key == Qt.Key.Key_PageDown else -page
        elif key == Qt.Key.Key_Home:
            column = 0
        elif key == Qt.Key.Key_End:
            column = n_columns - 1
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self._mark is not None:
                self.watch_wanted.emit(self._mark)
            return
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.set_zoom(self._zoom * 1.25)
            return
        elif key == Qt.Key.Key_Minus:
            self.set_zoom(self._zoom / 1.25)
            return
        elif key == Qt.Key.Key_0:
            self.set_zoom(1.0)
            return
        else:
            event.ignore()
            return
        self.cell_chosen.emit((min(max(row, 0), n_rows - 1), min(max(column, 0), n_columns - 1)))

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier and self._content is not None:
            self.set_zoom(self._zoom * 1.25 ** (event.angleDelta().y() / 120))
            event.accept()
        else:
            super().wheelEvent(event)
