"""One row of every head. Shape suffixes: H heads, S keys."""

from __future__ import annotations

from collections.abc import Iterator

from model.bench import Bench
from model.probe.question import Answer
from model.probe.strongest_head.asks import StrongestHead, StrongestHeadFound
from model.subject import Subject


def answer(question: StrongestHead, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """A layer a slice."""
    config = bench.network(subject).config
    at = min(question.position, subject.n_tokens - 1)
    best: tuple[float, int, int, int] | None = None
    if subject.n_tokens >= 3:
        for layer in range(config.n_layers):
            row_HS = bench.pattern(subject, layer, None, at, at + 1)[:, 0].clone()
            row_HS[:, [0, at]] = -1.0
            row_HS.nan_to_num_(nan=-1.0)  # what is no number reads nothing
            head, key = divmod(int(row_HS.argmax()), row_HS.shape[1])
            found = (float(row_HS[head, key]), layer, head, key)
            best = found if best is None else max(best, found)
            yield None
    if best is None or best[0] < 0:
        yield StrongestHeadFound(subject=subject, question=question, layer=None)
        return
    weight, layer, head, key = best
    yield StrongestHeadFound(
        subject=subject, question=question, layer=layer, head=head, key=key, weight=weight
    )
