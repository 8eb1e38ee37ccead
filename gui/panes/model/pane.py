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
from gui.panes.model.two_models import TwoModels
from gui.reading import code
from gui.session.comparing import Kind
from gui.session.store import Store
from model.preview import short_count
from model.probe.question import Named, Question
from model.probe.weight_difference.asks import WeightDifference, WeightDifferenceFound

if TYPE_CHECKING:
    from gui.panes.model.view import WeightsView

WHY_ONE: dict[Kind, str] = {
    "changes": "Both sides have these weights, but for those that interventions set.",
    "prompt": "Both sides read with these weights.",
    "step": "These are the weights of one step. Choose A or B to see those of either.",
    "model": "",
}
"""Why its weights are of one side, by what is compared."""


class ModelPane(Pane):
    """The weights, by table, by picture and by area."""

    entry = ENTRY

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self._views: WeightsView | None = None
        self._two: TwoModels | None = None
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

    def questions(self) -> Mapping[str, Question]:
        """How far another model's weights are from these, while that is what is compared."""
        other = self.store.comparing.model
        if other is None or not self.shows_difference or self.store.comparing.kind != "model":
            return {}
        return {"difference": WeightDifference(other.model_id)}

    def _two_models(self) -> TwoModels | None:
        found = self.answered("difference", WeightDifferenceFound)
        if found is None or not self.shows_difference or self.store.model is None:
            return None
        if found.subject.model != self.store.model.model_id:
            return None
        if self._two is None or self._two.found is not found:
            self._two = TwoModels.of(found)
        return self._two

    def refresh(self) -> None:
        if self.store.model is None:
            self._stack.setCurrentWidget(self._empty)
        else:
            self._stack.setCurrentWidget(self.views)
            self.views.refresh()
            self.views.show_apart(self._two_models())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.invalidate()

    def apply_theme(self) -> None:
        if self._views is not None:
            self._views.apply_theme()

    def no_difference(self) -> str:
        return WHY_ONE[self.store.comparing.kind]

    def header_note(self) -> str:
        model = self.store.model
        if model is None:
            return ""
        words = f"{short_count(model.n_params)} parameters"
        if self._views is None:
            return words
        if self._views.two is not None:
            return self._views.two.words
        return f"{self._views.header_note()}{words}"

    def code(self) -> str:
        """The tensor in detail; and how far all are from another model's, where that is shown."""
        own = "" if self._views is None else self._views.code()
        return code.together(own, super().code())

    def export_data(self) -> Mapping[str, Named]:
        return {} if self._views is None else self._views.export_data()
