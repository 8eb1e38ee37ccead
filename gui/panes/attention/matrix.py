"""One head's weights or scores as the content of a heat map.

Knows answers and labels; no store, no widget.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gui.panes.attention.difference import LEAST, Difference
from gui.panes.attention.words import percent
from gui.widgets.heat_map.layout import HeatMapContent
from model.probe.pattern.asks import Pattern, PatternFound, Shares
from model.probe.question import Array

HIDES = 0.5
"""A first token that holds at least so much of a row is left out of the colours' range: beside it
everything else would look like nothing."""


@dataclass(frozen=True, slots=True)
class Looks:
    """How a matrix is drawn.

    Attributes:
        transposed: columns are queries.
        to_largest: colours end at the largest weight drawn; scores, weights times what they carry
            and what is left without the first token always do so.
        hide_first: the first key is hatched and left out of the colours' range.
    """

    transposed: bool = False
    to_largest: bool = False
    hide_first: bool = False


@dataclass(frozen=True, slots=True)
class Scale:
    """Where the colours end.

    Attributes:
        limit: the number there.
        words: what it is, for the colour bar, longest first.
    """

    limit: float
    words: tuple[str, ...]


def own_scale(row: PatternFound, *, hide_first: bool = False) -> Scale:
    """The colours' range for a long text: the selected query's own largest number.

    Args:
        row: all of one query.
        hide_first: whether the first key's number is left out.
    """
    query = row.rows[0]
    here = ~row.masked[0]
    if hide_first:
        here = here & (row.value_columns[0] > 0)
    numbers = np.abs(row.values[0][here])
    numbers = np.where(np.isfinite(numbers), numbers, 0)
    largest = float(numbers.max(initial=0.0))
    but_first = float(numbers[1:].max(initial=0.0))
    sinks = not hide_first and len(numbers) > 1 and numbers[0] >= max(HIDES * largest, but_first)
    if sinks and 0 < but_first < largest:
        return Scale(
            but_first,
            (
                f"to query {query}'s largest but the first token's",
                "to the row's largest but the first",
                "row, but the first",
            ),
        )
    return Scale(
        largest if largest > 0 else 1.0,
        (f"to query {query}'s largest", "to the row's largest", "row's largest"),
    )


def matrix_content(
    found: PatternFound,
    labels: tuple[str, ...],
    looks: Looks,
    scale: Scale | None = None,
    shares: Shares | None = None,
    formula: str = "",
    difference: Difference | None = None,
) -> HeatMapContent:
    """What to draw.

    Args:
        found: the numbers in view.
        labels: one a token.
        looks: how.
        scale: where colours end; by itself 1 for weights, the largest drawn for scores.
        shares: of the head, if they are known.
        formula: what a score is of a query and a key (`model.operations.score_formula`).
        difference: drawn instead of the numbers, where two sides are compared.
    """
    question = found.question
    assert isinstance(question, Pattern)
    scores = question.tensor != "pattern"
    values, masked = found.values, found.masked
    if difference is not None:
        values, masked = difference.values, difference.missing
    hidden = np.zeros_like(masked)
    # A cell of several keys is hidden where its number is the first token's.
    hidden |= looks.hide_first & (found.value_columns == 0)
    hidden &= ~masked
    drawn = values[~masked & ~hidden]
    largest = _largest(drawn)
    limit = 1.0
    what, short = (f"score {formula}".strip(), "score") if scores else _WEIGHT
    if question.valued:
        what, short = _VALUED
    if question.words:
        what, short = (
            f"{what} of words: sum over a key's tokens, mean over a query's",
            f"{short} of words",
        )
    titles: tuple[str, ...] = (what, short)
    if difference is not None:
        limit = max(largest, LEAST)
        name = difference.name
        titles = (f"{what}, {name}", f"{short}, {name}", name)
    elif scale is not None and not looks.to_largest:
        limit = scale.limit
        longest, *shorter = scale.words
        titles = (f"{what}, {longest}", f"{short}, {longest}", *shorter)
    elif (scores or looks.to_largest or question.valued or looks.hide_first) and largest > 0:
        limit = largest
        titles = tuple(dict.fromkeys((f"{what}, to largest", f"{short}, to largest", "to largest")))
    if looks.hide_first and shares is not None:
        held = f"without the first token, which holds {percent(shares.first)}"
        if np.isnan(shares.first):
            held = "without the first token"
        titles = (f"{held} · {titles[0]}", held, *titles)
    hatched = " or ".join(
        word
        for word, on in (
            ("masked" if difference is None else "masked or without another side", masked.any()),
            ("hidden", looks.hide_first),
        )
        if on
    )

    def turned(cells: Array) -> Array:
        return cells.T if looks.transposed else cells

    corner = found.rows[0], found.columns[0]
    return HeatMapContent(
        values_RC=turned(values),
        row_labels=labels,
        column_labels=labels,
        corner=corner[::-1] if looks.transposed else corner,
        block=found.block[::-1] if looks.transposed else found.block,
        row_title="keys" if looks.transposed else "queries",
        column_title="queries" if looks.transposed else "keys",
        kind="diverging" if scores or difference is not None else "sequential",
        limit=limit,
        beyond=largest > limit * (1 + 1e-6) or bool(np.isinf(drawn).any()),
        masked_RC=turned(masked),
        hidden_RC=turned(hidden),
        value_title=titles,
        masked_title=hatched,
        digits=1 if scores else 2,
    )


def to_limit(content: HeatMapContent, limit: float) -> HeatMapContent:
    """The same with colours that end elsewhere: at the end of another matrix' scale."""
    drawn = content.values_RC[content.drawn_RC]
    past = _largest(drawn) > limit * (1 + 1e-6) or bool(np.isinf(drawn).any())
    return replace(content, limit=limit, beyond=past)


_WEIGHT = ("attention weight", "weight")
_VALUED = ("value-weighted ‖A·v·W_O‖: length of what is written from each key", "‖A·v·W_O‖")


def _largest(numbers: Array) -> float:
    finite = numbers[np.isfinite(numbers)]
    return float(np.abs(finite).max()) if finite.size else 0.0
