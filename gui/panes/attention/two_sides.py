"""The other side of a comparison as the attention pane has it: asked, subtracted, exported.

Knows the store and answers; no widget but the view whose numbers it exports.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from gui.panes.attention import difference
from gui.panes.attention.columns import Columns, aligned_units
from gui.panes.attention.difference import Difference
from gui.panes.attention.matrix_view import MatrixView
from gui.panes.attention.units import Units, word_starts
from gui.panes.attention.why_difference import WhyDifference, subtracted
from gui.panes.attention.why_words import begun
from gui.panes.base import NO_TOKEN
from gui.session.store import Store
from model.alignment import Alignment
from model.probe.mosaic.asks import Mosaic, MosaicFound
from model.probe.pattern.asks import Pattern, PatternFound
from model.probe.question import Answer, Question
from model.probe.routes.asks import Routes
from model.probe.routes_difference.asks import RoutesDifference, RoutesDifferenceFound
from model.probe.why_attends.asks import WhyAttends, WhyAttendsFound

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
        self._units: dict[bool, tuple[object, Units]] = {}
        self._aligned: tuple[Units, Units, Alignment, Alignment] | None = None

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
        for name, pinned in asked.items():
            if name.startswith("pin") and isinstance(pinned, Pattern):
                same[name] = difference.matrix_question(pinned, comparing.alignment)
        if isinstance(why := asked.get("why"), WhyAttends):
            same["why"] = self._why_question(why)
        return {name: question for name, question in same.items() if question is not None}

    def _why_question(self, asked: WhyAttends) -> WhyAttends | None:
        """The same of the other side's query and key; None where it lacks one of them."""
        at = self._store.comparing.other_position
        query, key = at(asked.query), at(asked.key)
        if query is None or key is None:
            return None
        return replace(asked, query=query, key=key)

    def why_pending(self, asked: WhyAttends) -> bool:
        """Whether the other side will be there in a moment: until then the old picture stays."""
        wanted = self._why_question(asked) if self.of_edges else None
        other = self._other("why", WhyAttendsFound)
        return wanted is not None and (other is None or other.question != wanted)

    def why_alone(self, asked: WhyAttends, problem: str) -> str:
        """Why the side in view is told alone; empty where nothing is compared, or it is on its way.

        Args:
            asked: of the side in view.
            problem: why the other side can't answer; empty if it can.
        """
        comparing = self._store.comparing
        if not comparing.shows_difference:
            return ""
        alone = f"{begun(comparing.sides.in_view)} alone:"
        if not comparing.same_places:
            return f"{alone} {comparing.no_places}"
        if self._why_question(asked) is None:
            return f"{alone} {NO_TOKEN}"
        return f"{alone} {problem}" if problem else ""

    def of_why(self, found: WhyAttendsFound) -> tuple[WhyDifference, Units] | None:
        """Both sides of why a head attends, and the other's tokens; None while that isn't there."""
        other, theirs = self._other("why", WhyAttendsFound), self.other_units(merged=False)
        question = found.question
        assert isinstance(question, WhyAttends)
        if other is None or theirs is None or found.subject != self._store.subject:
            return None
        if other.question != self._why_question(question):
            return None
        return subtracted(found, other, self._store.comparing.sides), theirs

    @property
    def of_edges(self) -> bool:
        """Whether the graph draws differences: edges are of heads that both have."""
        comparing = self._store.comparing
        return comparing.shows_difference and comparing.same_places

    def graph_question(self, asked: Question, own: Units) -> Question:
        """What the graph asks: of one side, or while the difference is drawn of both.

        Args:
            asked: of the side in view.
            own: its tokens or words.
        """
        other = self._store.comparing.other
        if not isinstance(asked, Routes) or not self.of_edges or other is None:
            return asked
        theirs = self.other_units(merged=own.merged)
        assert theirs is not None
        pairs = self.unit_alignment(own, theirs).pairs
        return RoutesDifference(
            **{field.name: getattr(asked, field.name) for field in fields(asked)},
            other=other.subject,
            pairs=pairs,
            other_words=theirs.starts if own.merged else (),
        )

    def unit_alignment(self, own: Units, theirs: Units) -> Alignment:
        """Which units of both texts belong together; kept, since it is asked for at every step."""
        tokens = self._store.comparing.alignment
        if self._aligned is None or self._aligned[:3] != (own, theirs, tokens):
            self._aligned = own, theirs, tokens, aligned_units(own, theirs, tokens)
        return self._aligned[3]

    def other_units(self, *, merged: bool) -> Units | None:
        """The other side's tokens, or its words; kept, since thousands take milliseconds."""
        read = self._store.comparing.other
        if read is None:
            return None
        known = self._units.get(merged)
        if known is None or known[0] is not read.tokens:
            known = read.tokens, Units(read, word_starts(read.tokens) if merged else ())
            self._units[merged] = known
        return known[1]

    def columns(self, found: RoutesDifferenceFound, own: Units) -> Columns | None:
        """What the columns of a graph are; None where it is about another comparison."""
        comparing, question = self._store.comparing, found.question
        assert isinstance(question, RoutesDifference)
        theirs = self.other_units(merged=own.merged)
        if comparing.subject != question.other or theirs is None:
            return None
        if (found.own_C.max(initial=-1) + 1, found.other_C.max(initial=-1) + 1) != (
            len(own),
            len(theirs),
        ):
            return None
        return Columns(own, theirs, found.own_C, found.other_C, comparing.sides)

    def refused(self, asked: Mapping[str, Question]) -> str:
        """Why the side in view is drawn alone although the difference is chosen; empty if not."""
        comparing = self._store.comparing
        drawn = [name for name in ("matrix", "heads") if name in asked]
        if not comparing.shows_difference or self.questions(asked).keys() & set(drawn):
            return ""
        if not drawn and (comparing.same_places or "graph" not in asked):
            return ""
        why = "B has other heads"
        if comparing.same_places:
            by_words = any(getattr(asked[name], "words", ()) for name in drawn)
            why = "words begin elsewhere in B" if by_words else "B is too long to be aligned"
        return f"{comparing.sides.in_view} alone: {why}"

    def of_matrix(self, found: PatternFound | None, name: str = "matrix") -> Difference | None:
        """Of a matrix that is drawn; None while it isn't shown, or not there.

        Args:
            found: the side in view.
            name: under which both are asked.
        """
        other, comparing = self._other(name, PatternFound), self._store.comparing
        if found is None or other is None or found.subject != self._store.subject:
            return None
        if not _same_head(found, other):
            return None
        apart = difference.of_matrix(found, other, comparing.alignment, comparing.sides.minus)
        return self._named(apart)

    def of_mosaic(self, found: MosaicFound | None) -> Difference | None:
        """Of all heads; None while it isn't shown, or not there."""
        other, comparing = self._other("heads", MosaicFound), self._store.comparing
        if found is None or other is None or found.subject != self._store.subject:
            return None
        if not _same_numbers(found, other):
            return None
        apart = difference.of_mosaic(found, other, comparing.alignment, comparing.sides.minus)
        return self._named(apart)

    def _named(self, found: Difference | None) -> Difference | None:
        """With what both sides are called."""
        comparing = self._store.comparing
        return found and replace(
            found,
            name=comparing.sides.difference,
            name_in_view=comparing.sides.in_view,
            name_other=comparing.sides.other,
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
