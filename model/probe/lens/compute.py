"""The head of the network, run on the stream at every border.

Rows of several borders are scored together: the unembedding is read once for many of them, and it
is by far what takes the time. At the last border the logits are the bench's own, of the same
positions, so that they are the very numbers that the network gives.

Interventions change the stream; one that names the head itself changes the last border only.

Shape suffixes: L borders, P positions, N rows of some borders and positions, D d_model,
V vocabulary.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from model.bench import Bench
from model.operations import LOGITS, streams
from model.probe.lens.asks import Lens, LensFound
from model.probe.question import Answer, Array, read_only
from model.probe.tensors.compute import to_array
from model.subject import Subject
from model.transformer import Transformer

NUMBERS = 600_000
"""Logits that are computed at once: of 12 rows at a vocabulary of 50,000, in 30 ms."""
MOST_ROWS = 64
LEAST_ROWS = 8
"""Of a vocabulary so large that to read its matrix takes longer than all else."""
TELL_SECONDS = 0.15


def answer(question: Lens, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """Some rows a slice, position by position; what is there every `TELL_SECONDS`.

    Raises:
        KeyError: the network has no logits; the message says what it gives.
        ValueError: there is no such position or token.
    """
    network = bench.network(subject)
    config = network.config
    if not config.has_logits:
        raise KeyError(f"{config.no_continuation} A lens reads the stream through that head.")
    watched = question.watched
    if watched is not None and not 0 <= watched < config.d_vocab:
        raise ValueError(f"There is no token {watched}; there are 0 to {config.d_vocab - 1}.")
    positions = _positions(question, subject.n_tokens)
    names = streams(config)
    height = min(MOST_ROWS, max(LEAST_ROWS, NUMBERS // config.d_vocab))
    grid = _Grid.of(len(names), len(positions), watched is not None)
    told = time.monotonic()
    done = 0
    for run in _runs(positions, height):
        start, stop = run[0], run[-1] + 1
        columns = range(done, done + len(run))
        values = bench.values(subject, names[:-1], start, stop)
        rows_ND = torch.cat([values[name][0] for name in names[:-1]])
        places = [(border, column) for border in range(len(names) - 1) for column in columns]
        for first in range(0, len(places), height):
            some = places[first : first + height]
            logits_NV = _scored(network, rows_ND[first : first + height])
            grid.put(some, logits_NV, watched)
            yield None
        last = [(len(names) - 1, column) for column in columns]
        grid.put(last, bench.logits(subject, start, stop), watched)
        done += len(run)
        yield None
        if done < len(positions) and time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            yield grid.found(question, subject, names, positions, done / len(positions))
    yield grid.found(question, subject, names, positions, 1.0)


def _positions(question: Lens, n: int) -> list[int]:
    """The positions that are asked for; a negative one counts from the end."""
    asked = question.positions or range(n)
    for at in asked:
        if not -n <= at < n:
            raise ValueError(f"There is no position {at}; there are 0 to {n - 1}.")
    return list(dict.fromkeys(at % n for at in asked))


def _runs(positions: list[int], most: int) -> Iterator[list[int]]:
    """Cut into runs of neighbours, each of at most so many."""
    run: list[int] = []
    for at in positions:
        if run and (at != run[-1] + 1 or len(run) == most):
            yield run
            run = []
        run.append(at)
    if run:
        yield run


def _scored(network: Transformer, rows_ND: Tensor) -> Tensor:
    """Scores of the vocabulary for vectors of the stream, ``[N, V]``, by the head's operations."""
    last = streams(network.config)[-1]
    with torch.inference_mode():
        return network.compute((LOGITS,), {last: rows_ND[None]})[LOGITS][0]


@dataclass(slots=True)
class _Grid:
    """What is there so far."""

    ids_LP: Array
    logits_LP: Array
    probabilities_LP: Array
    entropies_LP: Array
    watched_LP: tuple[Array, Array, Array] | None  # logits, probabilities, ranks

    @classmethod
    def of(cls, n_borders: int, n_positions: int, watches: bool) -> _Grid:
        shape = n_borders, n_positions

        def unknown() -> Array:
            return np.full(shape, np.nan)

        def none() -> Array:
            return np.full(shape, -1, np.int64)

        watched = (unknown(), unknown(), none()) if watches else None
        return cls(none(), unknown(), unknown(), unknown(), watched)

    def put(self, places: list[tuple[int, int]], logits_NV: Tensor, watched: int | None) -> None:
        """Take the scores of some borders and positions."""
        at = tuple(np.array(places).T)
        with torch.inference_mode():
            best_N = logits_NV.argmax(-1)
            # Where several are equal argmax may take any of them.
            best_N = (logits_NV == logits_NV.gather(-1, best_N[:, None])).int().argmax(-1)
            wide_NV = logits_NV.cpu().double()  # not every device has float64
            log_p_NV = wide_NV - wide_NV.logsumexp(-1, keepdim=True)
            p_NV = log_p_NV.exp()
            entropy_N = -(p_NV * log_p_NV.clamp_min(-1e4)).sum(-1) / math.log(2) + 0.0
            rows = torch.arange(len(places))
            best_N = best_N.cpu()
            self.ids_LP[at] = to_array(best_N)
            self.logits_LP[at] = to_array(wide_NV[rows, best_N])
            self.probabilities_LP[at] = to_array(p_NV[rows, best_N])
            self.entropies_LP[at] = to_array(entropy_N)
            if watched is None or self.watched_LP is None:
                return
            own_N1 = wide_NV[:, watched : watched + 1]
            before_N = (wide_NV > own_N1).sum(-1) + (wide_NV[:, :watched] == own_N1).sum(-1)
            logits_LP, probabilities_LP, ranks_LP = self.watched_LP
            logits_LP[at] = to_array(own_N1[:, 0])
            probabilities_LP[at] = to_array(p_NV[:, watched])
            ranks_LP[at] = to_array(before_N + 1)

    def found(
        self,
        question: Lens,
        subject: Subject,
        names: tuple[str, ...],
        positions: list[int],
        share: float,
    ) -> LensFound:
        """The answer with what is there; a copy, since more may follow."""
        watched: list[Array | None] = [None, None, None]
        if self.watched_LP is not None:
            watched = [read_only(values.copy()) for values in self.watched_LP]
        return LensFound(
            subject=subject,
            question=question,
            share=share,
            names=names,
            positions_P=read_only(np.array(positions)),
            ids_LP=read_only(self.ids_LP.copy()),
            logits_LP=read_only(self.logits_LP.copy()),
            probabilities_LP=read_only(self.probabilities_LP.copy()),
            entropies_LP=read_only(self.entropies_LP.copy()),
            watched_logits_LP=watched[0],
            watched_probabilities_LP=watched[1],
            watched_ranks_LP=watched[2],
        )
