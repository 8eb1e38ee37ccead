"""What the map of neurons draws, and where: its columns, its window, the bands of rows and tokens.

Plain computing, without a widget. Shape suffixes: R rows that are here, T tokens.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRectF, QSize, QSizeF
from PySide6.QtGui import QFont, QFontMetricsF

from gui import theme
from gui.widgets.canvas import CAPTION_HEIGHT

ROW = 16
"""Height of a row: its number can be read."""
NARROWEST, WIDEST = 7, 44
"""Of a column."""
SLANTED = 22
"""From this width on there is room for token labels that lean; narrower ones stand."""
SLANT = math.sqrt(0.5)
LABELS = 84.0
"""Most room for the labels of tokens, along the text."""
GRID_COLUMN = 10


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """What the map draws.

    Attributes:
        n_rows: of all rows.
        first: the row at which the values begin.
        values_RT: the numbers of some rows; NaN where there is none.
        row_labels: of those rows.
        tokens: one a column.
        limit: the value at the end of the colour map, which is diverging.
        beyond: whether there are values past it.
        title: what the numbers are, longest wording first.
        routed: whether a NaN is a token that isn't sent to the row's expert, and no bad number.
    """

    n_rows: int
    first: int
    values_RT: NDArray[np.floating]
    row_labels: tuple[str, ...]
    tokens: tuple[str, ...]
    limit: float
    beyond: bool = False
    title: tuple[str, ...] = ("",)
    routed: bool = False

    @property
    def here(self) -> range:
        """The rows whose values are here."""
        return range(self.first, self.first + len(self.values_RT))


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are in the viewport, in logical pixels.

    Attributes:
        column: width of each token; 0 where nothing is drawn.
        window: through which the cells are seen.
        slanted: whether the labels of tokens lean; they stand where there is less room.
        scrolled: by how much the cells are moved to the left and up.
    """

    column: float = 0.0
    window: QRectF = field(default_factory=QRectF)
    slanted: bool = False
    scrolled: QPoint = field(default_factory=QPoint)

    def row_band(self, row: int) -> QRectF:
        """Where a row is; it may lie outside the part that is seen."""
        top = self.window.top() + row * ROW - self.scrolled.y()
        return QRectF(self.window.left(), top, self.window.width(), ROW)

    def column_band(self, column: int) -> QRectF:
        """Where a column is; it may lie outside the part that is seen."""
        left = self.window.left() + column * self.column - self.scrolled.x()
        return QRectF(left, self.window.top(), self.column, self.window.height())

    def cell_rect(self, row: int, column: int) -> QRectF:
        """Where a cell is."""
        across, down = self.row_band(row), self.column_band(column)
        return QRectF(down.left(), across.top(), down.width(), across.height())

    def columns(self, n: int) -> range:
        """Which of so many columns are seen."""
        if not self.column:
            return range(0)
        first = int(self.scrolled.x() // self.column)
        return range(first, min(n, first + math.ceil(self.window.width() / self.column) + 1))

    def at(self, at: QPoint, content: Content) -> tuple[int | None, int | None] | None:
        """The cell under a point; one of them None over a label; None elsewhere."""
        if not self.column:
            return None
        window = self.window
        row = int((at.y() - window.top() + self.scrolled.y()) // ROW)
        column = int((at.x() - window.left() + self.scrolled.x()) // self.column)
        inside_y = window.top() <= at.y() < window.bottom() and 0 <= row < content.n_rows
        inside_x = window.left() <= at.x() < window.right() and 0 <= column < len(content.tokens)
        if inside_x and inside_y:
            return row, column
        if inside_y and at.x() < window.left():
            return row, None
        if inside_x and at.y() < window.top():
            return None, column
        return None


def label_font() -> QFont:
    """Of rows and tokens."""
    return theme.mono(theme.SMALL_FONT_SIZE)


def place(content: Content, size: QSize, bar: int, zoom: float | None) -> tuple[Places, QSizeF]:
    """Find the columns' width and the window.

    Args:
        content: what is drawn.
        size: of the viewport without scroll bars.
        bar: how wide a scroll bar is.
        zoom: width of a column that is wanted; None for as much as fits.

    Returns:
        The places, and the size of all cells.
    """
    left = 10 + _labels_width(content)
    metrics = QFontMetricsF(label_font())
    longest = max(metrics.horizontalAdvance(text) for text in content.tokens)
    longest = min(longest, LABELS, 0.3 * size.height())
    n = len(content.tokens)
    room = size.width() - left - bar - 6
    column = min(WIDEST, max(NARROWEST, math.floor(room / n)))
    if zoom is not None:  # no narrower than is needed to see all of them, or a pixel
        narrowest = max(1, min(NARROWEST, math.floor(room / n)))
        column = min(WIDEST, max(narrowest, round(zoom)))
    lean = SLANT * longest  # by so much the last label hangs over the edge
    slanted = column >= SLANTED and (room - lean) / n >= SLANTED
    if slanted and zoom is None:
        column = min(column, math.floor((room - lean) / n))
    top = SLANT * (longest + metrics.height()) + 6 if slanted else longest + 8
    top = max(top, 2 * metrics.height() + 6)
    bottom = CAPTION_HEIGHT + 2 + (bar if n * column > room + 0.5 else 0)
    width = min(float(n * column), room)
    height = max(float(ROW), size.height() - top - bottom)
    height = min(height, float(content.n_rows * ROW))
    window = QRectF(left, round(top), width, height)
    return Places(float(column), window, slanted), QSizeF(n * column, content.n_rows * ROW)


def _labels_width(content: Content) -> float:
    metrics = QFontMetricsF(label_font())
    titles = QFontMetricsF(theme.sans(theme.SMALL_FONT_SIZE))
    labels = (*content.row_labels, str(content.n_rows))
    return max(
        titles.horizontalAdvance("neuron ↓"),
        *(metrics.horizontalAdvance(text) for text in labels),
    )
