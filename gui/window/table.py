"""Named arrays as one table: the axes in front, a column an array.

Arrays about the same places share rows: those of one length stand side by side, whatever else is
drawn follows below, blank in the columns that it isn't about. So one file holds all that a pane
draws, and every column has one meaning. Knows NumPy; no file, no Qt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.probe.question import Named

Array = NDArray[Any]
BLANK = ""
ROW = "row"
"""The axis of a plain array of one dimension."""


@dataclass(slots=True)
class Part:
    """Rows about the same places.

    Attributes:
        places: axis -> the place of each row.
        values: array -> its number in each row, and where it has one.
    """

    places: dict[str, Array]
    values: dict[str, tuple[Array, NDArray[np.bool_] | None]] = field(default_factory=dict)

    def __len__(self) -> int:
        columns = (*self.places.values(), *(column for column, _ in self.values.values()))
        return len(columns[0])

    def joins(self, places: Mapping[str, Array]) -> bool:
        """Whether rows at these places are these rows."""
        return list(places) == list(self.places) and all(
            np.array_equal(places[axis], at) for axis, at in self.places.items()
        )


@dataclass(frozen=True, slots=True)
class Table:
    """Columns, and rows in parts.

    Attributes:
        columns: names: the axes, then the arrays.
    """

    columns: tuple[str, ...]
    parts: tuple[Part, ...]

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """One after the other, blank where a column isn't about it."""
        for part in self.parts:
            yield from zip(*(_cells(part, name) for name in self.columns), strict=True)


def table_of(data: Mapping[str, Named | Array]) -> Table:
    """All arrays as one table; a number without axes stands in a row of its own."""
    axes: list[str] = []
    names: list[str] = []
    parts: list[Part] = []
    counted = [np.shape(value) for value in data.values() if not isinstance(value, Named)]
    plain = len(counted) == len(data) and len(set(counted)) == 1 and len(counted[0]) == 1
    all_axes = {axis for value in data.values() if isinstance(value, Named) for axis in value.axes}
    for name, value in data.items():
        named = value if isinstance(value, Named) else _named(np.asarray(value))
        columns = named.columns()
        flat = columns.pop("value")
        # Nothing but columns of one length: counting their rows says nothing.
        places = {} if plain else columns
        axes += [axis for axis in places if axis not in axes]
        # An array may be called as an axis is.
        names.append(f"{name} value" if name in all_axes else name)
        _put(parts, names[-1], places, flat)
    return Table((*axes, *names), tuple(parts))


def _named(array: Array) -> Named:
    if array.ndim == 1:
        return Named(array, (ROW,))
    if array.ndim == 2:
        return Named(array, (ROW, "column"))
    return Named(array, tuple(f"axis {axis}" for axis in range(array.ndim)))


def _put(parts: list[Part], name: str, places: dict[str, Array], flat: Array) -> None:
    for part in parts:
        if part.joins(places):
            part.values[name] = flat, None
            return
    for part in parts:
        if _put_between(part, name, places, flat):
            return
    parts.append(Part(places, {name: (flat, None)}))


def _put_between(part: Part, name: str, places: dict[str, Array], flat: Array) -> bool:
    """Join one axis of numbers that is counted in another way: every fifth step of all steps."""
    if len(places) != 1 or list(places) != list(part.places):
        return False
    [axis] = places
    mine, its = part.places[axis], places[axis]
    for one in (mine, its):
        if one.dtype.kind not in "iu" or len(one) == 0 or (np.diff(one) <= 0).any():
            return False  # only what rises keeps its order
    both = np.union1d(mine, its)
    part.values = {
        key: _spread(column, there, mine, both) for key, (column, there) in part.values.items()
    }
    part.values[name] = _spread(flat, None, its, both)
    part.places = {axis: both}
    return True


def _spread(
    column: Array, there: NDArray[np.bool_] | None, at: Array, all_places: Array
) -> tuple[Array, NDArray[np.bool_]]:
    """A column on more rows, and where it has a number."""
    rows = np.searchsorted(all_places, at)
    wide = np.zeros(len(all_places), column.dtype)
    wide[rows] = column
    has = np.zeros(len(all_places), bool)
    has[rows] = True if there is None else there
    return wide, has


def _cells(part: Part, name: str) -> Iterator[Any]:
    if name in part.places:
        return iter(part.places[name])
    if name not in part.values:
        return iter([BLANK] * len(part))
    column, there = part.values[name]
    if there is None:
        return iter(column)
    return iter([cell if has else BLANK for cell, has in zip(column, there)])
