"""Given continuations, run depth by depth: all that are equally long at once.

Shape suffixes: N nodes, V vocabulary.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from model.bench import Bench
from model.probe.chances.asks import Chances, ChancesFound, Path, tree_of
from model.probe.continuations.asks import ROOT
from model.probe.continuations.compute import running
from model.probe.not_finite.compute import first_not_finite
from model.probe.question import Answer, ProbeError, read_only
from model.sampling import NoDistributionError, probabilities
from model.subject import Subject

MOST = 512
"""Continuations and tokens of each."""


def answer(question: Chances, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """A coarse answer after each depth.

    Raises:
        ValueError: the network continues no text; a token is none of its vocabulary; too many.
    """
    config = bench.network(subject).config
    if config.no_continuation:
        raise ProbeError(config.no_continuation)
    paths = question.paths
    if len(paths) > MOST or any(len(path) > MOST for path in paths):
        raise ProbeError(f"At most {MOST} continuations of {MOST} tokens can be asked about.")
    if wrong := next((i for path in paths for i in path if not 0 <= i < config.d_vocab), None):
        raise ProbeError(f"There is no token {wrong}; there are 0 to {config.d_vocab - 1}.")
    at = min(question.position, subject.n_tokens - 1)
    ids, parents = tree_of(paths)
    by_depth = _by_depth(parents)
    n = len(ids)
    chances_N, cumulative_N = np.full(n, np.nan), np.full(n, np.nan)

    def found(share: float, problem: str = "") -> ChancesFound:
        return ChancesFound(
            subject=subject,
            question=question,
            share=share,
            ids=read_only(np.array(ids, np.intp)),
            parents=read_only(np.array(parents, np.intp)),
            probabilities=read_only(chances_N.copy()),
            cumulative=read_only(cumulative_N.copy()),
            problem=problem,
        )

    # What stands behind the last position of the context can be said, but nothing after it.
    depths = min(len(by_depth), config.n_ctx - at)
    runs = running(subject, bench, at, max(map(len, by_depth), default=1), depths)
    try:
        for depth, nodes in enumerate(by_depth[:depths]):
            after: dict[int, list[int]] = defaultdict(list)
            for node in nodes:
                after[parents[node]].append(node)
            some = list(after)
            logits_BV = yield from runs.logits([_path(ids, parents, node) for node in some])
            for parent, logits_V in zip(some, logits_BV, strict=True):
                chances_V = probabilities(logits_V, question.sampling)
                before = 1.0 if parent == ROOT else cumulative_N[parent]
                for node in after[parent]:
                    chances_N[node] = chances_V[ids[node]]
                    cumulative_N[node] = before * chances_N[node]
            if depth + 1 < depths:
                yield found((depth + 1) / depths)
    except NoDistributionError as error:
        why = first_not_finite(subject, bench, at).sentence
        yield found(1.0, f"{error} {why}".strip())
        return
    yield found(1.0)


def _by_depth(parents: Sequence[int]) -> list[list[int]]:
    """Nodes of each depth."""
    depths = list[int]()
    found = list[list[int]]()
    for node, parent in enumerate(parents):
        depths.append(0 if parent == ROOT else depths[parent] + 1)
        if depths[-1] == len(found):
            found.append([])
        found[depths[-1]].append(node)
    return found


def _path(ids: Sequence[int], parents: Sequence[int], node: int) -> Path:
    path = list[int]()
    while node != ROOT:
        path.append(ids[node])
        node = parents[node]
    return tuple(reversed(path))
