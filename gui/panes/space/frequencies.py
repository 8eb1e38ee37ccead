"""Colours by how often texts have the tokens, at work: which texts, what was counted, what it says.

Knows the store and the page; of the pane nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog

from gui.file_dialog import file_dialog
from gui.panes.space import frequency
from gui.panes.space.colouring import OF_COUNTS, Coloured
from gui.panes.space.groups_page import GroupsPage
from gui.panes.space.text_counts import CountedText, TextCounts
from gui.session.store import Store
from model.messages import VocabularyProjected
from model.probe.question import Named

Counts = NDArray[np.int64]


class Frequencies(QObject):
    """Counts of texts as colours.

    Args:
        store: the store.
        page: where texts are chosen.

    Signals:
        changed: other counts are there, or others are chosen.

    Attributes:
        counts: the texts.
    """

    changed = Signal()

    def __init__(self, store: Store, page: GroupsPage) -> None:
        super().__init__(page)
        self._store, self._page, self._row = store, page, page.texts
        self.counts = TextCounts(store, self)
        self.counts.changed.connect(self._follow)
        self._row.chosen.connect(self.changed)
        self._row.file_wanted.connect(self._ask_file)
        self._row.world_wanted.connect(self._add_world)
        self._row.forgotten.connect(self._forget)

    # ------------------------------------------------------------------------- texts

    def _ask_file(self) -> None:
        dialog = file_dialog(
            self._page, "Count tokens in a text", mode=QFileDialog.FileMode.ExistingFiles
        )
        dialog.filesSelected.connect(self._add_all)
        dialog.open()

    def _add_all(self, paths: list[str]) -> None:
        for path in paths:
            self.counts.add(path)

    def _add_world(self) -> None:
        self.counts.add("")

    def _forget(self, at: int) -> None:
        if at < len(self.counts.texts):
            self.counts.forget(self.counts.texts[at])

    def _follow(self) -> None:
        self.show(self._page.key)
        self.changed.emit()

    def show(self, by: str) -> None:
        """The choices, where colours are by counts; what isn't counted is."""
        self._row.setVisible(by in OF_COUNTS)
        self._row.show_texts([text.name for text in self.counts.texts], compares=by == "ratio")
        if by in OF_COUNTS:
            self.counts.go_on()

    # ------------------------------------------------------------------------ colours

    def _chosen(self, by: str) -> tuple[list[CountedText], CountedText | None]:
        """The texts that are counted together, and the one that they are compared with."""
        texts, one, other = self.counts.texts, self._row.one, self._row.other
        mine = texts if one is None else texts[one : one + 1]
        compared = by == "ratio" and other is not None and other < len(texts)
        return mine, texts[other or 0] if compared else None

    def key(self, by: str) -> object:
        """What the colours depend on."""
        if by not in OF_COUNTS:
            return None
        mine, theirs = self._chosen(by)
        parts = [*mine, *([] if theirs is None else [theirs])]
        return by, tuple((id(text), id(text.counts_V)) for text in parts), theirs is None

    def _counted(self, by: str, n: int) -> tuple[Counts | None, Counts | None]:
        """Of each token of the model: in the text or the texts, and in the other."""
        mine, theirs = self._chosen(by)
        known = [_fitted(text.counts_V, n) for text in mine if text.counts_V is not None]
        total = sum(known[1:], known[0]) if known else None
        other = None
        if theirs is not None and theirs.counts_V is not None:
            other = _fitted(theirs.counts_V, n)
        return total, other

    def coloured(self, by: str, vocabulary: VocabularyProjected) -> Coloured | None:
        """The colours; None while there are no counts to make them of."""
        model = self._store.model
        if by not in OF_COUNTS or model is None:
            return None
        x_V, y_V = self._counted(by, model.config.d_vocab)
        if x_V is None or (by == "ratio" and y_V is None):
            return None
        if by == "counts":
            found = frequency.by_count(x_V)
        else:
            assert y_V is not None
            mine, theirs = self._chosen(by)
            assert theirs is not None
            found = frequency.by_ratio(x_V, y_V, mine[0].name, theirs.name)
        return _of_rows(found, vocabulary)

    def sentence(self, by: str, text_of: Callable[[int], str]) -> str:
        """What is counted, and what it says."""
        counts, model = self.counts, self._store.model
        if not counts.texts:
            return "Add a text: its tokens are counted, and points coloured by that."
        if counts.counting is not None:
            at = self._store.tokenizing.count_progress
            share = f" {at.done / at.total:.0%}" if at is not None and at.total else ""
            return f"Counting tokens of {counts.counting.name}…{share}"
        problems = [text for text in counts.texts if text.problem]
        if problems:
            return f"{problems[0].name}: {problems[0].problem}"
        mine, theirs = self._chosen(by)
        x_V, y_V = self._counted(by, 0 if model is None else model.config.d_vocab)
        if x_V is None:
            return ""
        if by == "counts":
            first = np.argsort(-x_V, kind="stable")[: frequency.N_TYPICAL].tolist()
            listed = ", ".join(text_of(row) for row in first)
            used, n = int((x_V > 0).sum()), len(x_V)
            return f"{int(x_V.sum()):,} tokens; {used:,} of {n:,} occur, most often {listed}."
        if y_V is None or theirs is None or theirs is mine[0]:
            return "Add another text, and choose which is compared with which."
        of_x, of_y = frequency.typical(x_V, y_V)
        said = [
            f"{text.name}: {', '.join(text_of(row) for row in rows)}"
            for text, rows in ((mine[0], of_x), (theirs, of_y))
            if rows
        ]
        return f"Most surely more frequent in {'; in '.join(said)}." if said else "Both are alike."

    def arrays(self) -> dict[str, Named]:
        """The counts, for export."""
        found = {}
        for text in self.counts.counted:
            assert text.counts_V is not None
            found[f"count {text.name}"] = Named(text.counts_V, ("id",))
        return found


def _fitted(counts_V: Counts, n: int) -> Counts:
    """As many as the model has rows: a table may have more rows than there are tokens."""
    found = np.zeros(n, np.int64)
    found[: min(n, len(counts_V))] = counts_V[:n]
    return found


def _of_rows(found: Coloured, vocabulary: VocabularyProjected) -> Coloured | None:
    """The colours of the table's rows: the tokens themselves, or those of a text."""
    n = len(vocabulary.points)
    if vocabulary.source.of_vocabulary:
        return found if len(found.group_V) == n else None
    text = vocabulary.text
    if text is None or len(text.ids_N) != n or int(text.ids_N.max()) >= len(found.group_V):
        return None
    group_V = found.group_V[text.ids_N]
    sizes = np.bincount(group_V, minlength=len(found.groups)).tolist()
    groups = tuple(
        type(group)(group.name, size, group.rgb) for group, size in zip(found.groups, sizes)
    )
    return Coloured(found.rgb_V3[text.ids_N], groups, group_V)
