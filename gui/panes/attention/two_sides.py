"""The other side of a comparison as the attention pane has it: asked, subtracted, exported.

Knows the store and answers; no widget but the view whose numbers it exports.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from gui.panes.attention import difference
from gui.panes.attention.difference import Difference
from gui.panes.attention.matrix_view import MatrixView
from gui.session.store import Store
from model.probe.mosaic.asks import Mosaic, MosaicFound
from model.probe.pattern.asks import Pattern, PatternFound
from model.probe.question import Answer, Question

A = TypeVar("A", bound=Answer)


class Other(Protocol):
    """Finds the other side's answer by its name (`Pane.other`)."""

    def __call__(self, name: str, kind: type[A]) -> A | None: ...


class TwoSides:
    """B − A of what the pane draws.

    Args:
        store: whose comparison it is.
        other: finds the other side's answers.
    """

    def __init__(self, store: Store, other: Other) -> None:
        self._store = store
        self._other = other

    def questions(self, asked: Mapping[str, Question]) -> Mapping[str, Question]:
        """What the other side is asked.

        Args:
            asked: of the side in view.
        """
        comparing = self._store.comparing
        if not comparing.same_places:
            return {}
        same: dict[str, Question | None] = {}
        if isinstance(matrix := asked.get("matrix"), Pattern):
            same["matrix"] = difference.matrix_question(matrix, comparing.alignment)
        if isinstance(heads := asked.get("heads"), Mosaic):
            same["heads"] = difference.mosaic_question(heads, comparing.alignment)
        return {name: question for name, question in same.items() if question is not None}

    def of_matrix(self, found: PatternFound | None) -> Difference | None:
        """Of the matrix that is drawn; None while it isn't shown, or not there."""
        other, comparing = self._other("matrix", PatternFound), self._store.comparing
        if found is None or other is None or found.subject != self._store.subject:
            return None
        if not _same_head(found, other):
            return None
        apart = difference.of_matrix(found, other, comparing.alignment, comparing.minus)
        return self._named(apart)

    def of_mosaic(self, found: MosaicFound | None) -> Difference | None:
        """Of all heads; None while it isn't shown, or not there."""
        other, comparing = self._other("heads", MosaicFound), self._store.comparing
        if found is None or other is None or found.subject != self._store.subject:
            return None
        if not _same_numbers(found, other):
            return None
        apart = difference.of_mosaic(found, other, comparing.alignment, comparing.minus)
        return self._named(apart)

    def _named(self, found: Difference | None) -> Difference | None:
        """With what both sides are called."""
        comparing = self._store.comparing
        return found and replace(
            found,
            name=comparing.minus_name,
            name_in_view=comparing.name_in_view,
            name_other=comparing.other_name,
        )

    def exported(self, found: Answer | None, view: MatrixView) -> Mapping[str, NDArray[Any]]:
        """Both sides of a matrix and their difference as columns, while that is drawn."""
        apart = view.difference
        if not isinstance(found, PatternFound) or apart is None or found is not view.found:
            return {}
        theirs = np.where(apart.missing, np.nan, apart.other).reshape(-1)
        minus = np.where(apart.missing, np.nan, apart.values).reshape(-1)
        return {
            apart.name_in_view: found.values.reshape(-1),
            apart.name_other: theirs,
            apart.name: minus,
        }


def _same_head(a: PatternFound, b: PatternFound) -> bool:
    """Whether two answers are about the same numbers of the same head."""
    p, q = a.question, b.question
    assert isinstance(p, Pattern)
    assert isinstance(q, Pattern)
    places = [(one.layer, one.head, one.tensor, one.valued, one.words) for one in (p, q)]
    return places[0] == places[1]


def _same_numbers(a: MosaicFound, b: MosaicFound) -> bool:
    """Whether the cells of two answers are of one kind."""
    p, q = a.question, b.question
    assert isinstance(p, Mosaic)
    assert isinstance(q, Mosaic)
    return (p.hide_first, p.valued, p.words) == (q.hide_first, q.valued, q.words)
