"""Docks first, panes after: the window stands before its panes are made.

Importing and making the panes takes longer than the whole rest of a window. The docks stand with
their titles at the first paint; then the panes are made, one a turn of the event loop, those that
can be seen first. Whoever needs a pane earlier gets it at once.

Knows panes by their entries and their base class, none by its name.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TypeVar

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget

from gui.pace import Turns
from gui.panes.base import LAST, TURN_MS, Pane
from gui.panes.entry import PaneEntry
from gui.session.state import Notice
from gui.session.store import Store
from gui.settings import Settings
from gui.window.dock import PaneDock

log = logging.getLogger(__name__)

P = TypeVar("P", bound=Pane)


class PaneHost(QObject):
    """The docks of a window and the panes in them.

    Args:
        entries: the panes that there are; their keys are unique.
        store: what the panes read.
        settings: where what they remember is kept.
        window: where the docks are.

    Attributes:
        docks: by key, all of them.
    """

    pane_made = Signal(object)  # Pane

    def __init__(
        self,
        entries: Sequence[PaneEntry],
        store: Store,
        settings: Settings,
        window: QMainWindow,
    ) -> None:
        super().__init__(window)
        self._store = store
        self._settings = settings
        self._entries = {entry.key: entry for entry in entries}
        self._panes: dict[str, Pane] = {}
        self._turns = Turns(TURN_MS)
        self._focused: Pane | None = None
        self.docks = {entry.key: PaneDock(entry, window) for entry in entries}
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._make_next)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._focus_changed)

    # Which

    @property
    def panes(self) -> tuple[Pane, ...]:
        """Those that are made."""
        return tuple(self._panes.values())

    @property
    def complete(self) -> bool:
        """Whether every pane is made."""
        return len(self._panes) == len(self.docks)

    def has(self, key: str) -> bool:
        """Whether this pane is made."""
        return key in self._panes

    def pane(self, key: str) -> Pane:
        """A pane by key; made now, if it was not."""
        if key not in self._panes:
            pane = self._entries[key].load()(self._store)
            pane.turns = self._turns
            self._recall(pane)
            self._panes[key] = pane
            self.docks[key].take(pane)
            self.pane_made.emit(pane)
        return self._panes[key]

    def _recall(self, pane: Pane) -> None:
        """What it remembered may be anything: the file could be edited."""
        kept = dict(self._settings.panes.get(pane.key, {}))
        if not self._settings.restore:
            kept.pop(LAST, None)
        try:
            pane.recall(kept)
        except Exception as error:  # noqa: BLE001 - a pane without its memory is still a pane
            log.warning("what %s remembered is left out: %s", pane.key, error)
            self._store.post(
                Notice(f"What {pane.title} remembered can't be used and is left out: {error}.")
            )

    def get(self, kind: type[P]) -> P:
        """A pane by its class; made now, if it was not."""
        pane = self.pane(kind.entry.key)
        assert isinstance(pane, kind)
        return pane

    @property
    def in_focus(self) -> Pane | None:
        """The pane that had the focus last; before any had it, the largest that can be seen."""
        if self._focused is not None:
            return self._focused
        seen = [pane for pane in self._panes.values() if pane.isVisible()]
        return max(seen, key=_area, default=None)

    def _focus_changed(self, old: QWidget | None, new: QWidget | None) -> None:
        widget = new
        while widget is not None:
            if isinstance(widget, Pane):
                self._focused = widget
                return
            widget = widget.parentWidget()

    # When

    def begin(self) -> None:
        """Make the panes, one a turn of the event loop."""
        if not self.complete:
            self._timer.start()

    def make_all(self) -> None:
        """Make the panes now: for pictures and tests."""
        for key in self.docks:
            self.pane(key)

    def remember(self) -> None:
        """Keep in the settings what the panes want to know at the next start."""
        for key, pane in self._panes.items():
            self._settings.panes[key] = pane.remember()

    def _make_next(self) -> None:
        missing = [key for key in self.docks if key not in self._panes]
        missing.sort(key=self._is_hidden)
        if missing:
            self.pane(missing[0])
        if len(missing) <= 1:
            self._timer.stop()

    def _is_hidden(self, key: str) -> bool:
        return not self.docks[key].isVisible()


def _area(pane: Pane) -> int:
    return pane.width() * pane.height()
