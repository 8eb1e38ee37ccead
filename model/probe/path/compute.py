"""The residual stream at every station, on the axes of a table of token vectors."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from model.bench import Bench
from model.probe.path.asks import Path, PathFound, stations
from model.probe.question import Answer, ProbeError, read_only
from model.probe.tensors.compute import to_array
from model.subject import Subject


def answer(question: Path, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """A station a slice.

    Raises:
        ValueError: the stream is wider than the table's vectors.
    """
    network = bench.network(subject)
    if network.config.d_embed != network.config.d_model:
        raise ProbeError("The residual stream is wider than the vectors of this table.")
    places = stations(network.config)
    positions = question.positions or tuple(range(subject.n_tokens))
    positions = tuple(at for at in positions if at < subject.n_tokens)
    placed = bench.projection(subject.model, subject.step, question.matrix, question.how)
    axes_nD = placed.axes_3D
    start, stop = min(positions), max(positions) + 1
    points, lengths = [], []
    for station in places:
        values_BTD = bench.values(subject, (station.name,), start, stop)[station.name]
        vectors_PD = values_BTD[0, [at - start for at in positions]].float()
        points.append(vectors_PD @ axes_nD.T.to(vectors_PD.dtype))
        lengths.append(vectors_PD.norm(dim=-1))
        yield None
    yield PathFound(
        subject=subject,
        question=question,
        stations=places,
        positions=positions,
        projected_PS3=read_only(to_array(torch.stack(points, 1))),
        lengths_PS=read_only(to_array(torch.stack(lengths, 1))),
    )
