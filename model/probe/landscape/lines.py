"""Where a slice is cut: lines that go through zero, and which of them come first.

The coarse lines are some of the fine ones, so that no loss is measured twice and every coarse
picture is of measured losses. Knows numbers only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.probe.question import Array

LEVELS = (3, 5, 11, 25, 51)
"""Lines of the pictures that come before the whole one."""


def through_zero(low: float, high: float, n: int) -> tuple[Array, int]:
    """Evenly spaced lines that cover a range, moved so that one of them is exactly 0.

    Args:
        low, high: the range, around 0 or beside it.
        n: how many, at least 3.

    Returns:
        The lines ``[n]``, and which of them is 0.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    apart = (high - low) / (n - 1)
    # What is cut off where the lines are moved comes back as they are spread.
    zero = min(max(round(-low / apart), int(low < 0)), n - 1 - int(high > 0))
    apart = max(-low / zero if zero else 0.0, high / (n - 1 - zero) if zero < n - 1 else 0.0)
    return (np.arange(n) - zero) * apart, zero


def levels(n: int, zero: int) -> list[tuple[int, ...]]:
    """Which lines are there after each level, the last all of them; each holds the one before.

    Args:
        n: of lines.
        zero: the one that all levels have.
    """
    found: list[tuple[int, ...]] = [tuple(range(n))]
    for wanted in sorted((level for level in LEVELS if level < n), reverse=True):
        found.append(_some(found[-1], wanted, zero))
    return found[::-1]


def _some(lines: Sequence[int], wanted: int, zero: int) -> tuple[int, ...]:
    """Lines spread over others, both ends and zero among them."""
    places = np.round(np.linspace(0, len(lines) - 1, wanted)).astype(int)
    at = lines.index(zero)
    if at not in places:
        inside = range(1, wanted - 1)
        places[min(inside, key=lambda i: abs(int(places[i]) - at))] = at
    return tuple(lines[int(place)] for place in np.unique(places))
