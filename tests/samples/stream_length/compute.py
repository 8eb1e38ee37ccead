"""Lengths, out of what the bench has. Shape suffixes: B batch, T position, D d_model."""

from __future__ import annotations

from collections.abc import Iterator

from model.bench import Bench
from model.probe.question import Answer, read_only
from model.probe.tensors.compute import to_array
from model.subject import Subject
from tests.samples.stream_length.asks import StreamLength, StreamLengthFound


def answer(question: StreamLength, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """At once: the stream is what the bench keeps."""
    resid_BTD = bench.values(subject, (question.activation,))[question.activation]
    lengths_T = to_array(resid_BTD[0].float().norm(dim=-1))
    yield StreamLengthFound(subject=subject, question=question, lengths_T=read_only(lengths_T))
