"""The places in texts where each neuron of a layer is strongest, with what stands around them.

Knows activations and windows by number; no text. Shape suffixes: T positions of a window, N
neurons, K places that are kept, S positions around one, U neurons that have a new place.
"""

from __future__ import annotations

import torch
from torch import Tensor

BEFORE, BEHIND = 14, 5
"""Tokens that are kept around the one that excites."""
NOWHERE = -1


class Places:
    """The best places of every neuron, one a window, and of what stands twice in a text one.

    Args:
        n_neurons: of the layer.
        n: places to keep of each.
        sign: 1 for the largest activations, -1 for the lowest.
    """

    def __init__(self, n_neurons: int, n: int, sign: int) -> None:
        self._sign = sign
        shape = n_neurons, n
        self._value_NK = torch.full(shape, -torch.inf)
        self._window_NK = torch.full(shape, NOWHERE, dtype=torch.int32)
        self._at_NK = torch.zeros(shape, dtype=torch.int32)
        self._mark_NK = torch.zeros(shape, dtype=torch.int64)
        self._around_NKS = torch.full((*shape, BEFORE + 1 + BEHIND), torch.nan)

    @property
    def n_bytes(self) -> int:
        """Memory that they take."""
        every = (
            self._value_NK, self._window_NK, self._at_NK, self._mark_NK, self._around_NKS,
        )  # fmt: skip
        return sum(one.nbytes for one in every)

    def take(self, own_TN: Tensor, marks_T: Tensor, window: int) -> None:
        """A window's activations.

        Args:
            own_TN: of all neurons, float32; NaN where there is none.
            marks_T: equal where the same tokens stand before.
            window: its number.
        """
        top_N, at_N = (own_TN * self._sign).nan_to_num(nan=-torch.inf).max(0)
        mark_N = marks_T[at_N]
        same_NK = (self._mark_NK == mark_N[:, None]) & (self._window_NK != NOWHERE)
        slot_N = torch.where(
            same_NK.any(1), same_NK.int().argmax(1), self._value_NK.argmin(1)
        )  # in the place of the same text, or of the weakest
        better_N = top_N > self._value_NK.gather(1, slot_N[:, None])[:, 0]
        U = better_N.nonzero()[:, 0]
        if not len(U):
            return
        slot_U, at_U = slot_N[U], at_N[U]
        span_US = at_U[:, None] + torch.arange(-BEFORE, BEHIND + 1)
        inside_US = (span_US >= 0) & (span_US < len(own_TN))
        around_US = own_TN[span_US.clamp(0, len(own_TN) - 1), U[:, None]]
        self._value_NK[U, slot_U] = top_N[U]
        self._window_NK[U, slot_U] = window
        self._at_NK[U, slot_U] = at_U.int()
        self._mark_NK[U, slot_U] = mark_N[U]
        self._around_NKS[U, slot_U] = around_US.masked_fill(~inside_US, torch.nan)

    def of(self, neuron: int) -> list[tuple[float, int, int, Tensor]]:
        """A neuron's activation, window, position there and activations around, best first."""
        found = [
            (self._sign * value, window, at, around_S)
            for value, window, at, around_S in zip(
                self._value_NK[neuron].tolist(),
                self._window_NK[neuron].tolist(),
                self._at_NK[neuron].tolist(),
                self._around_NKS[neuron],
                strict=True,
            )
            if window != NOWHERE
        ]
        return sorted(found, key=lambda one: (-self._sign * one[0], one[1]))


def marks(ids_T: Tensor) -> Tensor:
    """A number for each position, the same where the same tokens stand there and before it."""
    factors = torch.randint(
        1, 2**62, (BEFORE + 1,), generator=torch.Generator().manual_seed(0), dtype=torch.int64
    )
    marks_T = torch.zeros_like(ids_T)
    for back, factor in enumerate(factors[: len(ids_T)].tolist()):
        # Overflow wraps around, which is as good a number.
        marks_T[back:] += (ids_T[: len(ids_T) - back] + 1) * factor
    return marks_T
