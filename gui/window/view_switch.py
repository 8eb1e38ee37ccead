"""Which of two models the panes show: the opened one, or that of the run; a click changes it.

Knows the store; no pane.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from gui.session.store import Store
from gui.widgets.segments import Segments

OPENED, RUN = "opened", "run"
NAME_WIDTH = 100


class ViewSwitch(QWidget):
    """Two buttons, the one in view down; nothing where there is only one model."""

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self.segments = Segments(self)
        self.segments.add(OPENED, "opened", "The model that you opened")
        self.segments.add(RUN, "run", "The model of the run")
        self.segments.setAccessibleName("Model in view")
        for button in self.segments.buttons.values():
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self.segments.chosen.connect(self._chosen)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.segments)
        store.model_changed.connect(self.refresh)
        store.run.changed.connect(self._run_changed)
        self._shown: tuple[object, ...] = ()
        self.refresh()

    @property
    def needed(self) -> bool:
        """Whether there are two models to choose from."""
        return self._store.opened is not None and self._store.run.model is not None

    def refresh(self) -> None:
        """Read the store."""
        store = self._store
        opened, run = store.opened, store.run.current
        self.setVisible(self.needed)
        if opened is None or run is None or not self.needed:
            return
        named = {OPENED: (opened.name, opened.path), RUN: (f"run {run.name}", run.run_dir)}
        for key, (name, path) in named.items():
            button = self.segments.buttons[key]
            short = button.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, NAME_WIDTH)
            self.segments.say(key, short, f"Show {name}")
            whose = "The model that you opened" if key == OPENED else "The model of the run"
            self.segments.explain(key, f"{whose}: every pane shows it.\n{name}\n{path}")
        self.segments.set_current(RUN if store.run.following else OPENED)

    def _run_changed(self) -> None:
        """It is told many times a second: only another run or model is worth a look."""
        run = self._store.run
        now = (self._store.opened, run.current, run.model, run.following)
        if now != self._shown:
            self._shown = now
            self.refresh()

    def _chosen(self, key: str) -> None:
        """Ask for it; until it comes, the button of what is in view stays down."""
        self._store.run.follow(key == RUN)
        self.segments.set_current(RUN if self._store.run.following else OPENED)
