"""Curves over training: what goes on in a network while it learns, and what its run waits for.

Draws the run of the model in view, else that of this session. Knows the store and widgets, no
other pane.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QLabel, QVBoxLayout, QWidget

from gui import theme
from gui.panes.base import EmptyState, Pane
from gui.panes.curves import ENTRY
from gui.panes.curves.forms import MOST_EVERY, WatchForm
from gui.panes.curves.grid import CurveGrid, Drawn, last_step
from gui.panes.curves.picture_view import PictureView
from gui.panes.curves.series import Chart, RunSeries
from gui.panes.curves.words import sentence
from gui.reading import code
from gui.session.moments import Learned
from gui.session.store import Store
from gui.session.training_run import Run
from gui.widgets.nest import nest
from gui.widgets.text import as_written
from model.config import TransformerConfig
from model.probe.question import Named
from model.train.picture import Picture
from model.train.watches import WatchError, watchable

TO_START = (
    "Press Start in Training: gradients, updates, attention and embedding appear here by layer "
    "while the loss falls. Any tensor can be watched by its name, and the run can wait where "
    "something holds."
)
TO_COME = (
    "The run gets ready. Gradients, updates, attention and embedding appear here by layer with "
    "its first measurement."
)
WIDE = 760
"""From this width on a picture stands beside the curves, below them otherwise."""


class CurvesPane(Pane):
    """Charts by layer, what is watched, a picture of one of it."""

    entry = ENTRY
    frame_ms: ClassVar[int] = 400  # measurements come seldom, and the run needs the processor

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self._series: RunSeries | None = None
        self._charts: tuple[Chart, ...] = ()
        self._key: tuple[int, int, int] = (-1, -1, -1)
        self.form = WatchForm()
        self.grid = CurveGrid()
        self.picture = PictureView()
        self.sentence = QLabel()
        self.sentence.setTextFormat(Qt.TextFormat.PlainText)
        self.sentence.setWordWrap(True)
        self.sentence.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        self.sentence.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.sentence.setAccessibleName("What the curves say")
        self.empty = EmptyState(TO_START)
        self._body = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._body.setSpacing(theme.SPACE)
        self._body.addWidget(self.grid, 3)
        self._body.addWidget(self.picture, 2)
        self._body.addWidget(self.empty, 3)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(theme.SPACE, 6, theme.SPACE, 6)
        outer.setSpacing(theme.TIGHT)
        outer.addWidget(self.form)
        nest(outer, self._body, 1)
        outer.addWidget(self.sentence)
        self.picture.hide()
        self._connect()
        self.apply_theme()

    def _connect(self) -> None:
        store = self.store
        self.form.watch_asked.connect(self.watch)
        self.form.condition_asked.connect(self.wait_for)
        self.form.dropped.connect(store.watches.drop)
        self.form.every_chosen.connect(store.watches.measure_every)
        self.grid.sought.connect(self.go_to)
        self.grid.moved.connect(self._move)
        self.grid.picture_asked.connect(self.toggle_picture)
        store.run.changed.connect(self.invalidate)
        store.watches.changed.connect(self.invalidate)
        store.timeline.changed.connect(self.invalidate)
        store.model_changed.connect(self.invalidate)

    # ------------------------------------------------------------------------- actions

    @property
    def config(self) -> TransformerConfig | None:
        """Of the network whose names are meant: that of the run, else that of the model in view."""
        run = self.store.run.current if self.store.run.running else self.store.run.shown
        if run is not None:
            return run.started.info.config
        return None if self.store.model is None else self.store.model.config

    def ask_watch(self) -> None:
        """Let a person type the name of a tensor."""
        self.form.watch.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def ask_condition(self) -> None:
        """Let a person type a condition."""
        self.form.condition.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def watch(self, text: str) -> None:
        """Watch one more tensor; why that can't be is said below the line."""
        config = self.config
        if config is None:
            self.form.say("Open a model or start a run first: its names are meant.")
            return
        try:
            self.store.watches.watch(text, config)
        except WatchError as error:
            self.form.say(str(error))
            return
        self.form.watch.clear()
        self.form.say("")

    def wait_for(self, text: str) -> None:
        """Let the run wait where this holds; why that can't be is said below the line."""
        config = self.config
        if config is None:
            self.form.say("Open a model or start a run first: its names are meant.")
            return
        try:
            self.store.watches.wait_for(text, config)
        except WatchError as error:
            self.form.say(str(error))
            return
        self.form.condition.clear()
        self.form.say("")

    def toggle_picture(self, place: str) -> None:
        """Show a watched tensor as a picture, or no more."""
        watches = self.store.watches
        watches.look_at("" if watches.picture == place else place)

    def go_to(self, step: float) -> None:
        """Bring the kept step that is nearest into view."""
        timeline = self.store.timeline
        if timeline.steps:
            timeline.go_to(timeline.nearest(step))

    def _move(self, n: int) -> None:
        if n < 0:
            self.store.timeline.back(-n)
        else:
            self.store.timeline.forward(n)

    def remember(self) -> dict[str, Any]:
        watches = self.store.watches
        return {
            "watched": list(watches.watched),
            "stop_when": list(watches.stop_when),
            "every": watches.every,
        }

    def recall(self, kept: Mapping[str, Any]) -> None:
        watches, every = self.store.watches, kept.get("every")
        if watches.watched or watches.stop_when or self.store.run.current is not None:
            return  # what a run has brought is newer
        watches.set_lists(_words(kept.get("watched")), _words(kept.get("stop_when")))
        if type(every) is int and 0 <= every <= MOST_EVERY:
            watches.measure_every(every)

    # ------------------------------------------------------------------------- drawing

    def refresh(self) -> None:
        store = self.store
        run, watches, config = store.run.shown, store.watches, self.config
        if run is None:
            self._series, self._charts = None, ()
        elif self._series is None or self._series.run is not run:
            self._series, self._key = RunSeries(run), (-1, -1, -1)
        if config is not None:
            self.form.offer(watchable(config))
        self.form.show_lists(watches.watched, watches.stop_when)
        self.form.show_every(watches.every, None if run is None else run.recipe.curves_every)
        self.grid.setVisible(run is not None)
        self.empty.setText(TO_START if store.run.starting is None else TO_COME)
        self.empty.setVisible(run is None)
        self.sentence.setVisible(run is not None)
        self._show_picture(run)
        if run is None or self._series is None:
            return
        series = self._series
        if series.key != self._key:
            self._key = series.key
            series.update()
            self._charts = series.charts()
        newest = max(run.step, run.measured[-1].step if run.measured else 0)
        end = last_step(newest, run.recipe.steps) if run.running else max(1, newest)
        n_layers, moment = run.started.info.config.n_layers, series.moment
        at = self._step_in_view(run)
        drawn = Drawn(self._charts, n_layers, end, at, moment, watches.picture)
        self.grid.show_drawn(drawn)
        said = sentence(series, moment, newest if at is None else at, n_layers)
        self.sentence.setText(said)
        self.sentence.setToolTip(as_written(said))

    def _step_in_view(self, run: Run) -> int | None:
        """Where the timeline stands; None where it follows what learns, or shows another model."""
        timeline = self.store.timeline
        if not self.store.run.in_view(run) or timeline.live:
            return None
        return timeline.step

    def _show_picture(self, run: Run | None) -> None:
        place = self.store.watches.picture
        self.picture.setVisible(bool(place) and run is not None)
        if place and run is not None:
            found = picture_in(run, place)
            every = self.store.watches.every or run.recipe.curves_every
            why = (
                f"It comes with the next measurement, at a multiple of {every:,} steps."
                if run.running
                else "A picture comes while the run learns. Resume it, or see weights in Model."
            )
            self.picture.show_picture(place, found, why)

    def _arrange(self) -> None:
        across = self.width() >= WIDE
        ways = QBoxLayout.Direction
        self._body.setDirection(ways.LeftToRight if across else ways.TopToBottom)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def apply_theme(self) -> None:
        self.form.apply_theme()
        self.grid.redraw()
        self.picture.redraw()

    def header_note(self) -> str:
        """The run, and when its task was learned or an induction head formed."""
        run, series = self.store.run.shown, self._series
        if run is None:
            return ""
        moment = None if series is None else series.moment
        what = moment.short if isinstance(moment, Learned) else "induction head"
        formed = "" if moment is None else f" · {what} at step {moment.step:,}"
        if run.program:
            return f"{run.name} · {run.program}"
        every = self.store.watches.every if run.running else 0
        return f"{run.name} · every {every or run.recipe.curves_every:,} steps{formed}"

    def code(self) -> str:
        run = self.store.run.shown
        if run is None:
            return ""
        return code.of_log(run.run_dir) if run.program else code.of_curves(run.run_dir)

    def export_data(self) -> Mapping[str, Named]:
        """Every curve, place by step."""
        run = self.store.run.shown
        if run is None:
            return {}
        series = RunSeries(run)
        series.update()
        return series.arrays()


def picture_in(run: Run, place: str) -> Picture | None:
    """The newest picture of a tensor that a run has told of."""
    for event in reversed(run.measured):
        if event.picture is not None and event.picture.place == place:
            return event.picture
    return None


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return tuple(value)
    return ()
