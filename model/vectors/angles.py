"""Angles between vectors, counted in bins of a tenth of a degree.

Shape suffixes: N vectors, D dimensions, A bins of angle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

N_BINS = 1800
"""From 0 to 180 degrees."""
MOST_PAIRS = 20_000_000
"""Pairs that are looked at; of a larger table so many rows are drawn that they make so many."""
_BLOCK = 2_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Angles:
    """How the angles between vectors are distributed.

    Attributes:
        counts_A: pairs in each bin, ``[N_BINS]``, read-only.
        n, d: vectors and dimensions.
        largest_cosine: the largest absolute cosine among the pairs that were looked at.
        exact: whether all pairs were looked at.
        n_left_out: vectors of no length or with a number that is none.
    """

    counts_A: NDArray[np.int64]
    n: int
    d: int
    largest_cosine: float
    exact: bool
    n_left_out: int = 0

    @property
    def n_pairs(self) -> int:
        """Pairs that were looked at."""
        return int(self.counts_A.sum())

    def within(self, degrees: float) -> float:
        """The share of pairs that are at most so far from 90 degrees, to a tenth of a degree."""
        reach = round(degrees * N_BINS / 180)
        middle = N_BINS // 2
        inside = self.counts_A[max(0, middle - reach) : middle + reach].sum()
        return float(inside) / max(1, self.n_pairs)

    @property
    def spread(self) -> float:
        """Standard deviation in degrees."""
        at = (np.arange(N_BINS) + 0.5) * 180 / N_BINS
        if not self.n_pairs:
            return math.nan
        mean = np.average(at, weights=self.counts_A)
        return float(np.sqrt(np.average((at - mean) ** 2, weights=self.counts_A)))


def unit(x_ND: Tensor) -> Tensor:
    """Vectors of length one, in float32; those that have no direction are left out."""
    x_ND = x_ND.detach().float()
    length_N = x_ND.norm(dim=-1)
    kept = torch.isfinite(length_N) & (length_N > 0)
    return x_ND[kept] / length_N[kept, None]


def angles(x_ND: Tensor, *, most_pairs: int = MOST_PAIRS, seed: int = 0) -> Angles:
    """Count the angles between all pairs of vectors, or between some of them and all.

    Args:
        x_ND: vectors.
        most_pairs: of more pairs a part is looked at: rows drawn at random, each against all.
        seed: of the drawing.
    """
    unit_ND = unit(x_ND)
    n, d = unit_ND.shape
    n_pairs = n * (n - 1) // 2
    exact = n_pairs <= most_pairs
    if exact:
        rows = torch.arange(n)
    else:
        generator = torch.Generator().manual_seed(seed)
        rows = torch.randperm(n, generator=generator)[: max(1, most_pairs // n)]
    counts_A = torch.zeros(N_BINS, dtype=torch.float64)
    largest = 0.0
    for some in rows.split(max(1, _BLOCK // max(1, n))):
        cosine = unit_ND[some] @ unit_ND.T
        # Each pair once; of drawn rows a pair of two of them is seen from both ends.
        others = torch.arange(n)[None, :] != some[:, None]
        if exact:
            others &= torch.arange(n)[None, :] > some[:, None]
        found = cosine[others].clamp(-1, 1)
        if len(found):
            largest = max(largest, float(found.abs().max()))
            degrees = torch.rad2deg(torch.acos(found))
            counts_A += torch.histc(degrees, N_BINS, 0, 180).double()
    counted = counts_A.numpy().astype(np.int64)
    counted.flags.writeable = False
    return Angles(counted, n, d, largest, exact, len(x_ND) - n)
