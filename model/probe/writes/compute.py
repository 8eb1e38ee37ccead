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
    ratios: dict[str, float] = {}
    for op in network.operations:
        if op.kind != "add" or op.layer is None:
            continue
        stream, *added = op.inputs
        there_T = bench.lengths(subject, stream)
        for name in added:
            added_T = bench.lengths(subject, name)
            if added_T is not None and there_T is not None and bool(there_T.all()):
                ratios[name] = float((added_T / there_T).mean())
    yield WritesFound(subject=subject, question=question, ratios=MappingProxyType(ratios))
