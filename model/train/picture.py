"""A watched tensor as a picture: a matrix of few cells, and which elements stand where.

Knows arrays and the letters of axes; no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

MOST_ROWS, MOST_COLUMNS = 128, 384
"""Cells of a picture at most: more can't be told apart on a screen."""

AXES = {
    "T": "position",
    "Q": "query",
    "S": "key",
    "H": "head",
    "G": "key/value head",
    "K": "d_head",
    "D": "d_model",
    "E": "d_embed",
    "M": "neuron",
    "V": "token",
    "P": "position",
    "X": "expert",
    "A": "active expert",
    "Y": "token type",
    "1": "",
}
_ROWS = {"HQS": "Q", "THK": "T", "TGK": "T", "HDK": "D", "GDK": "D", "HKD": "HK", "GKD": "GK"}
"""Axes that run down, of tensors with three; the others stand beside one another."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a tensor's axes lie on a matrix.

    Attributes:
        letters, sizes: of the tensor's axes.
        rows, columns: indices of the axes that run down and across, slowest first.
    """

    letters: str
    sizes: tuple[int, ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]

    @property
    def order(self) -> tuple[int, ...]:
        """The axes as the matrix has them."""
        return self.rows + self.columns

    @property
    def n_rows(self) -> int:
        return prod(self.sizes[axis] for axis in self.rows)

    @property
    def n_columns(self) -> int:
        return prod(self.sizes[axis] for axis in self.columns)

    def words(self, axes: tuple[int, ...]) -> str:
        """What runs along axes, for example "head × key"."""
        return " × ".join(filter(None, (AXES[self.letters[axis]] for axis in axes)))

    def place(self, axes: tuple[int, ...], at: int) -> str:
        """Where an index along axes is, for example "head 2, key 5"."""
        found = []
        for axis in reversed(axes):
            at, index = divmod(at, self.sizes[axis])
            word = AXES[self.letters[axis]]
            if word:
                found.append(f"{word} {index}")
        return ", ".join(reversed(found))


def layout_of(letters: str, sizes: tuple[int, ...]) -> Layout:
    """How a tensor is laid out: a vector across, a matrix as it is, heads beside one another."""
    every = range(len(letters))
    down = _ROWS.get(letters, letters[:-1])
    rows = tuple(axis for axis in every if letters[axis] in down)
    if len(letters) == 2:
        rows = (0,)
    columns = tuple(axis for axis in every if axis not in rows)
    return Layout(letters, sizes, rows, columns)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A watched tensor at a step of its run.

    Attributes:
        place: its name.
        step: updates so far; of a gradient, that of the update that led there.
        layout: how its axes lie.
        values_RC: float32, read-only; each cell is the element of its block that is largest by
            |x|. NaN where a mask has set −∞.
        by_row, by_column: elements in a block.
    """

    place: str
    step: int
    layout: Layout
    values_RC: NDArray[np.float32]
    by_row: int
    by_column: int

    @property
    def is_whole(self) -> bool:
        """Whether every element has a cell."""
        return self.by_row == self.by_column == 1

    def where(self, row: int, column: int) -> str:
        """Which elements a cell stands for, in words."""
        layout = self.layout
        parts = (
            _span(layout, layout.rows, row, self.by_row, layout.n_rows),
            _span(layout, layout.columns, column, self.by_column, layout.n_columns),
        )
        return ", ".join(filter(None, parts))


def _span(layout: Layout, axes: tuple[int, ...], at: int, n: int, whole: int) -> str:
    first = layout.place(axes, at * n)
    last = min((at + 1) * n, whole) - 1
    return first if n == 1 or last == at * n else f"{first} to {layout.place(axes, last)}"
