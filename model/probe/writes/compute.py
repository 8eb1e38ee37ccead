"""Lengths of what was added, kept as the stream was computed, over lengths of the stream."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from model.bench import Bench
from model.probe.question import Answer
from model.probe.writes.asks import Writes, WritesFound
from model.subject import Subject


def answer(question: Writes, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """At once, where the stream is there."""
    network = bench.network(subject)
    sums = [op.inputs for op in network.operations if op.kind == "add" and op.layer is not None]
    pairs = [(name, stream) for stream, *added in sums for name in added]
    added_NT = bench.all_lengths(subject, [name for name, _ in pairs])
    there_NT = bench.all_lengths(subject, [stream for _, stream in pairs])
    can_be_told = there_NT.all(1).tolist()
    means = (added_NT / there_NT).mean(1).tolist()
    told = zip(pairs, means, can_be_told, strict=True)
    ratios = {name: mean for (name, _), mean, can in told if can}
    yield WritesFound(subject=subject, question=question, ratios=MappingProxyType(ratios))
