"""What is near what: the token or the sum of words that is asked about, and the answer.

Knows the store; no widget.
"""

from __future__ import annotations

from typing import Literal

from gui.session.store import Store
from model.messages import NeighboursFound

N_NEIGHBOURS = 12

Origin = Literal["position", "token", "sum"]
"""What the neighbours were asked for: the prompt's selected token, a token, a sum of words."""
Terms = tuple[tuple[int, int], ...]
"""(sign, token id) of each word."""


class Nearness:
    """Asks for neighbours, once for each table, training step and sum.

    Attributes:
        terms: what is asked about; empty for nothing.
        origin: where that comes from.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.forget()

    def forget(self) -> None:
        """Another model comes into view."""
        self.terms: Terms = ()
        self.origin: Origin = "position"
        self._asked: tuple[object, ...] = ()

    def want(self, terms: Terms, origin: Origin) -> None:
        """From now on this is asked about; it is sent at once."""
        self.terms, self.origin = terms, origin
        self.send()

    def want_position(self) -> None:
        """What is near the token that is selected in the prompt."""
        self.want(self._of_position(), "position")

    def send(self) -> None:
        """Ask, if the answer to what is wanted isn't there or on its way."""
        if self.origin == "position":
            self.terms = self._of_position()
        vocabulary = self._store.vocabulary
        if vocabulary is None or not self.terms:
            return
        question = (vocabulary.model_id, vocabulary.step, vocabulary.matrix, self.terms)
        if question != self._asked:
            self._asked = question
            k = min(N_NEIGHBOURS + len(self.terms), len(vocabulary.points))
            matrix: Literal["W_E", "W_U"] = "W_U" if vocabulary.matrix == "W_U" else "W_E"
            self._store.find_neighbours(self.terms, k=k, matrix=matrix)

    @property
    def answer(self) -> NeighboursFound | None:
        """The neighbours in the store, if they answer what is asked here."""
        found = self._store.neighbours
        return found if found is not None and found.terms == self.terms else None

    def holds(self, token: int) -> bool:
        """Whether the answer is to a sum, and a token is in it."""
        found = self.answer
        return self.origin == "sum" and found is not None and token in found.ids

    def _of_position(self) -> Terms:
        subject, position = self._store.subject, self._store.selection.position
        if subject is None or not 0 <= position < subject.n_tokens:
            return ()
        return ((1, subject.ids[position]),)
