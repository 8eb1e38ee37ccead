"""How a parameter of one, two or three dimensions is laid out as a matrix, and back.

Torch-free, so that the window finds the index of a cell by the same rule by which the worker
made the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from model.probe.question import ProbeError

_HEADS_IN_COLUMNS = ("W_Q", "W_K", "W_V")


@dataclass(frozen=True, slots=True)
class MatrixLayout:
    """Which axes of a tensor are the rows of its picture, and which the columns.

    Attributes:
        shape: of the whole tensor.
        rows, columns: axes, slowest first; several axes lie side by side (heads in ``W_Q``).
        part: index on axis 0 that alone is looked at (a head, an expert), or None for all.
    """

    shape: tuple[int, ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    part: int | None = None

    @property
    def n_rows(self) -> int:
        return prod(self.shape[axis] for axis in self.rows)

    @property
    def n_columns(self) -> int:
        return prod(self.shape[axis] for axis in self.columns)

    def index(self, row: int, column: int) -> tuple[int, ...]:
        """The tensor's full index of a cell."""
        found = [0] * len(self.shape)
        if self.part is not None:
            found[0] = self.part
        for at, axes in ((row, self.rows), (column, self.columns)):
            for axis in reversed(axes):
                at, found[axis] = divmod(at, self.shape[axis])
        return tuple(found)

    def cell(self, index: tuple[int, ...]) -> tuple[int, int] | None:
        """Row and column of a full index; None if it lies in another part or outside."""
        if len(index) != len(self.shape) or (self.part is not None and index[0] != self.part):
            return None
        if any(not 0 <= at < size for at, size in zip(index, self.shape)):
            return None
        place = []
        for axes in (self.rows, self.columns):
            at = 0
            for axis in axes:
                at = at * self.shape[axis] + index[axis]
            place.append(at)
        return place[0], place[1]


def layout_of(name: str, shape: tuple[int, ...], part: int | None = None) -> MatrixLayout:
    """The layout of a parameter by its TransformerLens name.

    A matrix lies as it is, a vector is one row. Of three axes the first (heads, experts) joins
    the second, except in ``W_Q``, ``W_K`` and ``W_V``, where heads lie side by side: each picture
    is then the whole linear map that is applied to the residual stream, or that writes to it.

    Raises:
        ValueError: more than three dimensions, or a part that there is none of.
    """
    if len(shape) > 3:
        raise ProbeError(f"{name} has {len(shape)} dimensions; three can be drawn as a matrix.")
    if part is not None and (len(shape) < 3 or not 0 <= part < shape[0]):
        raise ProbeError(f"{name} of shape {list(shape)} has no part {part}.")
    if len(shape) < 2:
        return MatrixLayout(shape, (), tuple(range(len(shape))))
    if len(shape) == 2:
        return MatrixLayout(shape, (0,), (1,))
    if part is not None:
        return MatrixLayout(shape, (1,), (2,), part)
    if name.rpartition(".")[2] in _HEADS_IN_COLUMNS:
        return MatrixLayout(shape, (1,), (0, 2))
    return MatrixLayout(shape, (0, 1), (2,))
