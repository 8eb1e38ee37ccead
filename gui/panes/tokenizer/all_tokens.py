"""The open model's whole vocabulary: its table, what is searched in it, and counts of a text.

The parts stand where the pane puts them. Knows the store; no other view.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from gui import theme
from gui.panes.tokenizer import words
from gui.panes.tokenizer.vocabulary import COUNT, GLITCHES, VocabularyTable
from gui.session.store import Store
from gui.widgets.choice import Choice
from gui.widgets.control_button import ControlButton
from model import messages as m

COUNTED_WORLD = 200_000
"""Words of the story world in which tokens are counted."""


class AllTokens(QObject):
    """Table, search and counts.

    Signals:
        changed: it is to be drawn again, by `refresh`.
        texts_requested: a text is to be chosen to count in; answer with `count_in`.

    Attributes:
        table: all tokens, or those that are searched.
        search, kind: what is searched, and of what kind.
        count_button: counts in a text, or stops that.
    """

    changed = Signal()
    texts_requested = Signal()

    def __init__(self, store: Store, parent: QWidget) -> None:
        super().__init__(parent)
        self._store = store
        self.table = VocabularyTable(parent)
        self.search = QLineEdit(parent)
        self.search.setFont(theme.mono())
        self.search.setPlaceholderText("text or id")
        self.search.setAccessibleName("Search the vocabulary")
        self.search.setToolTip("Tokens that contain this, · for a space; or the id")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self.filter)
        self.kind = Choice(parent)
        self.kind.setAccessibleName("Kind of token")
        self.kind.setToolTip("Only tokens of one kind: a script, numbers, parts of characters")
        self.kind.addItem("all kinds", "")
        self.kind.setMinimumContentsLength(len(GLITCHES))
        self.kind.activated.connect(self.filter)
        self.count_button = ControlButton("press", parent)
        self.count_button.setText("Count…")
        self.count_button.setAccessibleName("Count tokens in a text")
        self.count_button.setToolTip("How often each token occurs in a text, and which never do")
        self.count_button.clicked.connect(self._on_count)
        self._finding = QTimer(self)
        self._finding.setInterval(0)
        self._finding.timeout.connect(self._find_kinds)

    def set_visible(self, visible: bool) -> None:
        """Show the fields, or hide them."""
        for field in (self.search, self.kind, self.count_button):
            field.setVisible(visible)

    def count_in(self, path: str) -> None:
        """Count in a text file, or in the story world."""
        request = m.CountTokens(path=path, world_tokens=0 if path else COUNTED_WORLD)
        self._store.tokenizing.count(request)

    def filter(self) -> None:
        """Show what is searched, of the kind that is chosen."""
        self.table.rows.set_filter(self.search.text(), str(self.kind.currentData() or ""))
        self.changed.emit()

    # ------------------------------------------------------------------------------ drawing

    def refresh(self, model: m.ModelInfo) -> tuple[str, str]:
        """Draw what is known of a model with a tokenizer; gives what to say, and its tone."""
        rows, projected = self.table.rows, self._store.vocabulary
        if rows.info is None or rows.info.model_id != model.model_id:
            rows.set_model(model)
            self._finding.start()
        if projected is not None and projected.model_id == model.model_id:
            rows.set_norms(projected.norms if projected.matrix == "W_E" else rows.norms)
        found = self._store.tokenizing.counted
        rows.set_counts(None if found is None else found.counts)
        self.table.setColumnHidden(COUNT, found is None)
        self.table.show_token(self._store.selection.vocabulary_id)
        counting = self._store.tokenizing.counting is not None
        self.count_button.setText("Stop" if counting else "Count…")
        self._offer_glitches()
        return self._said(model)

    def _said(self, model: m.ModelInfo) -> tuple[str, str]:
        tokenizing, rows = self._store.tokenizing, self.table.rows
        found, progress = tokenizing.counted, tokenizing.count_progress
        if tokenizing.counting is not None:
            share = f" {progress.done / progress.total:.0%}" if progress and progress.total else ""
            return f"Counting tokens …{share}", "text"
        if tokenizing.count_problem:
            return tokenizing.count_problem, "warning"
        if found is None or tokenizing.counted_in is None:
            return words.vocabulary(model, rows.norms, len(rows.shown)), "text"
        path, glitches = tokenizing.counted_in.path, rows.glitches
        where = Path(path).name if path else "The story world"
        n_glitches = None if glitches is None else len(glitches)
        few = words.shown(len(rows.shown), len(model.vocabulary))
        return few + words.counts(model, found, where, n_glitches), "text"

    def _offer_glitches(self) -> None:
        """Their line in the choice of kinds, while they are known."""
        glitches, at = self.table.rows.glitches, self.kind.findData(GLITCHES)
        title = "" if glitches is None else f"{GLITCHES}, {len(glitches):,}"
        if title and at < 0 and self.kind.count() > 1:
            self.kind.insertItem(1, title, GLITCHES)
            self.kind.setItemData(1, words.GLITCH, Qt.ItemDataRole.ToolTipRole)
        elif title and at >= 0:
            self.kind.setItemText(at, title)
        elif at >= 0:
            gone = self.kind.currentIndex() == at
            self.kind.removeItem(at)
            if gone:
                self.kind.setCurrentIndex(0)
                self.filter()

    def _find_kinds(self) -> None:
        """Between two turns of the event loop."""
        if not self.table.rows.find_kinds():
            return
        self._finding.stop()
        chosen = self.kind.currentData()
        self.kind.clear()
        self.kind.addItem("all kinds", "")
        for kind, n in self.table.rows.kinds.items():
            self.kind.addItem(f"{kind}, {n:,}", kind)
        self.kind.setCurrentIndex(max(0, self.kind.findData(chosen)))
        self.table.viewport().update()
        self.filter()

    def _on_count(self) -> None:
        if self._store.tokenizing.counting is not None:
            self._store.tokenizing.stop_counting()
        else:
            self.texts_requested.emit()
