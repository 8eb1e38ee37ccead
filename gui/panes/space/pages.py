"""What the pages beside the cloud ask of the table in view, and what they get.

Knows the store and the pages.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from gui.panes.space.column import SideColumn
from gui.panes.space.rows import Rows
from gui.session.store import Store
from model.probe.question import Named
from model.space.questions.asks import Along, AlongFound, Suite, SuiteFound
from model.space.words import PairsRead, SuiteRead


class Pages(QObject):
    """Asks when a button is pressed; again when the table is another, while it is looked at.

    Args:
        store: the store.
        column: the pages.
        rows: gives the names of the rows in view.
    """

    def __init__(self, store: Store, column: SideColumn, rows: Callable[[], Rows]) -> None:
        super().__init__(column)
        self._store = store
        self._column = column
        self._rows = rows
        self._suite: SuiteRead | None = None
        self._pairs: PairsRead | None = None
        self._wants: set[str] = set()
        column.suite.editor.wanted.connect(self._press_suite)
        column.along.editor.wanted.connect(self.ask_along)

    def forget(self) -> None:
        """Other rows come into view."""
        self._wants.clear()
        self._suite = self._pairs = None
        self._column.suite.list.show_lines(())
        self._column.suite.say("Press Score: of how many analogies is the expected word nearest?")
        self._column.along.plot.show_found(None, self._rows())
        self._column.along.say(
            "Press Project: does the direction of these pairs order pairs that it was not made of?"
        )
        self._column.along.across.setEnabled(False)

    def _press_suite(self) -> None:
        if self._store.tables.waits(Suite.name):
            self._store.tables.stop(Suite.name)
            self._wants.discard(Suite.name)
            self._column.suite.editor.show_running(running=False)
            return
        self.ask_suite()

    def ask_suite(self) -> None:
        """Have the suite that is written scored."""
        read = self._rows().names.suite(self._column.suite.editor.text)
        self._suite = read
        if not read.fours:
            self._column.suite.list.show_lines(())
            self._column.suite.say(_nothing("analogy", read.skipped), "warning")
            return
        self._wants.add(Suite.name)
        self._send()

    def ask_along(self) -> None:
        """Have the pairs that are written projected on their direction."""
        read = self._rows().names.pairs(self._column.along.editor.text)
        self._pairs = read
        if not read.pairs:
            self._column.along.plot.show_found(None, self._rows())
            self._column.along.say(_nothing("pair", read.skipped), "warning")
            return
        self._wants.add(Along.name)
        self._send()

    def _send(self) -> None:
        drawn = self._store.vocabulary
        if drawn is None:
            return
        tables, metric = self._store.tables, self._column.near.metrics.current
        if Suite.name in self._wants and self._suite is not None:
            shown = metric if metric in ("dot", "euclidean") else "cosine"
            fours, groups = self._suite.fours, self._suite.groups
            tables.ask(drawn.source, Suite(fours, groups, shown), drawn.step)  # type: ignore[arg-type]
        if Along.name in self._wants and self._pairs is not None:
            pairs = self._pairs
            question = Along(pairs.pairs, pairs.held_out, pairs.singles)
            tables.ask(drawn.source, question, drawn.step)

    def refresh(self) -> None:
        """Draw what was answered; ask again about other weights."""
        self._send()
        tables, column = self._store.tables, self._column
        suite, along = tables.answers.get(Suite.name), tables.answers.get(Along.name)
        column.suite.editor.show_running(running=tables.waits(Suite.name))
        if Suite.name in tables.problems:
            column.suite.say(tables.problems[Suite.name], "warning")
        elif suite is not None and isinstance(suite.answer, SuiteFound) and self._suite:
            column.suite.show_found(suite.answer, self._rows(), self._suite)
        if Along.name in tables.problems:
            column.along.say(tables.problems[Along.name], "warning")
        elif along is not None and isinstance(along.answer, AlongFound) and self._pairs:
            column.along.show_found(along.answer, self._rows(), self._pairs)

    @property
    def direction(self) -> str:
        """The direction of the pairs as it would be typed, lists on both sides."""
        if self._pairs is None:
            return ""
        sides = zip(*self._pairs.pairs)
        return " - ".join(", ".join(self._rows().typed(row) for row in side) for side in sides)

    def arrays(self) -> dict[str, Named]:
        """What was answered, for export."""
        found = {}
        for name, wanted in ((Suite.name, self._suite), (Along.name, self._pairs)):
            answered = self._store.tables.answers.get(name)
            if answered is not None and wanted is not None:
                for key, named in answered.answer.arrays().items():
                    found[f"{name}_{key}"] = named
        return found


def _nothing(what: str, skipped: tuple[str, ...]) -> str:
    if not skipped:
        return f"There is no {what} here: write a line of words."
    some = ", ".join(f"“{word}”" for word in skipped[:6])
    return f"No {what} is left: not one row each are {some}."
