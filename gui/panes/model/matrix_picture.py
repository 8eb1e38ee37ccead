"""What an image of a matrix draws, and what is painted around it: axes, lines between heads.

Plain values and painting; no widget.

Shape suffixes: R rows, C columns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from gui import theme
from gui.widgets.heat_map import cell_image
from gui.widgets.text import ink_on

Span = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class MatrixPicture:
    """What is drawn.

    Attributes:
        n_rows, n_columns: of the whole matrix.
        rows, columns: the window of it that the picture shows.
        block: rows and columns of the matrix to a cell.
        values_RC: of each cell the number farthest from 0.
        rows_RC, columns_RC: where in the matrix it stands.
        limit: magnitude at the ends of the colour map.
        row_title, column_title: what the axes are.
        note: how colours end, for the caption.
        row_group, column_group: lines are drawn after each so many (between heads); 0 for none.
    """

    n_rows: int
    n_columns: int
    rows: Span
    columns: Span
    block: tuple[int, int]
    values_RC: NDArray[np.floating]
    rows_RC: NDArray[np.integer[Any]]
    columns_RC: NDArray[np.integer[Any]]
    limit: float
    row_title: str = "rows"
    column_title: str = "columns"
    note: str = ""
    row_group: int = 0
    column_group: int = 0

    @property
    def wordings(self) -> tuple[str, ...]:
        """How much a cell stands for, and where the colours end; shorter and shorter."""
        down, across = self.block
        how: tuple[str, ...] = ("every number is drawn",)
        if (down, across) != (1, 1):
            much = f"{down} × {across} numbers a cell"
            how = (f"{much}: the farthest from 0 is drawn", f"{much}, the farthest from 0", much)
        return (f"{how[0]}; {self.note}", *how) if self.note else how

    def image(self) -> QImage:
        """One pixel a cell; what is no number has a colour of its own."""
        rgb = cell_image.colors(self.values_RC, "diverging", self.limit)
        return cell_image.image(rgb, np.ones(self.values_RC.shape, np.bool_))

    @property
    def has_no_number(self) -> bool:
        """Whether a cell holds NaN."""
        return bool(np.isnan(self.values_RC).any())


def paint_groups(
    painter: QPainter, picture: MatrixPicture, frame: QRectF, in_view: tuple[Span, Span]
) -> None:
    """Lines between heads, where they lie far enough apart to leave the numbers seen."""
    painter.setPen(QPen(theme.current().color("panel"), 1))
    for group, (first, last), upright in (
        (picture.row_group, in_view[0], False),
        (picture.column_group, in_view[1], True),
    ):
        size = (frame.width() if upright else frame.height()) / (last - first)
        if group <= 1 or size * group < 8:
            continue
        for at in range((first // group + 1) * group, last, group):
            if upright:
                x = round(frame.left() + (at - first) * size)
                painter.drawLine(x, round(frame.top()), x, round(frame.bottom()))
            else:
                y = round(frame.top() + (at - first) * size)
                painter.drawLine(round(frame.left()), y, round(frame.right()), y)


def paint_numbers(
    painter: QPainter,
    picture: MatrixPicture,
    in_view: tuple[Span, Span],
    rect_of: Callable[[int, int], QRectF],
    by_hand: Mapping[tuple[int, int], float],
) -> None:
    """Numbers in cells that hold one each and are large enough; what was set by hand is marked.

    Args:
        painter: to paint with.
        picture: whose numbers.
        in_view: rows and columns, first and one past the last.
        rect_of: where a row and a column are.
        by_hand: what is another number than the picture's, by row and column.
    """
    (top, bottom), (left, right) = in_view
    cell = rect_of(top, left)
    painter.setFont(theme.mono(theme.SMALL_FONT_SIZE - 1))
    advance = painter.fontMetrics().horizontalAdvance
    # Two decimals without the zero in front, where three don't fit.
    decimals = next((n for n in (3, 2) if cell.width() >= advance(short_number(-0.5, n)) + 4), 0)
    if picture.block != (1, 1) or cell.height() < 14:
        decimals = 0
    if decimals:
        table = cell_image.inks("diverging")
        for row in range(max(top, picture.rows[0]), min(bottom, picture.rows[1])):
            for column in range(max(left, picture.columns[0]), min(right, picture.columns[1])):
                if (row, column) in by_hand:
                    continue
                value = float(picture.values_RC[row - picture.rows[0], column - picture.columns[0]])
                if math.isfinite(value):
                    entry = cell_image.entry(value, "diverging", picture.limit)
                    painter.setPen(table[entry])
                    painter.drawText(rect_of(row, column), _CENTRE, short_number(value, decimals))
    for (row, column), value in by_hand.items():
        if top <= row < bottom and left <= column < right:
            _paint_by_hand(painter, rect_of(row, column), value, picture.limit, decimals)


def _paint_by_hand(
    painter: QPainter, box: QRectF, value: float, limit: float, decimals: int
) -> None:
    """A cell with its new number, framed and with a corner; small ones so that it can be seen."""
    rgb = cell_image.colors(np.array([value]), "diverging", limit)[0]
    fill = QColor(*(int(part) for part in rgb))
    painter.fillRect(box, fill)
    if decimals:
        painter.setPen(ink_on(fill))
        painter.drawText(box, _CENTRE, short_number(value, decimals))
    grow_x, grow_y = max(0.0, 7 - box.width()) / 2, max(0.0, 7 - box.height()) / 2
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme.current().color("warning"), 1.6))
    painter.drawRect(box.adjusted(-grow_x, -grow_y, grow_x, grow_y))
    arm = min(9.0, box.width() / 2, box.height() / 2)
    if arm >= 4:  # the selection's frame may lie over this one
        corner = box.topRight()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.current().color("warning"))
        painter.drawPolygon([corner, corner - QPointF(arm, 0), corner + QPointF(0, arm)])
        painter.setBrush(Qt.BrushStyle.NoBrush)


_CENTRE = Qt.AlignmentFlag.AlignCenter


def short_number(value: float, decimals: int) -> str:
    """A number in the few letters that a cell has room for: ``−0.069``, or ``−.07``."""
    size = abs(value)
    if size >= 10:
        text = f"{value:.1f}" if size < 100 else f"{value:.0f}" if size < 1000 else f"{value:.0e}"
    else:
        text = f"{value:.{decimals}f}"
        if decimals < 3 and size < 1:
            text = text.replace("0.", ".", 1)
    return text.replace("-", "−")


def paint_axes(
    painter: QPainter,
    picture: MatrixPicture,
    frame: QRectF,
    in_view: tuple[Span, Span],
    room: QRectF,
) -> None:
    """What rows and columns are, and which of them are in view.

    Args:
        painter: to paint with.
        picture: names the axes.
        frame: where the cells are.
        in_view: rows and columns, first and one past the last.
        room: that the words have, from the frame's corner on.
    """
    (top, bottom), (left, right) = in_view
    painter.setFont(theme.sans(theme.SMALL_FONT_SIZE - 0.5))
    painter.setPen(theme.current().color("dim"))
    metrics = painter.fontMetrics()
    across = f"{picture.column_title} {left:,} to {right - 1:,} →"
    down = f"← {picture.row_title} {top:,} to {bottom - 1:,}"
    shown = metrics.elidedText(across, Qt.TextElideMode.ElideRight, int(room.width()))
    painter.drawText(QPointF(frame.left(), frame.top() - 4), shown)
    painter.save()
    painter.translate(frame.left() - 4, room.bottom())
    painter.rotate(-90)
    length = int(room.height())
    shown = metrics.elidedText(down, Qt.TextElideMode.ElideRight, length)
    painter.drawText(QPointF(length - metrics.horizontalAdvance(shown), 0), shown)
    painter.restore()


def color_limit(low: float, high: float, rms: float) -> tuple[float, str]:
    """Where the colour map ends for numbers of these figures, and how that is said.

    A few far outliers would leave all the rest in the map's dark middle.
    """
    largest = max(abs(low), abs(high))
    if not math.isfinite(largest):
        return 0.0, ""
    if math.isfinite(rms) and 4 * rms < largest:
        return 4 * rms, "colours end at 4 × RMS"
    return largest, "colours end at the largest"
