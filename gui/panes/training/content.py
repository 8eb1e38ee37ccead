"""What the training pane is made of, and where its parts stand at which size.

Form, plots, figures and samples, side by side or below one another. Knows a run and the curves
drawn of it, no store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from PySide6.QtCore import QElapsedTimer, Qt
from PySide6.QtWidgets import QBoxLayout, QFrame, QScrollArea, QVBoxLayout, QWidget

from gui import theme
from gui.panes.base import EmptyState
from gui.panes.training.controls import RunControls
from gui.panes.training.curves import RunCurves
from gui.panes.training.figure_grid import FigureGrid
from gui.panes.training.figures import run_figures
from gui.panes.training.plots import RunPlots
from gui.panes.training.recipe_form import RecipeForm
from gui.panes.training.sample_view import SampleView
from gui.session.moments import Moments
from gui.session.training_run import Run
from model.train.branching.tree import RunNode

WIDE = 620
"""From this width on things stand side by side."""
ROOMY = 900
"""From this width on the figures have two columns."""
HIGH = 300
"""Below this height the two plots stand side by side, with the first figures only."""
FIGURES_MS = 250
"""Shortest time between two changes of the figures while a run goes."""
TO_START = "Press Start: the loss, a sample of its text and its figures appear here, step by step."
TO_COME = (
    "The run gets ready. Its loss, its samples and figures appear here from the first step on."
)
SAMPLES_FROM = 136
"""With less room than this, samples give way to the figures."""


class RunContent(QScrollArea):
    """Recipe, curves, figures and samples of a run; scrolls where it has no room.

    Attributes:
        form, plots, figures, samples: its parts.
        form_area: that the form stands in.
        inner: that all of them stand in.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.form = RecipeForm()
        self.figures = FigureGrid("Figures of the run")
        self._figures_said = QElapsedTimer()
        self._moments: Moments | None = None
        self.samples = SampleView()
        self._hint = EmptyState(TO_START)
        self.form_area = _scrolling(QScrollArea(), self.form)
        self.plots = RunPlots()
        self._arranged: tuple[object, ...] | None = None
        self._side = QWidget()
        self._side_layout = side = QVBoxLayout(self._side)
        side.setContentsMargins(0, 0, 0, 0)
        side.setSpacing(theme.TIGHT)
        side.addWidget(self.figures)
        side.addWidget(self.samples, 100)
        side.addStretch(1)  # figures stay at the top where samples have no room
        self.inner = QWidget()
        self._layout = QBoxLayout(QBoxLayout.Direction.LeftToRight, self.inner)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(theme.SPACE)
        for widget, stretch in (
            (self.form_area, 0),
            (self._hint, 1),
            (self.plots, 2),
            (self._side, 1),
        ):
            self._layout.addWidget(widget, stretch)
        self._layout.addStretch(0)  # below a form that stands alone
        _scrolling(self, self.inner)

    def show_run(
        self,
        run: Run,
        curves: RunCurves | None,
        controls: RunControls,
        n_figures: int | None,
        step: int | None = None,
        told: int | None = None,
        compared: int | None = None,
        others: Sequence[RunNode] = (),
        places: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """Draw what a run has reported until now.

        Args:
            run: which.
            curves: its columns.
            controls: what of them is drawn, and over what.
            n_figures: how many have room; None for all.
            step: that the window shows, which is marked and whose sample stands; None for none.
            told: step whose figures are said; None for the last.
            compared: step that the one in view is compared with; None for none.
            others: runs whose losses are drawn over its own.
            places: the place of each among all colours, by its folder.
        """
        along = controls.along
        self.plots.loss.tell(told, chosen=step is not None)
        self.plots.analogies.tell(told, chosen=step is not None)
        self.plots.loss.show_run(curves, along, controls.unit, controls.log, controls.what)
        self.plots.loss.show_others(others, places)
        self.plots.analogies.show_run(curves, along)
        if self._moments is None or self._moments.run is not run:
            self._moments = Moments(run)
        self.plots.loss.show_marks(step, self._moments.update(), compared)
        self.plots.analogies.show_marks(step, None, compared)
        # Digits that change ten times a second can't be read; the last ones always stand.
        if step is not None or not run.running or run.paused or self._rested():
            self._figures_said.start()
            self.figures.say(run_figures(run, told)[:n_figures])
        self.samples.show_samples(run.samples, step)

    def _rested(self) -> bool:
        return self._figures_said.hasExpired(FIGURES_MS)

    def fit(self) -> None:
        """Show the whole run again."""
        if self.plots.made:
            self.plots.loss.fit()
            self.plots.analogies.fit()

    def arrange(
        self, run: Run | None, width: int, height: int, *, form_shown: bool, starting: bool = False
    ) -> None:
        """Side by side or below one another, as the pane's shape asks for.

        Args:
            run: that is shown.
            width, height: of the pane.
            form_shown: whether the recipe stands open.
            starting: whether a run gets ready.
        """
        shape = (run is None, run is not None and bool(run.analogies), width, height, starting)
        arranged = (*shape, self.viewport().size())
        if not form_shown and arranged == self._arranged:  # an open form may need another height
            return
        self._arranged = None if form_shown else arranged
        self._hint.setText(TO_COME if starting else TO_START)
        wide, high = width >= WIDE, height >= HIGH
        beside = wide and run is not None
        self.form_area.setVisible(form_shown)
        self._hint.setVisible(run is None and (high or not form_shown))
        self.plots.setVisible(run is not None)
        self._side.setVisible(run is not None)
        if run is not None:
            self.plots.arrange(across=wide and not high, analogies=bool(run.analogies))
        self._layout.setDirection(_ACROSS if beside else _DOWN)
        if beside:
            side = 300 if width >= ROOMY else 190
            if not form_shown and high:  # a sample of a few words a line can't be read
                side = min(300, max(side, round(width * 0.34)))
            _set_width(self._side, side)
            _set_width(self.form_area, 250)
            self.form_area.setMinimumHeight(0)
            self.form_area.setMaximumHeight(_ANY)
            self.plots.setMinimumHeight(80)
            self.plots.loss.setMinimumHeight(60)
        else:
            _set_width(self._side, None)
            _set_width(self.form_area, None)
            # Below one another all scrolls together, so the form has the height that it needs.
            room = self.viewport().size()
            self.form_area.setFixedHeight(self.form.heightForWidth(max(140, room.width())))
            self.plots.setMinimumHeight(0)
            if run is not None:
                self.plots.loss.setMinimumHeight(min(max(90, room.height()), 130))
        self.samples.setVisible(not beside or self.viewport().height() >= SAMPLES_FROM)
        alone = form_shown and run is None and not self._hint.isVisibleTo(self)
        self._layout.setStretch(self._layout.count() - 1, 1 if alone else 0)
        for layout in (self._layout, self.plots.box, self._side_layout):
            layout.activate()  # now: a picture may be taken before the next event


_ACROSS, _DOWN = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
_ANY = 16_777_215  # Qt's own "no limit"


def _set_width(widget: QWidget, width: int | None) -> None:
    """Fix a width, or let it be any."""
    widget.setMinimumWidth(width or 0)
    widget.setMaximumWidth(width or _ANY)


def _scrolling(area: QScrollArea, widget: QWidget) -> QScrollArea:
    area.setWidget(widget)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.viewport().setAutoFillBackground(False)
    widget.setAutoFillBackground(False)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area
