"""What is known of the edges of a graph of attention: which lead to a position, whose they are.

Knows answers; no widget, no store. Shape suffixes: E edges.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.probe.routes.asks import RoutesFound

Head = tuple[int, int]
"""Layer and head."""


def feeding(
    edges: RoutesFound, positions: Sequence[int], n_tokens: int, n_layers: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """What reaches positions at the top, through these edges and the residual stream.

    Args:
        edges: the edges that count.
        positions: those whose last residual vectors are asked about: one, or the ends of two texts.
        n_tokens: how many positions there are.
        n_layers: how many layers lie beneath it.

    Returns:
        Which edges lie on a path to them, ``[E]``, and which nodes do, ``[n_layers + 1, n_tokens]``
        from the embedding up to the last layer.
    """
    on_path_E = np.zeros(len(edges), np.bool_)
    reached = np.zeros((n_layers + 1, n_tokens), np.bool_)
    reached[n_layers, list(positions)] = True
    for layer in reversed(range(n_layers)):
        hit_E = (edges.layer_E == layer) & reached[layer + 1][edges.query_E]
        on_path_E |= hit_E
        # The residual stream carries each position straight down as well.
        reached[layer] = reached[layer + 1]
        reached[layer, edges.key_E[hit_E]] = True
    return on_path_E, reached


def strongest_heads(edges: RoutesFound, most: int) -> list[Head]:
    """The heads whose edges weigh most together, the heaviest first; of a mean there are none.

    Edges to the first token don't count: heads park there what they don't need.
    """
    named_E = (edges.head_E >= 0) & (edges.key_E > 0)
    if not named_E.any():
        return []
    n_heads = int(edges.head_E.max()) + 1
    weights = np.bincount(
        edges.layer_E[named_E] * n_heads + edges.head_E[named_E], edges.weight_E[named_E]
    )
    order = np.argsort(-weights, kind="stable")[:most]
    return [divmod(int(head), n_heads) for head in order if weights[head] > 0]


def touched(edges: RoutesFound, n_tokens: int) -> NDArray[np.bool_]:
    """Which positions an edge begins or ends at, ``[n_tokens]``."""
    at = np.zeros(n_tokens, np.bool_)
    at[edges.query_E] = True
    at[edges.key_E] = True
    return at
