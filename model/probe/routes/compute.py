"""Routes: from the top layer down, only the queries that are reached, so that every edge counts.

Shape suffixes: H heads, Q queries, S keys, E edges.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from torch import Tensor

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
        for some in np.split(queries, range(WINDOW, len(queries), WINDOW)):
            start, stop = int(some[0]), int(some[-1]) + 1
            pattern_HQS = bench.pattern(
                subject,
                layer,
                None if len(chosen) == config.n_heads else chosen,
                start,
                stop,
                seen_only=True,
                queries=None if len(some) == stop - start else some.tolist(),
            )
            edges, left_out = _edges(question, layer, chosen, pattern_HQS, some)
            edges_of_layer.append(edges)
            hidden += left_out
            yield None
        found += edges_of_layer
        if question.position is not None:
            for edges in edges_of_layer:
                reached[edges[3]] = True
    yield _found(question, subject, found, hidden)


def _edges(
    question: Routes, layer: int, heads: Sequence[int], pattern_HQS: Tensor, queries: Array
) -> tuple[tuple[Array, ...], int]:
    """The edges of some queries, and how many more lead to the first token."""
    match question.over:
        case "heads":
            weights = pattern_HQS
        case "max":
            weights = pattern_HQS.amax(0, keepdim=True)
        case "mean":
            weights = pattern_HQS.mean(0, keepdim=True)
    strong = weights >= question.threshold
    hidden = 0
    if question.hide_first:
        hidden = int(strong[:, :, 0].sum())
        strong[:, :, 0] = False
    which, query, key = np.nonzero(to_array(strong))
    weight = to_array(weights)[which, query, key]
    match question.over:
        case "heads":
            head = np.asarray(heads)[which]
        case "max":
            head = to_array(pattern_HQS)[:, query, key].argmax(0)
        case "mean":
            head = np.full(len(which), -1)
    of = np.full(len(which), layer)
    return (of, head, queries[query], key, weight), hidden


def _found(
    question: Routes, subject: Subject, parts: list[tuple[Array, ...]], hidden: int
) -> RoutesFound:
    if parts:
        layer, head, query, key, weight = (np.concatenate(column) for column in zip(*parts))
    else:
        layer = head = query = key = np.zeros(0, np.intp)
        weight = np.zeros(0, np.float32)
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
