"""What is near a row or a sum of rows, over the whole table, by one product with it.

Lengths are kept with the table, so that asking again costs one pass. Of those listed Euclidean
distances are computed anew in float64: a difference of squares is worth nothing where it is small.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from model.probe.geometry.compute import signed_sum
from model.probe.question import read_only
from model.space.questions.asks import METRICS, Metric, Near, NearFound
from model.space.registry import SpaceError
from model.space.table import VectorTable

BINS = 60
REFINED = 64


def scores(table: VectorTable, vectors_QD: Tensor, metric: Metric) -> Tensor:
    """How near every row is to some vectors, float32 ``[N, Q]``; more is nearer.

    Distances are given negative. A row of zeros has no direction; its cosine is given as 0.

    Raises:
        SpaceError: a vector is not finite, or is zero where its direction is asked for.
    """
    lengths_Q = vectors_QD.norm(dim=1)
    if not bool(torch.isfinite(lengths_Q).all()):
        raise SpaceError("The vector holds NaN or infinity; nothing is near it.")
    if metric == "cosine" and bool((lengths_Q == 0).any()):
        raise SpaceError("The vector is zero: it points nowhere. Take another word or metric.")
    if metric not in METRICS:
        raise SpaceError(f"There is no metric {metric!r}; there are {', '.join(METRICS)}.")
    if metric == "cosine":
        dots_NQ = table.times((vectors_QD / lengths_Q[:, None]).T)
        norms_N1 = table.norms_N[:, None]
        return torch.where(norms_N1 > 0, dots_NQ / norms_N1, 0).clamp(-1, 1)
    dots_NQ = table.times(vectors_QD.T)
    if metric == "dot":
        return dots_NQ
    squared = table.norms_N[:, None] ** 2 - 2 * dots_NQ + lengths_Q**2
    return -squared.clamp_min(0).sqrt()


def answer(question: Near, table: VectorTable) -> Iterator[NearFound | None]:
    """Look through the whole table.

    Raises:
        SpaceError: a row is not in the table, or the sum points nowhere.
    """
    for _, row in question.terms:
        if not 0 <= row < len(table):
            raise SpaceError(f"There is no row {row}; {table.name} has {len(table):,}.")
    if question.k < 0:
        raise SpaceError(f"{question.k} neighbours can't be found; ask for 0 or more.")
    if not question.terms:
        raise SpaceError("A sum needs at least one word.")
    vector_D = signed_sum(table.rows_ND, question.terms)
    scores_N = scores(table, vector_D[None], question.metric)[:, 0]
    scores_N = torch.where(torch.isfinite(scores_N), scores_N, float("-inf"))
    if question.metric == "euclidean":
        refined = scores_N.topk(min(len(scores_N), question.k + REFINED)).indices
        apart = table.rows_ND[refined].double() - vector_D.double()
        scores_N[refined] = -apart.norm(dim=1).float()
    own = {row for _, row in question.terms}
    ids = first(scores_N, question.k)
    sign = -1.0 if question.metric == "euclidean" else 1.0
    values_N = sign * scores_N
    low, high = (-1.0, 1.0) if question.metric == "cosine" else _range(values_N)
    counts = torch.histc(values_N.cpu(), BINS, low, high)
    rank = without = 0
    expected_value = float("nan")
    if 0 <= question.expected < len(table):
        nearer = is_before(scores_N, question.expected)
        rank = 1 + int(nearer.sum())
        nearer[list(own)] = False
        without = 1 + int(nearer.sum())
        expected_value = float(values_N[question.expected])
    finite = values_N[torch.isfinite(values_N)]
    yield NearFound(
        question=question,
        ids=tuple(ids.tolist()),
        values=tuple(values_N[ids].tolist()),
        own=tuple(row in own for row in ids.tolist()),
        counts=read_only(counts.long().numpy()),
        low=low,
        high=high,
        mean=float(finite.mean()) if len(finite) else float("nan"),
        std=float(finite.std(correction=0)) if len(finite) else float("nan"),
        expected_value=expected_value,
        rank=rank,
        rank_without=without,
        n=len(table),
    )


def first(scores_N: Tensor, k: int) -> Tensor:
    """The k rows of the largest scores; of equals the lower row first."""
    k = min(k, len(scores_N))
    if k == 0:
        return torch.zeros(0, dtype=torch.long, device=scores_N.device)
    least = scores_N.topk(k).values[-1]
    candidates = torch.nonzero(scores_N >= least)[:, 0]
    order = scores_N[candidates].sort(descending=True, stable=True).indices
    return candidates[order][:k]


def is_before(scores_N: Tensor, row: int) -> Tensor:
    """Which rows come before one; of equals the lower ones do."""
    before_N = scores_N > scores_N[row]
    before_N[:row] |= scores_N[:row] == scores_N[row]
    return before_N


def _range(values_N: Tensor) -> tuple[float, float]:
    finite = values_N[torch.isfinite(values_N)]
    if not len(finite):
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)
