"""What stands at the right of each dock's header: "7 tokens", a step, what can't be shown.

Knows the store's signals and panes by their base class; no pane.
"""

from __future__ import annotations

from PySide6.QtCore import QObject

from gui.pace import Later
from gui.panes.base import Pane
from gui.session.store import Store
from gui.window.pane_host import PaneHost

EVERY_MS = 250
"""They change once after a rest, then this often: faster, their digits can't be read."""


class HeaderNotes(QObject):
    """Keeps them true, all at once.

    Args:
        host: the docks and their panes.
        store: what panes tell of.
        after_ms: how long after a change: what is drawn comes first.
    """

    def __init__(self, host: PaneHost, store: Store, after_ms: int, parent: QObject) -> None:
        super().__init__(parent)
        self._host = host
        self._later = Later(self._update, EVERY_MS, self, after_ms)
        for signal in (
            store.subject_changed,
            store.subject_ran,
            store.asked.changed,
            store.selection_changed,
            store.vocabulary_changed,
            store.model_changed,
            store.run.changed,
            store.sampling_changed,
            store.generating.changed,
            store.weights.changed,
        ):
            signal.connect(self._later.ask)
        host.pane_made.connect(self._pane_made)

    def ask(self) -> None:
        """Something else may have changed."""
        self._later.ask()

    def _pane_made(self, pane: object) -> None:
        """Its header tells of what it has drawn."""
        if isinstance(pane, Pane):
            pane.drawn.connect(self._later.ask)
        self._later.ask()

    def _update(self) -> None:
        for dock in self._host.docks.values():
            if dock.pane is not None and dock.pane.isVisible():
                dock.header.set_note(dock.pane.header_note(), dock.pane.alone)
