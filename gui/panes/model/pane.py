"""Every parameter of the model. The views are made when the pane is first seen.

So they cost the window's start nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QStackedLayout, QWidget

from gui.panes.base import EmptyState, Pane
from gui.panes.model import ENTRY
from gui.session.store import Store
from model.preview import short_count
from model.probe.question import Named

if TYPE_CHECKING:
    from gui.panes.model.view import WeightsView


class ModelPane(Pane):
    """The weights, by table, by picture and by area."""

    entry = ENTRY

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self._views: WeightsView | None = None
        self._empty = EmptyState("No model is open. Open a checkpoint to see its weights.", self)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._empty)
        store.model_changed.connect(self.invalidate)
        store.weights.changed.connect(self.invalidate)

    @property
    def views(self) -> WeightsView:
        """Table, detail, areas."""
        if self._views is None:
            from gui.panes.model.view import WeightsView

            self._views = WeightsView(self.store, self)
            self._views.outdated.connect(self.invalidate)
            self._stack.addWidget(self._views)
        return self._views

    def focus_search(self) -> None:
        """Put the cursor into the filter of the table."""
        self.views.focus_search()

    def choose(self, name: str) -> None:
        """Look at a tensor in detail."""
        self.views.choose(name)

    def refresh(self) -> None:
        if self.store.model is None:
            self._stack.setCurrentWidget(self._empty)
        else:
            self._stack.setCurrentWidget(self.views)
            self.views.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.invalidate()

    def apply_theme(self) -> None:
        if self._views is not None:
            self._views.apply_theme()

    def header_note(self) -> str:
        model = self.store.model
        if model is None:
            return ""
        words = f"{short_count(model.n_params)} parameters"
        return words if self._views is None else f"{self._views.header_note()}{words}"

    def code(self) -> str:
        return "" if self._views is None else self._views.code()

    def export_data(self) -> Mapping[str, Named]:
        return {} if self._views is None else self._views.export_data()
