"""What an image of a matrix draws, and what is painted around it: axes, lines between heads.

Plain values and painting; no widget.

Shape suffixes: R rows, C columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPen

from gui import theme
from gui.widgets.heat_map import cell_image

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
