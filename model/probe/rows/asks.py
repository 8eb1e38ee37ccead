"""The question for an activation's vectors at many positions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from model.probe.question import Answer, Array, Named, Question
from model.probe.tensors.asks import AXES


@dataclass(frozen=True, slots=True)
class Rows(Question):
    """A row a position: an activation's vectors, or a head's weights or scores of queries.

    Attributes:
        of: name of the activation (full name or alias).
        head: whose, where there are heads.
        rows: the positions in view, first and one past the last; all if left out.
        most: the most rows and columns that are drawn; where there are more, blocks of them are
            drawn by the number farthest from 0.
    """

    name: ClassVar[str] = "rows"
    title: ClassVar[str] = "an operation for all tokens"
    of: str
    head: int = 0
    rows: tuple[int, int] | None = None
    most: tuple[int, int] = (512, 1024)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowsFound(Answer):
    """The matrix. Shape suffixes: R rows of cells, C columns of cells.

    Attributes:
        activation: its full name; empty where the network has none of that name.
        letters: of the rows and the columns (`model.operations.operation`).
        rows: the positions that it covers, first and one past the last.
        n_columns: of the whole.
        block: positions and columns to a cell.
        values_RC: the numbers; 0 where masked.
        rows_RC, columns_RC: where in the whole matrix each stands.
        masked_RC: cells that no query may look at.
        index: the full index of a number, None at the axes of rows and columns.
    """

    activation: str
    letters: str
    rows: tuple[int, int]
    n_columns: int
    block: tuple[int, int]
    values_RC: Array
    rows_RC: Array
    columns_RC: Array
    masked_RC: Array
    index: tuple[int | None, ...]

    def arrays(self) -> Mapping[str, Named]:
        if not self.activation:
            return {}
        at = {
            AXES[self.letters[0]]: np.arange(*self.rows, self.block[0]),
            AXES[self.letters[1]]: np.arange(0, self.n_columns, self.block[1]),
        }
        axes = AXES[self.letters[0]], AXES[self.letters[1]]
        return {self.activation: Named(self.values_RC, axes, at)}

    def place(self, row: int, column: int) -> tuple[int, ...]:
        """The full index, in the tensor, of the number that a cell shows."""
        free = iter((int(self.rows_RC[row, column]), int(self.columns_RC[row, column])))
        return tuple(next(free) if place is None else place for place in self.index)
