"""Routes of a difference: from the top layer down, both patterns of the queries that are reached.

Shape suffixes: H heads, Q queries, S keys of one text, C columns of both, E edges.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np

from model.bench import Bench
from model.bench.looking import WINDOW
from model.probe.pattern.valued import Valued
from model.probe.pattern.words import Words
from model.probe.question import Answer, Array, ProbeError, read_only
from model.probe.routes_difference.asks import RoutesDifference, RoutesDifferenceFound, columns
from model.probe.tensors.compute import to_array
from model.subject import Subject

TELL_SECONDS = 0.15
"""How often what is there so far is shown: the layers from the top down are final by then."""

NUMBERS = 2**19
"""Of both patterns so many numbers are compared in a slice."""
Edges = tuple[Array, ...]
"""Layer, head, query, key, own weight, the other's weight, size of the difference."""


def answer(question: RoutesDifference, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """A layer, or a window of its queries, a slice; what is there every `TELL_SECONDS`.

    Raises:
        ValueError: the networks have other layers or heads, or no pairs are named and the texts
            differ in length.
    """
    config, other = bench.network(subject).config, question.other
    beside = bench.network(other).config
    if (config.n_layers, config.n_heads) != (beside.n_layers, beside.n_heads):
        raise ProbeError("Both networks need as many layers and heads: edges belong to a head.")
    for _ in bench.streaming(other):
        yield None
    own_words = Words(question.words, subject.n_tokens)
    its_words = Words(question.other_words, other.n_tokens)
    pairs = question.pairs
    if not pairs:
        if own_words.n != its_words.n:
            raise ProbeError("The texts differ in length: say which positions belong together.")
        pairs = tuple((at, at) for at in range(own_words.n))
    own_C, other_C = columns(own_words.n, its_words.n, pairs)
    best = _Found(question, subject, own_C, other_C)
    told = time.monotonic()
    reached = _begins(question, own_C, other_C)
    for layer in reversed(range(config.n_layers)):
        heads = [head for of, head in question.heads if of == layer]
        if question.over == "heads" and not heads:
            continue
        chosen = heads if question.over == "heads" else list(range(config.n_heads))
        mine = _Rows(question, subject, bench, layer, chosen, own_words, own_C)
        its = _Rows(question, other, bench, layer, chosen, its_words, other_C)
        read = reached.copy()
        queries = np.flatnonzero(reached)
        step = max(8, min(WINDOW, NUMBERS // (len(chosen) * len(own_C))))
        for some in np.split(queries, range(step, len(queries), step)):
            own_HQC, other_HQC = mine.of(some), its.of(some)
            yield None
            read[best.add(layer, chosen, some, own_HQC, other_HQC)] = True
            yield None
        reached = read
        if layer and time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            yield best.answer(1 - layer / config.n_layers)
    yield best.answer(1.0)


def _begins(question: RoutesDifference, own_C: Array, other_C: Array) -> Array:
    """The columns whose paths are followed; the ends of both texts belong together."""
    reached = np.zeros(len(own_C), bool)
    if question.position is None:
        reached[:] = True
        return reached
    last = int(own_C.max())
    at = min(question.position, last)
    reached[own_C == at] = True
    if at == last:
        reached[other_C == other_C.max()] = True
    return reached


class _Rows:
    """One side's weights of a layer, at the columns.

    Args:
        question: what the weights are.
        subject, bench: whose.
        layer, heads: which.
        words: of its text.
        at_C: its position in each column; -1 where it has none.
    """

    def __init__(
        self,
        question: RoutesDifference,
        subject: Subject,
        bench: Bench,
        layer: int,
        heads: Sequence[int],
        words: Words,
        at_C: Array,
    ) -> None:
        self._subject, self._bench, self._words, self._at_C = subject, bench, words, at_C
        self._layer, self._heads = layer, list(heads)
        self._is_whole = np.array_equal(at_C, np.arange(len(at_C)))
        self._all = len(heads) == bench.network(subject).config.n_heads
        self._valued: Valued | None = None
        if question.valued:
            self._valued = Valued(bench, subject, layer, heads)
            self._length_T = bench.lengths(subject, f"blocks.{layer}.hook_resid_pre")

    def of(self, columns: Array) -> Array:
        """``[H, Q, C]`` of the queries in these columns; NaN where the text lacks one."""
        at_Q = self._at_C[columns]
        there_Q = at_Q >= 0
        shape = (len(self._heads), len(columns), len(self._at_C))
        found_HQC = np.full(shape, np.nan, np.float32)
        if not there_Q.any():
            return found_HQC
        has_C = self._at_C >= 0
        rows_HQS = self._rows(at_Q[there_Q])
        n = rows_HQS.shape[2]  # of the keys that are seen at all
        filled_HQS = np.zeros((*rows_HQS.shape[:2], self._words.n), np.float32)
        filled_HQS[:, :, :n] = rows_HQS
        if self._is_whole:  # each column is a position: nothing has to be moved
            return filled_HQS
        rows, keys = np.flatnonzero(there_Q)[:, None], np.flatnonzero(has_C)
        found_HQC[:, rows, keys] = filled_HQS[:, :, self._at_C[has_C]]
        return found_HQC

    def _rows(self, units: Array) -> Array:
        tokens = self._words.tokens_of(units)
        start, stop = int(tokens[0]), int(tokens[-1]) + 1
        pattern_HQS = self._bench.pattern(
            self._subject,
            self._layer,
            None if self._all else self._heads,
            start,
            stop,
            seen_only=True,
            queries=None if len(tokens) == stop - start else tokens.tolist(),
        )
        if self._valued is not None:
            pattern_HQS = self._valued.weigh(pattern_HQS, tokens.tolist())
            pattern_HQS = pattern_HQS / self._length_T[tokens, None].to(pattern_HQS.device)
        found: Array = to_array(self._words.fold(pattern_HQS, tokens))
        return found


class _Found:
    """The largest differences so far, and how many there were.

    Args:
        question, subject: what is asked of whom.
        own_C, other_C: position of either text in each column.
    """

    def __init__(
        self, question: RoutesDifference, subject: Subject, own_C: Array, other_C: Array
    ) -> None:
        self._question, self._subject = question, subject
        self._own_C, self._other_C = own_C, other_C
        self._parts: list[Edges] = []
        self._total = self._hidden = self._no_number = 0
        self._largest = 0.0
        self._all_shared = bool((own_C >= 0).all() and (other_C >= 0).all())

    def add(
        self, layer: int, heads: Sequence[int], queries: Array, own_HQC: Array, other_HQC: Array
    ) -> Array:
        """The edges of some queries; gives the columns that these read."""
        question, own_C, other_C = self._question, self._own_C, self._other_C
        if question.over == "mean":
            own_HQC, other_HQC = (one.mean(0, keepdims=True) for one in (own_HQC, other_HQC))
        size_HQC = self._sizes(queries, own_HQC, other_HQC)
        # Heads are told apart only where an edge is: most places have none.
        strong = (size_HQC.max(0, keepdims=True) if question.over == "max" else size_HQC) >= (
            question.threshold
        )
        if question.hide_first:
            first_C = (own_C == 0) | (other_C == 0)
            self._hidden += int(strong[:, :, first_C].sum())
            strong[:, :, first_C] = False
        which, query, key = np.nonzero(strong)
        match question.over:
            case "heads":
                head = np.asarray(heads, np.intp)[which]
            case "max":
                head = which = size_HQC[:, query, key].argmax(0)
            case "mean":
                head = np.full(len(which), -1)
        self._keep(
            (
                np.full(len(which), layer),
                head,
                queries[query],
                key,
                *(one[which, query, key] for one in (own_HQC, other_HQC, size_HQC)),
            )
        )
        return key

    def _sizes(self, queries: Array, own_HQC: Array, other_HQC: Array) -> Array:
        """How large each difference is, ``[H, Q, C]``; of what one text lacks the other's weight.

        Counts rows that hold no number, which are 0 here, and notes the largest.
        """
        if self._all_shared:
            size_HQC = np.abs(other_HQC - own_HQC)
            unknown = int(np.isnan(size_HQC[..., 0]).sum())  # one NaN makes a row of them NaN
            if unknown:
                size_HQC = np.nan_to_num(size_HQC, nan=0.0)
            self._no_number += unknown
            self._largest = max(self._largest, float(size_HQC.max(initial=0.0)))
            return size_HQC
        own_C, other_C = self._own_C, self._other_C
        has_own_QC = (own_C[queries] >= 0)[:, None] & (own_C >= 0)
        has_other_QC = (other_C[queries] >= 0)[:, None] & (other_C >= 0)
        both_QC, any_QC = has_own_QC & has_other_QC, has_own_QC | has_other_QC
        alone_HQC = np.where(has_own_QC, own_HQC, other_HQC)
        size_HQC = np.where(both_QC, np.abs(other_HQC - own_HQC), alone_HQC)
        self._no_number += int((np.isnan(size_HQC) & any_QC).any(-1).sum())
        size_HQC = np.where(any_QC, np.nan_to_num(size_HQC, nan=0.0), 0.0)
        largest = float(np.where(both_QC, size_HQC, 0.0).max(initial=0.0))
        self._largest = max(self._largest, largest)
        return size_HQC

    def _keep(self, edges: Edges) -> None:
        if len(edges[0]):
            self._total += len(edges[0])
            self._parts.append(edges)
            if sum(len(part[0]) for part in self._parts) > 4 * max(self._question.most, 1000):
                self._parts = [self._strongest()]

    def _strongest(self) -> Edges:
        """From the largest to the smallest; from the input upwards among equals."""
        if not self._parts:
            none, nothing = np.zeros(0, np.intp), np.zeros(0, np.float32)
            return none, none, none, none, nothing, nothing, nothing
        together = [np.concatenate(column) for column in zip(*self._parts, strict=True)]
        layer, head, query, key, _, _, size = together
        order = np.lexsort((key, query, head, layer, -size))[: self._question.most]
        return tuple(column[order] for column in together)

    def answer(self, share: float) -> RoutesDifferenceFound:
        """What is there so far."""
        layer_E, head_E, query_E, key_E, own_E, other_E, size_E = map(read_only, self._strongest())
        return RoutesDifferenceFound(
            subject=self._subject,
            question=self._question,
            share=share,
            layer_E=layer_E,
            head_E=head_E,
            query_E=query_E,
            key_E=key_E,
            weight_E=size_E,
            total=self._total,
            hidden=self._hidden,
            no_number=self._no_number,
            own_E=own_E,
            other_E=other_E,
            own_C=read_only(self._own_C),
            other_C=read_only(self._other_C),
            largest=self._largest,
        )
