"""The head of the network, run on the stream at every border.

Rows of several borders are scored together: the unembedding is read once for many of them, and it
is by far what takes the time. At the last border the logits are the bench's own, of the same
positions, so that they are the very numbers that the network gives; they come first, because they
say which token is the final one.

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
from model.bench.changes import of_the_head
from model.network.execute import Replace, Tap
from model.operations import LOGITS, streams
from model.probe.lens.asks import Lens, LensFound
from model.probe.question import Answer, Array, ProbeError, read_only
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
    positions = _places("position", question.positions, subject.n_tokens)
    borders = _places("border", question.borders, config.n_layers + 1)
    watched_P = _watched(question, len(positions), config.d_vocab)
    names = tuple(streams(config)[border] for border in borders)
    inner = [name for name in names if name != streams(config)[-1]]
    rows = [row for row, name in enumerate(names) if name in inner]
    last = [row for row in range(len(names)) if row not in rows]
    height = min(MOST_ROWS, max(LEAST_ROWS, NUMBERS // config.d_vocab))
    watches = question.watch_final or bool((watched_P >= 0).any())
    grid = _Grid.of(borders, positions, watched_P, watches=watches)
    ways = of_the_head(subject.interventions, config)
    told = time.monotonic()
    done = 0
    for run in _runs(positions, height):
        start, stop = run[0], run[-1] + 1
        columns = range(done, done + len(run))
        if last or question.watch_final:  # first: it says which tokens are watched
            logits_NV = bench.logits(subject, start, stop)
            if question.watch_final:
                watched_P[done : done + len(run)] = to_array(_first_best(logits_NV).cpu())
            grid.put([(row, column) for row in last for column in columns], logits_NV)
            yield None
        values = bench.values(subject, inner, start, stop)
        rows_ND = torch.cat([values[name][0] for name in inner]) if inner else torch.empty(0)
        places = [(row, column) for row in rows for column in columns]
        for first in range(0, len(places), height):
            logits_NV = _scored(network, rows_ND[first : first + height], ways)
            grid.put(places[first : first + height], logits_NV)
            yield None
        done += len(run)
        if done < len(positions) and time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            yield grid.found(question, subject, names, done / len(positions))
    yield grid.found(question, subject, names, 1.0)


def _places(what: str, asked: tuple[int, ...], n: int) -> list[int]:
    """The positions or borders that are asked for; a negative one counts from the end."""
    for at in asked:
        if not -n <= at < n:
            raise ProbeError(f"There is no {what} {at}; there are 0 to {n - 1}.")
    return list(dict.fromkeys(at % n for at in asked or range(n)))


def _watched(question: Lens, n_positions: int, n_ids: int) -> Array:
    """The token that is watched at each position; -1 for none, and where it isn't known yet."""
    each, one = question.watch_each, question.watched
    if (one is not None) + bool(each) + question.watch_final > 1:
        raise ProbeError("Watch one token, one at each position, or the final ones: one of these.")
    for token in each if one is None else (one,):
        if not 0 <= token < n_ids:
            raise ProbeError(f"There is no token {token}; there are 0 to {n_ids - 1}.")
    if each and len(each) != n_positions:
        raise ProbeError(f"There are {len(each)} tokens to watch for {n_positions} positions.")
    if each:
        return np.array(each, np.int64)
    return np.full(n_positions, -1 if one is None else one, np.int64)


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


def _scored(
    network: Transformer, rows_ND: Tensor, ways: tuple[Tap | None, Replace | None]
) -> Tensor:
    """Scores of the vocabulary for vectors of the stream, ``[N, V]``, by the head's operations."""
    last = streams(network.config)[-1]
    with torch.inference_mode():
        return network.compute((LOGITS,), {last: rows_ND[None]}, *ways)[LOGITS][0]


def _first_best(logits_NV: Tensor) -> Tensor:
    """The likeliest token of each row, the lowest id of several that are equal."""
    best_N1 = logits_NV.argmax(-1, keepdim=True)
    # Where several are equal argmax may take any of them.
    return (logits_NV == logits_NV.gather(-1, best_N1)).int().argmax(-1)


@dataclass(slots=True)
class _Grid:
    """What is there so far."""

    borders: list[int]
    positions: list[int]
    watched_P: Array
    watches: bool
    ids_LP: Array
    logits_LP: Array
    probabilities_LP: Array
    entropies_LP: Array
    watched_LP: tuple[Array, Array, Array]  # logits, probabilities, ranks

    @classmethod
    def of(
        cls, borders: list[int], positions: list[int], watched_P: Array, *, watches: bool
    ) -> _Grid:
        shape = len(borders), len(positions)

        def unknown() -> Array:
            return np.full(shape, np.nan)

        def none() -> Array:
            return np.full(shape, -1, np.int64)

        watched = unknown(), unknown(), none()
        return cls(
            borders, positions, watched_P, watches, none(), unknown(), unknown(), unknown(), watched
        )

    def put(self, places: list[tuple[int, int]], logits_NV: Tensor) -> None:
        """Take the scores at some places of the grid."""
        if not places:
            return
        at = tuple(np.array(places).T)
        with torch.inference_mode():
            best_N = _first_best(logits_NV).cpu()
            wide_NV = logits_NV.cpu().double()  # not every device has float64
            log_p_NV = wide_NV - wide_NV.logsumexp(-1, keepdim=True)
            p_NV = log_p_NV.exp()
            entropy_N = -(p_NV * log_p_NV.clamp_min(-1e4)).sum(-1) / math.log(2) + 0.0
            rows_N = torch.arange(len(places))
            self.ids_LP[at] = to_array(best_N)
            self.logits_LP[at] = to_array(wide_NV[rows_N, best_N])
            self.probabilities_LP[at] = to_array(p_NV[rows_N, best_N])
            self.entropies_LP[at] = to_array(entropy_N)
            if not self.watches:
                return
            watched_N = torch.from_numpy(self.watched_P[at[1]])
            own_N1 = wide_NV[rows_N, watched_N][:, None]
            lower_NV = torch.arange(wide_NV.shape[1]) < watched_N[:, None]
            before_N = ((wide_NV > own_N1) | (lower_NV & (wide_NV == own_N1))).sum(-1)
            logits_LP, probabilities_LP, ranks_LP = self.watched_LP
            logits_LP[at] = to_array(own_N1[:, 0])
            probabilities_LP[at] = to_array(p_NV[rows_N, watched_N])
            ranks_LP[at] = to_array(before_N + 1)

    def found(
        self, question: Lens, subject: Subject, names: tuple[str, ...], share: float
    ) -> LensFound:
        """The answer with what is there; a copy, since more may follow."""
        watched: list[Array | None] = [None, None, None, None]
        if self.watches:
            watched = [read_only(one.copy()) for one in (*self.watched_LP, self.watched_P)]
        return LensFound(
            subject=subject,
            question=question,
            share=share,
            names=names,
            borders_L=read_only(np.array(self.borders)),
            positions_P=read_only(np.array(self.positions)),
            ids_LP=read_only(self.ids_LP.copy()),
            logits_LP=read_only(self.logits_LP.copy()),
            probabilities_LP=read_only(self.probabilities_LP.copy()),
            entropies_LP=read_only(self.entropies_LP.copy()),
            watched_logits_LP=watched[0],
            watched_probabilities_LP=watched[1],
            watched_ranks_LP=watched[2],
            watched_ids_P=watched[3],
        )
