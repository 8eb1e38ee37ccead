"""A matrix as colours, with labels on both axes, hover, marks, zoom and a colour bar.

Knows what it is given: values, which of them don't exist (masked) or are left out of the drawing
(hidden), labels and a colour map. It knows neither attention nor a model.

Shape suffixes: R rows, C columns.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QKeyEvent,
    QPainter,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.widgets import cell_image
from gui.widgets.canvas import CAPTION_HEIGHT, Canvas
from gui.widgets.color_bar import paint_color_bar
from gui.widgets.heat_map_layout import (
    LARGEST_CELL,
    SLANT,
    HeatMapContent,
    Place,
    label_font,
    place,
)

NUMBER_CELL = 34.0
"""From this size on a cell has room for its figure."""


class HeatMap(Canvas):
    """The widget.

    Signals:
        cell_hovered: ``(row, column)`` under the mouse, None for one of them over a label, or
            None when the mouse is elsewhere.
        cell_chosen: ``(row, column)`` that was clicked or reached by a key, None for one of them
            if a label was clicked.

    Attributes:
        describe: gives the tooltip of ``(row, column)``.
    """

    cell_hovered = Signal(object)
    cell_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Heat map")
        self.describe: Callable[[int, int], str] | None = None
        self._content: HeatMapContent | None = None
        self._drawn_RC: NDArray[np.bool_] = np.zeros((0, 0), np.bool_)
        self._place = Place()
        self._fit = False
        self._zoom: float | None = None
        self._hovered: tuple[int | None, int | None] | None = None
        self._line: tuple[int | None, int | None] = (None, None)
        self._cell: tuple[int, int] | None = None
        self._lit: tuple[int | None, int | None] = (None, None)

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
            if before is None or before.values_RC.shape != content.values_RC.shape:
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
        if (line, cell) != (self._line, self._cell):
            self._line, self._cell = line, cell
            self.viewport().update()

    def set_lit(self, row: int | None, column: int | None) -> None:
        """Light a row and a column from outside, as the mouse would."""
        if (row, column) != self._lit:
            self._lit = (row, column)
            self.viewport().update()

    def set_fit(self, fit: bool) -> None:
        """Show the whole matrix, however small its cells become."""
        self._fit, self._zoom = fit, None
        self.lay_out()
        self.redraw()

    def set_cell_size(self, size: float | None) -> None:
        """Zoom to cells of so many logical pixels; None goes back to the automatic size."""
        self._zoom = None if size is None else min(max(size, 2.0), LARGEST_CELL)
        self.lay_out()
        self.redraw()

    # ------------------------------------------------------------------------- places

    @property
    def cell_size(self) -> float:
        """Side of a cell, logical pixels."""
        return self._place.cell

    def cell_rect(self, row: int, column: int) -> QRectF:
        """Where a cell is in the viewport; it may lie outside the part that is seen."""
        p, at = self._place, self.scrolled
        return QRectF(
            p.window.left() + column * p.cell - at.x(),
            p.window.top() + row * p.cell - at.y(),
            p.cell,
            p.cell,
        )

    def cell_at(self, at: QPoint) -> tuple[int | None, int | None] | None:
        """The cell under a point; ``(row, None)`` or ``(None, column)`` over a label; or None."""
        if self._content is None or self._place.cell <= 0:
            return None
        n_rows, n_columns = self._content.values_RC.shape
        p, moved = self._place, self.scrolled
        window = p.window
        column = math.floor((at.x() - window.left() + moved.x()) / p.cell)
        row = math.floor((at.y() - window.top() + moved.y()) / p.cell)
        across = window.left() <= at.x() < window.right() and 0 <= column < n_columns
        down = window.top() <= at.y() < window.bottom() and 0 <= row < n_rows
        if across and down:
            return row, column
        if down and window.left() - p.row_room - 8 <= at.x() < window.left():
            return row, None
        if across and window.top() - p.column_room - 12 <= at.y() < window.top():
            return None, column
        return None

    def lay_out(self) -> None:
        content = self._content
        if content is None:
            self._place = Place()
            self.scroll_over(QSize(), QSize())
            return
        bar = self.verticalScrollBar().sizeHint().width()
        self._place = place(
            content, self.maximumViewportSize(), bar, fit=self._fit, zoom=self._zoom
        )
        self.scroll_over(_pixels(self._place.whole), _pixels(self._place.window.size()))

    # ------------------------------------------------------------------------ painting

    def paint_ground(self, painter: QPainter) -> None:
        content = self._content
        if content is None:
            return
        p = self._place
        rows, columns = self._seen()
        painter.save()
        painter.setClipRect(p.window)
        if not self._drawn_RC.all():
            painter.fillRect(p.window, cell_image.hatch_brush())
        values = content.values_RC[rows.start : rows.stop, columns.start : columns.stop]
        drawn = self._drawn_RC[rows.start : rows.stop, columns.start : columns.stop]
        k = math.ceil(1 / (p.cell * self.devicePixelRatioF()) - 1e-6)
        target = self.cell_rect(rows.start, columns.start).united(
            self.cell_rect(rows.stop - 1, columns.stop - 1)
        )
        if k > 1:
            values, drawn = cell_image.pool_cells(values, drawn, k, content.kind)
            target.setSize(QRectF(0, 0, values.shape[1] * k, values.shape[0] * k).size() * p.cell)
        clean = np.where(drawn, values, 0)
        painter.drawImage(
            target, cell_image.image(cell_image.colors(clean, content.kind, content.limit), drawn)
        )
        if p.cell >= 10:
            self._paint_grid(painter, rows, columns)
        if p.cell >= NUMBER_CELL:
            self._paint_numbers(painter, rows, columns)
        painter.restore()
        self._paint_labels(painter, rows, columns)
        self._paint_titles(painter)
        caption = QRectF(8, self.viewport().height() - CAPTION_HEIGHT, 0, CAPTION_HEIGHT)
        caption.setRight(self.viewport().width() - 4)
        paint_color_bar(
            painter,
            caption,
            content.kind,
            content.limit,
            title=content.value_title,
            hatched="" if self._drawn_RC.all() else content.masked_title,
        )

    def _seen(self) -> tuple[range, range]:
        assert self._content is not None
        n_rows, n_columns = self._content.values_RC.shape
        p, at = self._place, self.scrolled
        first_row, first_column = int(at.y() / p.cell), int(at.x() / p.cell)
        last_row = min(n_rows, math.ceil((at.y() + p.window.height()) / p.cell))
        last_column = min(n_columns, math.ceil((at.x() + p.window.width()) / p.cell))
        return range(first_row, last_row), range(first_column, last_column)

    def _paint_grid(self, painter: QPainter, rows: range, columns: range) -> None:
        painter.setPen(QPen(theme.current().color("panel"), 1))
        window = self._place.window
        for row in rows:
            y = self.cell_rect(row, 0).top()
            painter.drawLine(QPointF(window.left(), y), QPointF(window.right(), y))
        for column in columns:
            x = self.cell_rect(0, column).left()
            painter.drawLine(QPointF(x, window.top()), QPointF(x, window.bottom()))

    def _paint_numbers(self, painter: QPainter, rows: range, columns: range) -> None:
        content = self._content
        assert content is not None
        painter.setFont(label_font())
        metrics = QFontMetricsF(label_font())
        inks = cell_image.inks(content.kind)
        dim = theme.current().color("dim")
        for row in rows:
            for column in columns:
                if content.masked_RC is not None and content.masked_RC[row, column]:
                    continue
                value = float(content.values_RC[row, column])
                text = f"{value:.{content.digits}f}".replace("-", "−")
                box = self.cell_rect(row, column)
                if metrics.horizontalAdvance(text) > box.width() - 3:
                    continue
                drawn = self._drawn_RC[row, column]
                ink = inks[cell_image.entry(value, content.kind, content.limit)]
                painter.setPen(ink if drawn else dim)
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_labels(self, painter: QPainter, rows: range, columns: range) -> None:
        painter.setFont(label_font())
        height = QFontMetricsF(label_font()).height()
        painter.setPen(theme.current().color("dim"))
        cell = self._place.cell
        # Labels thin out to what can be read; hover and marks write the others when needed.
        for row in rows[:: max(1, math.ceil((height - 2) / cell))]:
            self._paint_row_label(painter, row)
        room = height / SLANT if self._place.slanted else height
        for column in columns[:: max(1, math.ceil((room - 2) / cell))]:
            self._paint_column_label(painter, column)

    def _paint_row_label(self, painter: QPainter, row: int, ground: QColor | None = None) -> None:
        assert self._content is not None
        p, metrics = self._place, QFontMetricsF(label_font())
        middle = self.cell_rect(row, 0).center().y()
        if not p.window.top() <= middle <= p.window.bottom():
            return
        box = QRectF(
            p.window.left() - 6 - p.row_room,
            middle - metrics.height() / 2,
            p.row_room + 1,
            metrics.height(),
        )
        text = metrics.elidedText(
            self._content.row_labels[row], Qt.TextElideMode.ElideRight, p.row_room + 0.5
        )
        if ground is not None:
            painter.fillRect(box.adjusted(-3, 0, 3, 0), ground)
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)

    def _paint_column_label(
        self, painter: QPainter, column: int, ground: QColor | None = None
    ) -> None:
        assert self._content is not None
        p, metrics = self._place, QFontMetricsF(label_font())
        middle = self.cell_rect(0, column).center().x()
        if not p.window.left() <= middle <= p.window.right():
            return
        text = metrics.elidedText(
            self._content.column_labels[column], Qt.TextElideMode.ElideRight, p.column_room + 0.5
        )
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(middle, p.window.top() - 4)
        painter.rotate(-45 if p.slanted else -90)
        height = metrics.height()
        box = QRectF(2, -height / 2, p.column_room + 4, height)
        if ground is not None:
            painter.fillRect(box, ground)
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        painter.restore()

    def _paint_titles(self, painter: QPainter) -> None:
        assert self._content is not None
        painter.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        painter.setPen(theme.current().color("faint"))
        height = QFontMetricsF(painter.font()).height()
        window = self._place.window
        box = QRectF(0, window.top() - 2 * height - 3, window.left() - 6, height)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if self._content.column_title:
            painter.drawText(box, right, f"{self._content.column_title} →")
        if self._content.row_title:
            painter.drawText(box.translated(0, height), right, f"{self._content.row_title} ↓")

    def paint_overlay(self, painter: QPainter) -> None:
        if self._content is None:
            return
        t, p = theme.current(), self._place
        hovered = self._hovered or (None, None)
        rows = {row for row in (hovered[0], self._lit[0]) if self._has(row, 0)}
        columns = {column for column in (hovered[1], self._lit[1]) if self._has(column, 1)}
        painter.save()
        painter.setClipRect(p.window)
        light = t.color("text", 0.09)
        for row in rows:
            painter.fillRect(self._row_band(row), light)
        for column in columns:
            painter.fillRect(self._column_band(column), light)
        if hovered[0] in rows and hovered[1] in columns:
            box = self.cell_rect(hovered[0], hovered[1])  # type: ignore[arg-type]
            painter.setPen(QPen(t.color("text", 0.8), 1))
            painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.restore()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(t.color("accent"), 1.5))
        painter.setClipRect(p.window.adjusted(-2, -2, 2, 2))
        row, column = self._line
        if self._has(row, 0):
            painter.drawRect(self._row_band(row).intersected(p.window))  # type: ignore[arg-type]
        if self._has(column, 1):
            band = self._column_band(column)  # type: ignore[arg-type]
            painter.drawRect(band.intersected(p.window))
        if self._cell is not None and self._has(self._cell[0], 0) and self._has(self._cell[1], 1):
            painter.setPen(QPen(t.color("text"), 1.5))
            painter.drawRect(self.cell_rect(*self._cell).adjusted(1.5, 1.5, -1.5, -1.5))
        painter.setClipping(False)
        self._paint_lit_labels(painter, rows, columns)

    def _paint_lit_labels(self, painter: QPainter, rows: set, columns: set) -> None:
        t = theme.current()
        ground = t.color("panel")
        painter.setFont(label_font())
        row, column = self._line
        if self._has(row, 0):
            painter.setPen(t.color("accent"))
            self._paint_row_label(painter, row, ground)  # type: ignore[arg-type]
        if self._has(column, 1):
            painter.setPen(t.color("accent"))
            self._paint_column_label(painter, column, ground)  # type: ignore[arg-type]
        painter.setPen(t.color("text"))
        for row in rows - {self._line[0]}:
            self._paint_row_label(painter, row, ground)
        for column in columns - {self._line[1]}:
            self._paint_column_label(painter, column, ground)

    def _has(self, index: int | None, axis: int) -> bool:
        return (
            self._content is not None
            and index is not None
            and 0 <= index < self._content.values_RC.shape[axis]
        )

    def _row_band(self, row: int) -> QRectF:
        window, box = self._place.window, self.cell_rect(row, 0)
        return QRectF(window.left(), box.top(), window.width(), box.height())

    def _column_band(self, column: int) -> QRectF:
        window, box = self._place.window, self.cell_rect(0, column)
        return QRectF(box.left(), window.top(), box.width(), window.height())

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
            n_rows, n_columns = self._content.values_RC.shape
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


def _pixels(size: QSizeF) -> QSize:
    return QSize(math.ceil(size.width() - 0.5), math.ceil(size.height() - 0.5))
