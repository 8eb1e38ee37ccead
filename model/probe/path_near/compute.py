"""Neighbours of the residual stream at every station, over the whole table in a few products."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from model.bench import Bench
from model.probe.path.asks import stations
from model.probe.path_near.asks import PathNear, PathNearFound
from model.probe.question import Answer, ProbeError, read_only
from model.probe.tensors.compute import to_array
from model.space.questions.asks import METRICS
from model.space.questions.near import first, scores
from model.subject import Subject

AT_ONCE = 8
"""Stations that are held against the table in one product."""


def answer(question: PathNear, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """A station a slice, then a few of them against the table.

    Raises:
        ProbeError: the stream is wider than the table's vectors, or there is no such position.
    """
    config = bench.network(subject).config
    at, n = question.position, subject.n_tokens
    if config.d_embed != config.d_model:
        raise ProbeError("The residual stream is wider than the vectors of this table.")
    if not 0 <= at < n:
        raise ProbeError(f"There is no position {at}; the text has {n:,} tokens.")
    if question.metric not in METRICS:
        raise ProbeError(f"There is no metric {question.metric!r}; there are {', '.join(METRICS)}.")
    places = stations(config)
    vectors = []
    for station in places:
        values_BTD = bench.values(subject, (station.name,), at, at + 1)[station.name]
        vectors.append(values_BTD[0, 0].float())
        yield None
    vectors_SD = torch.stack(vectors)
    table = bench.token_table(subject.model, subject.step, question.matrix)
    k = max(0, min(question.k, len(table)))
    lengths_S = vectors_SD.norm(dim=1)
    usable = torch.isfinite(lengths_S) & (lengths_S > 0)
    ids_Sk = torch.full((len(places), k), -1, dtype=torch.long)
    values_Sk = torch.full((len(places), k), float("nan"))
    sign = -1.0 if question.metric == "euclidean" else 1.0
    for some in torch.nonzero(usable)[:, 0].split(AT_ONCE):
        scores_NQ = scores(table, vectors_SD[some], question.metric)
        scores_NQ = torch.where(torch.isfinite(scores_NQ), scores_NQ, float("-inf"))
        for column, row in enumerate(some.tolist()):
            scores_N = scores_NQ[:, column]
            ids = first(scores_N, k)
            ids_Sk[row] = ids.cpu()
            values_Sk[row] = sign * scores_N[ids].cpu()
        yield None
    yield PathNearFound(
        subject=subject,
        question=question,
        stations=places,
        ids_Sk=read_only(to_array(ids_Sk)),
        values_Sk=read_only(to_array(values_Sk)),
        vectors_SD=read_only(to_array(vectors_SD)),
    )
