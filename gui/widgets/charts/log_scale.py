"""Where numbers stand on an axis of logarithms, and what its ticks say. Knows numbers only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogScale:
    """From numbers to places along an axis.

    Attributes:
        low, high: numbers at the ends, above 0.
        start, stop: places of these, in pixels.
    """

    low: float
    high: float
    start: float
    stop: float

    def at(self, value: float) -> float:
        """The place of a number."""
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.stop - self.start)

    def value(self, at: float) -> float:
        """The number at a place."""
        share = (at - self.start) / (self.stop - self.start)
        return float(self.low * (self.high / self.low) ** share)


def spanning(values: Sequence[float], start: float, stop: float, margin: float) -> LogScale:
    """A scale that holds all of some numbers, with a margin on both sides, in pixels."""
    low, high = min(values), max(values)
    if high < 1.5 * low:
        low, high = low / 1.5, high * 1.5
    inner = max(abs(stop - start) - 2 * margin, 1.0)
    room = (high / low) ** (margin / inner)
    return LogScale(low / room, high * room, start, stop)


def decades(scale: LogScale, most: int) -> list[float]:
    """Round numbers within a scale: 1, 2, 5 of each power of ten, or of every third or so."""
    first, last = math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high))
    every = [10.0**power * digit for power in range(first, last + 1) for digit in (1, 2, 5)]
    inside = [one for one in every if scale.low <= one <= scale.high]
    if len(inside) > most:
        inside = [one for one in inside if f"{one:e}".startswith("1.0")]
    step = -(-len(inside) // max(most, 1))
    return inside[:: max(step, 1)]


def doublings(scale: LogScale, most: int) -> list[float]:
    """Powers of two within a scale, every second or third where they are too many."""
    first, last = math.ceil(math.log2(scale.low)), math.floor(math.log2(scale.high))
    step = max(1, -(-(last - first + 1) // max(most, 1)))
    return [2.0**power for power in range(first, last + 1, step)]
