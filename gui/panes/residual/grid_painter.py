"""Paints a grid's cells, labels, charts and legend at the places that were found for them.

Knows content and layout; no widget. Shape suffixes: R rows, C columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from PySide6.QtCore import QLineF, QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from gui import theme
from gui.panes.residual import scales
from gui.panes.residual.content import GridContent
from gui.panes.residual.layout import Layout
from gui.panes.residual.scales import Scaled
from gui.panes.residual.tracks import Series, paint_body, paint_head
from gui.widgets.canvas import CAPTION_HEIGHT
from gui.widgets.cells import paint_cells
from gui.widgets.drawing_cache import Text, line
from gui.widgets.heat_map import cell_image
from gui.widgets.text import ink_on
from model.probe.not_finite.asks import NO_NUMBER

TEXT_ROW, TEXT_COLUMN = 15.0, 30.0
"""From these sizes on a cell has room for its text."""
MORE_ROW = 36.0
"""From this height on for a second line."""
LINE = 15.0
PARTED = 10.0
"""From this size on lines part the cells."""
LABEL_ROW, LABEL_COLUMN = 15.0, 15.0
"""Room that a label takes."""


class GridPainter:
    """One painting of one content.

    Args:
        content: what is drawn.
        layout: where.
        scrolled: by how much the cells are moved to the left and up.
    """

    def __init__(self, content: GridContent, layout: Layout, scrolled: QPoint) -> None:
        self._c, self._l, self._at = content, layout, scrolled
        self._rows, self._columns = layout.seen(scrolled)

    def paint(self, painter: QPainter, area: QRect, ratio: float) -> None:
        """Paint all but the texts; ``ratio`` is how many device pixels a logical one has."""
        painter.save()
        painter.setClipRect(self._l.window)
        self._paint_cells(painter, ratio)
        painter.restore()
        self.paint_row_labels(painter, _thinned(self._rows, LABEL_ROW / self._l.row), "dim")
        self.paint_column_labels(
            painter, _thinned(self._columns, LABEL_COLUMN / self._l.column), "dim"
        )
        painter.setPen(theme.current().color("dim"))
        head = self._l.window.top() - 12
        line(self._c.row_title, theme.sans(theme.SMALL_FONT_SIZE), self._l.window.left() - 4).draw(
            painter, 4, head
        )
        self._paint_tracks(painter)
        self._paint_caption(painter, area)

    # -------------------------------------------------------------------------- cells

    def _paint_cells(self, painter: QPainter, ratio: float) -> None:
        t, rows, columns = theme.current(), self._rows, self._columns
        if not rows or not columns:
            return
        painter.fillRect(self._l.window, t.color("raised"))  # under what is still to come
        k = math.ceil(1 / (self._l.column * ratio) - 1e-6)
        first = columns.start // k * k
        part = slice(rows.start, rows.stop), slice(first, columns.stop)
        amounts_RC, known_RC = self._c.scaled.amounts[part], self._c.known_RC[part]
        if k > 1:
            amounts_RC, known_RC = _pooled(amounts_RC, known_RC, k, self._c.scaled)
        box = self._l.cell_rect(rows.start, first, self._at)
        box.setHeight(len(rows) * self._l.row)
        box.setWidth(amounts_RC.shape[1] * k * self._l.column)
        rgb = self._c.scaled.colors(np.where(known_RC, amounts_RC, 0.0))
        paint_cells(painter, box, cell_image.image(rgb, known_RC))
        for row in self._c.absent_rows:
            band = self._l.band(row, self._at)
            cell_image.fill_hatched(painter, band)
        for row, column in np.argwhere(np.isnan(amounts_RC) & known_RC).tolist():
            cell = self._l.cell_rect(rows.start + row, first + column * k, self._at)
            cell.setWidth(self._l.column * k)
            cell_image.fill_no_number(painter, cell)
        if self._l.row >= PARTED and self._l.column >= PARTED:
            self._part(painter)

    def _part(self, painter: QPainter) -> None:
        window = self._l.window
        painter.setPen(QPen(theme.current().color("panel", 0.8), 1))
        for row in self._rows:
            y = self._l.cell_rect(row, 0, self._at).top() - 0.5
            painter.drawLine(QLineF(window.left(), y, window.right(), y))
        for column in self._columns:
            x = self._l.cell_rect(0, column, self._at).left() - 0.5
            painter.drawLine(QLineF(x, window.top(), x, window.bottom()))

    @property
    def text_rows(self) -> Sequence[int]:
        """The rows whose cells have a text: `paint_texts` takes the most time of all."""
        if self._c.text is None or self._l.row < TEXT_ROW or self._l.column < TEXT_COLUMN:
            return ()
        return [row for row in self._rows if row not in self._c.absent_rows]

    def paint_texts(self, painter: QPainter, row: int) -> None:
        """What stands in the cells of a row."""
        content, columns = self._c, self._columns
        assert content.text is not None
        painter.save()
        painter.setClipRect(self._l.window)
        amounts_C = content.scaled.amounts[row, columns.start : columns.stop]
        written_C = content.known_RC[row, columns.start : columns.stop] & ~np.isnan(amounts_C)
        fills = content.scaled.colors(np.where(written_C, amounts_C, 0.0)).tolist()
        first = self._l.cell_rect(row, columns.start, self._at)
        width, middle = self._l.column, first.center().y()
        two = content.more is not None and self._l.row >= MORE_ROW
        for index, column in enumerate(columns):
            if not written_C[index]:
                continue
            heavy = content.strong_RC is not None and bool(content.strong_RC[row, column])
            painter.setPen(ink_on(QColor(*fills[index])))
            words = [(content.text(row, column), heavy)]
            if two and content.more is not None:
                words.append((content.more(row, column), False))
            left = first.left() + index * width
            for place, (text, bold) in enumerate(words):
                word = _word(text, bold, width - 6)
                below = place * LINE - (LINE / 2 if two else 0)
                word.draw(painter, left + (width - word.width) / 2, middle + below)
        painter.restore()

    # ------------------------------------------------------------------------- labels

    def paint_row_labels(self, painter: QPainter, rows: Iterable[int], tone: str) -> None:
        """Labels of some rows, in a tone of the theme."""
        t, window = theme.current(), self._l.window
        font = theme.mono(theme.SMALL_FONT_SIZE)
        painter.save()
        painter.setClipRect(QRectF(0, window.top() - 4, window.left(), window.height() + 8))
        for row in rows:
            label = line(self._c.row_labels[row], font, window.left() - 8)
            box = self._l.cell_rect(row, 0, self._at)
            if tone != "dim":  # over a neighbour that it takes the room of
                high = max(label.height - 2, 0.0)
                painter.fillRect(
                    QRectF(0, box.center().y() - high / 2, window.left() - 2, high),
                    t.color("panel"),
                )
            painter.setPen(t.color(tone))
            label.draw(painter, window.left() - 6 - label.width, box.center().y())
        painter.restore()

    def paint_column_labels(self, painter: QPainter, columns: Iterable[int], tone: str) -> None:
        """Labels of some columns, in a tone of the theme."""
        t, window = theme.current(), self._l.window
        font = theme.mono(theme.SMALL_FONT_SIZE)
        room = window.top() - 22 if self._l.upright else self._l.column - 4
        painter.save()
        painter.setClipRect(QRectF(window.left() - 2, 0, window.width() + 4, window.top()))
        for column in columns:
            label = line(self._c.column_labels[column], font, room)
            box = self._l.cell_rect(0, column, self._at)
            painter.setPen(t.color(tone))
            if not self._l.upright:
                label.draw(painter, box.center().x() - label.width / 2, window.top() - 9)
                continue
            painter.save()
            painter.translate(box.center().x(), window.top() - 4)
            painter.rotate(-90)
            if tone != "dim":
                high = label.height - 2
                painter.fillRect(QRectF(-2, -high / 2, room + 4, high), t.color("panel"))
                painter.setPen(t.color(tone))
            label.draw(painter, 0, 0)
            painter.restore()
        painter.restore()

    # ------------------------------------------------------------------ charts, legend

    def _paint_tracks(self, painter: QPainter) -> None:
        offset = self._l.window.top() - self._at.y()
        for track, box in zip(self._c.tracks, self._l.tracks, strict=False):
            head = QRectF(box.left(), box.top() - 36, box.width() + 10, 34)
            head.setRight(box.right())
            paint_head(painter, track, head)
            painter.save()
            painter.setClipRect(box.adjusted(-4, 0, 4, 0))
            paint_body(painter, track, box, self._l.row, self._rows, offset)
            painter.restore()

    def _paint_caption(self, painter: QPainter, area: QRect) -> None:
        top = self._l.window.bottom() + 4
        shown = self._c.tracks[: len(self._l.tracks)]
        names = {s.name: s for track in shown for s in track.series if s.name}
        x = float(area.right() - 6)
        font = theme.sans(theme.SMALL_FONT_SIZE)
        for name, series in reversed(names.items()):
            width = QFontMetricsF(font).horizontalAdvance(name)
            x -= width
            painter.setPen(theme.current().color("dim"))
            line(name, font).draw(painter, x, top + CAPTION_HEIGHT / 2)
            x -= 18
            _paint_key(painter, series, QRectF(x, top, 14, CAPTION_HEIGHT))
            x -= 12
        box = QRectF(8, top, max(0.0, x - 12), CAPTION_HEIGHT)
        no_number = bool((np.isnan(self._c.scaled.amounts) & self._c.known_RC).any())
        paint_legend(painter, box, self._c.scaled, no_number=no_number)


def paint_legend(painter: QPainter, area: QRectF, scaled: Scaled, *, no_number: bool) -> None:
    """The colours with what stands at both ends, and what they mean, in one line."""
    t, middle = theme.current(), area.center().y()
    figures, words = theme.mono(theme.SMALL_FONT_SIZE), theme.sans(theme.SMALL_FONT_SIZE)
    low, high = line(scaled.low, figures), line(scaled.high, figures)
    painter.setPen(t.color("dim"))
    low.draw(painter, area.left(), middle)
    bar = QRectF(round(area.left() + low.width + 6), round(middle - 4), 72, 8)
    colors = scales.table(scaled.map)
    paint_cells(painter, bar, cell_image.image(colors[None], np.ones((1, len(colors)), np.bool_)))
    painter.setPen(t.color("line"))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(bar)
    painter.setPen(t.color("dim"))
    high.draw(painter, bar.right() + 6, middle)
    x = bar.right() + 6 + high.width + 14
    if no_number:
        box = QRectF(round(x), round(middle - 5), 16, 10)
        cell_image.fill_no_number(painter, box)
        painter.setPen(t.color("dim"))
        said = line(NO_NUMBER, words)
        said.draw(painter, x + 22, middle)
        x += 36 + said.width
    room = area.right() - x
    fitting = (one for one in scaled.titles if line(one, words).width <= room)
    title = next(fitting, scaled.titles[-1])
    if room > 40:
        line(title, words, room).draw(painter, x, middle)


def _paint_key(painter: QPainter, series: Series, box: QRectF) -> None:
    """What a series looks like."""
    color, middle = series.ink(), box.center().y()
    if series.looks == "bars":
        painter.fillRect(QRectF(box.left() + 3, middle - 4, 8, 8), color)
        return
    style = Qt.PenStyle.DotLine if series.looks == "other" else Qt.PenStyle.SolidLine
    painter.setPen(QPen(color, 1.3, style))
    painter.drawLine(QLineF(box.left(), middle, box.right(), middle))
    if series.looks == "line":
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawEllipse(QRectF(box.center().x() - 2.5, middle - 2.5, 5, 5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _pooled(
    amounts_RC: scales.Floats, known_RC: np.ndarray, k: int, scaled: Scaled
) -> tuple[scales.Floats, np.ndarray]:
    """``k`` columns as one: the amount that is largest, or farthest from zero."""
    seen = np.where(known_RC, amounts_RC, -np.inf)
    largest = cell_image.pool(seen, k, 1)
    if scaled.map == "diverging":
        lowest = -cell_image.pool(np.where(known_RC, -amounts_RC, -np.inf), k, 1)
        largest = np.where(-lowest > largest, lowest, largest)
    known = cell_image.pool(known_RC, k, 1)
    return np.where(known, largest, 0.0), known


@lru_cache(maxsize=4096)
def _word(text: str, bold: bool, room: float) -> Text:
    """A word laid out: the same few hundred stand in thousands of cells."""
    return line(text, theme.mono(theme.SMALL_FONT_SIZE, bold=bold), room)


def _thinned(indices: range, apart: float) -> range:
    return indices[:: max(1, math.ceil(apart - 1e-6))]
