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
    parts = []
    for layer, head in heads:
        pattern_HQS = patterns_HQS[layer]
        if pattern_HQS is not None:
            query_E, key_E = np.nonzero(pattern_HQS[head] >= threshold)
            weight_E = pattern_HQS[head][query_E, key_E]
            parts.append((layer, head, query_E, key_E, weight_E))
    if not parts:
        return _strongest([np.zeros(0, np.intp)] * 4, np.zeros(0, np.float32), most)
    columns = [
        np.concatenate([np.full(len(part[2]), part[0]) for part in parts]),
        np.concatenate([np.full(len(part[2]), part[1]) for part in parts]),
        np.concatenate([part[2] for part in parts]),
        np.concatenate([part[3] for part in parts]),
    ]
    return _strongest(columns, np.concatenate([part[4] for part in parts]), most)


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


def _strongest(columns: list[NDArray[np.intp]], weight_E: NDArray[Any], most: int) -> Edges:
    total = len(weight_E)
    if total > most:
        kept = np.argpartition(weight_E, total - most)[total - most :]
        columns, weight_E = [column[kept] for column in columns], weight_E[kept]
    order = np.argsort(-weight_E, kind="stable")
    layer_E, head_E, query_E, key_E = (column[order] for column in columns)
    return Edges(layer_E, head_E, query_E, key_E, weight_E[order], total)


def feeding(edges: Edges, position: int, n_layers: int) -> tuple[NDArray[np.bool_], list[set[int]]]:
    """What reaches a position at the top, through these edges and the residual stream.

    Args:
        edges: the edges that count.
        position: the position whose last residual vector is asked about.
        n_layers: how many layers lie beneath it.

    Returns:
        Which edges lie on a path to it, ``[E]``, and for each row of nodes, from the embedding
        up to the last layer, the positions that do.
    """
    on_path_E = np.zeros(len(edges), np.bool_)
    rows = [{position}]
    for layer in reversed(range(n_layers)):
        reached = np.fromiter(rows[0], np.intp, len(rows[0]))
        hit_E = (edges.layer_E == layer) & np.isin(edges.query_E, reached)
        on_path_E |= hit_E
        # The residual stream carries each position straight down as well.
        rows.insert(0, rows[0] | set(edges.key_E[hit_E].tolist()))
    return on_path_E, rows
