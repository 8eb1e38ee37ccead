"""One line of the table that `make bench` prints."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A measurement, side by side with something else where there is such a thing.

    Attributes:
        name: what is measured.
        ours: our figure, in ``unit``; a median.
        theirs: the figure of what a user would run instead, measured in turns with ours in the
            same run; None where the target is an absolute one.
        ratio: ours / theirs, or ours / target's limit where there are no others.
        unit: of the figures.
        target: what we promise, in words.
    """

    name: str
    ours: float
    theirs: float | None
    ratio: float
    unit: str
    target: str
