"""The search field at work: while something is typed, and once it is meant.

Knows the store, the widgets, what is looked for and what is near; of the pane nothing.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent

from gui.panes.space.body import SpaceBody
from gui.panes.space.chooser import Chooser
from gui.panes.space.lookup import Lookup
from gui.panes.space.nearness import Nearness
from gui.session.store import Store


class Searching(QObject):
    """Reads what is typed.

    Args:
        store: the store.
        body: where the field stands.
        lookup: what is looked for.
        near: what is looked at.
        chooser: draws a sum in its own plane.

    Signals:
        changed: something else is looked for or looked at.
        stepped: another line of the list is lit.
        row_meant: a row was found and meant.
        sum_meant: a sum was: it is to be brought into sight.
    """

    changed = Signal()
    stepped = Signal()
    row_meant = Signal(int)
    sum_meant = Signal()

    def __init__(
        self, store: Store, body: SpaceBody, lookup: Lookup, near: Nearness, chooser: Chooser
    ) -> None:
        super().__init__(body)
        self._store, self._body, self._field = store, body, body.search
        self._lookup, self._near, self._chooser = lookup, near, chooser
        self._field.textEdited.connect(self.typed)
        self._field.returnPressed.connect(self.entered)
        self._field.installEventFilter(self)
        body.view.installEventFilter(self)

    def focus(self) -> None:
        """Put the cursor into the field."""
        self._field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._field.selectAll()

    def show_expression(self, text: str) -> None:
        """Show a sum of words, or a word, as if it had been typed and entered."""
        self._field.setText(text)
        self.typed(text)
        self.entered()

    def typed(self, text: str) -> None:
        """While it is typed."""
        terms = self._lookup.type(text)
        if terms:
            self._near.want(terms, "sum", self._lookup.expected)
        elif not text.strip() and self._near.origin == "sum":
            self.ask_position()
        self.changed.emit()

    def entered(self) -> None:
        """What is typed is meant."""
        meant = self._lookup.enter(self._field.text())
        matches = self._lookup.matches
        if isinstance(meant, tuple) and meant:
            self.sum_meant.emit()
            self._near.want(meant, "sum", self._lookup.expected)
            self._chooser.begin_sum()
            self._body.column.show_page("near")
        elif isinstance(meant, int):
            self.row_meant.emit(meant)
        elif meant is None and matches:
            self.row_meant.emit(matches[self._body.side.list.current or 0])
        self.changed.emit()

    def ask_position(self) -> None:
        """Back to what is near the token that is selected in the prompt."""
        self._chooser.end_sum()
        self._near.want_position()
        self._body.view.leave_part()

    def cut_unknown(self) -> None:
        """A word that is no single token is shown in those that it is cut into."""
        word, model = self._lookup.unknown, self._store.model
        if not word or model is None or not self._lookup.rows.of_tokens:
            return
        cut = self._store.texts.cut(f" {word}")
        ids = () if cut is None else cut.ids
        pieces = (model.token_text(token) for token in ids if token not in model.special_ids)
        self._lookup.pieces = tuple(pieces)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            key = event.key()
            typed = self._field.text()
            if key == Qt.Key.Key_Escape and (typed or self._near.origin != "position"):
                self._field.clear()
                self._lookup.end()
                self.ask_position()
                self.changed.emit()
                return True
            if watched is self._field and key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
                self._body.side.list.step(-1 if key == Qt.Key.Key_Up else 1)
                self.stepped.emit()
                return True
        return super().eventFilter(watched, event)
