"""One position's stream, block by block; a few vectors of each.

Which stations and additions there are is read off the operations, so that blocks whose halves
work side by side, and streams that pass norms, are no special case.

Shape suffixes: S stations, W writes, D d_model.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import torch

from model.bench import Bench
from model.config import TransformerConfig
from model.operations import operations, streams
from model.probe.question import Answer, Array, ProbeError, read_only
from model.probe.stream_at.asks import After, Station, StreamAt, StreamAtFound, Write
from model.probe.tensors.compute import to_array
from model.subject import Subject


def answer(question: StreamAt, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """A block a slice.

    Raises:
        ValueError: there is no such position.
    """
    n = subject.n_tokens
    if not -n <= question.position < n:
        raise ProbeError(f"There is no position {question.position}; there are 0 to {n - 1}.")
    at = question.position % n
    stations, writes = stations_of(bench.network(subject).config)
    names = [one.name for one in stations] + [one.name for one in writes]
    found: dict[str, torch.Tensor] = {}
    for some in bench.by_block(subject, names):
        values = bench.values(subject, some, at, at + 1)
        # Not every device has float64.
        found |= {name: values[name][0, 0].detach().cpu().double() for name in some}
        yield None
    stream_SD = torch.stack([found[one.name] for one in stations])
    added_WD = torch.stack([found[one.name] for one in writes])
    before_WD = stream_SD[[one.station - 1 for one in writes]]
    norms_S, writes_W = stream_SD.norm(dim=-1), added_WD.norm(dim=-1)
    yield StreamAtFound(
        subject=subject,
        question=question,
        stations=stations,
        writes=writes,
        norms_S=_array(norms_S),
        cosines_SS=_array(stream_SD @ stream_SD.T / (norms_S[:, None] * norms_S)),
        writes_W=_array(writes_W),
        cosines_W=_array((added_WD * before_WD).sum(-1) / (writes_W * before_WD.norm(dim=-1))),
    )


def _array(values: torch.Tensor) -> Array:
    return read_only(to_array(values).copy())


def stations_of(config: TransformerConfig) -> tuple[tuple[Station, ...], tuple[Write, ...]]:
    """Where the stream is looked at, and what is added between.

    Args:
        config: of the network.
    """
    ops = [op for op in operations(config) if op.layer is not None]
    sums = [op for op in ops if op.kind == "add"]
    # A norm is a station where the stream goes on from what it wrote.
    goes_on = {op.inputs[0] for op in sums} | set(streams(config))
    stations = [Station(streams(config)[0], "embedding", None)]
    writes: list[Write] = []
    for op in ops:
        if op.kind == "add":
            assert op.layer is not None
            parts = [(name, _writer(name)) for name in op.inputs[1:]]
            after: After = parts[0][1] if len(parts) == 1 else "block"
            writes += [Write(name, of, op.layer, len(stations)) for name, of in parts]
            stations.append(Station(op.output, after, op.layer))
        elif op.kind == "norm" and op.output in goes_on and op.output != stations[0].name:
            stations.append(Station(op.output, "norm", op.layer))
    return tuple(stations), tuple(writes)


def _writer(name: str) -> Literal["attention", "mlp"]:
    """Which half of a block an addition is of."""
    return "attention" if name.endswith("hook_attn_out") else "mlp"
