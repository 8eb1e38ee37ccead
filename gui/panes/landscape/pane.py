"""The pane of the cost surface: choices, a button that measures, and the surface that comes.

Nothing runs before Run is pressed; a run goes on when the pane is hidden, and what came stays until
the next. The ball follows the timeline. Knows the store, the controls and the view.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.base import EmptyState, Pane, column
from gui.panes.landscape import ENTRY, words
from gui.panes.landscape.controls import Controls
from gui.panes.landscape.view import LandscapeView
from gui.reading import code
from gui.session.on_request import OnRequest
from gui.session.store import Store
from gui.widgets.share_line import ShareLine
from gui.widgets.text import Text, as_written
from model.probe.landscape.asks import LandscapeFound
from model.probe.question import Named


class LandscapePane(Pane):
    """The loss around the weights.

    Attributes:
        controls: what is measured and how it is drawn.
        view: the surface.
        sentence: what the picture says, or what stands in the way.
        sweep: what was run.
    """

    entry = ENTRY

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        small = theme.sans(theme.SMALL_FONT_SIZE)
        self.sweep = OnRequest(store, f"{self.key}: surface", self)
        self.controls = Controls(self)
        self.controls.run_wanted.connect(self.run_or_stop)
        self.controls.asked_changed.connect(self._on_asked)
        self.controls.drawn_changed.connect(self.invalidate)
        self.progress = ShareLine("How much of the surface is measured", self)
        self.view = LandscapeView(self)
        self.view.step_chosen.connect(self._go_to)
        self._empty = EmptyState(parent=self)
        self.sentence = Text(parent=self, wrap=True, font=small)
        layout = column(self, spacing=theme.TIGHT)
        layout.addWidget(self.controls)
        layout.addWidget(self.progress)
        layout.addWidget(self.view, 1)
        layout.addWidget(self._empty, 1)
        layout.addWidget(self.sentence)
        self._refusal = ""
        self.sweep.changed.connect(self.invalidate)
        store.timeline.changed.connect(self._follow)
        store.model_changed.connect(self._on_asked)

    # ------------------------------------------------------------------------- what is run

    @property
    def found(self) -> LandscapeFound | None:
        """The answer that is drawn."""
        return self.sweep.found(LandscapeFound)

    def run_or_stop(self) -> None:
        """What the button does."""
        if self.sweep.going:
            self.sweep.stop()
        else:
            self.run()

    def run(self) -> None:
        """Measure what is chosen, around the weights in view."""
        self._refusal = self._cannot()
        if not self._refusal:
            self.sweep.run(self.controls.question())
        self.invalidate()

    def _cannot(self) -> str:
        """Why nothing can be measured; empty if something can."""
        model = self.store.model
        if model is None:
            return "No model is open. Open a checkpoint or a run first."
        if model.config.no_continuation:
            return f"{model.config.no_continuation} So a text has no loss token by token."
        return self.store.prompt_problem

    # ----------------------------------------------------------------------------- drawing

    def refresh(self) -> None:
        sweep, found = self.sweep, self.found
        button = self.controls.run_button
        button.setText("Stop" if sweep.going else "Run")
        button.setToolTip(
            "Stop; what is measured so far stays"
            if sweep.going
            else "Measure the surface around the weights in view"
        )
        button.setAccessibleName("Stop measuring" if sweep.going else "Measure the cost surface")
        button.setEnabled(self.store.read is not None or sweep.going)
        self.progress.set_share(sweep.share if sweep.going else None)
        problem = self._problem()
        self.view.setVisible(found is not None)
        self._empty.setVisible(found is None)
        if found is None:
            waits = "The first losses are on their way…"
            self._empty.setText(
                problem or self._cannot() or (waits if sweep.going else words.EMPTY)
            )
        self.view.set_scale(self.controls.scale)
        self.view.set_flat(self.controls.flat)
        self.view.show_found(found)
        self._follow()
        said = "" if found is None else problem or words.here(found)
        self.sentence.setText(said)
        self.sentence.set_tone("warning" if problem else "text")
        self.sentence.setVisible(bool(said))
        tip = "" if found is None else f"{words.batch(found)}\n{words.legend_of(found)}"
        self.sentence.setToolTip(as_written(tip) if tip else "")

    def _problem(self) -> str:
        sweep, found = self.sweep, self.found
        if self._refusal or sweep.problem:
            return self._refusal or sweep.problem
        if found is None:
            return "Stopped. Press Run to measure." if sweep.stopped else ""
        if sweep.stopped and not found.is_whole:
            n = len(found.a_X)
            return f"Stopped at {n} × {n} losses; they are right. Press Run to begin anew."
        if not sweep.going and found.question != self.controls.question():
            return "This is what was measured last. Press Run for what is chosen now."
        return ""

    def header_note(self) -> str:
        found = self.found
        said = "" if found is None else words.heading(found)
        if self.sweep.going:
            return f"measuring, {self.sweep.share:.0%}{' · ' if said else ''}{said}"
        return said

    # ------------------------------------------------------------------------------ inside

    def _on_asked(self) -> None:
        self._refusal = ""
        self.invalidate()

    def _follow(self) -> None:
        """The ball is where the run was at the step in view."""
        self.view.set_step(self.store.timeline.step)

    def _go_to(self, step: int) -> None:
        self.store.timeline.go_to(step)

    def apply_theme(self) -> None:
        self.view.update()

    def code(self) -> str:
        found = self.found
        return code.of_answers({} if found is None else {"found": found})

    def export_data(self) -> Mapping[str, Named | Any]:
        found = self.found
        return {} if found is None else dict(found.arrays())

    def remember(self) -> dict[str, Any]:
        return self.controls.remember()

    def recall(self, kept: Mapping[str, Any]) -> None:
        self.controls.recall(kept)

    def sizeHint(self) -> QSize:
        return QSize(620, 430)
