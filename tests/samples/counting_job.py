"""A job that a test adds to the engine: it counts, one number a slice.

As an extension would write it: two requests, a result, and the generator that answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from model import messages as m
from model.engine.job import Job
from model.engine.workplace import Workplace


@dataclass(frozen=True, slots=True, kw_only=True)
class Count(m.Request):
    """Count from 1 to a number: `Counted` for each.

    Attributes:
        to: the last number.
        breaks_at: where something goes wrong, or None.
    """

    to: int
    breaks_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CountAnew(Count):
    """The same; a newer one makes an older one pointless."""

    newest_wins: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CountToTheEnd(Count):
    """The same; it is brought to its end when the program closes."""

    finished_at_close: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted(m.Result):
    """A number that was counted."""

    n: int


open_counts: set[int] = set()
"""Ids of the requests whose job holds something that must be let go of, as a file would be."""


def count(request: Count, place: Workplace) -> Job:
    """Answers `Count`: the first number at once, the others in a slice each."""
    open_counts.add(request.id)
    try:
        for n in range(1, request.to + 1):
            if n == request.breaks_at:
                raise OSError(f"{n} is too much.")
            yield Counted(request_id=request.id, n=n)
            yield None
    finally:
        open_counts.discard(request.id)
