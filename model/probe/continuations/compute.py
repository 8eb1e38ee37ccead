"""Beam search from a position on, one depth after the other.

The text is read once: its keys and values are the bench's, and only the tokens that are tried run
through the network, several continuations at once. Where that isn't the same (interventions,
rotations that ask for the length) each continuation is a text of its own, on a bench beside the
screen's. Shape suffixes: B continuations, T tokens, G key/value heads, S positions, K d_head,
V vocabulary.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from model.bench import Bench
from model.network.attention import KVCache
from model.probe.continuations.asks import ROOT, Continuations, ContinuationsFound
from model.probe.not_finite.compute import first_not_finite
from model.probe.question import Answer, ProbeError, read_only
from model.probe.tensors.compute import to_array
from model.sampling import NoDistributionError, Sampling, likeliest, probabilities
from model.subject import Subject

CACHE_BYTES = 64 * 2**20
"""So many continuations run together as have room for their keys and values in this."""
ASIDE_BYTES = 96 * 2**20
"""For streams on the bench beside the screen's."""
MOST = 64
"""Beams, depth and branches are at most so many."""

Logits = NDArray[np.float32]
Path = tuple[int, ...]


def answer(question: Continuations, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """A coarse answer after each depth.

    Raises:
        ValueError: the network continues no text, or a number of the question is out of range.
    """
    config = bench.network(subject).config
    if config.no_continuation:
        raise ProbeError(config.no_continuation)
    for name in ("beams", "depth", "branches"):
        if not 1 <= getattr(question, name) <= MOST:
            raise ProbeError(f"{name} is {getattr(question, name)}; it must be from 1 to {MOST}.")
    at = min(question.position, subject.n_tokens - 1)
    # What stands behind the last position of the context can be said, but nothing after it.
    depth = min(question.depth, config.n_ctx - at)
    runs = running(subject, bench, at, question.beams, depth)
    tree = _Tree(question, subject, frozenset(bench.ends(subject.model)))
    try:
        beams = tree.grow([ROOT], (yield from runs.logits([()])))
        for level in range(2, depth + 1):
            yield tree.found(share=(level - 1) / depth)
            beams = [node for node in beams if not tree.ends[node]]
            if not beams:
                break
            beams = tree.grow(beams, (yield from runs.logits([tree.path(node) for node in beams])))
    except NoDistributionError as error:
        why = first_not_finite(subject, bench, at).sentence
        yield replace(tree.found(), problem=f"{error} {why}".strip())
        return
    yield tree.found(full=depth < question.depth)


def running(subject: Subject, bench: Bench, at: int, beams: int, depth: int) -> _Apart | _Together:
    """What runs continuations, together where that is the same.

    Args:
        subject, bench: whose.
        at: after which position they begin.
        beams: how many of one length there are at most.
        depth: how long they become at most.
    """
    config = bench.network(subject).config
    apart = subject.interventions or config.length_changes_rotations(
        at + 1, max(subject.n_tokens, at + depth)
    )
    return (_Apart if apart else _Together)(subject, bench, at, beams, depth)


class _Tree:
    """What is kept so far.

    Args:
        question: how much of it.
        subject: whose continuations.
        stops: tokens that end a text.
    """

    def __init__(self, question: Continuations, subject: Subject, stops: frozenset[int]) -> None:
        self._question, self._subject, self._stops = question, subject, stops
        self._ids: list[int] = []
        self._parents: list[int] = []
        self._depths: list[int] = []
        self._chances: list[float] = []
        self._cumulative: list[float] = []
        self.ends: list[bool] = []

    def path(self, node: int) -> Path:
        """The ids from the first token to this one."""
        found: list[int] = []
        while node != ROOT:
            found.append(self._ids[node])
            node = self._parents[node]
        return tuple(reversed(found))

    def grow(self, parents: Sequence[int], logits_BV: Sequence[Logits]) -> list[int]:
        """Keep the likeliest continuations that are one token longer; returns their nodes.

        Args:
            parents: nodes that are continued, or the text itself.
            logits_BV: the scores after each.

        Raises:
            NoDistributionError: a logit is NaN or infinite.
        """
        tried: list[tuple[float, int, int, float]] = []
        for parent, logits_V in zip(parents, logits_BV, strict=True):
            before = 1.0 if parent == ROOT else self._cumulative[parent]
            for token_id, chance in _likeliest(logits_V, self._question):
                tried.append((before * chance, parent, token_id, chance))
        # Sorting is stable: of equal ones the one that was likelier a token ago comes first.
        tried.sort(key=lambda one: -one[0])
        first = len(self._ids)
        for cumulative, parent, token_id, chance in tried[: self._question.beams]:
            self._ids.append(token_id)
            self._parents.append(parent)
            self._depths.append(1 if parent == ROOT else self._depths[parent] + 1)
            self._chances.append(chance)
            self._cumulative.append(cumulative)
            self.ends.append(token_id in self._stops)
        return list(range(first, len(self._ids)))

    def found(self, share: float = 1.0, *, full: bool = False) -> ContinuationsFound:
        """The answer as far as it is known."""
        return ContinuationsFound(
            subject=self._subject,
            question=self._question,
            share=share,
            ids=read_only(np.array(self._ids, np.intp)),
            parents=read_only(np.array(self._parents, np.intp)),
            depths=read_only(np.array(self._depths, np.intp)),
            probabilities=read_only(np.array(self._chances, np.float64)),
            cumulative=read_only(np.array(self._cumulative, np.float64)),
            ends=read_only(np.array(self.ends, bool)),
            full=full,
        )


def _likeliest(logits_V: Logits, question: Continuations) -> list[tuple[int, float]]:
    """The likeliest tokens that can be drawn, with their probabilities."""
    sampling: Sampling = question.sampling
    chances_V = probabilities(logits_V, sampling)
    ids = likeliest(logits_V, question.branches)
    return [(int(i), float(chances_V[i])) for i in ids if chances_V[i] > 0]


class _Together:
    """Continuations that run behind the same keys and values.

    Args:
        subject: whose stream the bench has, or computes.
        bench: that holds it.
        at: after which position they begin.
        beams: how many there are at most.
        depth: how long they become at most.
    """

    def __init__(self, subject: Subject, bench: Bench, at: int, beams: int, depth: int) -> None:
        self._subject, self._bench, self._at = subject, bench, at
        self._beams, self._depth = beams, depth
        self._cache: KVCache | None = None

    def logits(self, paths: Sequence[Path]) -> Generator[None, None, list[Logits]]:
        """The scores after each continuation; all of them are equally long."""
        if paths == [()]:
            for _ in self._bench.streaming(self._subject):
                yield None
            return [to_array(self._bench.logits(self._subject, self._at, self._at + 1))[0]]
        if self._cache is None:
            self._cache = self._begun()
            yield None
        n = self._cache.k_LBGSK[0].shape[0]
        found: list[Logits] = []
        for start in range(0, len(paths), n):
            some = list(paths[start : start + n])
            found.extend(self._run([*some, *[some[0]] * (n - len(some))])[: len(some)])
            yield None
        return found

    def _run(self, paths: Sequence[Path]) -> list[Logits]:
        cache = self._cache
        assert cache is not None
        network = self._bench.network(self._subject)
        cache.crop(self._at + 1)
        with torch.inference_mode():
            ids_BT = torch.tensor(paths, dtype=torch.long, device=network.embed.weight.device)
            logits_BTV = network(ids_BT, cache, last_only=True)
            return list(logits_BTV[:, -1].float().cpu().numpy())

    def _begun(self) -> KVCache:
        """The text's keys and values, as often as continuations run together."""
        stream, n = self._bench.stream(self._subject), self._at + 1
        config = stream.network.config
        like = stream.network.embed.weight
        length = n + self._depth
        each = 2 * config.n_layers * config.n_kv_heads * config.d_head * length
        together = max(1, min(self._beams, CACHE_BYTES // (each * like.element_size())))
        with torch.inference_mode():
            cache = KVCache(config, together, like, length)
            kept = stream.shelf.cache
            for layer in range(config.n_layers):
                for mine, its in (
                    (cache.k_LBGSK, kept.k_LBGSK),
                    (cache.v_LBGSK, kept.v_LBGSK),
                ):
                    mine[layer][:, :, :n] = its[layer][:, :, :n]
        cache.length = n
        return cache


class _Apart:
    """Continuations that are texts of their own.

    Args:
        subject, bench, at, beams, depth: as of `_Together`.
    """

    def __init__(self, subject: Subject, bench: Bench, at: int, beams: int, depth: int) -> None:
        self._subject, self._at = subject, at
        self._bench = bench.beside(subject.model)
        self._bench.set_budget(min(bench.budget, ASIDE_BYTES))

    def logits(self, paths: Sequence[Path]) -> Generator[None, None, list[Logits]]:
        """The scores after each continuation."""
        found: list[Logits] = []
        before = self._subject.ids[: self._at + 1]
        for path in paths:
            read = replace(self._subject, ids=(*before, *path))
            for _ in self._bench.streaming(read):
                yield None
            last = read.n_tokens - 1
            found.append(to_array(self._bench.logits(read, last, last + 1))[0])
            yield None
        return found
