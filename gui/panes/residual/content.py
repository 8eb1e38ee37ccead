"""What a grid draws: numbers as colours with a text each, labels, and charts beside the rows.

Values only. Shape suffixes: R rows, C columns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gui.panes.residual.layout import SIZES, Sizes
from gui.panes.residual.scales import Scaled
from gui.panes.residual.tracks import Track


@dataclass(frozen=True, slots=True, eq=False)
class GridContent:
    """One picture.

    Attributes:
        scaled: numbers and their colours, ``[R, C]``.
        known_RC: which of them are here; the others are on their way.
        row_labels, column_labels: one a row, one a column.
        row_title: what the rows are.
        sizes: how large cells are to be.
        absent_rows: rows in which there is nothing; hatched.
        text, more: what stands in a cell, and below it where there is room; None for nothing.
        strong_RC: cells whose text is heavier: what changed. None for none.
        tracks: charts, the most important first.
    """

    scaled: Scaled
    known_RC: NDArray[np.bool_]
    row_labels: tuple[str, ...]
    column_labels: tuple[str, ...]
    row_title: str
    sizes: Sizes = SIZES
    absent_rows: tuple[int, ...] = ()
    text: Callable[[int, int], str] | None = None
    more: Callable[[int, int], str] | None = None
    strong_RC: NDArray[np.bool_] | None = None
    tracks: tuple[Track, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.row_labels), len(self.column_labels)

    def goes_on(self, other: GridContent | None) -> bool:
        """Whether another is this with other numbers, or with another end."""
        if other is None:
            return False
        n = min(self.shape[1], other.shape[1])
        return (
            self.row_labels == other.row_labels
            and self.column_labels[:n] == other.column_labels[:n]
            and self.sizes == other.sizes
        )
