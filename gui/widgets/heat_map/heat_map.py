"""A matrix as colours, with labels on both axes, hover, marks, zoom and a colour bar.

Knows what it is given: values, which of them don't exist (masked) or are left out of the drawing
(hidden), labels and a colour map. Of a large matrix that can be a patch: which rows and columns
are seen is told, so that their numbers can be brought. It knows neither attention nor a model.

Shape suffixes: R rows, C columns.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPen, QWheelEvent
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.widgets.canvas import Canvas
from gui.widgets.heat_map.layout import LARGEST_CELL, HeatMapContent, Place, place
from gui.widgets.heat_map.painter import HeatMapPainter


class HeatMap(Canvas):
    """The widget.

    Signals:
        cell_hovered: ``(row, column)`` under the mouse, None for one of them over a label, or
            None when the mouse is elsewhere.
        cell_chosen: ``(row, column)`` that was clicked or reached by a key, None for one of them
            if a label was clicked.
        seen_changed: other rows or columns are in view, or the same at another size.

    Attributes:
        describe: gives the tooltip of ``(row, column)``.
    """

    cell_hovered = Signal(object)
    cell_chosen = Signal(object)
    seen_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Heat map")
        self.describe: Callable[[int, int], str] | None = None
        self._content: HeatMapContent | None = None
        self._drawn_RC: NDArray[np.bool_] = np.zeros((0, 0), np.bool_)
        self._place = Place()
        self._fit = False
        self._corner = QSize(0, 0)
        self._zoom: float | None = None
        self._hovered: tuple[int | None, int | None] | None = None
        self._line: tuple[int | None, int | None] = (None, None)
        self._cell: tuple[int, int] | None = None
        self._lit: tuple[int | None, int | None] = (None, None)
        self._pinned: tuple[int | None, int | None] = (None, None)
        self._told: tuple[object, ...] = ()
        self.horizontalScrollBar().valueChanged.connect(self._tell_seen)
        self.verticalScrollBar().valueChanged.connect(self._tell_seen)

    # ------------------------------------------------------------------------ contents

    @property
    def content(self) -> HeatMapContent | None:
        return self._content

    def set_content(self, content: HeatMapContent | None) -> None:
        """Draw another matrix."""
        before = self._content
        self._content = content
        if content is not None:
            self._drawn_RC = content.drawn_RC
            if before is None or not _goes_on(before, content):
                self._zoom = None
                self._hovered = None
        self.lay_out()
        self.redraw()

    def set_marks(
        self,
        line: tuple[int | None, int | None] = (None, None),
        cell: tuple[int, int] | None = None,
    ) -> None:
        """Frame a row or a column, and outline one cell."""
        if (line, cell) == (self._line, self._cell):
            return
        moved = line != self._line
        self._line, self._cell = line, cell
        if moved and self._content is not None:
            self.redraw()  # labels give way to the marked one
            row, column = line
            if row is not None:
                self.scroll_to(self._place.row_band(row, self.scrolled), self._place.window)
            if column is not None:
                self.scroll_to(self._place.column_band(column, self.scrolled), self._place.window)
        self.viewport().update()

    def set_lit(self, row: int | None, column: int | None) -> None:
        """Light a row and a column from outside, as the mouse would."""
        if (row, column) != self._lit:
            self._lit = (row, column)
            self.viewport().update()

    def set_pinned(self, row: int | None, column: int | None) -> None:
        """Outline a row and a column that stay outlined wherever the selection goes."""
        if (row, column) != self._pinned:
            self._pinned = (row, column)
            self.viewport().update()

    def set_fit(self, fit: bool) -> None:
        """Show the whole matrix, however small its cells become."""
        self._fit, self._zoom = fit, None
        self.lay_out()
        self.redraw()

    def set_corner(self, corner: QSize) -> None:
        """Keep this much free at the upper left, for what somebody else puts there."""
        if corner != self._corner:
            self._corner = corner
            self.lay_out()
            self.redraw()

    def set_cell_size(self, size: float | None) -> None:
        """Zoom to cells of so many logical pixels; None goes back to the automatic size.

        They become no smaller than is needed to see everything.
        """
        self._zoom = None if size is None else min(size, LARGEST_CELL)
        self.lay_out()
        self.redraw()

    # ------------------------------------------------------------------------- places

    @property
    def zoom(self) -> float | None:
        """Side of a cell that was asked for, logical pixels; None where it is automatic."""
        return self._zoom

    @property
    def cell_size(self) -> float:
        """Side of a cell, logical pixels."""
        return self._place.cell

    @property
    def seen(self) -> tuple[range, range]:
        """The rows and the columns of which something is in view."""
        if self._content is None or self._place.cell <= 0:
            return range(0), range(0)
        return self._place.seen(self.scrolled, self._content.shape)

    def cell_rect(self, row: int, column: int) -> QRectF:
        """Where a cell is in the viewport; it may lie outside the part that is seen."""
        return self._place.cell_rect(row, column, self.scrolled)

    def cell_at(self, at: QPoint) -> tuple[int | None, int | None] | None:
        """The cell under a point; ``(row, None)`` or ``(None, column)`` over a label; or None."""
        if self._content is None:
            return None
        return self._place.at(at, self.scrolled, self._content.shape)

    def lay_out(self) -> None:
        content = self._content
        if content is None:
            self._place = Place()
            self.scroll_over(self._place.whole, self._place.window.size())
            return
        bar = self.verticalScrollBar().sizeHint().width()
        self._place = place(
            content,
            self.maximumViewportSize(),
            bar,
            fit=self._fit,
            zoom=self._zoom,
            corner=self._corner,
        )
        self.scroll_over(self._place.whole, self._place.window.size())
        if self._zoom is not None:
            self._zoom = self._place.cell
        self._tell_seen()

    def _tell_seen(self) -> None:
        now = (*self.seen, self._place.cell)
        if now != self._told:
            self._told = now
            self.seen_changed.emit()

    # ------------------------------------------------------------------------ painting

    def paint_ground(self, painter: QPainter) -> None:
        if self._content is not None:
            area = self.viewport().rect()
            self._painter().paint(painter, area, self.ratio)

    def _painter(self) -> HeatMapPainter:
        assert self._content is not None
        return HeatMapPainter(self._content, self._drawn_RC, self._place, self.scrolled, self._line)

    def paint_overlay(self, painter: QPainter) -> None:
        if self._content is None:
            return
        t, p, at = theme.current(), self._place, self.scrolled
        hovered_row, hovered_column = self._hovered or (None, None)
        rows = self._within(0, hovered_row, self._lit[0])
        columns = self._within(1, hovered_column, self._lit[1])
        marked_rows = self._within(0, self._line[0])
        marked_columns = self._within(1, self._line[1])
        bands = [p.row_band(row, at) for row in rows]
        bands += [p.column_band(column, at) for column in columns]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setClipRect(p.window)
        for band in bands:
            painter.fillRect(band, t.color("text", 0.09))
        if hovered_row in rows and hovered_column in columns:
            painter.setPen(QPen(t.color("text", 0.8), 1))
            box = p.cell_rect(hovered_row, hovered_column, at)
            painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.setClipRect(p.window.adjusted(-2, -2, 2, 2))
        pinned_rows, pinned_columns = (self._within(i, self._pinned[i]) for i in (0, 1))
        painter.setPen(QPen(t.color("warning"), 1.5, Qt.PenStyle.DashLine))
        for frame in (
            *(p.row_band(row, at) for row in pinned_rows),
            *(p.column_band(column, at) for column in pinned_columns),
        ):
            painter.drawRect(frame.intersected(p.window))
        painter.setPen(QPen(t.color("accent"), 1.5))
        frames = [p.row_band(row, at) for row in marked_rows]
        frames += [p.column_band(column, at) for column in marked_columns]
        for frame in frames:
            painter.drawRect(frame.intersected(p.window))
        if self._cell is not None and self._within(0, self._cell[0]):
            painter.setPen(QPen(t.color("text"), 1.5))
            painter.drawRect(p.cell_rect(*self._cell, at).adjusted(1.5, 1.5, -1.5, -1.5))
        painter.setClipping(False)
        labels = self._painter()
        labels.paint_labels(painter, rows - marked_rows, columns - marked_columns, "text")
        labels.paint_labels(painter, pinned_rows, pinned_columns, "warning")
        labels.paint_labels(painter, marked_rows, marked_columns, "accent")

    def _within(self, axis: int, *indices: int | None) -> set[int]:
        assert self._content is not None
        size = self._content.shape[axis]
        return {index for index in indices if index is not None and 0 <= index < size}

    # ------------------------------------------------------------------ mouse and keys

    def hover(self, at: QPoint | None) -> None:
        cell = None if at is None else self.cell_at(at)
        if cell != self._hovered:
            self._hovered = cell
            self.viewport().update()
            self.cell_hovered.emit(cell)

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        cell = self.cell_at(at)
        if cell is not None:
            self.cell_chosen.emit(cell)

    def tooltip(self, at: QPoint) -> str:
        cell = self.cell_at(at)
        if cell is None or self._content is None:
            return ""
        row, column = cell
        if column is None:
            return self._content.row_labels[row]  # type: ignore[index]
        if row is None:
            return self._content.column_labels[column]
        return "" if self.describe is None else self.describe(row, column)

    def reveal(self, row: int, column: int) -> None:
        """Scroll so that a cell is seen."""
        self.scroll_to(self.cell_rect(row, column), self._place.window)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
        }
        key = Qt.Key(event.key())
        if self._content is None:
            event.ignore()
        elif key in steps:
            n_rows, n_columns = self._content.shape
            row, column = self._cell or (self._line[0] or 0, self._line[1] or 0)
            row = min(max(row + steps[key][0], 0), n_rows - 1)
            column = min(max(column + steps[key][1], 0), n_columns - 1)
            self.reveal(row, column)
            self.cell_chosen.emit((row, column))
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.set_cell_size(self._place.cell * 1.25)
        elif key == Qt.Key.Key_Minus:
            self.set_cell_size(self._place.cell / 1.25)
        elif key == Qt.Key.Key_0:
            self.set_cell_size(None)
        else:
            event.ignore()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not event.modifiers() & Qt.KeyboardModifier.ControlModifier or self._content is None:
            super().wheelEvent(event)
            return
        at = event.position()
        before, window = self._place.cell, self._place.window
        column = (at.x() - window.left() + self.scrolled.x()) / before
        row = (at.y() - window.top() + self.scrolled.y()) / before
        self.set_cell_size(before * 1.25 ** (event.angleDelta().y() / 120))
        # The cell under the mouse stays there.
        self.horizontalScrollBar().setValue(
            round(column * self._place.cell - at.x() + self._place.window.left())
        )
        self.verticalScrollBar().setValue(
            round(row * self._place.cell - at.y() + self._place.window.top())
        )
        event.accept()


def _goes_on(before: HeatMapContent, content: HeatMapContent) -> bool:
    """Whether a matrix is the one before, or that with another end: then it stays as it is seen."""
    n = min(*before.shape, *content.shape)
    return (
        before.row_labels[:n] == content.row_labels[:n]
        and before.column_labels[:n] == content.column_labels[:n]
        and (before.shape[0] == before.shape[1]) == (content.shape[0] == content.shape[1])
    )
