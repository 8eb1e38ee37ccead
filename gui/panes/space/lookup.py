"""What was typed into the search: tokens that hold it, a sum of words, or why it is neither.

Knows the store's model by the words of its vocabulary; no widget.
"""

from __future__ import annotations

from gui.panes.space.nearness import Terms
from gui.reading.token_search import Expression, TokenSearch, Unknown
from gui.session.store import Store


class Lookup:
    """The search of one model's vocabulary.

    Attributes:
        matches: tokens that hold what was typed; None where nothing is looked for.
        problem: why what was typed can't be answered, empty if it can.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.forget()

    def forget(self) -> None:
        """Another model comes into view."""
        self._search: TokenSearch | None = None
        self._texts: dict[int, str] = {}
        self.end()

    def end(self) -> None:
        """Nothing is looked for any more."""
        self.matches: tuple[int, ...] | None = None
        self.problem = ""

    def text(self, token: int) -> str:
        """A token as it is written."""
        if token not in self._texts:
            model = self._store.model
            self._texts[token] = f"‹{token}›" if model is None else model.token_text(token)
        return self._texts[token]

    def sum_of(self, typed: str) -> Terms:
        """The sum that was typed; empty if it is none."""
        search = self._of_model() if typed.strip() else None
        found = None if search is None else search.expression(typed)
        return found.terms if isinstance(found, Expression) else ()

    def type(self, typed: str) -> Terms:
        """While it is typed: look for tokens that hold it; gives the sum, if it is one."""
        self.end()
        search = self._of_model() if typed.strip() else None
        if search is None:
            return ()
        found = search.expression(typed)
        if isinstance(found, Expression):
            return found.terms
        # While a sum grows, its last word is looked for.
        word = found.word if isinstance(found, Unknown) else typed
        self.matches = search.find(word) if word else None
        return ()

    def enter(self, typed: str) -> Terms | int | None:
        """It is meant so: a sum, or a token (None: the one that is lit); or there is a problem."""
        search = self._of_model()
        if search is None or not typed.strip():
            return ()
        found = search.expression(typed)
        if isinstance(found, Expression):
            return found.terms
        if isinstance(found, Unknown):
            self.problem, self.matches = found.message, None
            return ()
        if self.matches:
            return None
        ids = search.find(typed)
        if ids:
            return ids[0]
        self.problem, self.matches = f"No token holds “{typed.strip()}”.", None
        return ()

    def _of_model(self) -> TokenSearch | None:
        if self._search is None and self._store.model is not None:
            self._search = TokenSearch(self._store.model)
        return self._search
