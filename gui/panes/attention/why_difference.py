"""B − A of why a head attends: both scores by the same parts, subtracted pair by pair.

Pure: knows two answers and the sides; no widget, no store. Shape suffixes: Q parts of the query's
side, K of the key's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gui.panes.attention import why_words
from gui.panes.attention.units import Units
from gui.panes.attention.words import named, percent
from gui.session.sides import Sides
from model.probe.not_finite.asks import NO_NUMBER
from model.probe.question import Array
from model.probe.why_attends.asks import WhyAttends, WhyAttendsFound


@dataclass(frozen=True, slots=True, eq=False)
class WhyDifference:
    """Both sides by the parts that either has.

    Attributes:
        a, b: the answers.
        query_parts, key_parts: what wrote each side; a part that one lacks wrote nothing there.
        a_QK, b_QK: what each pair adds to the score.
        sides: what both are called.
    """

    a: WhyAttendsFound
    b: WhyAttendsFound
    query_parts: tuple[str, ...]
    key_parts: tuple[str, ...]
    a_QK: Array
    b_QK: Array
    sides: Sides

    @property
    def values_QK(self) -> Array:
        """B − A."""
        found: Array = self.b_QK - self.a_QK
        return found

    def strongest(self, most: int) -> list[tuple[str, str, float]]:
        """The pairs that changed most: part of the query, part of the key, B − A."""
        flat = self.values_QK.reshape(-1)
        order = np.argsort(-np.abs(np.nan_to_num(flat)), kind="stable")[:most].tolist()
        n = len(self.key_parts)
        return [
            (self.query_parts[at // n], self.key_parts[at % n], float(flat[at])) for at in order
        ]

    def table(self) -> dict[str, Array]:
        """A row a pair of parts: both, what they add on either side, the difference."""
        query, key = np.indices(self.values_QK.shape).reshape(2, -1)
        return {
            "query_part": np.array(self.query_parts)[query],
            "key_part": np.array(self.key_parts)[key],
            self.sides.names[0]: self.a_QK.reshape(-1),
            self.sides.names[1]: self.b_QK.reshape(-1),
            self.sides.difference: self.values_QK.reshape(-1),
        }


def subtracted(own: WhyAttendsFound, other: WhyAttendsFound, sides: Sides) -> WhyDifference:
    """The answer of the side in view and the other's, on the same parts."""
    a, b = sides.in_order(own, other)
    queries = _either(a.query_parts, b.query_parts)
    keys = _either(a.key_parts, b.key_parts)
    return WhyDifference(a, b, queries, keys, _at(a, queries, keys), _at(b, queries, keys), sides)


def _either(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, ...]:
    return (*a, *(part for part in b if part not in a))


def _at(found: WhyAttendsFound, queries: tuple[str, ...], keys: tuple[str, ...]) -> Array:
    """A side's numbers, with 0 for the parts that it lacks."""
    values_QK = np.zeros((len(queries), len(keys)))
    rows = [queries.index(part) for part in found.query_parts]
    columns = [keys.index(part) for part in found.key_parts]
    values_QK[np.ix_(rows, columns)] = found.values_QK
    return values_QK


# ---------------------------------------------------------------------------------- words


def summary(apart: WhyDifference) -> str:
    """Both scores, and what made most of their difference."""
    a, b, sides = apart.a, apart.b, apart.sides
    if math.isnan(a.score) or math.isnan(b.score):
        return f"A score is {NO_NUMBER}: what made the difference is not known."
    text = (
        f"Score {why_words.signed(a.score)} {sides.places[0]}, "
        f"{why_words.signed(b.score)} {sides.places[1]}: {why_words.signed(b.score - a.score)}. "
        f"Attention {percent(a.weight)} → {percent(b.weight)}."
    )
    told = []
    every = apart.strongest(apart.values_QK.size)
    for verb, one in (
        ("raised", next((one for one in every if one[2] > 0), None)),
        ("lowered", next((one for one in every if one[2] < 0), None)),
    ):
        if one is not None:
            told.append(
                f"{verb} most by {one[0]} (query) × {one[1]} (key), {why_words.signed(one[2])}"
            )
    return f"{text} {why_words.begun('; '.join(told))}." if told else text


def other_tokens(apart: WhyDifference, own: Units, other: Units) -> str:
    """Which tokens of the other text are compared, where they are others; empty if the same."""
    mine, theirs = (apart.b, apart.a) if apart.sides.in_view_is_b else (apart.a, apart.b)
    p, q = mine.question, theirs.question
    assert isinstance(p, WhyAttends)
    assert isinstance(q, WhyAttends)
    places = [(p.query, q.query), (p.key, q.key)]
    if all(own[a].text == other[b].text and a == b for a, b in places):
        return ""
    return f"{apart.sides.other}: {named(other, q.query)} to {named(other, q.key)}"


def remainder(apart: WhyDifference) -> str:
    """What else there is to the difference, and how exact the sum is."""
    a, b = apart.a, apart.b
    total = float(np.nansum(apart.values_QK))
    words = [f"{apart.values_QK.size} pairs' differences add up to {why_words.signed(total)}"]
    if a.bias or b.bias:
        words.append(f"distance {why_words.signed(b.bias - a.bias)}")
    if (a.capped, b.capped) != (a.score, b.score):
        words.append(f"after the soft cap {why_words.signed(b.capped - a.capped)}")
    words.append(f"remainder {b.remainder - a.remainder:.1e}".replace("-", "−"))
    return f"{' · '.join(words)} · norms at the scale that each side recorded"


def cell(apart: WhyDifference, row: int, column: int) -> str:
    """A pair of parts: the difference, then both sides."""
    values = zip(apart.sides.names, (apart.a_QK, apart.b_QK), strict=True)
    both = ", ".join(f"{name} {values_QK[row, column]:+.4f}" for name, values_QK in values)
    minus = float(apart.values_QK[row, column])
    return f"{apart.sides.difference} {minus:+.4f}\n{both}".replace("-", "−")
