"""Repeatable choices: the same seed gives the same text on every Python version.

Only `random.Random.random()` is used, whose sequence for an integer seed Python promises to keep;
`choice`, `sample` and `shuffle` have changed between versions.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """A seeded source of choices."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random

    def number(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        return low + int(self._random() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        return self._random() < probability

    def pick(self, items: Sequence[T]) -> T:
        return items[int(self._random() * len(items))]

    def some(self, items: Sequence[T], n: int) -> list[T]:
        """Draw n different items in random order."""
        pool = list(items)
        for i in range(n):
            j = self.number(i, len(pool) - 1)
            pool[i], pool[j] = pool[j], pool[i]
        return pool[:n]

    def weighted(self, items: Sequence[tuple[float, T]]) -> T:
        """One of the items, each with a weight before it."""
        point = self._random() * sum(weight for weight, _ in items)
        for weight, item in items:
            point -= weight
            if point < 0:
                return item
        return items[-1][1]
