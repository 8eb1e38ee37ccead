"""Training: a recipe, the run that follows from it, and its curves while it goes.

Draws the run of the model in view, else that of this session, and says which; starts, holds, steps,
stops, takes up and begins anew. Knows the store and widgets, no other pane.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.panes.base import LAST, Pane
from gui.panes.training import ENTRY
from gui.panes.training.beginning import Beginning
from gui.panes.training.content import HIGH, ROOMY, WIDE, RunContent
from gui.panes.training.controls import START_TIP, RunControls
from gui.panes.training.curves import RunCurves
from gui.panes.training.figures import analogy_at, ending
from gui.panes.training.heading import RunHeading
from gui.panes.training.recipe_desk import RecipeDesk
from gui.panes.training.status import seen_step, state_of, told_step
from gui.reading import code
from gui.session.conditions import can_branch, can_start, can_start_again, can_take_up
from gui.session.store import Store
from gui.session.training_run import Run
from gui.widgets.nest import nest
from model.probe.question import Named
from model.train.recipe import Recipe

log = logging.getLogger(__name__)

ROWS_A_FRAME = 50_000
"""Steps of a curve that are taken in at once: some tens of milliseconds, in which no key waits."""


class TrainingPane(Pane):
    """Recipe, buttons, curves, figures and samples.

    Attributes:
        runs_dir: where run folders are made.
    """

    entry = ENTRY
    frame_ms: ClassVar[int] = 200  # nobody reads figures faster, and the run needs the processor

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self._curves: RunCurves | None = None
        self._heard: Run | None = None
        self.controls = RunControls()
        self._make_content()
        self.beginning = Beginning(store, self.form, self)
        self.desk = RecipeDesk(store, self.form)
        self._connect()
        self.apply_theme()

    # ---------------------------------------------------------------------- structure

    def _connect(self) -> None:
        controls, store = self.controls, self.store
        controls.recipe.toggled.connect(self.invalidate)
        controls.start.clicked.connect(self.start)
        controls.pause.clicked.connect(self.toggle_pause)
        controls.step.clicked.connect(self.step)
        controls.stop.clicked.connect(self.stop)
        controls.rate.rate_chosen.connect(store.run.change_rate)
        controls.axes_changed.connect(self.invalidate)
        controls.fit_requested.connect(self.content.fit)
        self.heading.show_requested.connect(self.show_run)
        self.heading.again_requested.connect(self.start_again)
        self.heading.branch_requested.connect(self.branch_here)
        self.heading.follow_requested.connect(self.store.watching.follow)
        self.place_button.clicked.connect(self.form.place.ask)
        self.form.recipe_changed.connect(self.invalidate)
        self.beginning.changed.connect(self.invalidate)
        self.beginning.form_wanted.connect(self._show_form)
        store.recipes.read.connect(self._take_proposal)
        store.recipes.changed.connect(self.invalidate)
        store.run.changed.connect(self._hear_of_run)
        store.run.proposed.connect(self._take_proposal)
        store.watching.changed.connect(self.invalidate)
        store.scaling.changed.connect(self.invalidate)  # no run can begin meanwhile
        store.timeline.changed.connect(self.invalidate)
        store.branching.changed.connect(self.invalidate)
        store.model_changed.connect(self._hear_of_run)
        store.activity.changed.connect(self._hear_of_activity)
        store.asked.delivered.connect(self.invalidate)  # the step that is told is another
        store.engine_changed.connect(self.invalidate)

    def _make_content(self) -> None:
        self.heading = RunHeading()
        self.content = RunContent()
        self.form, self.plots = self.content.form, self.content.plots
        self.figures, self.samples = self.content.figures, self.content.samples
        self.status = QLabel()
        self.status.setTextFormat(Qt.TextFormat.PlainText)
        self.status.setWordWrap(True)
        self.status.setAccessibleName("State of the run")
        self.place_button = QPushButton("Choose another folder…")
        self.place_button.setAccessibleName("Choose another folder for runs")
        self.place_button.setToolTip("A folder in which runs can be written; it is remembered")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(3)
        self.progress.setAccessibleName("Progress of the run")
        said = QHBoxLayout()
        said.setSpacing(theme.SPACE)
        said.addWidget(self.status, 1)
        said.addWidget(self.place_button, 0, Qt.AlignmentFlag.AlignTop)
        self._outer = outer = QVBoxLayout(self)
        outer.setContentsMargins(theme.SPACE, 6, theme.SPACE, 6)
        outer.setSpacing(theme.TIGHT)
        outer.addWidget(self.controls)
        outer.addWidget(self.progress)
        outer.addWidget(self.heading)
        nest(outer, said)
        outer.addWidget(self.content, 1)

    # ------------------------------------------------------------------------ actions

    @property
    def runs_dir(self) -> Path:
        return self.form.runs_dir

    @runs_dir.setter
    def runs_dir(self, path: Path) -> None:
        self.form.set_runs_dir(path)

    def remember(self) -> dict[str, Any]:
        kept: dict[str, Any] = {LAST: {"recipe": self.form.recipe().to_toml()}}
        # What was only proposed is proposed anew, wherever the program is started next.
        if self.form.runs_dir_chosen:
            kept["runs_dir"] = str(self.runs_dir)
        return kept

    def recall(self, kept: Mapping[str, Any]) -> None:
        runs_dir = kept.get("runs_dir")
        # A relative one was written by an older version, which let nobody choose.
        if isinstance(runs_dir, str) and Path(runs_dir).is_absolute() and "\0" not in runs_dir:
            self.runs_dir = Path(runs_dir)
        last = kept.get(LAST)
        text = last.get("recipe") if isinstance(last, dict) else None
        if isinstance(text, str):
            try:
                self.form.set_recipe(Recipe.from_toml(text))
            except ValueError:
                log.warning("the recipe of last time can't be read: the preset is shown")

    def start(self) -> None:
        """Train a new model by the recipe, in a folder that did not exist."""
        self.beginning.start()

    def start_again(self) -> None:
        """Train a new model by the recipe of the run that is shown, from its weights on."""
        self.beginning.start_again()

    def branch_here(self) -> None:
        """Write the recipe of a run that begins at the step in view; it begins with Start."""
        run, here = self.store.run.shown, self.store.branching.here
        if run is None or here is None or not self._can_start():
            return
        self.store.branching.propose(here)
        self.form.set_departure(here, run.name, run.recipe)
        self.controls.recipe.setChecked(True)
        self.form.lr.setFocus(Qt.FocusReason.OtherFocusReason)
        self.invalidate()

    def toggle_pause(self) -> None:
        """Hold the run, let it go on, or take up one that has ended."""
        self.beginning.toggle_pause()

    def step(self) -> None:
        """One update, then pause; without a run, one begins with it."""
        self.beginning.step()

    def stop(self) -> None:
        """End the run; what it learned stays on disk."""
        if self.store.run.going:
            self.store.run.stop()

    def show_run(self) -> None:
        """Bring the model of the run that is shown into view."""
        run = self.store.run.shown
        if run is not None and run.model is not None:
            self.store.run.follow(True)
        elif run is not None:  # its last weights were no numbers: what was saved before
            self.store.opening.open(run.run_dir)

    def toggle_following(self) -> None:
        """Bring each new snapshot of a run that is written elsewhere into view, or no more."""
        self.store.watching.follow(not self.store.watching.follows)

    def _can_start(self) -> bool:
        return can_start(self.store)

    def _show_form(self, wanted: object) -> None:
        self.controls.recipe.setChecked(bool(wanted))

    def _take_proposal(self, recipe: Recipe) -> None:
        """Show a recipe that was made elsewhere; it begins where a person presses Start."""
        self._show_recipe(recipe)
        self.controls.recipe.setChecked(True)
        self.invalidate()

    def _show_recipe(self, recipe: Recipe) -> None:
        """Take over a recipe; what it watches and waits for stands in a list of its own."""
        self.form.set_recipe(replace(recipe, watched=(), stop_when=()))
        watches = self.store.watches
        if recipe.watched or recipe.stop_when:
            both = watches.added_to(recipe)
            watches.set_lists(both.watched, both.stop_when)

    def _hear_of_run(self) -> None:
        run = self.store.run.shown
        if run is not None and run is not self._heard:
            self._heard = run
            self.controls.recipe.setChecked(False)  # whoever started it
            if self.form.departure is not None:
                self.desk.begin_anew()  # it has begun, or is about another run than the one in view
            own = not run.program and not run.recipe.tuning  # what is tuned has a form of its own
            if run is self.store.run.recorded and own:
                self._show_recipe(run.recipe)
        self.beginning.hear_of_run()
        self.invalidate()

    def _hear_of_activity(self) -> None:
        if self.store.run.going:  # what else the worker does is not shown here
            self.invalidate()

    # ------------------------------------------------------------------------ drawing

    def refresh(self) -> None:
        run = self.store.run.shown
        if run is None:
            self._curves = None
        elif self._curves is None or self._curves.run is not run:
            self._curves = RunCurves(run)
        if self._curves is not None and not self._curves.update(ROWS_A_FRAME):
            self.invalidate()  # the rest of a long curve follows
        self._show_controls(run)
        self._show_heading(run)
        self._show_status(run)
        if run is not None:
            comparing = self.store.comparing
            steps = comparing.kind == "step" and comparing.there and self.store.run.in_view(run)
            self.content.show_run(
                run,
                self._curves,
                self.controls,
                self._n_figures(),
                seen_step(self.store, run),
                self._step_of(run),
                comparing.at_step if steps else None,
                self.store.branching.drawn_over(run),
                self.store.branching.places,
            )
        self._arrange()

    def _show_controls(self, run: Run | None) -> None:
        controls, going = self.controls, self.store.run.going
        current = self.store.run.current
        running = run is not None and run.running and not run.elsewhere
        elsewhere = ""  # the run that goes on is another than the one that is shown
        if going and current is not None and not running and current.running:
            elsewhere = f"Run {current.name} is going; its buttons are in the bar above"
        elif run is not None and run.elsewhere:
            elsewhere = "Another process writes this run; it is steered there"
        can_start = self._can_start()
        # Told only where one can be begun: to read the whole form costs half a millisecond.
        trouble = self.form.trouble() if can_start else ""
        can_start = can_start and not trouble
        controls.start.setEnabled(can_start)
        controls.start.setToolTip(trouble or START_TIP)
        self.desk.show_estimate(can_start=can_start)
        if running:
            controls.show_hold("go on" if run is not None and run.paused else "pause")
        elif can_take_up(self.store):
            controls.show_hold("take up")
        else:
            why = elsewhere or ("" if run is None or going else ending(run)[1])
            controls.show_hold("pause", why or "There is no run to hold")
        controls.step.setEnabled(running or can_start)
        controls.stop.setEnabled(going and not elsewhere)
        rate = None if run is None or not running or not run.steps else run.steps[-1].lr
        controls.rate.show_rate(rate)
        controls.axes.setVisible(run is not None)
        known = self._curves is not None and self._curves.scale("bits_per_byte") is not None
        controls.unit_actions["bits_per_byte"].setEnabled(known)

    def _show_heading(self, run: Run | None) -> None:
        in_view = run is not None and self.store.run.in_view(run)
        # In a low pane the header names it, and the picture comes first.
        self.heading.setVisible(run is not None and (self.height() >= HIGH or not in_view))
        if run is not None:
            model = self.store.model
            other = "no model" if model is None else model.name
            self.heading.show_run(
                run,
                in_view=in_view,
                other=other,
                again=can_start_again(self.store),
                branch=self.store.branching.here if can_branch(self.store) else None,
            )
            self.heading.show_following(self.store.watching, run)

    def _show_status(self, run: Run | None) -> None:
        state = state_of(self.store, run, self.beginning.failure)
        if state.progress is not None:
            self.progress.setRange(0, state.progress[1])
            self.progress.setValue(state.progress[0])
        self.progress.setVisible(state.progress is not None)
        self.status.setText(state.words)
        self.status.setVisible(bool(state.words))
        self.place_button.setVisible(
            bool(self.beginning.refused_place) and state.words == self.beginning.failure
        )
        style = f"color: {getattr(theme.current(), state.color)};"
        if style != self.status.styleSheet():  # it is costly, and this is called at every step
            self.status.setStyleSheet(style)

    def _step_of(self, run: Run) -> int:
        """The step whose figures are said: the one that all panes show.

        Of a run that is written elsewhere the newest: one looks at it to see how far it is.
        """
        seen = None if run.elsewhere else seen_step(self.store, run)
        return told_step(self.store, run) if seen is None else seen

    def _n_figures(self) -> int | None:
        """How many figures have room; None for all. What they leave out stands on the plots."""
        if self.width() < WIDE or self.height() >= HIGH:
            return None
        return 8 if self.width() >= ROOMY else 4

    def _arrange(self) -> None:
        self._outer.activate()
        self.content.arrange(
            self.store.run.shown,
            self.width(),
            self.height(),
            form_shown=self.controls.recipe.isChecked(),
            starting=self.store.run.starting is not None,
        )
        self._outer.activate()

    def apply_theme(self) -> None:
        self.form.apply_theme()
        self.plots.apply_theme()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.store.branching.look(self.key, looks=True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.store.branching.look(self.key, looks=False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def header_note(self) -> str:
        """Step and, where it is measured, what has become of the analogy."""
        run = self.store.run.shown
        if run is None:
            return ""
        whose = f" · {run.program}" if run.program else ""
        step = self._step_of(run)
        note = f"{run.name}{whose} · step {step:,} / {run.recipe.steps:,}"
        last = analogy_at(run, step)
        if last is not None:
            note += f" · {last.expression}: rank {last.rank:,}"
        return note

    def code(self) -> str:
        run = self.store.run.shown
        if run is None:
            return ""
        return code.of_log(run.run_dir) if run.program else code.of_run(run.run_dir)

    def export_data(self) -> Mapping[str, Named]:
        """Everything that was measured of the run, over its steps."""
        run = self.store.run.shown
        if run is None:
            return {}
        curves = RunCurves(run)
        curves.update()
        return curves.arrays()
