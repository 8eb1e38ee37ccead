"""A stretch of positions that one pass runs over, and what attention derives from it.

Rotations, masks and biases are the same for many layers: each is made once a pass.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from model.config import TransformerConfig
from model.network.rotary import rotation
from model.positions import Alibi, Rotary


class Span:
    """Positions ``start`` to ``start + T`` of a sequence, whose queries see keys from 0 on.

    Args:
        config: of the network.
        start: how many positions stand before: run earlier, in a cache, or not asked for.
        T: how many are run now.
        like: dtype and device of what is computed.
        n_keys: how many positions have keys; None for all up to the last that is run. More where
            a window of a longer sequence is run.

    Raises:
        ValueError: a position that is run has no key.
    """

    def __init__(
        self,
        config: TransformerConfig,
        start: int,
        T: int,
        like: Tensor,
        n_keys: int | None = None,
    ) -> None:
        self.config = config
        self.start = start
        self.T = T
        self.n_keys = start + T if n_keys is None else n_keys
        if self.n_keys < start + T:
            raise ValueError(
                f"Positions {start} to {start + T - 1} are run, and there are {self.n_keys} keys."
            )
        self._like = like
        self._rotations: dict[tuple[Rotary, int, int], tuple[Tensor, Tensor]] = {}
        self._masks: dict[int | None, Tensor | None] = {}
        self._bias_HQS: Tensor | None = None

    def rotation(self, rotary: Rotary, n: int | None = None) -> tuple[Tensor, Tensor]:
        """Cosines and sines, ``[n, dim / 2]`` each.

        Args:
            rotary: how.
            n: how many positions are to be turned: those that are run (None), or all keys.

        Raises:
            ValueError: it is neither.
        """
        if n not in (None, self.T, self.n_keys):
            raise ValueError(
                f"{n} positions can't be rotated where {self.T} of {self.n_keys} are run."
            )
        first, n = (self.start, self.T) if n in (None, self.T) else (0, self.n_keys)
        if (rotary, first, n) not in self._rotations:
            self._rotations[rotary, first, n] = rotation(
                rotary, self.config, first, n, self._like, self.n_keys
            )
        return self._rotations[rotary, first, n]

    def mask(self, layer: int) -> Tensor | None:
        """True where a layer's query may look, ``[Q, S]``; None where it may look everywhere."""
        window = self.config.window_at(layer)
        if window not in self._masks:
            self._masks[window] = self._mask(window)
        return self._masks[window]

    def is_plainly_causal(self, layer: int) -> bool:
        """Whether the mask is the causal triangle of a whole sequence, which fused kernels know."""
        window = self.config.window_at(layer)
        whole = self.start == 0 and self.n_keys == self.T
        return self.config.causal and whole and (window is None or window >= self.T)

    def sees_all_before(self, layer: int) -> bool:
        """Whether every query may look at all keys before the first query, in a causal layer."""
        window = self.config.window_at(layer)
        return self.config.causal and (window is None or window >= self.start + self.T)

    def bias(self) -> Tensor | None:
        """What is added to scores, ``[H, Q, S]``, for linear biases."""
        alibi = self.config.alibi
        if alibi is not None and self._bias_HQS is None:
            self._bias_HQS = alibi_bias(
                alibi, self.config.n_heads, self.start, self.T, self.n_keys, self._like
            )
        return self._bias_HQS

    def _mask(self, window: int | None) -> Tensor | None:
        S = self.n_keys
        device = self._like.device
        if not self.config.causal:
            reach = None if window is None else window // 2
            if reach is None or reach >= S:
                return None
            return self._distance().abs() <= reach
        if self.start == S - 1 and (window is None or window >= S):
            return None
        mask_QS = torch.ones(self.T, S, dtype=torch.bool, device=device).tril(self.start)
        if window is not None and window < S:
            mask_QS = mask_QS.triu(self.start - window + 1)
        return mask_QS

    def _distance(self) -> Tensor:
        """How far each key stands behind each query, ``[Q, S]``."""
        key_S = torch.arange(self.n_keys, device=self._like.device)
        return key_S[self.start : self.start + self.T, None] - key_S[None, :]


def alibi_bias(alibi: Alibi, n_heads: int, start: int, T: int, n_keys: int, like: Tensor) -> Tensor:
    """Linear biases (Press et al. 2022): 0 at the query's own position, ``[H, Q, S]``."""
    whole = 2 ** math.ceil(math.log2(n_heads))
    slopes = [2.0 ** (-alibi.max_bias * h / whole) for h in range(1, whole + 1)]
    if whole != n_heads:
        # As the authors do it where the heads are no power of two: every other slope first.
        slopes = (slopes[1::2] + slopes[::2])[:n_heads]
    kind = torch.bfloat16 if alibi.bfloat16 else torch.float64
    slope_H = torch.tensor(slopes, dtype=torch.float64).to(kind)
    at_HS = (slope_H[:, None] * torch.arange(n_keys).to(kind)).double()
    bias_HQS = (at_HS[:, None, :] - at_HS[:, start : start + T, None]) * alibi.scale
    return bias_HQS.to(like.dtype).to(like.device)


def sinusoidal_positions(start: int, T: int, d_model: int, like: Tensor) -> Tensor:
    """Sines and cosines of geometric wavelengths (Vaswani et al. 2017), ``[T, D]``."""
    position = torch.arange(start, start + T, dtype=torch.float64)[:, None]
    even = torch.arange(0, d_model, 2, dtype=torch.float64)
    angle = position / 10_000 ** (even / d_model)
    table_TD = torch.empty(T, d_model, dtype=torch.float64)
    table_TD[:, 0::2] = angle.sin()
    table_TD[:, 1::2] = angle.cos()[:, : d_model // 2]
    return table_TD.to(like.dtype).to(like.device)
