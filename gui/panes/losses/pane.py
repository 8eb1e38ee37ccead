"""The pane of losses: a batch by tokens, the gradient of one of them, what a step moved.

Asks for the one in view and says what it shows. Knows the store, the controls and the three views.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QStackedWidget, QWidget

from gui import theme
from gui.panes.base import EmptyState, Pane, column
from gui.panes.losses import ENTRY, words
from gui.panes.losses.batch_view import BatchView
from gui.panes.losses.controls import PARTS, VIEWS, Controls
from gui.panes.losses.flow_view import FlowView
from gui.panes.losses.moved_view import MovedView
from gui.session.store import Store
from gui.widgets.text import Text, as_written
from model.probe.batch_losses.asks import BatchLosses, BatchLossesFound
from model.probe.loss_flow.asks import LossFlow, LossFlowFound
from model.probe.question import Named, Question
from model.probe.weights_moved.asks import WeightsMoved, WeightsMovedFound

WORST = 40
NO_TOKEN = (
    "Nothing predicts the first token, so it has no loss. Select a later one: in Tokens, or by a "
    "click into the batch."
)


class LossesPane(Pane):
    """The three views.

    Attributes:
        controls: which one, and which batch.
        texts, worst: the batch, and its dearest tokens.
        flow, into: the gradient's lengths, operations by tokens; into each embedding.
        tensors, picture: how far each tensor went, and one of them.
        status, sentence: what is shown; what it says here.
    """

    entry = ENTRY
    one_side = "Losses and gradients are of the side in view. Choose A or B to see either."

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        small = theme.sans(theme.SMALL_FONT_SIZE)
        self.controls = Controls(self)
        self.controls.changed.connect(self._on_choice)
        self.status = Text(parent=self, tone="dim", font=small)
        self.batch, self.gradient = BatchView(store), FlowView(store)
        self.what_moved = MovedView()
        self.texts, self.worst = self.batch.texts, self.batch.worst
        self.flow, self.into = self.gradient.flow, self.gradient.into
        self.tensors, self.picture = self.what_moved.tensors, self.what_moved.picture
        self.gradient.gone.connect(self.invalidate)
        self.what_moved.tensor_chosen.connect(self._choose_tensor)
        self._views = QStackedWidget(self)
        for view in (self.batch, self.gradient, self.what_moved):
            self._views.addWidget(view)
        self._empty = EmptyState(parent=self)
        self.sentence = Text(parent=self, wrap=True, font=small)
        layout = column(self, spacing=theme.TIGHT)
        layout.addWidget(self.controls)
        layout.addWidget(self.status)
        layout.addWidget(self._views, 1)
        layout.addWidget(self._empty, 1)
        layout.addWidget(self.sentence)
        self._tensor = ""
        self._drawn: object = None
        self.controls.show_view("batch")
        store.model_changed.connect(self._on_model)

    # ----------------------------------------------------------------------- questions

    def questions(self) -> Mapping[str, Question]:
        match self.controls.view:
            case "batch":
                number = self.controls.number
                return {
                    "batch": BatchLosses(
                        part=self.controls.part,
                        batch=-1 if number is None else number,
                        worst=WORST,
                    )
                }
            case "flow":
                at = self.store.selection.position
                return {"flow": LossFlow(position=at - 1)} if at > 0 else {}
            case "moved":
                return {"moved": WeightsMoved(tensor=self._tensor)}

    def refresh(self) -> None:
        self.batch.select_wanted()
        view = self.controls.view
        self._views.setCurrentIndex(list(VIEWS).index(view))
        there, status, sentence = {
            "batch": self._refresh_batch,
            "flow": self._refresh_flow,
            "moved": self._refresh_moved,
        }[view]()
        slot = self.slot(view)
        problem = "" if slot is None or slot.is_current else slot.problem
        waits = self.store.asked.waits(self.key)
        self._views.setVisible(there)
        self._empty.setVisible(not there)
        if not there:
            self._empty.setText(problem or self._why_not(view))
        elif problem:
            sentence = problem
        self.sentence.setText(sentence if there else "")
        self.sentence.set_tone("warning" if problem else "text")
        self.sentence.setVisible(there and bool(sentence))
        if waits is not None and there:
            status = f"working… · {status}"
        self.status.setText(status)
        self.status.setToolTip(as_written(status))
        self.status.setVisible(bool(status))

    def _why_not(self, view: str) -> str:
        if self.store.model is None:
            return "No model is open. Open a checkpoint or a run first."
        if self.store.prompt_problem:
            return self.store.prompt_problem
        if view == "flow" and self.store.selection.position <= 0:
            return NO_TOKEN
        return {
            "batch": "The text is read or written again and cut into batches…",
            "flow": "The gradient is on its way…",
            "moved": "The weights of two steps are compared…",
        }[view]

    # --------------------------------------------------------------------------- batch

    def _refresh_batch(self) -> tuple[bool, str, str]:
        found = self.answered("batch", BatchLossesFound)
        if found is None:
            return False, "", ""
        self.controls.show_number(found.number, found.n_batches)
        if found is not self._drawn:
            self._drawn = found
            self.batch.show_found(found)
        return True, words.batch(found), words.here(found, self._last_step())

    def _last_step(self) -> int | None:
        """The last step that the run of the model in view will do; None for no run."""
        run = self.store.run.shown
        return None if run is None or not self.store.run.in_view(run) else run.recipe.steps

    # ---------------------------------------------------------------------------- flow

    def _refresh_flow(self) -> tuple[bool, str, str]:
        found = self.answered("flow", LossFlowFound)
        slot = self.slot("flow")
        if found is None or slot is None or slot.read is None:
            self.gradient.clear()
            return False, "", ""
        tokens = [token.text for token in slot.read.tokens][: found.norm_OT.shape[1]]
        target = self.batch.text_of(found.target)
        question = found.question
        assert isinstance(question, LossFlow)
        self.gradient.show_found(found, tokens, anew=found is not self._drawn)
        self._drawn = found
        status = f"gradient of −log p of {target} at position {question.position + 1}"
        return True, status, words.flow(found, target, tokens)

    # --------------------------------------------------------------------------- moved

    def _refresh_moved(self) -> tuple[bool, str, str]:
        found = self.answered("moved", WeightsMovedFound)
        if found is None:
            return False, "", ""
        if found is not self._drawn:
            self._drawn = found
            self.what_moved.show_found(found)
        return True, words.moved_title(found), words.moved(found)

    def _choose_tensor(self, name: str) -> None:
        self._tensor = name
        self.ask()

    # -------------------------------------------------------------------------- inside

    def _on_choice(self) -> None:
        self._drawn = None
        self.ask()
        self.invalidate()

    def _on_model(self) -> None:
        self._tensor, self._drawn = "", None
        self.controls.follow()
        self.batch.forget()
        self.invalidate()

    def header_note(self) -> str:
        found = self.answered("batch", BatchLossesFound)
        if self.controls.view != "batch" or found is None or found.step is None:
            return ""
        return f"at step {found.step:,}"

    def apply_theme(self) -> None:
        self._drawn = None

    def export_data(self) -> Mapping[str, Named | Any]:
        kinds = {"batch": BatchLossesFound, "flow": LossFlowFound, "moved": WeightsMovedFound}
        view = self.controls.view
        found = self.answered(view, kinds[view])
        return {} if found is None else dict(found.arrays())

    def remember(self) -> dict[str, Any]:
        return {"view": self.controls.view, "part": self.controls.part}

    def recall(self, kept: Mapping[str, Any]) -> None:
        if kept.get("part") in PARTS:
            self.controls.parts.set_current(str(kept["part"]))
        view = next((one for one in VIEWS if one == kept.get("view")), "batch")
        self.controls.show_view(view)  # type: ignore[arg-type]

    def sizeHint(self) -> QSize:
        return QSize(620, 430)
