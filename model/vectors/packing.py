"""How many vectors fit: random ones are taken one after the other while they are nearly orthogonal.

A vector is taken if it is within some degrees of orthogonal to all that were taken before. What
comes out is a set that can be looked at: at least so many fit. Shape suffixes: N vectors, D
dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from model.vectors.pushing import random_vectors

TRIES = 2048
"""Vectors in a row that do not fit, after which no more are tried."""
MOST = 4096
"""Vectors after which it is left at that: at least so many fit."""
_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Packed:
    """How many fit in so many dimensions.

    Attributes:
        d: dimensions.
        n: vectors that were taken.
        more: whether it was left at `MOST`: more would fit.
    """

    d: int
    n: int
    more: bool


def packing(degrees: float, d: int, seed: int = 0) -> Iterator[Packed]:
    """Take vectors until none fits any more; yields after some hundred tries, the result last.

    Args:
        degrees: how far from 90 degrees a pair may be.
        d: dimensions.
        seed: of the drawing.
    """
    most = math.sin(math.radians(degrees))
    taken_ND = torch.empty(MOST, d)
    n, in_vain, drawn = 0, 0, 0
    while in_vain < TRIES and n < MOST:
        tried_ND = random_vectors(_AT_ONCE, d, seed * 1_000_003 + drawn)
        drawn += 1
        near = (tried_ND @ taken_ND[:n].T).abs()
        fits = (near <= most).all(-1) if n else torch.ones(len(tried_ND), dtype=torch.bool)
        first = n
        for at in range(len(tried_ND)):
            # Of those that were taken a moment ago nothing is known yet.
            if fits[at] and n < MOST:
                now = (taken_ND[first:n] @ tried_ND[at]).abs()
                if not len(now) or float(now.max()) <= most:
                    taken_ND[n] = tried_ND[at]
                    n, in_vain = n + 1, 0
                    continue
            in_vain += 1
            if in_vain >= TRIES:
                break
        yield Packed(d, n, n >= MOST)
