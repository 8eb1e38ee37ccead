"""What was typed into the search: rows that hold it, a sum of words, or why it is neither.

Knows the names of the rows; no widget, no store.
"""

from __future__ import annotations

from gui.panes.space.nearness import Terms
from gui.panes.space.rows import Rows
from gui.reading.token_search import Expression, TokenSearch, Unknown


class Lookup:
    """The search of one table.

    Attributes:
        rows: what its rows are called.
        matches: rows that hold what was typed; None where nothing is looked for.
        problem: why what was typed can't be answered, empty if it can.
        unknown: the word that is no row, if that is the problem.
        pieces: what such a word is cut into, where somebody has found out.
        expected: the row behind ``=`` of the sum that was read last; -1 for none.
    """

    def __init__(self) -> None:
        self.use(Rows(None, None))

    def use(self, rows: Rows) -> None:
        """Another table comes into view."""
        self.rows = rows
        self.expected = -1
        self.end()

    def end(self) -> None:
        """Nothing is looked for any more."""
        self.matches: tuple[int, ...] | None = None
        self.problem = self.unknown = ""
        self.pieces: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """The problem, and what a word is cut into that is no single token."""
        if not self.problem or len(self.pieces) < 2:
            return self.problem
        return f"{self.problem} It is cut into {len(self.pieces)}: {', '.join(self.pieces)}."

    def text(self, row: int) -> str:
        """A row as it is written."""
        return self.rows.text(row)

    def sum_of(self, typed: str) -> Terms:
        """The sum that was typed; empty if it is none."""
        search = self._search(typed)
        found = None if search is None else search.expression(typed)
        return self._of(found) if isinstance(found, Expression) else ()

    def type(self, typed: str) -> Terms:
        """While it is typed: look for rows that hold it; gives the sum, if it is one."""
        self.end()
        search = self._search(typed)
        if search is None:
            return ()
        found = search.expression(typed)
        if isinstance(found, Expression):
            return self._of(found)
        # While a sum grows, its last word is looked for.
        word = found.word if isinstance(found, Unknown) else typed
        self.matches = search.find(word) if word else None
        return ()

    def enter(self, typed: str) -> Terms | int | None:
        """It is meant so: a sum, or a row (None: the one that is lit); or there is a problem."""
        search = self._search(typed)
        if search is None:
            return ()
        found = search.expression(typed)
        if isinstance(found, Expression):
            return self._of(found)
        if isinstance(found, Unknown):
            self.problem, self.unknown, self.matches = found.message, found.word, None
            return ()
        if self.matches:
            return None
        ids = search.find(typed)
        if ids:
            return ids[0]
        what = "token" if self.rows.of_tokens else "row"
        self.problem, self.matches = f"No {what} holds “{typed.strip()}”.", None
        return ()

    def _of(self, found: Expression) -> Terms:
        self.expected = found.expected
        return found.terms

    def _search(self, typed: str) -> TokenSearch | None:
        return self.rows.search if typed.strip() else None
