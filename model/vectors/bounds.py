"""What is possible at best: how small the largest cosine of n vectors in d dimensions can be.

Welch 1974, "Lower bounds on the maximum cross correlation of signals": for every whole k, the
largest absolute cosine c of n unit vectors in d dimensions fulfils

    c ** (2 k) >= (n / binomial(d + k - 1, k) - 1) / (n - 1).

The first, k = 1, is the one that is known by his name; where there are far more vectors than
dimensions, a larger k says more. For real vectors the binomial counts the monomials of degree k, so
that the same holds. Beside them how random vectors are spread.
Plain numbers; no tensor.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

HIGHEST = 64
"""The largest k that is tried."""


def welch(n: int, d: int, k: int = 1) -> float:
    """The bound of one order on the largest absolute cosine; 0 where it says nothing."""
    if n < 2:
        return 0.0
    log_share = math.log(n) - _log_binomial(d + k - 1, k)
    if log_share <= 0:
        return 0.0
    return float(math.exp((math.log(math.expm1(log_share)) - math.log(n - 1)) / (2 * k)))


def least_cosine(n: int, d: int) -> float:
    """The best of these bounds: no n vectors in d dimensions have a smaller largest cosine."""
    best = 0.0
    for k in range(1, HIGHEST + 1):
        found = welch(n, d, k)
        if found <= 0:
            break  # of a higher order there are more monomials still
        best = max(best, min(found, 1.0))
    return best


def most_vectors(degrees: float, d: int) -> float:
    """How many vectors can at most be within some degrees of orthogonal, all of them to each other.

    Infinite where none of these bounds says anything.

    Args:
        degrees: how far from 90 degrees a pair may be, above 0 and below 90.
        d: dimensions.
    """
    cosine = math.sin(math.radians(degrees))
    best = math.inf
    for k in range(1, HIGHEST + 1):
        log_monomials = _log_binomial(d + k - 1, k)
        reach = log_monomials + 2 * k * math.log(cosine)
        if reach < 0:
            rest = 2 * k * math.log(cosine)
            log_n = log_monomials + math.log1p(-math.exp(rest)) - math.log1p(-math.exp(reach))
            best = min(best, math.exp(min(log_n, 700)))
    return best


def density(degrees: NDArray[np.floating], d: int) -> NDArray[np.float64]:
    """How dense the angles between random vectors in d dimensions are, per degree.

    Proportional to ``sin(angle) ** (d - 2)``: the area of the sphere's slice at that angle.

    Args:
        degrees: angles, any shape.
        d: dimensions, at least 2.
    """
    log_area = math.lgamma(d / 2) - math.lgamma((d - 1) / 2) - 0.5 * math.log(math.pi)
    sine = np.maximum(np.sin(np.deg2rad(np.asarray(degrees, dtype=np.float64))), 1e-300)
    found: NDArray[np.float64] = np.exp(log_area + (d - 2) * np.log(sine)) * math.pi / 180
    return found


def _log_binomial(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
