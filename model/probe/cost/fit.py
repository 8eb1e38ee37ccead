"""How a cost grows: a power of the number of tokens, by least squares on both logarithms.

Knows numbers only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.probe.question import Array

LEAST = 3
"""Points of a fit: of two the line goes through both, and says nothing of its own error."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A cost as ``factor · n ** exponent``.

    Attributes:
        series: what grows.
        exponent: of the number of tokens.
        error: the exponent's standard error, from how far the points lie off the line.
        factor: the cost at one token, were the line to go on to it.
        since: the shortest text of the fit; the larger half of the lengths.
        until: the longest.
    """

    series: str
    exponent: float
    error: float
    factor: float
    since: int
    until: int

    @property
    def words(self) -> str:
        """For example "n^1.92 ± 0.03 where n ≥ 512"."""
        return f"n^{self.exponent:.2f} ± {self.error:.2f} where n ≥ {self.since:,}"

    def at(self, n_tokens: int) -> float:
        """The fitted cost of a text."""
        return float(self.factor * float(n_tokens) ** self.exponent)


def fitted(series: str, tokens_N: Array, cost_N: Array) -> Fit | None:
    """The larger half of the lengths that were measured; None where these are too few."""
    known = np.isfinite(cost_N) & (cost_N > 0)
    tokens, cost = tokens_N[known], cost_N[known]
    first = max(0, min(len(tokens) // 2, len(tokens) - LEAST))
    x, y = np.log(tokens[first:].astype(np.float64)), np.log(cost[first:].astype(np.float64))
    if len(x) < LEAST:
        return None
    away = x - x.mean()
    exponent = float((away * y).sum() / (away * away).sum())
    level = float(y.mean() - exponent * x.mean())
    left = y - level - exponent * x
    error = float(np.sqrt((left * left).sum() / (len(x) - 2) / (away * away).sum()))
    return Fit(series, exponent, error, float(np.exp(level)), int(tokens[first]), int(tokens[-1]))
