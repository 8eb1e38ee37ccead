"""A vector thinned out to as many columns as fit, so that no large value is lost.

Knows NumPy only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Columns:
    """Which values are drawn.

    Attributes:
        picks: index of the value that each column shows: the largest by magnitude of those that
            fall together; NaN stands out most, and −∞, which a mask writes, least.
        size: how many fall together.
    """

    picks: NDArray[np.intp]
    size: int


def columns(values: NDArray[np.floating], most: int) -> Columns:
    """Choose at most ``most`` of the values, so that no large one is lost."""
    n = len(values)
    size = -(-n // max(1, most))
    if size <= 1:
        return Columns(np.arange(n), 1)
    count = -(-n // size)
    magnitude = np.full(count * size, -1.0)
    size_n = np.where(np.isneginf(values), 0.0, np.abs(values))
    magnitude[:n] = np.where(np.isnan(values), np.inf, size_n)
    within = magnitude.reshape(count, size).argmax(axis=1)
    return Columns(np.arange(count) * size + within, size)
