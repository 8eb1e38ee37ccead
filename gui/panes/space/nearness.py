"""What is near what: the row or the sum of rows that is asked about, and the answer.

Knows the store; no widget.
"""

from __future__ import annotations

from typing import Literal

from gui.session.store import Store
from model.messages import NeighboursFound
from model.space.questions.asks import Metric
from model.space.sources.asks import InContext

N_NEIGHBOURS = 12

Origin = Literal["position", "token", "sum"]
"""What the neighbours were asked for: the prompt's selected token, a token, a sum of words."""
Terms = tuple[tuple[int, int], ...]
"""(sign, row) of each word."""


class Nearness:
    """Asks for neighbours, once for each table, training step, sum and metric.

    Attributes:
        terms: what is asked about; empty for nothing.
        origin: where that comes from.
        expected: the row at which a sum should end; -1 for none.
        metric: what near means.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.metric: Metric = "cosine"
        self.forget()

    def forget(self) -> None:
        """Another table comes into view."""
        self.terms: Terms = ()
        self.origin: Origin = "position"
        self.expected = -1
        self._asked: tuple[object, ...] = ()

    def want(self, terms: Terms, origin: Origin, expected: int = -1) -> None:
        """From now on this is asked about; it is sent at once."""
        self.terms, self.origin, self.expected = terms, origin, expected
        self.send()

    def want_position(self) -> None:
        """What is near the token that is selected in the prompt."""
        self.want(self._of_position(), "position")

    def measure(self, metric: Metric) -> None:
        """From now on that is what near means."""
        self.metric = metric
        self.send()

    def send(self) -> None:
        """Ask, if the answer to what is wanted isn't there or on its way."""
        if self.origin == "position":
            self.terms = self._of_position()
        vocabulary = self._store.vocabulary
        if vocabulary is None or not self.terms:
            return
        n = len(vocabulary.points)
        if any(row >= n for _, row in self.terms):
            return
        key = (vocabulary.model_id, vocabulary.step, vocabulary.source)
        question = (*key, self.terms, self.metric, self.expected)
        if question != self._asked:
            self._asked = question
            self._store.find_neighbours(
                self.terms,
                k=min(N_NEIGHBOURS + len(self.terms), n),
                source=vocabulary.source,
                metric=self.metric,
                expected=self.expected,
            )

    @property
    def answer(self) -> NeighboursFound | None:
        """The neighbours in the store, if they answer what is asked here."""
        found, drawn = self._store.neighbours, self._store.vocabulary
        if found is None or drawn is None or found.source != drawn.source:
            return None
        # For a moment they may be of another model, which has more rows than are drawn.
        rows = (*(row for _, row in found.terms), *found.ids)
        if any(row >= len(drawn.points) for row in rows):
            return None
        return found if found.terms == self.terms else None

    def holds(self, row: int) -> bool:
        """Whether the answer is to a sum, and a row is in it."""
        found = self.answer
        return self.origin == "sum" and found is not None and row in found.ids

    def _of_position(self) -> Terms:
        subject, position = self._store.subject, self._store.selection.position
        drawn = self._store.vocabulary
        if subject is None or drawn is None or not 0 <= position < subject.n_tokens:
            return ()
        if isinstance(drawn.source, InContext):
            return ((1, position),)
        return ((1, subject.ids[position]),) if drawn.source.of_vocabulary else ()
