"""The other side of a comparison as this pane has it: asked of what is drawn, at its own positions.

What came stands at the positions of the side in view, so that both can be subtracted. Knows the
pane's answers and the comparison; no widget.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

import numpy as np

from gui.panes.base import Pane
from gui.session.comparing import Comparing
from gui.session.sides import Sides
from model.probe.attribution.asks import Attribution, AttributionFound
from model.probe.lens.asks import Lens, LensFound
from model.probe.norms.asks import NormsFound
from model.probe.question import Answer, Question, TokenId
from model.probe.stream_at.asks import StreamAt

A = TypeVar("A", bound=Answer)
At = Callable[[int], int | None]
"""The other side's position that belongs to one in view."""


class TwoSides:
    """What the pane asks the other side, and what came.

    Args:
        pane: whose answers are compared.
    """

    def __init__(self, pane: Pane) -> None:
        self._pane = pane

    @property
    def wanted(self) -> bool:
        """Whether the difference is shown, of sides whose layers mean the same."""
        return self._pane.shows_difference and self._pane.store.comparing.same_places

    @property
    def sides(self) -> Sides:
        """What both are called."""
        return self._pane.store.comparing.sides

    def questions(self, drawn: Mapping[str, Answer]) -> Mapping[str, Question]:
        """What is asked of the other side.

        Args:
            drawn: what has come of the side in view, by name.
        """
        whole = {name: found for name, found in drawn.items() if found.is_whole}
        asked = {name: self._question(found) for name, found in whole.items()}
        return {name: question for name, question in asked.items() if question is not None}

    def pending(self, drawn: Mapping[str, Answer]) -> bool:
        """Whether it will be there in a moment: until then the old picture stays."""
        pane, names = self._pane, self.questions(drawn)
        coming = any(self.found(name, drawn[name]) is None for name in names)
        return coming and not any(map(pane.other_problem, names)) and not pane.other_waits

    def found(self, name: str, drawn: A | None) -> A | None:
        """The other side of an answer, at the positions in view; None while it isn't there."""
        pane = self._pane
        if drawn is None or not self.wanted or drawn.subject != pane.store.subject:
            return None
        found = pane.other(name, type(drawn))
        if found is None or found.question != self._question(drawn):
            return None
        moved = _moved(found, drawn, pane.store.comparing)
        assert isinstance(moved, type(drawn))
        return moved

    def _question(self, found: Answer) -> Question | None:
        """The same of the other side; None where there is none."""
        comparing = self._pane.store.comparing
        if not self.wanted:
            return None
        if isinstance(found, LensFound | AttributionFound) and comparing.no_predictions:
            return None
        return _same(found, comparing.other_position)


def _same(found: Answer, at: At) -> Question | None:
    """An answer's question at the other side's positions, about the tokens that it was about."""
    question = found.question
    if isinstance(found, LensFound) and isinstance(question, Lens):
        theirs = [at(int(position)) for position in found.positions_P]
        kept = [i for i, position in enumerate(theirs) if position is not None]
        positions = tuple(position for position in theirs if position is not None)
        if not positions:
            return None
        if not question.watch_final:
            return replace(question, positions=positions)
        ids = () if found.watched_ids_P is None else tuple(found.watched_ids_P[kept].tolist())
        return replace(question, positions=positions, watch_final=False, watch_each=ids)
    if isinstance(question, StreamAt | Attribution):
        position = at(question.position % found.subject.n_tokens)
        if position is None:
            return None
        if isinstance(found, AttributionFound) and isinstance(question, Attribution):
            return replace(question, position=position, target=TokenId(found.target))
        return replace(question, position=position)
    return question


def _moved(found: Answer, drawn: Answer, comparing: Comparing) -> Answer:
    """The other side's answer at the positions in view."""
    alignment = comparing.alignment
    if isinstance(found, LensFound) and isinstance(drawn, LensFound):
        here = drawn.positions_P.tolist()
        has_other = [comparing.other_position(position) is not None for position in here]
        return replace(found, positions_P=drawn.positions_P[has_other])
    if isinstance(found, NormsFound) and not alignment.by_position:
        norms_RP = np.full((len(found.norms_RP), alignment.n_a), np.nan)
        for at_a, at_b in alignment.pairs:
            norms_RP[:, at_a] = found.norms_RP[:, at_b]
        return replace(found, norms_RP=norms_RP, positions_P=np.arange(alignment.n_a))
    return found
