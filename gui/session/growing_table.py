"""Columns of numbers that grow at the end: what a run has reported, read many times a second.

Knows NumPy; nothing of runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray


class GrowingTable:
    """Columns of numbers that grow at the end, without copying all of them each time."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self._rows = np.empty((256, len(names)))
        self._n = 0

    def __len__(self) -> int:
        return self._n

    def take(self, events: Sequence[object], most: int | None = None) -> bool:
        """Append what events say that are not in it yet: columns are named as their fields.

        Args:
            events: all of them; what is in it already comes first.
            most: so many at once; None takes all.

        Returns:
            Whether it has all of them now.
        """
        until = len(events) if most is None else min(len(events), self._n + most)
        self.extend([*map(attrgetter(*self.names), events[self._n : until])])
        return until == len(events)

    def extend(self, rows: Sequence[Sequence[float]]) -> None:
        """Append rows."""
        needed = self._n + len(rows)
        if needed > len(self._rows):
            grown = np.empty((max(needed, 2 * len(self._rows)), len(self.names)))
            grown[: self._n] = self._rows[: self._n]
            self._rows = grown
        if rows:
            self._rows[self._n : needed] = rows
        self._n = needed

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        return self._rows[: self._n, self.names.index(name)]
