"""What a heat map draws, and where: sizes of cells, margins for labels, the part that is seen.

Plain computing, without a widget. Shape suffixes: R rows, C columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRectF, QSize, QSizeF
from PySide6.QtGui import QFont, QFontMetricsF

from gui import theme
from gui.widgets.canvas import CAPTION_HEIGHT
from gui.widgets.heat_map.cell_image import Kind

SMALLEST_CELL = 6.0
"""Below it a cell can't be hit by a mouse: the map scrolls instead, unless asked to fit."""
LARGEST_CELL = 64.0
SLANTED_CELL = 18.0
"""From this size on there is room for column labels that lean; narrower ones stand."""
SLANT = math.sqrt(0.5)
LABEL_SHARE = 0.24
"""Of the height, how much the labels of columns may take: the rest is picture."""


@dataclass(frozen=True, slots=True, eq=False)
class HeatMapContent:
    """What a heat map draws: a whole matrix, or the patch of it that is here.

    Attributes:
        values_RC: the numbers; where masked or hidden they may be anything. A cell that is drawn
            and holds NaN has a look of its own: it is no number.
        row_labels, column_labels: one a row, one a column of the whole matrix.
        corner: the row and the column at which the numbers begin.
        block: rows and columns of the matrix to a number.
        row_title, column_title: what the axes are, for example "queries".
        kind: ``sequential`` from 0 to ``limit``, ``diverging`` from -limit to limit.
        limit: the value at the end of the colour map.
        beyond: whether there are values past it; they have its colour.
        masked_RC: cells that do not exist; hatched.
        hidden_RC: cells whose value is left out of the drawing; hatched, with their figure.
        faint_RC: cells whose value is an estimate: paler, with lines over them.
        faint_title: what a faint cell means, for the colour bar.
        value_title: what the numbers are, for the colour bar; of several wordings, longest first,
            the first that finds room.
        masked_title: what a hatched cell means, for the colour bar; none if empty.
        digits: decimals of the figures in cells.
    """

    values_RC: NDArray[np.floating]
    row_labels: tuple[str, ...]
    column_labels: tuple[str, ...]
    corner: tuple[int, int] = (0, 0)
    block: tuple[int, int] = (1, 1)
    row_title: str = ""
    column_title: str = ""
    kind: Kind = "sequential"
    limit: float = 1.0
    beyond: bool = False
    masked_RC: NDArray[np.bool_] | None = None
    hidden_RC: NDArray[np.bool_] | None = None
    faint_RC: NDArray[np.bool_] | None = None
    faint_title: str = ""
    value_title: str | tuple[str, ...] = ""
    masked_title: str = ""
    digits: int = 2

    @property
    def drawn_RC(self) -> NDArray[np.bool_]:
        """Which cells have a colour."""
        drawn = np.ones(self.values_RC.shape, np.bool_)
        for without in (self.masked_RC, self.hidden_RC):
            if without is not None:
                drawn &= ~without
        return drawn

    @property
    def no_number_RC(self) -> NDArray[np.bool_]:
        """Which of the drawn cells hold NaN."""
        return np.isnan(self.values_RC) & self.drawn_RC

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the whole matrix."""
        return len(self.row_labels), len(self.column_labels)

    @property
    def is_whole(self) -> bool:
        """Whether every row and column has its number here."""
        return self.patch == (range(self.shape[0]), range(self.shape[1]))

    @property
    def patch(self) -> tuple[range, range]:
        """The rows and the columns whose numbers are here."""
        spans = []
        for axis in (0, 1):
            start = self.corner[axis]
            stop = start + self.values_RC.shape[axis] * self.block[axis]
            spans.append(range(start, min(stop, self.shape[axis])))
        return spans[0], spans[1]

    def place_of(self, row: int, column: int) -> tuple[int, int] | None:
        """Where the number of a row and a column stands in the arrays; None if it isn't here."""
        rows, columns = self.patch
        if row not in rows or column not in columns:
            return None
        return (row - rows.start) // self.block[0], (column - columns.start) // self.block[1]


@dataclass(frozen=True, slots=True)
class Place:
    """Where things are in the viewport, in logical pixels.

    Attributes:
        cell: side of a cell; 0 where nothing is drawn.
        window: through which the cells are seen.
        whole: size of all cells.
        row_room: width kept for the labels of rows.
        column_room: length kept for the labels of columns, along the text.
        slanted: whether labels of columns lean by 45° or stand.
    """

    cell: float = 0.0
    window: QRectF = field(default_factory=QRectF)
    whole: QSizeF = field(default_factory=QSizeF)
    row_room: float = 0.0
    column_room: float = 0.0
    slanted: bool = False

    def cell_rect(self, row: int, column: int, scrolled: QPoint) -> QRectF:
        """Where a cell is; it may lie outside the window."""
        return QRectF(
            self.window.left() + column * self.cell - scrolled.x(),
            self.window.top() + row * self.cell - scrolled.y(),
            self.cell,
            self.cell,
        )

    def row_band(self, row: int, scrolled: QPoint) -> QRectF:
        """A whole row, as wide as the window."""
        top = self.window.top() + row * self.cell - scrolled.y()
        return QRectF(self.window.left(), top, self.window.width(), self.cell)

    def column_band(self, column: int, scrolled: QPoint) -> QRectF:
        """A whole column, as high as the window."""
        left = self.window.left() + column * self.cell - scrolled.x()
        return QRectF(left, self.window.top(), self.cell, self.window.height())

    def at(
        self, point: QPoint, scrolled: QPoint, shape: tuple[int, ...]
    ) -> tuple[int | None, int | None] | None:
        """The cell under a point; ``(row, None)`` or ``(None, column)`` over a label; or None."""
        if self.cell <= 0:
            return None
        window = self.window
        column = math.floor((point.x() - window.left() + scrolled.x()) / self.cell)
        row = math.floor((point.y() - window.top() + scrolled.y()) / self.cell)
        across = window.left() <= point.x() < window.right() and 0 <= column < shape[1]
        down = window.top() <= point.y() < window.bottom() and 0 <= row < shape[0]
        if across and down:
            return row, column
        if down and window.left() - self.row_room - 8 <= point.x() < window.left():
            return row, None
        if across and window.top() - self.column_room - 12 <= point.y() < window.top():
            return None, column
        return None

    def seen(self, scrolled: QPoint, shape: tuple[int, ...]) -> tuple[range, range]:
        """The rows and the columns of which something is in the window."""
        last_row = math.ceil((scrolled.y() + self.window.height()) / self.cell)
        last_column = math.ceil((scrolled.x() + self.window.width()) / self.cell)
        return (
            range(int(scrolled.y() / self.cell), min(shape[0], last_row)),
            range(int(scrolled.x() / self.cell), min(shape[1], last_column)),
        )


