"""B − A of a head's matrix and of all heads' tiles: what is asked of the other side, what is drawn.

Both sides are brought onto the grid of the one in view; what has no other side is no number here,
and hatched. Pure: knows answers and an alignment; no store, no widget.

Shape suffixes: R rows, C columns (or cells along a side), L layers, H heads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gui.panes.attention.window import WHOLE
from model.alignment import Alignment
from model.probe.mosaic.asks import Mosaic, MosaicFound
from model.probe.pattern.asks import Pattern, PatternFound
from model.probe.question import Array

LEAST = 0.002
"""Colours end at no less: what only rounding makes differ would look like a finding."""
Minus = Callable[[Any, Any], Any]
"""B − A of the side in view and the other."""


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """What is drawn instead of the side in view.

    Attributes:
        values: B − A: ``[R, C]`` of a matrix, ``[L, H, C, C]`` of all heads.
        other: the other side's own numbers, on the same grid.
        missing: cells without another side, or hidden by a mask in one of both.
        limits: where the colours end on both sides, of each layer; of a matrix alone.
        name: what is subtracted from what: ``B − A``.
        name_in_view, name_other: what both sides are called.
    """

    values: Array
    other: Array
    missing: Array
    limits: tuple[float, ...]
    name: str = "B − A"
    name_in_view: str = "A"
    name_other: str = "B"

    @property
    def limit(self) -> float:
        """Where the colours end in the layer in which they end last."""
        return float(max(self.limits))

    def words(self, place: tuple[int, ...]) -> str:
        """What is said of a cell beside the number of the side in view."""
        if self.missing[place]:
            return f"no other side in {self.name_other}"
        return f"{self.name_other} {self.other[place]:.4g}, {self.name} {self.values[place]:+.4g}"


def aligns(alignment: Alignment) -> bool:
    """Whether texts can be brought onto one grid: of one length, or short enough to be whole."""
    return alignment.by_position or max(alignment.n_a, alignment.n_b) <= WHOLE


def matrix_question(asked: Pattern, alignment: Alignment) -> Pattern | None:
    """The same about the other side; None where there is none."""
    if alignment.by_position:
        return replace(asked, summed=False)
    # Words of the other text begin elsewhere.
    if asked.words or not aligns(alignment) or asked.rows is not None or asked.columns is not None:
        return None
    return replace(asked, summed=False)


def mosaic_question(asked: Mosaic, alignment: Alignment) -> Mosaic | None:
    """The same about the other side; None where tiles of both have other cells."""
    if alignment.by_position:
        return asked
    # Only where a cell is one query and one key can it be moved to its other side.
    return replace(asked, cells=WHOLE) if aligns(alignment) and not asked.words else None


def of_matrix(
    found: PatternFound, other: PatternFound, alignment: Alignment, minus: Minus
) -> Difference | None:
    """A head's matrix; None where both can't be brought onto one grid."""
    if alignment.by_position:
        if (found.rows, found.columns, found.block) != (other.rows, other.columns, other.block):
            return None
        theirs, hidden = other.values, other.masked
    else:
        if found.block != (1, 1) or other.block != (1, 1):
            return None
        theirs = _moved(other.values, alignment, np.nan)
        hidden = _moved(other.masked, alignment, True)
        if theirs.shape != found.values.shape:
            return None
    missing = found.masked | hidden
    with np.errstate(invalid="ignore"):
        values = np.where(missing, 0.0, minus(found.values, theirs))
    return Difference(values, theirs, missing, (_end(np.abs(values[~missing])),))


def of_mosaic(
    found: MosaicFound, other: MosaicFound, alignment: Alignment, minus: Minus
) -> Difference | None:
    """All heads' tiles; None where both can't be brought onto one grid, or are still to come."""
    if not (found.is_whole and other.is_whole):
        return None
    theirs, hidden = other.maxima, other.masked
    if not alignment.by_position:
        if found.block != 1 or other.block != 1:
            return None
        theirs = _moved(theirs, alignment, np.nan)
        hidden = _moved(hidden, alignment, True)
    if theirs.shape != found.maxima.shape or hidden.shape != found.masked.shape:
        return None
    missing = np.broadcast_to((found.masked | hidden)[:, None], theirs.shape)
    with np.errstate(invalid="ignore"):
        values = np.where(missing, 0.0, minus(found.maxima, theirs))
    return Difference(values, theirs, missing, _ends(found, np.where(missing, 0.0, values)))


def _ends(found: MosaicFound, values_LHCC: Array) -> tuple[float, ...]:
    """Where each layer's colours end: together, but what layers write grows with depth."""
    question = found.question
    assert isinstance(question, Mosaic)
    out = 1 if question.hide_first and found.block == 1 else 0  # the first key is not drawn
    ends = tuple(_end(np.abs(values_HCC[..., out:])) for values_HCC in values_LHCC)
    return ends if question.valued else (max(ends, default=LEAST),) * len(ends)


def _end(sizes: Array) -> float:
    """The largest difference; rounding alone has no colour."""
    return max(float(np.where(np.isfinite(sizes), sizes, 0.0).max(initial=0.0)), LEAST)


def _moved(array: Array, alignment: Alignment, fill: Any) -> Array:
    """The other side's queries and keys at the places that they have in view."""
    at = np.array([pair[0] for pair in alignment.pairs], dtype=np.intp)
    theirs = np.array([pair[1] for pair in alignment.pairs], dtype=np.intp)
    shape = (*array.shape[:-2], alignment.n_a, alignment.n_a)
    moved = np.full(shape, fill, array.dtype)
    moved[(..., at[:, None], at[None, :])] = array[(..., theirs[:, None], theirs[None, :])]
    return moved
