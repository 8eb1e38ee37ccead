"""One number: its block's operations at its position."""

from __future__ import annotations

from collections.abc import Iterator

from model.bench import Bench
from model.operations import LOGITS, PROBABILITIES, aliases, shape_of
from model.probe.number.asks import Number, NumberFound
from model.probe.question import Answer
from model.probe.tensors.compute import to_array
from model.sampling import probabilities
from model.subject import Subject


def answer(question: Number, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """At once."""
    yield NumberFound(subject=subject, question=question, value=_value(question, subject, bench))


def _value(question: Number, subject: Subject, bench: Bench) -> float | None:
    network = bench.network(subject)
    name = aliases(network.config).get(question.of, question.of)
    op = next((op for op in network.operations if op.output == name), None)
    if op is None or len(question.index) != len(op.shape):
        return None
    shape = shape_of(op, network.config, 1, subject.n_tokens)
    if any(not 0 <= at < size for at, size in zip(question.index, shape)):
        return None
    axis = next((i for i, letter in enumerate(op.shape) if letter in "TQ"), None)
    if axis is None:
        return None
    at = question.index[axis]
    if name == PROBABILITIES:
        logits_V = to_array(bench.values(subject, (LOGITS,), at, at + 1)[LOGITS][0, 0])
        try:
            return float(probabilities(logits_V, question.sampling)[question.index[-1]])
        except ValueError:  # of a network that diverged
            return None
    tensor = bench.values(subject, (name,), at, at + 1)[name]
    local = tuple(0 if i == axis else place for i, place in enumerate(question.index))
    return float(tensor[local])