def label_font() -> QFont:
    """The font of labels and of figures in cells."""
    return theme.mono(theme.SMALL_FONT_SIZE)


@lru_cache(maxsize=16)
def label_widths(labels: tuple[str, ...]) -> tuple[float, ...]:
    """How long labels are; measured once, because hundreds take milliseconds."""
    metrics = QFontMetricsF(label_font())
    known = {label: metrics.horizontalAdvance(label) for label in set(labels)}
    return tuple(known[label] for label in labels)


def thinned(indices: range, apart: float, marked: int | None = None) -> list[int]:
    """Indices whose labels can stand beside each other.

    Args:
        indices: all that are seen.
        apart: how many indices two labels must at least be apart.
        marked: an index whose label is written in any case; near ones give way to it.
    """
    kept = indices[:: max(1, math.ceil(apart))]
    return [index for index in kept if marked is None or abs(index - marked) >= apart]


def place(
    content: HeatMapContent,
    size: QSize,
    bar: int,
    *,
    fit: bool = False,
    zoom: float | None = None,
    corner: QSize | None = None,
) -> Place:
    """Find cells as large as the room allows, in whole pixels.

    Args:
        content: what is drawn.
        size: of the viewport without scroll bars.
        bar: how wide a scroll bar is.
        fit: show everything, however small.
        zoom: size of a cell instead, logical pixels.
        corner: room that is kept free at the upper left, over the labels of rows.
    """
    corner = QSize(0, 0) if corner is None else corner
    n_rows, n_columns = content.shape
    metrics = QFontMetricsF(label_font())
    height = metrics.height()
    row_widths, column_widths = (
        label_widths(content.row_labels),
        label_widths(content.column_labels),
    )
    titles = QFontMetricsF(theme.sans(theme.SMALL_FONT_SIZE))
    title = max(
        titles.horizontalAdvance(f"{text} →") for text in (content.row_title, content.column_title)
    )
    row_room = min(max(row_widths, default=0.0), 0.28 * size.width(), 120.0)
    column_room = min(max(column_widths, default=0.0), LABEL_SHARE * size.height(), 110.0)
    left = max(row_room, title, corner.width() - 6) + 12
    cell, top, right = 0.0, 0.0, 4.0
    slanted = True
    for slanted in (True, False):
        top = SLANT * (column_room + height) + 6 if slanted else column_room + 8
        top = max(top, 2 * height + 6 + corner.height())
        right = 4.0
        for _ in range(2 if slanted else 1):
            fitting = min(
                (size.width() - left - right) / n_columns,
                (size.height() - top - CAPTION_HEIGHT - 2) / n_rows,
            )
            cell = _cell(max(fitting, 0.02), fit, zoom)
            if slanted:  # the last labels lean out over the matrix's right edge
                reach = min(n_columns, math.ceil(column_room / cell) + 1)
                right = max(
                    SLANT * min(width, column_room) - (index + 0.5) * cell
                    for index, width in enumerate(reversed(column_widths[-reach:]))
                )
                right = max(4.0, right + 8)
        if cell >= SLANTED_CELL:
            break
    room_w = max(8.0, size.width() - left - right)
    room_h = max(8.0, size.height() - top - CAPTION_HEIGHT - 2)
    whole = QSizeF(n_columns * cell, n_rows * cell)
    # A scroll bar of one direction takes room from the other.
    bars_h = whole.width() > room_w + 0.5
    bars_v = whole.height() > room_h - (bar if bars_h else 0) + 0.5
    bars_h = whole.width() > room_w - (bar if bars_v else 0) + 0.5
    room_w -= bar if bars_v else 0
    room_h -= bar if bars_h else 0
    seen = whole.boundedTo(QSizeF(room_w, room_h))
    x = round(left + (room_w - seen.width()) / 2)
    y = round(top + (room_h - seen.height()) / 2)
    return Place(
        cell, QRectF(x, y, seen.width(), seen.height()), whole, row_room, column_room, slanted
    )


def _cell(fitting: float, fit: bool, zoom: float | None) -> float:
    fitting = min(fitting, LARGEST_CELL)
    if zoom is not None:  # no smaller than is needed to see everything
        return max(zoom, min(fitting, SMALLEST_CELL))
    if fit and fitting < 4:
        return fitting
    return float(max(math.floor(fitting), 1 if fit else SMALLEST_CELL))
