"""Which windows of a batch are whose, and in how many pieces they go through the network.

The batch of a step is the same however many processes there are. Each takes its rows of it, in as
many pieces as all the others, since a network in shards has to be run by all of them at once. The
pieces' losses, weighted, sum to the mean over the whole batch.

Knows NumPy; no torch, no network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Windows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Windows that go through the network at once.

    Attributes:
        windows_BT: ids, ``[b, T + 1]``.
        weight: the windows' share of the whole batch; 0 for one that only keeps the others company.
        first: the row of the batch that it begins with.
        is_last: whether it is this process's last of the batch.
    """

    windows_BT: Windows
    weight: float
    first: int
    is_last: bool


def pieces(batch_BT: Windows, rank: int, size: int, most: int = 0) -> Iterator[Piece]:
    """What one process computes of a batch.

    Args:
        batch_BT: the whole batch.
        rank, size: which process of how many.
        most: windows in a piece at most; 0 for all of a process in one.

    Yields:
        Equally many pieces in every process, one at least.
    """
    n = len(batch_BT)
    largest = -(-n // size)
    n_pieces = -(-largest // most) if most else 1
    first, end = n * rank // size, n * (rank + 1) // size
    bounds = [first + (end - first) * i // n_pieces for i in range(n_pieces + 1)]
    for i, (begin, until) in enumerate(pairwise(bounds)):
        rows = batch_BT[begin:until] if until > begin else batch_BT[:1]
        yield Piece(rows, (until - begin) / n, begin, i == n_pieces - 1)
