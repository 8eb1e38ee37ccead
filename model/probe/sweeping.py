"""What sweeps over layers and positions share: their order, their pace, how two maps agree.

Knows numbers only.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from model.probe.question import Array


def coarse_to_fine(n: int) -> Iterator[int]:
    """0 to n - 1: first far apart, then what lies between, so that a map is seen as a whole."""
    step = 1
    while step < n:
        step *= 2
    seen: set[int] = set()
    while step:
        fresh = [at for at in range(0, n, step) if at not in seen]
        seen.update(fresh)
        yield from fresh
        step //= 2


def correlation(one: Array, other: Array) -> float:
    """Pearson's, over the places where both are numbers; NaN for fewer than three or no spread."""
    both = np.isfinite(one) & np.isfinite(other)
    x, y = one[both].astype(np.float64), other[both].astype(np.float64)
    if len(x) < 3:
        return float("nan")
    x, y = x - x.mean(), y - y.mean()
    spread = float(np.sqrt((x * x).sum() * (y * y).sum()))
    return float((x * y).sum() / spread) if spread > 0 else float("nan")


class Pace:
    """When it is time to show what is there so far.

    Args:
        seconds: how often.
    """

    def __init__(self, seconds: float = 0.15) -> None:
        self._seconds = seconds
        self._told = time.monotonic()

    def is_due(self) -> bool:
        """Whether that long has passed since it was due last."""
        now = time.monotonic()
        if now - self._told < self._seconds:
            return False
        self._told = now
        return True
