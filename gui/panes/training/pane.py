"""Training: a recipe, the run that follows from it, and its curves while it goes.

Draws and steers `store.run`: starts, holds, steps and stops. Knows the store and widgets, no other
pane.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from PySide6.QtCore import QElapsedTimer, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFileDialog,
    QFrame,
    QLabel,
    QProgressBar,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.on_screen import keep_on_screen
from gui.panes.base import EmptyState, Pane
from gui.panes.training import ENTRY
from gui.panes.training.controls import RunControls
from gui.panes.training.curves import RunCurves
from gui.panes.training.figure_grid import FigureGrid
from gui.panes.training.figures import ending, run_figures
from gui.panes.training.plots import RunPlots
from gui.panes.training.recipe_form import RecipeForm
from gui.panes.training.sample_view import SampleView
from gui.session.run import Run
from gui.session.state import Notice
from gui.session.store import Store
from model.probe.question import Named
from model.train.run_folder import unique_run_dir

WIDE = 620
"""From this width on things stand side by side."""
ROOMY = 900
"""From this width on the figures have two columns."""
HIGH = 300
"""Below this height the two plots stand side by side, with the first figures only."""
FIGURES_MS = 250
"""Shortest time between two changes of the figures while a run goes."""
SAMPLES_FROM = 136
"""With less room than this, samples give way to the figures."""


class TrainingPane(Pane):
    """Recipe, buttons, curves, figures and samples.

    Attributes:
        runs_dir: where run folders are made.
    """

    entry = ENTRY
    frame_ms: ClassVar[int] = 100  # nobody reads figures faster, and the run needs the processor

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self._curves: RunCurves | None = None
        self._waiting = False  # a run was asked for and has not begun
        self._step_when_begun = False
        self._failure = ""
        self._heard: Run | None = None
        self._dialog: QFileDialog | None = None
        self.controls = RunControls(store.run.following)
        self._connect_controls()
        self._make_content()
        self.form.recipe_changed.connect(self.invalidate)
        self.form.file_requested.connect(self.choose_file)
        store.run.changed.connect(self._hear_of_run)
        store.activity.changed.connect(self._hear_of_activity)
        store.engine_changed.connect(self.invalidate)
        store.notice_posted.connect(self._hear)
        self.apply_theme()

    # ---------------------------------------------------------------------- structure

    def _connect_controls(self) -> None:
        controls = self.controls
        controls.recipe.toggled.connect(self.invalidate)
        controls.start.clicked.connect(self.start)
        controls.pause.clicked.connect(self.toggle_pause)
        controls.step.clicked.connect(self.step)
        controls.stop.clicked.connect(self.stop)
        controls.open.clicked.connect(self.open_run)
        controls.follow.toggled.connect(self._follow)
        controls.axes_changed.connect(self.invalidate)
        controls.fit_requested.connect(self._fit)

    def _make_content(self) -> None:
        self.form = RecipeForm()
        self.figures = FigureGrid("Figures of the run")
        self._figures_said = QElapsedTimer()
        self.samples = SampleView()
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.status.setAccessibleName("State of the run")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(3)
        self.progress.setAccessibleName("Progress of the run")
        self._hint = EmptyState("Start a run: its curves appear here, step by step.")

        self._form_area = _scrolling(self.form)
        self.plots = RunPlots()
        self._side = QWidget()
        self._side_layout = side = QVBoxLayout(self._side)
        side.setContentsMargins(0, 0, 0, 0)
        side.setSpacing(theme.TIGHT)
        side.addWidget(self.figures)
        side.addWidget(self.samples, 100)
        side.addStretch(1)  # figures stay at the top where samples have no room

        self._content = QWidget()
        self._layout = QBoxLayout(QBoxLayout.Direction.LeftToRight, self._content)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(theme.SPACE)
        for widget, stretch in (
            (self._form_area, 0),
            (self._hint, 1),
            (self.plots, 2),
            (self._side, 1),
        ):
            self._layout.addWidget(widget, stretch)
        self._layout.addStretch(0)  # below a form that stands alone
        self._outer = outer = QVBoxLayout(self)
        outer.setContentsMargins(theme.SPACE, 6, theme.SPACE, 6)
        outer.setSpacing(theme.TIGHT)
        outer.addWidget(self.controls)
        outer.addWidget(self.progress)
        outer.addWidget(self.status)
        self._area = _scrolling(self._content)
        outer.addWidget(self._area, 1)

    # ------------------------------------------------------------------------ actions

    @property
    def runs_dir(self) -> Path:
        return self.form.runs_dir

    @runs_dir.setter
    def runs_dir(self, path: Path) -> None:
        self.form.set_runs_dir(path)

    def remember(self) -> dict[str, Any]:
        return {"runs_dir": str(self.runs_dir)}

    def recall(self, kept: Mapping[str, Any]) -> None:
        runs_dir = kept.get("runs_dir")
        if isinstance(runs_dir, str) and runs_dir:
            self.runs_dir = Path(runs_dir)

    def start(self, *, begin_paused: bool = False) -> None:
        """Train a new model by the recipe, in a folder that did not exist."""
        if not self._can_start():
            return
        trouble = self.form.trouble()
        if trouble:
            self.controls.recipe.setChecked(True)
            self.invalidate()
            return
        recipe = self.form.recipe()
        self._failure, self._waiting, self._step_when_begun = "", True, begin_paused
        self.controls.recipe.setChecked(False)
        self.store.run.start(
            recipe,
            str(unique_run_dir(self.runs_dir, recipe.name)),
            follow=self.controls.follow.isChecked(),
            begin_paused=begin_paused,
        )
        self.invalidate()

    def toggle_pause(self) -> None:
        """Hold the run, or let it go on."""
        run = self.store.run.current
        if run is not None and run.running:
            if run.paused:
                self.store.run.resume()
            else:
                self.store.run.pause()

    def step(self) -> None:
        """One update, then pause; without a run, one begins with it."""
        if self.store.run.running:
            self.store.run.step()
        else:
            self.start(begin_paused=True)

    def stop(self) -> None:
        """End the run; what it learned stays on disk."""
        if self.store.run.going:
            self.store.run.stop()

    def open_run(self) -> None:
        """Open the model that the last run trained."""
        run = self.store.run.current
        if run is not None and not run.running:
            self.store.opening.open(run.started.run_dir)

    def choose_file(self) -> None:
        """Ask for a text to train on."""
        dialog = QFileDialog(self, "A text to train on")
        keep_on_screen(dialog)
        dialog.setObjectName("training_text_dialog")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(["Text (*.txt *.md *.csv *.py)", "All files (*)"])
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.form.choose_file)
        self._dialog = dialog
        dialog.open()

    def _follow(self, follow: bool) -> None:
        if self.store.run.going:
            self.store.run.follow(follow)

    def _can_start(self) -> bool:
        return self.store.engine is not None and not self.store.run.going

    def _hear(self, notice: Notice) -> None:
        """A run that could not begin says so here too."""
        if self._waiting and self.store.run.starting is None:
            self._failure, self._waiting, self._step_when_begun = notice.message, False, False
            self.controls.recipe.setChecked(True)
            self.invalidate()

    def _hear_of_run(self) -> None:
        run = self.store.run.current
        if run is not None and run is not self._heard:
            self._heard = run
            self.controls.recipe.setChecked(False)  # whoever started it
        if self._waiting and self.store.run.starting is None and run is not None and run.running:
            self._waiting = False
            if self._step_when_begun:
                # Not before the worker has paused the run that begins.
                QTimer.singleShot(0, self._take_first_step)
        self.invalidate()

    def _take_first_step(self) -> None:
        """A run that began with Step does that step."""
        if self._step_when_begun and self.store.run.running:
            self.store.run.step()
        self._step_when_begun = False

    def _fit(self) -> None:
        if self.plots.made:
            self.plots.loss.fit()
            self.plots.analogies.fit()

    def _hear_of_activity(self) -> None:
        if self.store.run.going:  # what else the worker does is not shown here
            self.invalidate()

    # ------------------------------------------------------------------------ drawing

    def refresh(self) -> None:
        run = self.store.run.current
        if run is None:
            self._curves = None
        elif self._curves is None or self._curves.run is not run:
            self._curves = RunCurves(run)
        if self._curves is not None:
            self._curves.update()
        self._show_controls(run)
        self._show_status(run)
        if run is not None:
            self._show_run(run)
        self._arrange()

    def _show_run(self, run: Run) -> None:
        along = self.controls.along
        controls = self.controls
        self.plots.loss.show_run(self._curves, along, controls.unit, controls.log, controls.what)
        self.plots.analogies.show_run(self._curves, along)
        # Digits that change ten times a second can't be read; the last ones always stand.
        if not run.running or run.paused or self._figures_said.hasExpired(FIGURES_MS):
            self._figures_said.start()
            self.figures.say(run_figures(run)[: self._n_figures()])
        self.samples.show_samples(run.samples)

    def _show_controls(self, run: Run | None) -> None:
        controls, going = self.controls, self.store.run.going
        running = run is not None and run.running
        can_start = self._can_start() and not self.form.trouble()
        controls.start.setEnabled(can_start)
        controls.pause.setEnabled(running)
        controls.show_paused(running and run is not None and run.paused)
        controls.step.setEnabled(running or can_start)
        controls.stop.setEnabled(going)
        ended = run is not None and not run.running and not going
        controls.open.setVisible(ended and run is not None and not self._in_view(run))
        controls.axes.setVisible(run is not None)
        if going:
            controls.show_following(self.store.run.following)
        known = self._curves is not None and self._curves.scale("bits_per_byte") is not None
        controls.unit_actions["bits_per_byte"].setEnabled(known)

    def _in_view(self, run: Run) -> bool:
        model = self.store.model
        if model is None or model.training:
            return False
        # An opened run is known by the snapshot that was read.
        return Path(model.path).is_relative_to(run.started.run_dir)

    def _show_status(self, run: Run | None) -> None:
        progress, color, words = self.store.run.preparing, "dim", ""
        if self.store.run.starting is not None:
            words = "Getting ready" if progress is None else progress.what
            self.progress.setRange(0, 0 if progress is None else progress.total)
            self.progress.setValue(0 if progress is None else progress.done)
        elif run is not None and run.running:
            self.progress.setRange(0, run.started.recipe.steps)
            self.progress.setValue(run.step)
            words = f"Paused at step {run.step:,}" if run.paused else ""
        elif self._failure:
            color, words = "bad", self._failure
        elif run is not None and run.finished is not None:
            color, words = ending(run)
        self.progress.setVisible(self.store.run.going)
        self.status.setText(words)
        self.status.setVisible(bool(words))
        style = f"color: {getattr(theme.current(), color)};"
        if style != self.status.styleSheet():  # it is costly, and this is called at every step
            self.status.setStyleSheet(style)

    def _n_figures(self) -> int | None:
        """How many figures have room; None for all. What they leave out stands on the plots."""
        if self.width() < WIDE or self.height() >= HIGH:
            return None
        return 8 if self.width() >= ROOMY else 4

    def _arrange(self) -> None:
        """Side by side or below one another, as the pane's shape asks for."""
        run = self.store.run.current
        wide, high = self.width() >= WIDE, self.height() >= HIGH
        form_shown = self.controls.recipe.isChecked()
        beside = wide and run is not None
        self._form_area.setVisible(form_shown)
        self._hint.setVisible(run is None and (high or not form_shown))
        self.plots.setVisible(run is not None)
        self._side.setVisible(run is not None)
        if run is not None:
            self.plots.analogies.setVisible(bool(run.analogies))
        self._layout.setDirection(_ACROSS if beside else _DOWN)
        self.plots.box.setDirection(_ACROSS if wide and not high else _DOWN)
        if beside:
            _set_width(self._side, 300 if self.width() >= ROOMY else 190)
            _set_width(self._form_area, 250)
            self._form_area.setMinimumHeight(0)
            self._form_area.setMaximumHeight(_ANY)
            self.plots.setMinimumHeight(80)
            self.plots.loss.setMinimumHeight(60)
        else:
            _set_width(self._side, None)
            _set_width(self._form_area, None)
            # Below one another all scrolls together, so the form has the height that it needs.
            room = self._area.viewport().size()
            self._form_area.setFixedHeight(self.form.heightForWidth(max(140, room.width())))
            self.plots.setMinimumHeight(0)
            if run is not None:
                self.plots.loss.setMinimumHeight(min(max(90, room.height()), 130))
        self._outer.activate()
        self.samples.setVisible(not beside or self._area.viewport().height() >= SAMPLES_FROM)
        alone = form_shown and run is None and not self._hint.isVisibleTo(self)
        self._layout.setStretch(self._layout.count() - 1, 1 if alone else 0)
        for layout in (self._outer, self._layout, self.plots.box, self._side_layout):
            layout.activate()  # now: a picture may be taken before the next event

    def apply_theme(self) -> None:
        self.form.apply_theme()
        self.plots.apply_theme()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def header_note(self) -> str:
        """Step and, where it is measured, what has become of the analogy."""
        run = self.store.run.current
        if run is None:
            return ""
        note = f"step {run.step:,} / {run.started.recipe.steps:,}"
        if run.analogies:
            last = run.analogies[-1]
            note += f" · {last.expression}: rank {last.rank:,}"
        return note

    def export_data(self) -> Mapping[str, Named]:
        """Everything that was measured of the run, over its steps."""
        run = self.store.run.current
        if run is None:
            return {}
        curves = RunCurves(run)
        curves.update()
        return curves.arrays()


_ACROSS, _DOWN = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
_ANY = 16_777_215  # Qt's own "no limit"


def _set_width(widget: QWidget, width: int | None) -> None:
    """Fix a width, or let it be any."""
    widget.setMinimumWidth(width or 0)
    widget.setMaximumWidth(width or _ANY)


def _scrolling(widget: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidget(widget)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.viewport().setAutoFillBackground(False)
    widget.setAutoFillBackground(False)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area
