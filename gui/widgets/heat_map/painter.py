"""Paints a heat map's matrix, figures, labels and legend at a place that was found for them.

Knows content and place; no widget. Shape suffixes: R rows, C columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPoint, QRect, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from gui import theme
from gui.widgets.canvas import CAPTION_HEIGHT
from gui.widgets.cells import paint_cells
from gui.widgets.heat_map import cell_image
from gui.widgets.heat_map.color_bar import paint_color_bar
from gui.widgets.heat_map.layout import SLANT, HeatMapContent, Place, label_font, thinned
from gui.widgets.text import ink_on

NUMBER_CELL = 34.0
"""From this size on a cell has room for its figure."""
GRID_CELL = 10.0
"""From this size on lines part the cells."""


class HeatMapPainter:
    """One painting of one content.

    Args:
        content: what is drawn.
        drawn_RC: which cells have a colour.
        place: where.
        scrolled: by how much the cells are moved to the left and up.
        marked: a row and a column whose labels are written over the others.
    """

    def __init__(
        self,
        content: HeatMapContent,
        drawn_RC: NDArray[np.bool_],
        place: Place,
        scrolled: QPoint,
        marked: tuple[int | None, int | None] = (None, None),
    ) -> None:
        self._content = content
        self._drawn_RC = drawn_RC
        self._place = place
        self._scrolled = scrolled
        self._marked = marked
        self._metrics = QFontMetricsF(label_font())
        self._has_faint = content.faint_RC is not None and bool(content.faint_RC.any())
        self._no_number = bool(np.isnan(content.values_RC[drawn_RC]).any())

    def paint(self, painter: QPainter, area: QRect, ratio: float) -> None:
        """Paint everything; ``ratio`` is how many device pixels a logical one has."""
        cell, t = self._place.cell, theme.current()
        rows, columns = self._place.seen(self._scrolled, self._content.shape)
        painter.save()
        painter.setClipRect(self._place.window)
        if not self._content.is_whole:  # numbers that are still to come have a ground of their own
            painter.fillRect(self._place.window, t.color("raised"))
        # Cells without a colour are transparent: the hatch beneath shows.
        if not self._drawn_RC.all():
            cell_image.fill_hatched(painter, self._box(*self._content.patch))
        k = math.ceil(1 / (cell * ratio * min(self._content.block)) - 1e-6)
        self._paint_cells(painter, rows, columns, k)
        if self._no_number:
            self._cross_out(painter, rows, columns)
        if self._has_faint:
            self._paint_faint(painter, rows, columns)
        if cell >= GRID_CELL:
            self._paint_grid(painter, rows, columns)
        if cell >= NUMBER_CELL and self._content.block == (1, 1):
            self._paint_numbers(painter, rows, columns)
        painter.restore()
        # Labels thin out to what can be read; hover and marks write the others when needed.
        height = self._metrics.height()
        room = height / SLANT if self._place.slanted else height
        row_labels = thinned(rows, (height - 2) / cell, self._marked[0])
        column_labels = thinned(columns, (room - 2) / cell, self._marked[1])
        self.paint_labels(painter, row_labels, column_labels, "dim", over=False)
        self._paint_titles(painter)
        title = self._content.value_title
        title = (title,) if isinstance(title, str) else title
        sides = [k * side for side in self._content.block]
        if max(sides) > 1:
            cells = f"cells: largest of {sides[0]} × {sides[1]}"
            title = (*(f"{cells} · {words}" for words in title), cells)
        caption = QRectF(area.left() + 8, area.bottom() + 1 - CAPTION_HEIGHT, 0, CAPTION_HEIGHT)
        caption.setRight(area.right() - 4)
        paint_color_bar(
            painter,
            caption,
            self._content.kind,
            self._content.limit,
            title=title,
            beyond=self._content.beyond,
            hatched="" if self._drawn_RC.all() else self._content.masked_title,
            faint=self._content.faint_title if self._has_faint else "",
            no_number=self._no_number,
        )

    def _paint_cells(self, painter: QPainter, rows: range, columns: range, k: int) -> None:
        content = self._content
        places = []
        for seen, here, side, size in zip(
            (rows, columns), content.patch, content.block, content.values_RC.shape, strict=True
        ):
            first = max(0, (seen.start - here.start) // side)
            places.append(range(first, min(size, -(-(seen.stop - here.start) // side))))
        if not all(places):
            return
        part = tuple(slice(place.start, place.stop) for place in places)
        values_RC, drawn_RC = content.values_RC[part], self._drawn_RC[part]
        if k > 1:
            values_RC, drawn_RC = cell_image.pool_cells(values_RC, drawn_RC, k, content.kind)
        values_RC = np.where(drawn_RC, values_RC, 0)
        rgb = cell_image.colors(values_RC, content.kind, content.limit)
        first_row, first_column = (
            here.start + place.start * side
            for here, place, side in zip(content.patch, places, content.block, strict=True)
        )
        n_rows, n_columns = drawn_RC.shape
        box = self._box(
            range(first_row, first_row + n_rows * k * content.block[0]),
            range(first_column, first_column + n_columns * k * content.block[1]),
        )
        paint_cells(painter, box, cell_image.image(rgb, drawn_RC))

    def _cross_out(self, painter: QPainter, rows: range, columns: range) -> None:
        """Lines over the cells that hold no number, where there is room for them."""
        if self._place.cell < GRID_CELL:
            return
        brush = cell_image.no_number_brush()
        for row in rows:
            for column in columns:
                at = self._content.place_of(row, column)
                if at is None or not self._drawn_RC[at]:
                    continue
                if math.isnan(self._content.values_RC[at]):
                    painter.fillRect(self._place.cell_rect(row, column, self._scrolled), brush)

    def _paint_faint(self, painter: QPainter, rows: range, columns: range) -> None:
        """What is an estimate, run by run of a row."""
        faint_RC = self._content.faint_RC
        assert faint_RC is not None
        for row in rows:
            start: int | None = None
            for column in (*columns, columns.stop):
                at = None if column == columns.stop else self._content.place_of(row, column)
                if at is not None and faint_RC[at] and self._drawn_RC[at]:
                    start = column if start is None else start
                elif start is not None:
                    box = self._box(range(row, row + 1), range(start, column))
                    cell_image.fill_faint(painter, box)
                    start = None

    def _box(self, rows: range, columns: range) -> QRectF:
        """Where some rows and columns lie."""
        corner = self._place.cell_rect(rows.start, columns.start, self._scrolled)
        size = QSizeF(len(columns) * self._place.cell, len(rows) * self._place.cell)
        return QRectF(corner.topLeft(), size)

    def _paint_grid(self, painter: QPainter, rows: range, columns: range) -> None:
        window = self._place.window
        painter.setPen(QPen(theme.current().color("panel"), 1))
        tops = [self._place.row_band(row, self._scrolled).top() for row in rows]
        lefts = [self._place.column_band(column, self._scrolled).left() for column in columns]
        lines = [QLineF(window.left(), y, window.right(), y) for y in tops]
        lines += [QLineF(x, window.top(), x, window.bottom()) for x in lefts]
        painter.drawLines(lines)

    def _paint_numbers(self, painter: QPainter, rows: range, columns: range) -> None:
        content = self._content
        painter.setFont(label_font())
        inks = cell_image.inks(content.kind)
        dim = theme.current().color("dim")
        for row in rows:
            for column in columns:
                at = content.place_of(row, column)
                if at is None or (content.masked_RC is not None and content.masked_RC[at]):
                    continue
                value = float(content.values_RC[at])
                text = _figure(value, content.digits)
                if self._metrics.horizontalAdvance(text) > self._place.cell - 3:
                    continue
                if not self._drawn_RC[at]:
                    painter.setPen(dim)
                elif math.isnan(value):
                    painter.setPen(ink_on(theme.current().color("no_number")))
                else:
                    painter.setPen(inks[cell_image.entry(value, content.kind, content.limit)])
                box = self._place.cell_rect(row, column, self._scrolled)
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def paint_labels(
        self,
        painter: QPainter,
        rows: Iterable[int],
        columns: Iterable[int],
        tone: str,
        *,
        over: bool = True,
    ) -> None:
        """Write some labels in a colour of the theme, over the ones that are there."""
        painter.setFont(label_font())
        painter.setPen(theme.current().color(tone))
        ground = theme.current().color("panel") if over else None
        for row in rows:
            self._paint_row_label(painter, row, ground)
        for column in columns:
            self._paint_column_label(painter, column, ground)

    def _paint_row_label(self, painter: QPainter, row: int, ground: QColor | None) -> None:
        p, height = self._place, self._metrics.height()
        middle = p.row_band(row, self._scrolled).center().y()
        if not p.window.top() <= middle <= p.window.bottom():
            return
        left = p.window.left() - 6 - p.row_room
        box = QRectF(left, middle - height / 2, p.row_room + 1, height)
        if ground is not None:
            painter.fillRect(box.adjusted(-3, 0, 3, 0), ground)
        painter.drawText(box, _RIGHT, self._elided(self._content.row_labels[row], p.row_room))

    def _paint_column_label(self, painter: QPainter, column: int, ground: QColor | None) -> None:
        p, height = self._place, self._metrics.height()
        middle = p.column_band(column, self._scrolled).center().x()
        if not p.window.left() <= middle <= p.window.right():
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(middle, p.window.top() - 4)
        painter.rotate(-45 if p.slanted else -90)
        box = QRectF(2, -height / 2, p.column_room + 4, height)
        if ground is not None:
            painter.fillRect(box, ground)
        text = self._elided(self._content.column_labels[column], p.column_room)
        painter.drawText(box, _LEFT, text)
        painter.restore()

    def _elided(self, label: str, room: float) -> str:
        return self._metrics.elidedText(label, Qt.TextElideMode.ElideRight, room + 0.5)

    def _paint_titles(self, painter: QPainter) -> None:
        painter.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        painter.setPen(theme.current().color("dim"))
        height = QFontMetricsF(painter.font()).height()
        window = self._place.window
        box = QRectF(0, window.top() - 2 * height - 3, window.left() - 6, height)
        if self._content.column_title:
            painter.drawText(box, _RIGHT, f"{self._content.column_title} →")
        if self._content.row_title:
            painter.drawText(box.translated(0, height), _RIGHT, f"{self._content.row_title} ↓")


def _figure(value: float, digits: int) -> str:
    """A number as it stands in a cell."""
    if math.isnan(value):
        return "NaN"
    return f"{value:.{digits}f}".replace("-", "−").replace("inf", "∞")


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
