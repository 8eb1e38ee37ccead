"""A map is made over two pipes: the program that `model.space.maps.client` starts.

Reads one pickled `Order` and the rows as bytes from stdin; writes pickled `Frame` and `Refused` to
stdout, about six a second. Both ends are ours; no file is unpickled. Knows the libraries
(openTSNE, TorchDR) and arrays; no table, no engine.
"""

from __future__ import annotations

import os
import pickle
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from model.space.maps.client import Frame, Order, Refused, Searched
from model.space.projections.asks import TSNE, UMAP

FRAME_SECONDS = 0.15
FIRST_SHARE = 1 / 3
"""Of t-SNE's steps so many exaggerate how neighbours attract each other."""

Rows = NDArray[np.float32]
Tell = Callable[[int, NDArray[Any] | None, float], None]
FEW = 4_000
SCORES = 8_000_000
"""Distances that are held at once."""


def main() -> None:
    """Make one map."""
    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    if hasattr(os, "nice"):
        os.nice(5)  # the window comes first
    warnings.simplefilter("ignore")
    order: Order = pickle.load(sys.stdin.buffer)
    rows_ND = _read_rows(sys.stdin.buffer, order.shape)
    if order.how.likeness == "cosine":
        lengths = np.linalg.norm(rows_ND, axis=1, keepdims=True)
        rows_ND /= np.maximum(lengths, np.float32(1e-30))
    else:
        rows_ND -= rows_ND.mean(0)  # a difference of large squares is worth little
    try:
        points, measure = _maker(order)(rows_ND, order, _teller(order, answers))
    except Exception as error:  # noqa: BLE001 - whatever a library raises is told by who waits
        _send(answers, Refused(f"{type(error).__name__}: {error}"))
        return
    _send(answers, Frame(order.steps, np.ascontiguousarray(points, np.float32), measure, True))


def _maker(order: Order) -> Callable[[Rows, Order, Tell], tuple[NDArray[Any], float]]:
    return tsne if isinstance(order.how, TSNE) else umap


def _read_rows(source: BinaryIO, shape: tuple[int, int]) -> Rows:
    rows_ND = np.empty(shape, np.float32)
    left = memoryview(rows_ND.data).cast("B")
    while len(left):
        n = source.readinto(left)  # type: ignore[attr-defined]  # a buffered reader has it
        if not n:
            raise EOFError("the rows ended early")
        left = left[n:]
    return rows_ND


def _send(answers: BinaryIO, what: object) -> None:
    pickle.dump(what, answers, protocol=pickle.HIGHEST_PROTOCOL)
    answers.flush()


def _teller(order: Order, answers: BinaryIO) -> Tell:
    """Tells of a step, or (without points) of the share of neighbours; not twice in a moment."""
    told = 0.0

    def tell(step: int, points: NDArray[Any] | None, measure: float) -> None:
        nonlocal told
        if time.monotonic() - told < FRAME_SECONDS:
            return
        told = time.monotonic()
        if points is None:
            _send(answers, Searched(measure))
        else:
            _send(answers, Frame(step, np.array(points, np.float32), measure, False))

    return tell


def nearest(rows_ND: Rows, k: int, threads: int, tell: Tell) -> tuple[NDArray[Any], NDArray[Any]]:
    """Each row's k nearest others, exact: their rows and distances, ``[N, k]``, nearest first.

    The library's own are found by chance, and of 49,152 x 576 take longer. Of many rows torch finds
    the least numbers; of few it isn't worth its two seconds of import.
    """
    n = len(rows_ND)
    half_N = np.square(rows_ND).sum(1) / 2
    find = _least_by_torch(threads) if n > FEW else _least
    found = np.empty((n, k), np.int64)
    away = np.empty((n, k), np.float64)
    at_once = max(1, SCORES // n)
    for start in range(0, n, at_once):
        some = slice(start, min(start + at_once, n))
        # Half of the squared distance, less what is the same for all.
        less = half_N - rows_ND[some] @ rows_ND.T
        own = np.arange(len(less))
        less[own, own + start] = np.inf
        near, values = find(less, k)
        found[some] = near
        away[some] = np.sqrt(np.maximum(2 * (values + half_N[some, None]), 0))
        tell(0, None, start / n)
    return found, away


def _least(numbers: NDArray[Any], k: int) -> tuple[NDArray[Any], NDArray[Any]]:
    near = np.argsort(numbers, axis=1)[:, :k]
    return near, np.take_along_axis(numbers, near, 1)


def _least_by_torch(
    threads: int,
) -> Callable[[NDArray[Any], int], tuple[NDArray[Any], NDArray[Any]]]:
    import torch

    torch.set_num_threads(threads)

    def least(numbers: NDArray[Any], k: int) -> tuple[NDArray[Any], NDArray[Any]]:
        near = torch.from_numpy(numbers).topk(k, largest=False)  # sorted
        return near.indices.numpy(), near.values.numpy()

    return least


def tsne(rows_ND: Rows, order: Order, tell: Tell) -> tuple[NDArray[Any], float]:
    """The points ``[N, 2]``, and their Kullback-Leibler divergence in nats."""
    from openTSNE import TSNE as Library
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    assert isinstance(order.how, TSNE)
    k = min(len(rows_ND) - 1, int(3 * order.how.perplexity))
    found, away = nearest(rows_ND, k, order.threads, tell)
    affinities = PerplexityBasedNN(
        knn_index=PrecomputedNeighbors(found, away),
        perplexity=order.how.perplexity,
        n_jobs=order.threads,
    )
    first = round(order.steps * FIRST_SHARE)
    done = [0, 0]  # steps of the phases before, of this one
    last = [float("nan")]

    def each(step: int, divergence: float, points: NDArray[Any]) -> None:
        if step <= done[1]:
            done[0] = first
        done[1], last[0] = step, float(divergence)
        tell(done[0] + step, points, float(divergence))

    begin = order.start_N3[:, :2].astype(np.float64)
    points = Library(
        n_components=2,
        early_exaggeration=order.how.exaggeration,
        early_exaggeration_iter=first,
        n_iter=order.steps - first,
        initialization=begin / max(float(begin[:, 0].std()), 1e-30) * 1e-4,
        n_jobs=order.threads,
        random_state=order.how.seed,
        callbacks=each,
        callbacks_every_iters=5 if len(rows_ND) < 5_000 else 10,
    ).fit(affinities=affinities)
    return np.asarray(points), last[0]


def umap(rows_ND: Rows, order: Order, tell: Tell) -> tuple[NDArray[Any], float]:
    """The points ``[N, 2]`` or ``[N, 3]``; there is no measure of all of it."""
    import torch
    from torchdr import UMAP as Library

    how = order.how
    assert isinstance(how, UMAP)
    torch.set_num_threads(order.threads)

    class Told(Library):  # type: ignore[misc]  # the library carries no types
        """Tells of its steps."""

        def on_training_step_end(self) -> None:
            super().on_training_step_end()
            step = int(self.n_iter_)
            if step % 2 == 1:
                tell(step + 1, self.embedding_.detach().numpy(), float("nan"))

    found = Told(
        n_neighbors=how.n_neighbors,
        n_components=how.dimensions,
        min_dist=how.min_dist,
        max_iter=order.steps,
        init=torch.from_numpy(order.start_N3[:, : how.dimensions].copy()),
        init_scaling=1.0,
        process_duplicates=False,  # it would take equal rows away, but not from the start
        device="cpu",
        random_state=how.seed,
    ).fit_transform(torch.from_numpy(rows_ND))
    return found.detach().numpy(), float("nan")


if __name__ == "__main__":
    main()
