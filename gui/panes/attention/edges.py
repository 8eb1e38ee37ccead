"""Attention patterns as a list of edges: which query reads which key, in which layer, how much.

Knows NumPy only: no Qt, no store, no model.

Shape suffixes: L layers, H heads, Q queries, S keys, E edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

MOST_EDGES = 4000
"""More curves than this are neither readable nor quick to draw."""

Reduction = Literal["max", "mean"]


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Edges from strongest to weakest.

    Attributes:
        layer_E, head_E, query_E, key_E: where each weight stands. ``head_E`` is -1 where the
            weight is a mean over heads.
        weight_E: the weights.
        total: how many there are above the threshold; more than ``len(weight_E)`` if only the
            strongest were kept.
    """

    layer_E: NDArray[np.intp]
    head_E: NDArray[np.intp]
    query_E: NDArray[np.intp]
    key_E: NDArray[np.intp]
    weight_E: NDArray[np.floating[Any]]
    total: int

    def __len__(self) -> int:
        return len(self.weight_E)


def edges_of_heads(
    patterns_HQS: Sequence[NDArray[Any] | None],
    heads: Sequence[tuple[int, int]],
    threshold: float,
    most: int = MOST_EDGES,
) -> Edges:
    """Edges of single heads with a weight of at least ``threshold``.

    Args:
        patterns_HQS: one array a layer, None for a layer that isn't here.
        heads: (layer, head) pairs.
        threshold: the least weight.
        most: how many of the strongest are kept.
    """
    there = [(layer, head) for layer, head in heads if patterns_HQS[layer] is not None]
    if not there:
        none = np.zeros(0, np.intp)
        return Edges(none, none, none, none, np.zeros(0, np.float32), 0)
    weights = np.stack([patterns_HQS[layer][head] for layer, head in there])  # type: ignore[index]
    flat_E = np.flatnonzero(weights >= threshold)
    weight_E, total = weights.ravel()[flat_E], len(flat_E)
    if total > most:
        kept = np.argpartition(weight_E, total - most)[total - most :]
        flat_E, weight_E = flat_E[kept], weight_E[kept]
    order = np.argsort(-weight_E, kind="stable")
    which_E, query_E, key_E = np.unravel_index(flat_E[order], weights.shape)
    layer_E, head_E = np.array(there)[which_E].T
    return Edges(layer_E, head_E, query_E, key_E, weight_E[order], total)


def over_heads(
    patterns_HQS: Sequence[NDArray[Any] | None], reduction: Reduction
) -> tuple[NDArray[Any] | None, ...]:
    """The largest or the mean weight over each layer's heads, ``[Q, S]`` a layer."""
    return tuple(
        None if pattern is None else pattern.max(0) if reduction == "max" else pattern.mean(0)
        for pattern in patterns_HQS
    )


def edges_over_heads(
    patterns_HQS: Sequence[NDArray[Any] | None],
    reduced_QS: Sequence[NDArray[Any] | None],
    reduction: Reduction,
    threshold: float,
    most: int = MOST_EDGES,
) -> Edges:
    """Edges of all heads taken together, at most one between two positions of a layer.

    Args:
        patterns_HQS: one array a layer, None for a layer that isn't here.
        reduced_QS: what `over_heads` made of them.
        reduction: how. For "max" each edge names the head that its weight is from.
        threshold: the least weight.
        most: how many of the strongest are kept.
    """
    heads = [(layer, 0) for layer in range(len(reduced_QS))]
    as_heads = [None if reduced is None else reduced[None] for reduced in reduced_QS]
    edges = edges_of_heads(as_heads, heads, threshold, most)
    head_E = np.full(len(edges), -1)
    if reduction == "max":
        for layer, pattern_HQS in enumerate(patterns_HQS):
            if pattern_HQS is not None:
                of_layer = edges.layer_E == layer
                weights_HE = pattern_HQS[:, edges.query_E[of_layer], edges.key_E[of_layer]]
                head_E[of_layer] = weights_HE.argmax(0)
    return Edges(edges.layer_E, head_E, edges.query_E, edges.key_E, edges.weight_E, edges.total)


def feeding(
    edges: Edges, position: int, n_tokens: int, n_layers: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """What reaches a position at the top, through these edges and the residual stream.

    Args:
        edges: the edges that count.
        position: the position whose last residual vector is asked about.
        n_tokens: how many positions there are.
        n_layers: how many layers lie beneath it.

    Returns:
        Which edges lie on a path to it, ``[E]``, and which nodes do, ``[n_layers + 1, n_tokens]``
        from the embedding up to the last layer.
    """
    on_path_E = np.zeros(len(edges), np.bool_)
    reached = np.zeros((n_layers + 1, n_tokens), np.bool_)
    reached[n_layers, position] = True
    for layer in reversed(range(n_layers)):
        hit_E = (edges.layer_E == layer) & reached[layer + 1][edges.query_E]
        on_path_E |= hit_E
        # The residual stream carries each position straight down as well.
        reached[layer] = reached[layer + 1]
        reached[layer, edges.key_E[hit_E]] = True
    return on_path_E, reached
