"""Where a query may look. Knows the config; NumPy only. Shape suffixes: Q queries, S keys."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.config import TransformerConfig


def may_look(
    config: TransformerConfig, window: int | None, start: int, stop: int, n_tokens: int
) -> NDArray[np.bool_]:
    """Which keys the queries of a window of positions may look at, ``[stop - start, n_tokens]``.

    Args:
        config: says whether queries look back only.
        window: how far the layer looks (`TransformerConfig.window_at`).
        start, stop: of the queries.
        n_tokens: of the prompt.
    """
    behind_QS = np.arange(start, stop)[:, None] - np.arange(n_tokens)[None, :]
    look_QS: NDArray[np.bool_]
    if config.causal:
        look_QS = behind_QS >= 0
        return look_QS if window is None else look_QS & (behind_QS < window)
    if window is None:
        return np.ones(behind_QS.shape, np.bool_)
    look_QS = np.abs(behind_QS) <= window // 2
    return look_QS
