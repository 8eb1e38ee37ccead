"""Routes: from the top layer down, only the queries that are reached.

Shape suffixes: H heads, Q queries, S keys, E edges.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from model.bench import Bench
from model.bench.looking import WINDOW
from model.probe.question import Answer, Array, read_only
from model.probe.routes.asks import Routes, RoutesFound
from model.probe.tensors.compute import to_array
from model.subject import Subject


def answer(question: Routes, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """A layer, or a window of its queries, a slice."""
    config = bench.network(subject).config
    n = subject.n_tokens
    reached = np.zeros(n, bool)
    if question.position is None:
        reached[:] = True
    else:
        reached[min(question.position, n - 1)] = True
    found: list[tuple[Array, ...]] = []
    hidden = 0
    for layer in reversed(range(config.n_layers)):
        heads = [head for of, head in question.heads if of == layer]
        if question.over == "heads" and not heads:
            continue
        chosen = heads if question.over == "heads" else list(range(config.n_heads))
        queries = np.flatnonzero(reached)
        edges_of_layer: list[tuple[Array, ...]] = []
        for start, stop in _runs(queries):
            pattern_HQS = to_array(
                bench.pattern(subject, layer, chosen, start, stop, seen_only=True)
            )
            edges, left_out = _edges(question, layer, chosen, pattern_HQS, start)
            edges_of_layer.append(edges)
            hidden += left_out
            yield None
        found += edges_of_layer
        if question.position is not None:
            for edges in edges_of_layer:
                reached[edges[3]] = True
    yield _found(question, subject, found, hidden)


def _runs(queries: Array) -> Iterator[tuple[int, int]]:
    """Stretches of queries that lie close together, at most `WINDOW` long."""
    at = 0
    while at < len(queries):
        start = int(queries[at])
        end = at
        # A few in between cost less than another product with all the keys.
        while (
            end + 1 < len(queries)
            and queries[end + 1] - queries[end] <= 4
            and queries[end + 1] - start < WINDOW
        ):
            end += 1
        yield start, int(queries[end]) + 1
        at = end + 1


def _edges(
    question: Routes, layer: int, heads: Sequence[int], pattern_HQS: Array, start: int
) -> tuple[tuple[Array, ...], int]:
    match question.over:
        case "heads":
            weights = pattern_HQS
        case "max":
            weights = pattern_HQS.max(0, keepdims=True)
        case "mean":
            weights = pattern_HQS.mean(0, keepdims=True)
    strong = weights >= question.threshold
    hidden = 0
    if question.hide_first:
        hidden = int(strong[:, :, 0].sum())
        strong[:, :, 0] = False
    which, query, key = np.nonzero(strong)
    weight = weights[which, query, key]
    match question.over:
        case "heads":
            head = np.asarray(heads)[which]
        case "max":
            head = pattern_HQS[:, query, key].argmax(0)
        case "mean":
            head = np.full(len(which), -1)
    of = np.full(len(which), layer)
    return (of, head, query + start, key, weight), hidden


def _found(
    question: Routes, subject: Subject, parts: list[tuple[Array, ...]], hidden: int
) -> RoutesFound:
    if parts:
        layer, head, query, key, weight = (np.concatenate(column) for column in zip(*parts))
    else:
        layer = head = query = key = np.zeros(0, np.intp)
        weight = np.zeros(0, np.float32)
    total = len(weight)
    if question.position is not None:
        kept = _reaching(layer, query, key, question.position, subject.n_tokens)
        layer, head, query, key, weight = (a[kept] for a in (layer, head, query, key, weight))
        total = len(weight)
    # Stable, and from the input upwards among equals.
    order = np.lexsort((key, query, head, layer, -weight))[: question.most]
    arrays = (read_only(a[order]) for a in (layer, head, query, key, weight))
    layer_E, head_E, query_E, key_E, weight_E = arrays
    return RoutesFound(
        subject=subject,
        question=question,
        layer_E=layer_E,
        head_E=head_E,
        query_E=query_E,
        key_E=key_E,
        weight_E=weight_E,
        total=total,
        hidden=hidden,
    )


def _reaching(layer: Array, query: Array, key: Array, position: int, n: int) -> Array:
    """Which edges lie on a path to a position at the top; windows held a few queries more."""
    reached = np.zeros(n, bool)
    reached[min(position, n - 1)] = True
    kept = np.zeros(len(layer), bool)
    for at in sorted(set(layer.tolist()), reverse=True):
        hit = (layer == at) & reached[query]
        kept |= hit
        reached[key[hit]] = True
    return kept
