"""While a model writes, the prompt grows with it, and every pane follows token by token.

As fast as the panes are answered and no faster. Whoever edits the prompt meanwhile keeps it: the
text then goes on by itself. Knows the store; no widget.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from gui.session.adding import joined, kept_text
from gui.session.state import Generation

if TYPE_CHECKING:
    from gui.session.store import Store


PATIENCE = 1.5
"""Seconds for which the next token waits for what panes have asked about the one before."""


class Following(QObject):
    """Puts what is being written into the prompt.

    Attributes:
        on: whether it does.

    Signals:
        changed: it was switched.
    """

    changed = Signal()

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._store = store
        self.on = True
        self._request_id: int | None = None
        self._position: int | None = None
        self._reached = ""
        store.generating.changed.connect(self._advance)
        store.asked.changed.connect(self._advance)
        store.subject_changed.connect(self._advance)

    def set_on(self, on: bool) -> None:
        """Follow from now on, also what is being written already; or no more."""
        if on != self.on:
            self.on = on
            self.changed.emit()
            self._advance()

    def follows(self, generation: Generation) -> bool:
        """Whether the prompt is that text, as far as it has come or a little behind."""
        return self._request_id == generation.request_id and self._store.prompt == self._reached

    def take(self, generation: Generation) -> None:
        """Make the prompt with all of its continuation the prompt, and mark its tokens."""
        store, model = self._store, self._store.model
        if model is None or not generation.steps:
            return
        read = store.read
        if read is not None and read.text == generation.prompt:
            self._position = read.n_tokens
        elif self._request_id != generation.request_id:
            self._position = None
        self._request_id = generation.request_id
        self._reached = joined(model, generation.prompt, kept_text(generation, model))
        store.adding.note(generation, self._position)

    @property
    def _panes_wait(self) -> bool:
        """Whether answers about the prompt as it is now are still to come, in a moment."""
        asked = self._store.asked
        longest = asked.longest
        if longest is not None and time.monotonic() - longest.since > PATIENCE:
            return False  # a sweep of a minute would hold all others back
        return asked.is_waiting

    def _advance(self) -> None:
        store, text = self._store, self._store.generating.current
        if text is None or text.alone or not text.steps or not self.on or store.model is None:
            return
        if self._request_id != text.request_id and store.prompt != text.prompt:
            return  # the person is elsewhere by now
        if self._request_id == text.request_id and store.prompt != self._reached:
            return
        read = store.read
        if read is None or read.text != store.prompt or self._panes_wait:
            return
        wanted = joined(store.model, text.prompt, kept_text(text, store.model))
        if wanted != store.prompt:
            self.take(text)
