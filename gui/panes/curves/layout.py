"""Where small charts stand: as many beside one another as have room, all with one step axis.

Plain computing, without a widget.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF

LEGEND = 20.0
NARROWEST = 172.0
LOWEST, HIGHEST = 88.0, 340.0
SHAPE = 1.5
"""Width of a chart by its height, at best."""
HEAD = 19.0
LEFT, RIGHT, BOTTOM = 42.0, 8.0, 15.0
GAP = 8.0


@dataclass(frozen=True)  # without slots: what follows from it is found once
class GridLayout:
    """A grid of charts below a line for the legend.

    Attributes:
        width, height: of what they are seen through.
        n: how many charts.
    """

    width: float
    height: float
    n: int

    @cached_property
    def columns(self) -> int:
        """How many stand beside one another: charts of a good shape that fill the room."""
        most = max(1, min(self.n, int((self.width + GAP) // (NARROWEST + GAP))))
        return min(range(1, most + 1), key=self._badness)

    def _badness(self, columns: int) -> float:
        """How far charts are from their best shape, and how much of the room is empty or lacks."""
        rows = max(1, -(-self.n // columns))
        room = max(1.0, self.height - LEGEND)
        height = min(max(room / rows, LOWEST), HIGHEST)
        off = abs(math.log(max(1.0, self.width) / columns / height / SHAPE))
        empty = 1 - self.n / (rows * columns)
        return off + 1.5 * empty + 2 * abs(room - rows * height) / room

    @cached_property
    def rows(self) -> int:
        return -(-self.n // self.columns)

    @cached_property
    def row_height(self) -> float:
        """Of a chart with its head; rows that have no room are scrolled to, and none is cut."""
        room = self.height - LEGEND
        seen = min(max(1, int(room // LOWEST)), max(1, self.rows))
        return min(max(room / seen, LOWEST), HIGHEST)

    @property
    def content(self) -> float:
        """Height of all rows, with the legend."""
        return LEGEND + self.rows * self.row_height

    def cell(self, index: int) -> QRectF:
        """The whole of a chart, before scrolling."""
        row, column = divmod(index, self.columns)
        width = max(LEFT + RIGHT + 1, (self.width - GAP * (self.columns - 1)) / self.columns)
        top = LEGEND + row * self.row_height
        return QRectF(column * (width + GAP), top, width, self.row_height - 4)

    def plot(self, index: int) -> QRectF:
        """Where its curves are."""
        return self.cell(index).adjusted(LEFT, HEAD + 5, -RIGHT, -BOTTOM)


def thinned(
    x_n: NDArray[np.float64], y_n: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of the points that share a column of pixels the first, lowest, highest and last.

    Args:
        x_n: rising, in pixels.
        y_n: of the same points.
    """
    if len(x_n) < 8:
        return x_n, y_n
    column_n = np.floor(x_n).astype(np.int64)
    starts = np.flatnonzero(np.r_[True, column_n[1:] != column_n[:-1]])
    if len(x_n) < 4 * len(starts):
        return x_n, y_n
    ends = np.r_[starts[1:], len(x_n)] - 1
    low, high = np.fmin.reduceat(y_n, starts), np.fmax.reduceat(y_n, starts)
    x = np.repeat(x_n[starts], 4)
    return x, np.stack([y_n[starts], low, high, y_n[ends]], axis=1).ravel()
