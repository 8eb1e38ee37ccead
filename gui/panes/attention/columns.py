"""The tokens (or words) of two texts as one row of columns, for the graph of what differs.

Tokens that belong together share a column, also where they differ; what only one text has stands in
a column of its own. Knows both texts' units and the sides' names; no answer, no widget.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gui.panes.attention.units import Unit, Units
from gui.session.sides import Sides
from model.alignment import Alignment, aligned
from model.probe.question import Array


@dataclass(frozen=True, slots=True)
class Column(Unit):
    """A column of both texts.

    Attributes:
        said: its places, as they stand in sentences.
    """

    said: str = ""

    @property
    def place(self) -> str:
        return self.said


class Columns(Units):
    """All of two texts.

    Args:
        own: units of the side in view.
        other: those of the other side.
        own_C, other_C: of each column the unit in either; -1 where that text has none.
        sides: what both are called.
    """

    def __init__(
        self, own: Units, other: Units, own_C: Array, other_C: Array, sides: Sides
    ) -> None:
        self._own, self._other, self._sides = own, other, sides
        self._own_C, self._other_C = own_C, other_C
        self.merged = own.merged
        self._column_of = np.zeros(len(own), np.intp)
        self._column_of[own_C[own_C >= 0]] = np.flatnonzero(own_C >= 0)

    def __len__(self) -> int:
        return len(self._own_C)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        own, other = int(self._own_C[index]), int(self._other_C[index])
        mine = self._own[own] if own >= 0 else None
        theirs = self._other[other] if other >= 0 else None
        unit = mine or theirs
        assert unit is not None
        if mine is None:
            said = f"{unit.place} of {self._sides.other}"
        elif theirs is None or mine.place == theirs.place:
            said = unit.place
        else:
            said = f"{mine.place}, {theirs.place} of {self._sides.other}"
        return Column(self.labels[index], unit.first, unit.last, said)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """How each is written: A's token, then B's where that is another."""
        return tuple(self._label(int(a), int(b)) for a, b in zip(self._own_C, self._other_C))

    def _label(self, own: int, other: int) -> str:
        if own < 0 or other < 0:
            return self._own.labels[own] if own >= 0 else self._other.labels[other]
        both = self._own.labels[own], self._other.labels[other]
        a, b = self._sides.in_order(*both)
        return a if a == b else f"{a} → {b}"

    @property
    def alone(self) -> dict[int, int]:
        """Columns that one text lacks: 1 where only B has it, -1 where only A has it."""
        found = {}
        for column, (own, other) in enumerate(zip(self._own_C, self._other_C)):
            if min(own, other) < 0:
                is_b = (own >= 0) == self._sides.in_view_is_b
                found[column] = 1 if is_b else -1
        return found

    @property
    def ends(self) -> tuple[int, ...]:
        """The columns in which both texts end: what comes next is compared there."""
        last = {int(np.flatnonzero(one >= 0)[-1]) for one in (self._own_C, self._other_C)}
        return tuple(sorted(last))

    def of(self, token: int) -> int:
        """The column of a token of the side in view."""
        return self.column(self._own.of(token))

    def column(self, unit: int) -> int:
        """The column of a unit of the side in view."""
        return int(self._column_of[min(max(unit, 0), len(self._column_of) - 1)])

    def token_of(self, unit: int) -> int | None:
        """The token of the side in view that stands for a column; None where it has none."""
        own = int(self._own_C[min(max(unit, 0), len(self) - 1)])
        return None if own < 0 else self._own.token_of(own)


def aligned_units(own: Units, other: Units, tokens: Alignment) -> Alignment:
    """Which units of both texts belong together: tokens as they were aligned, words by their text.

    Args:
        own, other: units of either.
        tokens: from tokens of the one to those of the other.
    """
    if not (own.merged or other.merged):
        return tokens
    return aligned(own.labels, other.labels)
