"""The distribution that would be sampled at a position, from what the store holds.

Knows the store; no widget.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gui.session.store import Store


def probabilities_at(store: Store, position: int) -> NDArray[np.float64] | None:
    """The distribution that would be sampled after a position, under the store's sampling.

    None where there is none: the model has no logits, or they are no numbers.
    """
    from model.sampling import probabilities

    if store.trace is None or not 0 <= position < store.trace.n_tokens:
        return None
    if store.model is None or not store.model.config.has_logits:
        return None
    try:
        return probabilities(store.trace.logits[position], store.sampling)
    except ValueError:  # of a network that diverged
        return None
