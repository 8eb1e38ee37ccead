"""A surface between the losses that were measured: heights from 0 to 1 on a fine, even grid.

It goes through every measured loss; between them it is a cubic curve along both axes, for the eye
alone. Knows answers and NumPy; no Qt.

Shape suffixes: X, Y measured lines, F places of the fine grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model.probe.landscape.asks import LandscapeFound

Scale = Literal["linear", "log"]
Array = NDArray[np.float64]

LEAST = 1e-9
"""Losses of which a logarithm is taken are no smaller."""


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """What is drawn of an answer.

    Attributes:
        a, b: ends of both axes.
        low, high: losses at heights 0 and 1.
        scale: of the heights.
        heights_FF: row is b, column is a, from the low end; NaN where no loss is known.
    """

    a: tuple[float, float]
    b: tuple[float, float]
    low: float
    high: float
    scale: Scale
    heights_FF: NDArray[np.float32]

    def height(self, loss: float) -> float:
        """Of a loss; below 0 and above 1 for those beyond the surface's own."""
        low, high = _scaled(self.low, self.scale), _scaled(self.high, self.scale)
        return (_scaled(loss, self.scale) - low) / (high - low) if high > low else 0.0

    def loss(self, height: float) -> float:
        """The loss at a height."""
        low, high = _scaled(self.low, self.scale), _scaled(self.high, self.scale)
        at = low + height * (high - low)
        return math.exp(at) if self.scale == "log" else at

    def place(self, a: float, b: float) -> tuple[float, float]:
        """A place of the plane in the square from -1 to 1."""
        (a0, a1), (b0, b1) = self.a, self.b
        return 2 * (a - a0) / (a1 - a0) - 1, 2 * (b - b0) / (b1 - b0) - 1

    def at(self, u: float, v: float) -> tuple[float, float]:
        """The reverse of `place`."""
        (a0, a1), (b0, b1) = self.a, self.b
        return a0 + (u + 1) / 2 * (a1 - a0), b0 + (v + 1) / 2 * (b1 - b0)

    def surface(self, u: float, v: float) -> float:
        """Its height at a place of the square; NaN outside."""
        n = len(self.heights_FF) - 1
        if not (-1 <= u <= 1 and -1 <= v <= 1):
            return math.nan
        return float(self.heights_FF[round((v + 1) / 2 * n), round((u + 1) / 2 * n)])

    def levels(self) -> list[float]:
        """Losses at which contour lines are drawn: round ones, some ten of them."""
        return ticks(self.low, self.high, 11 if self.scale == "linear" else 14, self.scale)


def field_of(found: LandscapeFound, scale: Scale, n: int) -> Field:
    """The surface of an answer.

    Args:
        found: at least 2 lines each way.
        scale: of the heights.
        n: places of the fine grid along each side.
    """
    loss_YX = found.loss_YX.astype(np.float64)
    known_YX = np.isfinite(loss_YX)
    known = loss_YX[known_YX]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    if high <= low:
        high = low + max(abs(low), 1.0) * 1e-6
    filled_YX = np.where(known_YX, loss_YX, high)
    values_YX = np.log(np.maximum(filled_YX, LEAST)) if scale == "log" else filled_YX
    bottom, top = _scaled(low, scale), _scaled(high, scale)
    values_YX = (values_YX - bottom) / (top - bottom)
    across_FX, down_FY = between(found.a_X, n), between(found.b_Y, n)
    fine_FF = (down_FY @ values_YX @ across_FX.T).clip(0, 1).astype(np.float32)
    if not known_YX.all():
        # What touches a place without a loss is not known.
        reach_FF = np.abs(down_FY) @ (~known_YX).astype(float) @ np.abs(across_FX).T
        fine_FF[reach_FF > 0.5] = np.nan
    return Field(
        (float(found.a_X[0]), float(found.a_X[-1])),
        (float(found.b_Y[0]), float(found.b_Y[-1])),
        low,
        high,
        scale,
        fine_FF,
    )


def between(lines_X: Array, n: int) -> Array:
    """What each of n even places takes of the measured lines, ``[n, X]``: a cubic Hermite curve.

    Its slope at a line is that between the neighbours, as Catmull and Rom have it; lines may lie
    unevenly. At a line it takes that one alone.
    """
    X = len(lines_X)
    slope_XX = np.zeros((X, X))
    for i in range(X):
        before, behind = max(i - 1, 0), min(i + 1, X - 1)
        apart = lines_X[behind] - lines_X[before]
        slope_XX[i, behind] += 1 / apart
        slope_XX[i, before] -= 1 / apart
    at_F = np.linspace(lines_X[0], lines_X[-1], n)
    left_F = np.clip(np.searchsorted(lines_X, at_F, side="right") - 1, 0, X - 2)
    wide_F = lines_X[left_F + 1] - lines_X[left_F]
    t_F = (at_F - lines_X[left_F]) / wide_F
    own_XX = np.eye(X)
    t, w = t_F[:, None], wide_F[:, None]
    found_FX: Array = (
        (2 * t**3 - 3 * t**2 + 1) * own_XX[left_F]
        + (t**3 - 2 * t**2 + t) * w * slope_XX[left_F]
        + (3 * t**2 - 2 * t**3) * own_XX[left_F + 1]
        + (t**3 - t**2) * w * slope_XX[left_F + 1]
    )
    return found_FX


def ticks(low: float, high: float, most: int, scale: Scale = "linear") -> list[float]:
    """Round numbers between two, at most so many."""
    if scale == "log" and high > 4 * max(low, LEAST):
        steps = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0]
        for some in (steps, [1.0, 2.0, 3.0, 5.0], [1.0, 2.0, 5.0], [1.0, 3.0], [1.0]):
            exponents = range(
                math.floor(math.log10(max(low, LEAST))), math.ceil(math.log10(high)) + 1
            )
            found = [one * 10.0**e for e in exponents for one in some]
            found = [one for one in found if low < one < high]
            if len(found) <= most:
                return found
        return found[:: -(-len(found) // most)]
    step = 10.0 ** math.floor(math.log10((high - low) / most))
    for factor in (1, 2, 5, 10, 20):
        first = math.ceil(low / (step * factor) - 1e-9)
        last = math.floor(high / (step * factor) + 1e-9)
        if last - first + 1 <= most:
            return [i * step * factor for i in range(first, last + 1)]
    return []


def _scaled(loss: float, scale: Scale) -> float:
    return math.log(max(loss, LEAST)) if scale == "log" else loss
