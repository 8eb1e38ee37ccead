"""The angles of a table, in one slice."""

from __future__ import annotations

from collections.abc import Iterator

from model.bench import Bench
from model.probe.angles.asks import AnglesFound, TableAngles
from model.probe.question import Answer, ProbeError
from model.subject import Subject
from model.vectors.angles import angles


def answer(question: TableAngles, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """Kept while the weights stand still, whatever the text.

    Raises:
        ProbeError: the table has fewer than two vectors with a direction.
    """
    kept = {} if subject.step is not None else bench.found_of(subject.model, None)
    found = kept.get(question)
    if not isinstance(found, AnglesFound):
        yield None
        table_VD = bench.network_at(subject.model, subject.step).table(question.matrix)
        measured = angles(table_VD)
        if not measured.n_pairs:
            raise ProbeError("The table has no two vectors with a direction: there is no angle.")
        found = kept[question] = AnglesFound(
            subject=subject,
            question=question,
            counts_A=measured.counts_A,
            n=measured.n,
            d=measured.d,
            largest_cosine=measured.largest_cosine,
            exact=measured.exact,
            n_left_out=measured.n_left_out,
        )
    yield AnglesFound(
        subject=subject,
        question=question,
        counts_A=found.counts_A,
        n=found.n,
        d=found.d,
        largest_cosine=found.largest_cosine,
        exact=found.exact,
        n_left_out=found.n_left_out,
    )
