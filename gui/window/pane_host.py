"""Docks first, panes after: the window stands before its panes are made.

Importing and making the panes takes longer than the whole rest of a window. The docks stand with
their titles at the first paint; then the panes are made, one a turn of the event loop, those that
can be seen first. Whoever needs a pane earlier gets it at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QMainWindow

from gui.panes.base import Pane
from gui.panes.catalogue import PANES
from gui.session.store import Store
from gui.window.dock import PaneDock

if TYPE_CHECKING:
    from gui.panes.attention.pane import AttentionPane
    from gui.panes.inspector.pane import InspectorPane
    from gui.panes.layers.pane import LayersPane
    from gui.panes.model.pane import ModelPane
    from gui.panes.prediction.pane import PredictionPane
    from gui.panes.prompt.pane import PromptPane
    from gui.panes.space.pane import SpacePane
    from gui.panes.tokens.pane import TokensPane
    from gui.panes.training.pane import TrainingPane


class Furniture(QObject):
    """The docks of a window and the panes in them.

    Args:
        store: what the panes read.
        window: where the docks are.

    Attributes:
        docks: by key, all of them.
    """

    pane_made = Signal(object)  # Pane

    def __init__(self, store: Store, window: QMainWindow) -> None:
        super().__init__(window)
        self._store = store
        self._panes: dict[str, Pane] = {}
        self.docks = {key: PaneDock(entry, window) for key, entry in PANES.items()}
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._make_next)

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
            entry = PANES[key]
            pane: Pane = getattr(import_module(entry.module), entry.class_name)(self._store)
            self._panes[key] = pane
            self.docks[key].furnish(pane)
            self.pane_made.emit(pane)
        return self._panes[key]

    # Each by its name, for commands.

    @property
    def prompt(self) -> PromptPane:
        return cast("PromptPane", self.pane("prompt"))

    @property
    def layers(self) -> LayersPane:
        return cast("LayersPane", self.pane("layers"))

    @property
    def attention(self) -> AttentionPane:
        return cast("AttentionPane", self.pane("attention"))

    @property
    def space(self) -> SpacePane:
        return cast("SpacePane", self.pane("space"))

    @property
    def prediction(self) -> PredictionPane:
        return cast("PredictionPane", self.pane("prediction"))

    @property
    def training(self) -> TrainingPane:
        return cast("TrainingPane", self.pane("training"))

    @property
    def tokens(self) -> TokensPane:
        return cast("TokensPane", self.pane("tokens"))

    @property
    def inspector(self) -> InspectorPane:
        return cast("InspectorPane", self.pane("inspector"))

    @property
    def model(self) -> ModelPane:
        return cast("ModelPane", self.pane("model"))

    # When

    def begin(self) -> None:
        """Make the panes, one a turn of the event loop."""
        if not self.complete:
            self._timer.start()

    def make_all(self) -> None:
        """Make the panes now: for pictures and tests."""
        for key in self.docks:
            self.pane(key)

    def _make_next(self) -> None:
        missing = [key for key in self.docks if key not in self._panes]
        missing.sort(key=self._is_hidden)
        if missing:
            self.pane(missing[0])
        if len(missing) <= 1:
            self._timer.stop()

    def _is_hidden(self, key: str) -> bool:
        return not self.docks[key].isVisible()
