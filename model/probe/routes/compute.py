"""Routes: from the top layer down, only the queries that are reached, so that every edge counts.

Shape suffixes: H heads, Q queries, S keys, E edges.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np
from torch import Tensor

from model.bench import Bench
from model.bench.looking import WINDOW
from model.probe.pattern.valued import Valued
from model.probe.pattern.words import Words
from model.probe.question import Answer, Array, read_only
from model.probe.routes.asks import Routes, RoutesFound
from model.probe.tensors.compute import to_array
from model.subject import Subject

TELL_SECONDS = 0.15
"""How often what is there so far is shown: the layers from the top down are final by then."""


def answer(question: Routes, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """A layer, or a window of its queries, a slice; what is there every `TELL_SECONDS`."""
    config = bench.network(subject).config
    words = Words(question.words, subject.n_tokens)
    n = words.n
    reached = np.zeros(n, bool)
    if question.position is None:
        reached[:] = True
    else:
        reached[min(question.position, n - 1)] = True
    best = _Strongest(question.most)
    hidden = no_number = 0
    told = time.monotonic()
    for layer in reversed(range(config.n_layers)):
        heads = [head for of, head in question.heads if of == layer]
        if question.over == "heads" and not heads:
            continue
        chosen = heads if question.over == "heads" else list(range(config.n_heads))
        valued = None
        if question.valued:
            valued = Valued(bench, subject, layer, chosen)
            length_T = bench.lengths(subject, f"blocks.{layer}.hook_resid_pre")
        read = reached.copy()
        queries = np.flatnonzero(reached)
        for some in np.split(queries, range(WINDOW, len(queries), WINDOW)):
            tokens = words.tokens_of(some)
            start, stop = int(tokens[0]), int(tokens[-1]) + 1
            pattern_HQS = bench.pattern(
                subject,
                layer,
                None if len(chosen) == config.n_heads else chosen,
                start,
                stop,
                seen_only=True,
                queries=None if len(tokens) == stop - start else tokens.tolist(),
            )
            if valued is not None:
                pattern_HQS = valued.weigh(pattern_HQS, tokens.tolist())
                pattern_HQS = pattern_HQS / length_T[tokens, None].to(pattern_HQS.device)
            pattern_HQS = words.fold(pattern_HQS, tokens)
            edges, left_out, unknown = _edges(question, layer, chosen, pattern_HQS, some)
            best.add(edges)
            hidden += left_out
            no_number += unknown
            read[edges[3]] = True
            yield None
        reached = read
        if layer and time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            yield _found(question, subject, best, hidden, no_number, 1 - layer / config.n_layers)
    yield _found(question, subject, best, hidden, no_number)


def _edges(
    question: Routes, layer: int, heads: Sequence[int], pattern_HQS: Tensor, queries: Array
) -> tuple[tuple[Array, ...], int, int]:
    """The edges of some queries: layer, head, query, key and weight.

    And how many more are hidden, and how many rows of weights hold no number.
    """
    match question.over:
        case "heads":
            weights = to_array(pattern_HQS)
        case "max":
            weights = to_array(pattern_HQS.amax(0, keepdim=True))
        case "mean":
            weights = to_array(pattern_HQS.mean(0, keepdim=True))
    # One NaN makes a row of the softmax NaN, so that its own weight tells.
    unknown = int(np.isnan(weights[..., 0]).sum())
    if unknown and question.over == "max":  # of the heads that have a number
        pattern_HQS = pattern_HQS.nan_to_num(nan=-1.0)
        weights = to_array(pattern_HQS.amax(0, keepdim=True))
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
            head = to_array(pattern_HQS)[:, query, key].argmax(0)
        case "mean":
            head = np.full(len(which), -1)
    of = np.full(len(which), layer)
    return (of, head, queries[query], key, weight), hidden, unknown


class _Strongest:
    """The strongest edges so far, and how many there were.

    Args:
        most: how many are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._parts: list[tuple[Array, ...]] = []
        self.total = 0

    def add(self, edges: tuple[Array, ...]) -> None:
        """Layer, head, query, key and weight of some more."""
        if not len(edges[0]):
            return
        self.total += len(edges[0])
        self._parts.append(edges)
        if sum(len(part[0]) for part in self._parts) > 4 * max(self._most, 1000):
            self._parts = [self.columns()]

    def columns(self) -> tuple[Array, ...]:
        """From strongest to weakest; stable, and from the input upwards among equals."""
        if not self._parts:
            none = np.zeros(0, np.intp)
            return none, none, none, none, np.zeros(0, np.float32)
        columns = [np.concatenate(column) for column in zip(*self._parts, strict=True)]
        weight = columns[4]
        if len(weight) > self._most > 0:  # ties with the weakest that is kept stay for the order
            least = np.partition(weight, len(weight) - self._most)[len(weight) - self._most]
            columns = [column[weight >= least] for column in columns]
        layer, head, query, key, weight = columns
        order = np.lexsort((key, query, head, layer, -weight))[: self._most]
        return tuple(column[order] for column in columns)


def _found(
    question: Routes,
    subject: Subject,
    best: _Strongest,
    hidden: int,
    no_number: int,
    share: float = 1.0,
) -> RoutesFound:
    layer_E, head_E, query_E, key_E, weight_E = (read_only(a) for a in best.columns())
    return RoutesFound(
        subject=subject,
        question=question,
        share=share,
        layer_E=layer_E,
        head_E=head_E,
        query_E=query_E,
        key_E=key_E,
        weight_E=weight_E,
        total=best.total,
        hidden=hidden,
        no_number=no_number,
    )
