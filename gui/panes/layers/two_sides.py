"""Both sides of a comparison on the map: vectors subtracted, tokens of the lens, lengths.

Knows answers and the comparison; no widget.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from gui.reading.vectors import FoundVectors, Reading
from gui.session.comparing import Comparing
from model.alignment import Alignment
from model.probe.difference.asks import Difference, DifferenceFound
from model.probe.lens.asks import LensFound
from model.probe.vectors.asks import Vector, Vectors, VectorsFound
from model.subject import Subject

ROUNDING = 1e-3
"""Of a vector's largest number: a smaller difference has no strong colour."""


@dataclass(frozen=True, slots=True, eq=False)
class TwoSides:
    """What the figures are drawn with while a difference is shown.

    Attributes:
        name: what the difference is called.
        lens: what the lens reads of the other side; None while that isn't there.
        in_view_is_b: whether the side in view is B.
        whole: how far B is from A at every operation; None while that isn't there.
        sizes: the largest magnitude of each vector in view, by name.
    """

    name: str
    lens: LensFound | None = None
    in_view_is_b: bool = False
    whole: DifferenceFound | None = None
    sizes: Mapping[str, float] = field(default_factory=dict)

    def relative(self, activation: str) -> float | None:
        """‖B − A‖ / ‖A‖ of an activation over all tokens; None where it isn't known."""
        found = self.whole
        if found is None or activation not in found.names:
            return None
        relative = float(found.relative_N[found.names.index(activation)])
        known = not np.isnan(relative) or found.is_whole
        return relative if known else None

    def largest(self, names: tuple[str, ...]) -> tuple[str, float] | None:
        """Of some activations the one that differs most; None while they aren't all known."""
        found = [(name, self.relative(name)) for name in names]
        known = [(name, value) for name, value in found if value is not None]
        finite = [(name, value) for name, value in known if np.isfinite(value)]
        if len(known) < len(names) or not finite:
            return None
        return max(finite, key=lambda pair: pair[1])


def whole_question(comparing: Comparing, subject: Subject) -> tuple[Subject, Difference] | None:
    """Whom the lengths of the difference are asked, and how: A, about B.

    Args:
        comparing: its other side is known.
        subject: the side in view.
    """
    other = comparing.subject
    if other is None:
        return None
    alignment = comparing.alignment
    if comparing.in_view_is_b:
        return other, Difference(subject, _pairs(alignment.turned()), predictions=False)
    return subject, Difference(other, _pairs(alignment), predictions=False)


def _pairs(alignment: Alignment) -> tuple[tuple[int, int], ...]:
    return () if alignment.by_position else alignment.pairs


def vectors_apart(
    found: FoundVectors | None, other: VectorsFound | None, comparing: Comparing
) -> FoundVectors | None:
    """B − A of the vectors that both have; None while the other side's aren't there."""
    if found is None or other is None or not isinstance(other.question, Vectors):
        return None
    if other.question.position != comparing.other_position(found.position):
        return None  # another token was selected, and it is still to come
    apart: dict[str, Vector] = {}
    for name, mine in found.answer.vectors.items():
        theirs = other.vectors.get(name)
        if theirs is None or theirs.letters != mine.letters:
            continue
        values = theirs.values
        if mine.letters[mine.index.index(None)] in "TQS":
            if len(mine.values) != comparing.alignment.n_a:
                continue
            values = np.full(mine.values.shape, np.nan, mine.values.dtype)
            for at, its in comparing.alignment.pairs:
                values[at] = theirs.values[its]
        if values.shape != mine.values.shape:
            continue
        with np.errstate(invalid="ignore"):
            minus = comparing.minus(mine.values, values)
        # What a mask hides in both is no difference.
        minus = np.where(np.isneginf(mine.values) & np.isneginf(values), 0.0, minus)
        apart[name] = replace(mine, values=minus)
    vectors: Mapping[str, Vector] = MappingProxyType(apart)
    return FoundVectors(replace(found.answer, vectors=vectors), found.read)


def signed(reading: Reading | None, both: TwoSides) -> Reading | None:
    """A difference has two signs, whatever was subtracted; what is only rounding has no colour."""
    if reading is None:
        return None
    return replace(reading, scale="signed", least=ROUNDING * both.sizes.get(reading.name, 0.0))


def sizes(*some: FoundVectors | None) -> Mapping[str, float]:
    """The largest finite magnitude of each vector."""
    found: dict[str, float] = {}
    for one in some:
        for name, vector in {} if one is None else one.answer.vectors.items():
            finite = np.abs(vector.values[np.isfinite(vector.values)])
            found[name] = float(finite.max(initial=0.0))
    return MappingProxyType(found)
