"""How often each neuron of a layer has which activation: a histogram a neuron, in one pass.

Its bins become twice as wide where a neuron goes beyond them, so that every count stays exact.
Knows activations only. Shape suffixes: T tokens, N neurons, B bins, G neurons that outgrew theirs.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from model.probe.question import Array

SIDE = 64
"""Bins on each side of zero."""
LEAST = 1e-4
"""The narrowest a neuron's histogram is, to either side."""


class Tally:
    """Counts, sums and how often a neuron is active."""

    def __init__(self, n_neurons: int) -> None:
        self._limit_N = torch.full((n_neurons,), LEAST)
        self._counts_NB = torch.zeros(n_neurons, 2 * SIDE, dtype=torch.int32)
        self._active_N = torch.zeros(n_neurons, dtype=torch.int64)
        self._sum_N = torch.zeros(n_neurons, dtype=torch.float64)
        self._squares_N = torch.zeros(n_neurons, dtype=torch.float64)

    @property
    def n_bytes(self) -> int:
        """Memory that it takes."""
        every = self._limit_N, self._counts_NB, self._active_N, self._sum_N, self._squares_N
        return sum(one.nbytes for one in every)

    def take(self, own_TN: Tensor, active_TN: Tensor) -> None:
        """Activations of some tokens, float32; what is no finite number isn't counted."""
        finite_TN = own_TN.isfinite()
        own_TN = own_TN.where(finite_TN, 0.0)
        largest_N = own_TN.abs().amax(0)
        while len(G := (largest_N > self._limit_N).nonzero()[:, 0]):
            pairs_GB = self._counts_NB[G].unflatten(1, (SIDE, 2)).sum(-1, dtype=torch.int32)
            self._counts_NB[G] = torch.nn.functional.pad(pairs_GB, (SIDE // 2, SIDE // 2))
            self._limit_N[G] *= 2
        bins_TN = ((own_TN / self._limit_N + 1) * SIDE).floor().clamp(0, 2 * SIDE - 1).long()
        self._counts_NB.scatter_add_(1, bins_TN.T, finite_TN.T.int())
        self._active_N += (active_TN & finite_TN).sum(0)
        wide_TN = own_TN.double()
        self._sum_N += wide_TN.sum(0)
        self._squares_N += wide_TN.square().sum(0)

    def of(self, neuron: int) -> tuple[Array, Array]:
        """A neuron's counts and the edges of their bins, from the first to the last that is used.

        Zero is always an edge between them, or one of their ends.
        """
        counts_B = self._counts_NB[neuron].numpy()
        limit = float(self._limit_N[neuron])
        used = np.flatnonzero(counts_B)
        if not len(used):
            return np.zeros(0, np.int32), np.zeros(0)
        first, stop = min(int(used[0]), SIDE), max(int(used[-1]) + 1, SIDE)
        edges = np.linspace(-limit, limit, 2 * SIDE + 1)[first : stop + 1]
        return counts_B[first:stop].copy(), edges

    def n(self, neuron: int) -> int:
        """Tokens at which it had an activation."""
        return int(self._counts_NB[neuron].sum())

    def active(self, neuron: int) -> float:
        """The share of them at which it was active; NaN before there is one."""
        n = self.n(neuron)
        return int(self._active_N[neuron]) / n if n else float("nan")

    def mean(self, neuron: int) -> float:
        """Of its activations; NaN before there is one."""
        n = self.n(neuron)
        return float(self._sum_N[neuron]) / n if n else float("nan")

    def deviation(self, neuron: int) -> float:
        """Their standard deviation; NaN before there is one."""
        n = self.n(neuron)
        if not n:
            return float("nan")
        square = float(self._squares_N[neuron]) / n - self.mean(neuron) ** 2
        return float(np.sqrt(max(square, 0.0)))
