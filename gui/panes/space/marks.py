"""Which tokens are marked in the embedding space, and how: under the mouse, found, near, prompted.

Plain functions from ids and places to marks; the first mark of a token carries its label. Knows
messages, no widget, no store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gui.panes.space.scene import SUM_TONE, is_sum, place
from gui.widgets.point_cloud.overlay import Mark, Place
from model.messages import NeighboursFound
from model.tokenizer.tokens import Token

TextOf = Callable[[int], str]
Points = NDArray[np.float32]
N_MARKED_MATCHES = 30

# What gets room for its label first; the stations of a path come in between.
POINTED, BEST, ASKED, SELECTED, NEAR, PROMPTED = 0, 1, 2, 3, 5, 6


def pointed(tokens: Iterable[int | None], points: Points, text_of: TextOf) -> list[Mark]:
    """Tokens under the mouse, here or in the list."""
    return [
        Mark(
            place(points[token]),
            text_of(token),
            dot=6,
            ring=13,
            strong=True,
            rank=POINTED,
            token=token,
        )
        for token in tokens
        if token is not None and token < len(points)
    ]


def chosen(token: int | None, points: Points, text_of: TextOf) -> list[Mark]:
    """The token of the vocabulary that is selected."""
    if token is None or token >= len(points):
        return []
    return [
        Mark(
            place(points[token]),
            text_of(token),
            "accent",
            dot=8,
            ring=15,
            strong=True,
            rank=POINTED,
            token=token,
        )
    ]


def matches(ids: Sequence[int], current: int, points: Points, text_of: TextOf) -> list[Mark]:
    """Tokens that a search found, one of them lit."""
    marks: list[Mark] = []
    for index, token in enumerate(ids[:N_MARKED_MATCHES]):
        if token >= len(points):
            continue  # of another model, which has fewer, for a moment
        lit = index == current
        mark = Mark(
            place(points[token]),
            text_of(token),
            "accent",
            ring=13 if lit else 9,
            strong=lit,
            rank=POINTED if lit else ASKED,
            token=token,
        )
        marks.append(mark)
    return marks


def terms(found: NeighboursFound, points: Points, text_of: TextOf) -> list[Mark]:
    """The words of a sum."""
    return [
        Mark(
            place(points[token]),
            text_of(token),
            SUM_TONE,
            dot=7,
            strong=True,
            rank=ASKED,
            token=token,
        )
        for _, token in found.terms
    ]


def end_of_sum(at: Place) -> Mark:
    """Where a sum of words ends: the one place that is no token's."""
    return Mark(at, "sum", SUM_TONE, ring=9, rank=BEST)


def expected(row: int, points: Points, text_of: TextOf) -> Mark:
    """The word that a sum should end at."""
    return Mark(
        place(points[row]), text_of(row), "good", dot=8, ring=15, strong=True, rank=BEST, token=row
    )


def neighbours(found: NeighboursFound, points: Points, text_of: TextOf) -> list[Mark]:
    """What is near, nearest first; the answer to a sum is written strongly."""
    others = [token for token, own in zip(found.ids, found.own) if not own]
    of_sum = is_sum(found.terms)
    return [
        Mark(
            place(points[token]),
            text_of(token),
            "accent",
            dot=8 if of_sum and index == 0 else 6,
            strong=of_sum and index == 0,
            rank=BEST if of_sum and index == 0 else NEAR,
            token=token,
        )
        for index, token in enumerate(others)
    ]


def prompt(
    tokens: Sequence[Token],
    selected: int,
    hovered: int | None,
    points: Points,
    text_of: TextOf,
) -> list[Mark]:
    """The prompt's tokens, each once; the selected position first."""
    order = sorted(range(len(tokens)), key=lambda at: (at != hovered, at != selected))
    marks: list[Mark] = []
    for position in order:
        token = tokens[position].id
        if token >= len(points) or any(mark.token == token for mark in marks):
            continue
        lit = position in (selected, hovered)
        marks.append(
            Mark(
                place(points[token]),
                text_of(token),
                dot=7 if lit else 5,
                ring=13 if lit else 0,
                strong=lit,
                rank=SELECTED if lit else PROMPTED,
                token=token,
            )
        )
    return marks


def labelled_once(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """The same marks by rank; of several for one token only the first keeps its label."""
    seen: set[int] = set()
    once: list[Mark] = []
    for mark in sorted(marks, key=lambda mark: mark.rank):
        again = mark.token is not None and mark.token in seen
        once.append(replace(mark, text="") if again else mark)
        if mark.token is not None:
            seen.add(mark.token)
    return tuple(once)
