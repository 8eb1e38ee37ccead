"""Axes of small charts: round ends that stay while curves grow, and two or three figures on them.

Knows numbers; no widget.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_ROUND = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


@dataclass(frozen=True, slots=True)
class Scale:
    """From numbers to shares of an axis.

    Attributes:
        low, high: its ends.
        log: whether it is logarithmic; low is above zero then.
    """

    low: float
    high: float
    log: bool = False

    def share(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far up numbers stand, from 0 to 1; NaN stays."""
        if self.log:
            low, high = math.log(self.low), math.log(self.high)
            logs = np.log(np.maximum(values, self.low * 1e-3))
            return (logs - low) / (high - low)
        return (values - self.low) / (self.high - self.low)

    def ticks(self) -> tuple[float, ...]:
        """Where figures stand: both ends, and powers of ten or the middle between them."""
        if not self.log:
            return self.low, (self.low + self.high) / 2, self.high
        first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
        powers = [10.0**p for p in range(first, last + 1)]
        if len(powers) > 3:
            powers = powers[:: -(-len(powers) // 3)]
        return tuple(powers) if len(powers) > 1 else (self.low, self.high)


def scale_of(low: float, high: float, *, log: bool) -> Scale:
    """Round ends around numbers: they move seldom while numbers come."""
    if log:
        low, high = max(low, 1e-30), max(high, 1e-30)
        bottom, top = 10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high))
        return Scale(bottom, top if top > bottom else bottom * 10, log=True)
    if low >= 0 and low <= 0.6 * high:
        return Scale(0.0, rounded_up(high) or 1.0)
    span = (high - low) or abs(high) or 1.0
    unit = 10.0 ** math.floor(math.log10(span))
    unit = next(unit * part for part in (0.5, 1.0, 2.0, 5.0) if unit * part * 3 >= span / 2)
    bottom, top = math.floor(low / unit) * unit, math.ceil(high / unit) * unit
    return Scale(bottom, top if top > bottom else bottom + unit)


def rounded_up(value: float) -> float:
    """The next round number; 0 stays."""
    if value <= 0:
        return 0.0
    unit = 10.0 ** math.floor(math.log10(value))
    return next(unit * part for part in _ROUND if unit * part >= value * (1 - 1e-12))


def figure(value: float) -> str:
    """A number on an axis, short."""
    if value and (abs(value) < 1e-2 or abs(value) >= 1e5):
        mantissa, exponent = f"{value:.0e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{value:,.4g}"
