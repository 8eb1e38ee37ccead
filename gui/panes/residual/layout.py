"""Where a grid's cells, labels and charts are: plain computing, without a widget.

Rows are layers, columns positions. The charts stand beside the rows, so that both scroll as one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, QSizeF

from gui.widgets.canvas import CAPTION_HEIGHT

HEAD = 36.0
"""Above the rows: two lines of the charts."""
GAP = 14.0
TRACK_LEAST, TRACK_BEST, TRACK_MOST = 74.0, 116.0, 200.0
CHARTS = 0.62
"""Of the width, what charts may take; those that find no room are left out, the last first."""
UPRIGHT = 34.0
"""Labels of narrower columns stand."""
LABELS = 0.18
"""Of the height, what they may take then."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large cells are to be.

    Attributes:
        row, column: least sizes at which all is shown; what has no room scrolls.
        row_most, column_most: the largest.
        fit_row, fit_column: least sizes where all is to be seen at once.
        charts: which share of the width the charts take where the cells need it, too.
    """

    row: float = 20.0
    row_most: float = 96.0
    column: float = 48.0
    column_most: float = 104.0
    fit_row: float = 5.0
    fit_column: float = 6.0
    charts: float = 0.3


SIZES = Sizes()
"""Of cells that hold a word."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Places in the viewport, in logical pixels.

    Attributes:
        rows, columns: how many there are.
        row, column: size of a cell.
        window: through which the cells are seen.
        tracks: the charts, from left to right, beside the window.
        upright: whether labels of columns stand.
    """

    rows: int = 0
    columns: int = 0
    row: float = 0.0
    column: float = 0.0
    window: QRectF = field(default_factory=QRectF)
    tracks: tuple[QRectF, ...] = ()
    upright: bool = False

    @property
    def whole(self) -> QSizeF:
        """Size of all cells."""
        return QSizeF(self.columns * self.column, self.rows * self.row)

    def cell_rect(self, row: int, column: int, scrolled: QPoint) -> QRectF:
        """Where a cell is; it may lie outside the window."""
        return QRectF(
            self.window.left() + column * self.column - scrolled.x(),
            self.window.top() + row * self.row - scrolled.y(),
            self.column,
            self.row,
        )

    def band(self, row: int, scrolled: QPoint) -> QRectF:
        """A row across cells and charts."""
        right = self.tracks[-1].right() if self.tracks else self.window.right()
        top = self.window.top() + row * self.row - scrolled.y()
        return QRectF(0, top, right, self.row)

    def seen(self, scrolled: QPoint) -> tuple[range, range]:
        """Rows and columns of which something is in the window."""
        found = []
        for start, room, size, n in (
            (scrolled.y(), self.window.height(), self.row, self.rows),
            (scrolled.x(), self.window.width(), self.column, self.columns),
        ):
            if size <= 0:
                return range(0), range(0)
            found.append(range(int(start / size), min(n, math.ceil((start + room) / size - 1e-6))))
        return found[0], found[1]

    def row_at(self, y: float, scrolled: QPoint) -> int | None:
        """The row at a height, if it is seen there."""
        if self.row <= 0 or not self.window.top() <= y < self.window.bottom():
            return None
        return min(int((y - self.window.top() + scrolled.y()) / self.row), self.rows - 1)

    def column_at(self, x: float, scrolled: QPoint) -> int | None:
        """The column at a place across, if it is seen there."""
        if self.column <= 0 or not self.window.left() <= x < self.window.right():
            return None
        return min(int((x - self.window.left() + scrolled.x()) / self.column), self.columns - 1)

    def track_at(self, point: QPointF) -> int | None:
        """The chart under a point, or under its title."""
        for index, box in enumerate(self.tracks):
            if box.left() <= point.x() <= box.right() and point.y() < box.bottom():
                return index
        return None


def lay_out(
    size: QSize,
    bar: int,
    shape: tuple[int, int],
    sizes: Sizes,
    labels: tuple[float, float],
    n_tracks: int,
    *,
    fit: bool = False,
    zoom: float = 1.0,
) -> Layout:
    """Find cells as large as the room allows.

    Args:
        size: of the viewport without scroll bars.
        bar: how wide a scroll bar is.
        shape: rows and columns.
        sizes: of cells.
        labels: how wide those of rows are, and the longest of a column.
        n_tracks: how many charts there are.
        fit: show all rows and columns, as far as that goes.
        zoom: how many times as large.
    """
    n_rows, n_columns = shape
    left = labels[0] + 14
    whole_w = max(20.0, size.width() - left - 8)
    while n_tracks and n_tracks * TRACK_LEAST > CHARTS * whole_w:
        n_tracks -= 1
    gap = GAP if n_tracks else 0.0
    least_row, least_column = sizes.row, sizes.column
    if fit:
        least_row, least_column = sizes.fit_row, sizes.fit_column
    down = beside = False  # whether it scrolls: each scroll bar takes room from the other side
    for _ in range(3):
        room_w = whole_w - (bar if down else 0)
        charts = min(n_tracks * TRACK_BEST, max(n_tracks * TRACK_LEAST, sizes.charts * room_w))
        spare = room_w - gap - n_columns * least_column * zoom
        if n_tracks * TRACK_LEAST <= spare < charts:  # then all columns are seen
            charts = spare
        window_w = room_w - charts - gap
        column = _size(window_w / n_columns, least_column, sizes.column_most, zoom)
        upright = column < UPRIGHT
        top = max(HEAD, min(labels[1], LABELS * size.height(), 70.0) + 24) if upright else HEAD
        room_h = max(10.0, size.height() - top - CAPTION_HEIGHT - 6 - (bar if beside else 0))
        row = _size(room_h / n_rows, least_row, sizes.row_most, zoom)
        before = down, beside
        down, beside = (
            down or n_rows * row > room_h + 0.5,
            beside or (n_columns * column > window_w + 0.5),
        )
        if before == (down, beside):
            break
    # Where it scrolls, no cell is cut at an end.
    if beside and window_w > column >= 1:
        window_w = math.floor(window_w / column) * column
    if down and room_h > row >= 1:
        room_h = math.floor(room_h / row) * row
    window_w, room_h = min(window_w, n_columns * column), min(room_h, n_rows * row)
    window = QRectF(left, top, window_w, room_h)
    each = min(TRACK_MOST, (room_w - window_w - gap) / n_tracks) if n_tracks else 0.0
    tracks = tuple(
        QRectF(window.right() + gap + index * each, top, each - GAP, window.height())
        for index in range(n_tracks)
    )
    return Layout(n_rows, n_columns, row, column, window, tracks, upright)


def _size(fitting: float, least: float, most: float, zoom: float) -> float:
    """As large as fits, times a zoom, in whole pixels where that is one or more."""
    size = max(least, fitting) if fitting < max(least, 1.0) else math.floor(min(fitting, most))
    size *= zoom
    return size if size < 1 else float(round(size))
