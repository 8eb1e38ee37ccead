"""Paints the map of neurons at places that were found for it: cells, labels, legend.

Knows content and places; no widget. Shape suffixes: R rows, T tokens.
"""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QLineF, QRectF, QSizeF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter

from gui import theme
from gui.panes.neurons.map_layout import (
    GRID_COLUMN,
    LABELS,
    ROW,
    SLANT,
    Content,
    Places,
    label_font,
)
from gui.widgets.canvas import CAPTION_HEIGHT
from gui.widgets.cells import paint_cells
from gui.widgets.drawing_cache import line
from gui.widgets.heat_map import cell_image
from gui.widgets.heat_map.color_bar import paint_color_bar


class MapPainter:
    """One painting of one content.

    Args:
        content: what is drawn.
        places: where.
        marked: a row and a column whose labels are written over the others.
    """

    def __init__(
        self, content: Content, places: Places, marked: tuple[int | None, int | None]
    ) -> None:
        self._content, self._p, self._marked = content, places, marked

    def paint(self, painter: QPainter, viewport: QRectF, seen: range) -> None:
        """Paint everything but hover and selection.

        Args:
            painter: to paint with.
            viewport: all the room there is.
            seen: the rows of which something is in view.
        """
        content, t = self._content, theme.current()
        painter.save()
        painter.setClipRect(self._p.window)
        painter.fillRect(self._p.window, t.color("raised"))  # of what is still to come
        rows = range(max(seen.start, content.first), min(seen.stop, content.here.stop))
        if rows:
            self._paint_cells(painter, rows)
        painter.setPen(t.color("panel"))
        lines = [
            QLineF(self._p.row_band(row).topLeft(), self._p.row_band(row).topRight())
            for row in seen
        ]
        if self._p.column >= GRID_COLUMN:
            bands = map(self._p.column_band, self._p.columns(len(self._content.tokens)))
            lines += [QLineF(band.topLeft(), band.bottomLeft()) for band in bands]
        painter.drawLines(lines)
        painter.restore()
        self._paint_row_labels(painter, rows)
        self._paint_tokens(painter)
        self._paint_titles(painter)
        area = viewport.adjusted(8, 0, -4, 0)
        area.setTop(area.bottom() - CAPTION_HEIGHT)
        nan = bool(np.isnan(content.values_RT).any())
        paint_color_bar(
            painter,
            area,
            "diverging",
            content.limit,
            title=content.title,
            beyond=content.beyond,
            hatched="not sent to this expert" if nan and content.routed else "",
            no_number=nan and not content.routed,
        )

    def _paint_cells(self, painter: QPainter, rows: range) -> None:
        content, columns = self._content, self._p.columns(len(self._content.tokens))
        values = content.values_RT[
            rows.start - content.first : rows.stop - content.first, columns.start : columns.stop
        ]
        drawn = np.ones(values.shape, np.bool_)
        box = QRectF(
            self._p.cell_rect(rows.start, columns.start).topLeft(),
            QSizeF(len(columns) * self._p.column, len(rows) * ROW),
        )
        if content.routed:
            drawn = ~np.isnan(values)
            cell_image.fill_hatched(painter, box)
            values = np.where(drawn, values, 0)
        rgb = cell_image.colors(values, "diverging", content.limit)
        paint_cells(painter, box, cell_image.image(rgb, drawn))

    def _paint_row_labels(self, painter: QPainter, rows: range) -> None:
        content, t = self._content, theme.current()
        painter.setFont(theme.mono(theme.SMALL_FONT_SIZE))
        for row in rows:
            band = self._p.row_band(row)
            if not self._p.window.top() - 1 <= band.center().y() <= self._p.window.bottom() + 1:
                continue
            painter.setPen(t.color("accent" if row == self._marked[0] else "dim"))
            box = QRectF(0, band.top(), self._p.window.left() - 6, ROW)
            painter.drawText(box, _RIGHT, content.row_labels[row - content.first])

    def _paint_tokens(self, painter: QPainter) -> None:
        content, t = self._content, theme.current()
        painter.setFont(label_font())
        metrics = QFontMetricsF(label_font())
        slanted = self._p.slanted
        apart = (metrics.height() / SLANT if slanted else metrics.height()) - 1
        step = max(1, math.ceil(apart / self._p.column))
        marked = self._marked[1]
        reach = self._p.window.top() - 7
        if slanted:
            reach = reach / SLANT - metrics.height() + 2
        for column in self._p.columns(len(self._content.tokens)):
            if column != marked and (
                column % step
                or (marked is not None and abs(column - marked) * self._p.column < apart)
            ):
                continue
            middle = self._p.column_band(column).center().x()
            if not self._p.window.left() <= middle <= self._p.window.right():
                continue
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(t.color("accent" if column == marked else "dim"))
            painter.translate(middle, self._p.window.top() - 4)
            painter.rotate(-45 if slanted else -90)
            room = max(12.0, min(reach, LABELS))
            line(content.tokens[column], label_font(), room).draw(painter, 2, 0)
            painter.restore()

    def _paint_titles(self, painter: QPainter) -> None:
        painter.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        painter.setPen(theme.current().color("dim"))
        height = QFontMetricsF(painter.font()).height()
        box = QRectF(0, self._p.window.top() - 2 * height - 3, self._p.window.left() - 6, height)
        painter.drawText(box, _RIGHT, "token →")
        painter.drawText(box.translated(0, height), _RIGHT, "neuron ↓")


_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
