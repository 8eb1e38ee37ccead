"""One matrix of the sheet: cells, what it is, the legend of its colours.

Knows an answer and the theme; not where a matrix stands. Shape suffixes: R rows of cells, C columns
of cells.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen

from gui import theme
from gui.widgets.canvas import CAPTION_HEIGHT
from gui.widgets.cells import paint_cells
from gui.widgets.heat_map.cell_image import Kind, colors, hatch_brush, image
from gui.widgets.heat_map.color_bar import paint_color_bar
from model.probe.question import Array
from model.probe.rows.asks import RowsFound

LINES_FROM = 8.0
"""Cells that are wider and higher are told apart by lines."""


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """What is drawn of one activation.

    Attributes:
        found: its numbers in view.
        title: what it is.
        columns: what its columns are, in words.
        kind, limit: the colours, and the number at their end.
        beyond: whether there are numbers past it.
        written: whether the operation writes it.
    """

    found: RowsFound
    title: str
    columns: str
    kind: Kind
    limit: float
    beyond: bool
    written: bool


def paint_matrix(painter: QPainter, matrix: Matrix, first: QRectF, seen: range) -> None:
    """Paint the cells of the lines in view.

    Args:
        painter: clipped to where lines may be.
        matrix: what is drawn.
        first: the line of the first token of which it has numbers.
        seen: tokens of whose lines something is in view.
    """
    found = matrix.found
    origin, down = found.rows[0], found.block[0]
    start = max(0, (seen.start - origin) // down)
    stop = min(len(found.values_RC), math.ceil((seen.stop - origin) / down))
    n = found.values_RC.shape[1]
    if start >= stop or not n:
        return
    values_RC = found.values_RC[start:stop].astype(np.float64)
    drawn_RC = ~found.masked_RC[start:stop]
    high = first.height() * down
    area = QRectF(first.left(), first.top() + start * high, first.width(), (stop - start) * high)
    # The last block may have fewer lines than the others.
    over = max(0, origin + stop * down - found.rows[1]) * first.height()
    painter.save()
    painter.setClipRect(area.adjusted(0, 0, 0, -over), Qt.ClipOperation.IntersectClip)
    if not drawn_RC.all():
        painter.fillRect(area, theme.current().color("panel"))
        painter.fillRect(area, hatch_brush())
    finite: Array = np.where(
        np.isinf(values_RC), np.sign(values_RC) * matrix.limit, np.where(drawn_RC, values_RC, 0)
    )
    paint_cells(painter, area, image(colors(finite, matrix.kind, matrix.limit), drawn_RC))
    if first.width() / n >= LINES_FROM and high >= LINES_FROM:
        painter.setPen(QPen(theme.current().color("panel"), 1))
        for column in range(1, n):
            x = round(area.left() + column * area.width() / n)
            painter.drawLine(x, round(area.top()), x, round(area.bottom()))
        for row in range(stop - start):
            y = round(area.top() + row * high)
            painter.drawLine(round(area.left()), y, round(area.right()), y)
    painter.restore()


def paint_words(painter: QPainter, matrix: Matrix, box: QRectF) -> None:
    """Paint what it is above the cells, and the legend beneath.

    Args:
        painter: of the sheet.
        matrix: what is drawn.
        box: from the line of the title to the legend's.
    """
    t = theme.current()
    for font, tone, words, y in (
        (
            theme.mono(theme.SMALL_FONT_SIZE),
            "accent" if matrix.written else "text",
            matrix.title,
            box.top(),
        ),
        (theme.sans(theme.SMALL_FONT_SIZE), "dim", f"{matrix.columns} →", box.top() + 16),
    ):
        painter.setFont(font)
        painter.setPen(t.color(tone))
        shown = QFontMetricsF(font).elidedText(words, Qt.TextElideMode.ElideRight, box.width())
        painter.drawText(QRectF(box.left(), y, box.width(), 16), _LEFT, shown)
    found = matrix.found
    block = found.block
    of = f"{block[0]} × {block[1]}"
    paint_color_bar(
        painter,
        QRectF(box.left(), box.bottom(), box.width(), CAPTION_HEIGHT),
        matrix.kind,
        matrix.limit,
        title=(f"largest of {of}", f"of {of}", "") if max(block) > 1 else "",
        beyond=matrix.beyond,
        hatched="masked" if found.masked_RC.any() else "",
        no_number=bool(np.isnan(found.values_RC).any()),
    )


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
