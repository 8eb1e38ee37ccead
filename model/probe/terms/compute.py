"""What one number is made of: its operation's formula, term by term, in float64.

Each kind of operation has a reader that takes its numbers apart; `network.run` is the other half,
which puts them together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from model.bench import Bench
from model.operations import PROBABILITIES, aliases, shape_of
from model.probe.question import Answer
from model.probe.terms import of_attention, of_mlp, of_stream
from model.probe.terms.asks import Terms, TermsFound
from model.probe.terms.parts import Place
from model.subject import Subject

READERS = {**of_attention.READERS, **of_mlp.READERS, **of_stream.READERS}
"""By the kind of operation: all but the first, which reads nothing, and the last, which is not the
network's."""


def answer(question: Terms, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """At once."""
    yield _found(question, subject, bench)


def _found(question: Terms, subject: Subject, bench: Bench) -> TermsFound:
    network = bench.network(subject)
    name = aliases(network.config).get(question.of, question.of)
    op = next((op for op in network.operations if op.output == name), None)
    nothing = TermsFound(subject=subject, question=question, value=None)
    if op is None or op.kind in ("tokens", "softmax") or len(question.index) != len(op.shape):
        return nothing
    shape = shape_of(op, network.config, 1, subject.n_tokens)
    if any(not 0 <= at < size for at, size in zip(question.index, shape)):
        return nothing
    at = Place(network, subject, bench, op, question.index)
    parts = READERS[op.kind](at)
    value = at.number(op.output, question.index)
    order = np.argsort(-np.abs(parts.values), kind="stable")[: question.most]
    terms = tuple(parts.term(int(i)) for i in order)
    chosen = None if parts.chosen is None else parts.term(parts.chosen)
    total = float(parts.values.sum()) + (0.0 if parts.bias is None else parts.bias.value)
    made = parts.made(total)
    # Where both are infinite or no number, there is no difference to speak of.
    same = not math.isfinite(value) and (made == value or math.isnan(made))
    return TermsFound(
        subject=subject,
        question=question,
        value=value,
        how=parts.how,
        axis=parts.axis,
        n_terms=len(parts.values),
        terms=terms,
        rest=float(parts.values.sum()) - math.fsum(term.value for term in terms),
        bias=parts.bias,
        outer=parts.outer,
        mean=parts.mean,
        chosen=chosen,
        remainder=0.0 if same else value - made,
        feeds=tuple(
            each.output
            for each in network.operations
            if name in each.inputs and each.output != PROBABILITIES
        ),
    )
