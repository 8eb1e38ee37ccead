"""The question for routes of attention that differ between two subjects, and the edges found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from model.alignment import Pairs
from model.probe.question import Array, Named, Question
from model.probe.routes.asks import Routes, RoutesFound
from model.subject import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutesDifference(Routes):
    """Attention weights that differ from those of another subject by a threshold.

    Both texts are merged to one row of columns: positions that belong together share one, a token
    that only one text has stands where it is read. Of an edge between shared columns the difference
    counts; of one that a text lacks the weight in the other. ``position`` is the asked subject's,
    ``threshold`` is of the difference; ``over="max"`` means the head that changed most, ``mean``
    the difference of both means.

    Attributes:
        other: another text, another model, or the same under other interventions.
        pairs: positions (or words) of the asked subject and of the other that belong together; all,
            where it is empty and both texts have the same number.
        other_words: first token of each word of the other text, where `words` merges this one's.
    """

    name: ClassVar[str] = "routes_difference"
    title: ClassVar[str] = "difference of the routes"
    other: Subject
    pairs: Pairs = ()
    other_words: tuple[int, ...] = ()

    def in_script(self, subject: Subject) -> tuple[Question, bool]:
        of_two = self.other.model != subject.model
        other = replace(self.other, model=int(of_two), step=None)
        return replace(self, other=other), of_two


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RoutesDifferenceFound(RoutesFound):
    """Edges between columns, from the largest difference to the smallest.

    ``query_E`` and ``key_E`` are columns, ``weight_E`` is how large the difference is: ``|other −
    own|``, or the whole weight where one side lacks the query or the key.

    Attributes:
        own_E, other_E: the weight in either; NaN where that text lacks the query or the key.
        own_C, other_C: position (or word) of either text in each column; -1 where it lacks it.
        largest: the largest difference between shared columns, also below the threshold; 0 where
            there is none.
    """

    own_E: Array
    other_E: Array
    own_C: Array
    other_C: Array
    largest: float = 0.0

    @property
    def shared_E(self) -> Array:
        """Which edges both sides have: of the others there is no difference."""
        found: Array = ~(np.isnan(self.own_E) | np.isnan(self.other_E))
        return found

    def arrays(self) -> Mapping[str, Named]:
        edge, column = np.arange(len(self)), np.arange(len(self.own_C))
        of_edges = {
            "layer": self.layer_E,
            "head": self.head_E,
            "query_column": self.query_E,
            "key_column": self.key_E,
            "own": self.own_E,
            "other": self.other_E,
            "difference": self.other_E - self.own_E,
        }
        of_columns = {"own_position": self.own_C, "other_position": self.other_C}
        return {
            **{name: Named(values, ("edge",), {"edge": edge}) for name, values in of_edges.items()},
            **{
                name: Named(values, ("column",), {"column": column})
                for name, values in of_columns.items()
            },
        }


def columns(n_own: int, n_other: int, pairs: Pairs) -> tuple[Array, Array]:
    """Both texts as one row of columns, own tokens before the other's where they part.

    Args:
        n_own, n_other: tokens or words of either.
        pairs: that belong together, in rising order.

    Returns:
        Of each column the position in either, -1 where it has none.
    """
    own, other = list[int](), list[int]()
    at = beside = 0
    for a, b in (*pairs, (n_own, n_other)):
        own += [*range(at, a), *[-1] * (b - beside)]
        other += [*[-1] * (a - at), *range(beside, b)]
        if a < n_own:
            own.append(a)
            other.append(b)
        at, beside = a + 1, b + 1
    return np.array(own, np.intp), np.array(other, np.intp)
