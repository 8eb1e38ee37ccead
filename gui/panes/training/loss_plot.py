"""The curves of a run: loss, and how far the analogies have come true.

Every point is drawn: thinning out for the screen keeps the highest and lowest of each pixel
column. Knows pyqtgraph and the run's arrays, no store.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui import theme
from gui.panes.training.curves import (
    ALONG_WORDS,
    LOSS,
    UNIT_WORDS,
    Along,
    RunCurves,
    Unit,
    choices,
)
from gui.panes.training.legend_line import Entry, LegendLine
from gui.panes.training.marks import PlotMarks
from gui.panes.training.other_curves import OtherCurves
from gui.session.moments import Learned, Moment
from gui.widgets.charts.steady_plot import SteadyAxis, steady_plot
from model.train.branching.tree import RunNode
from model.train.events import StepDone
from model.train.metrics import Measure


class LivePlot(QWidget):
    """A plot under a legend that says what the curves are worth, also under the mouse."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.legend = LegendLine(self)
        self.plot = steady_plot(self)
        self.plot.setAccessibleName(name)
        self.plot.setMinimumHeight(48)
        self.plot.setFrameShape(pg.PlotWidget.Shape.NoFrame)
        self.curves: RunCurves | None = None
        self.along: Along = "step"
        self._numbered: bool | None = None
        self._hovered: float | None = None
        item = self.plot.getPlotItem()
        item.hideButtons()
        item.setMenuEnabled(False)
        # Asked of the plot: it overrules what its curves are asked for (pyqtgraph 0.14).
        item.setDownsampling(auto=True, mode="peak")
        item.setClipToView(True)
        item.getViewBox().setDefaultPadding(0.03)
        self._cursor = pg.InfiniteLine(angle=90, movable=False)
        self._cursor.setVisible(False)
        self.plot.addItem(self._cursor, ignoreBounds=True)
        self.marks = PlotMarks(self.plot)
        self.plot.scene().sigMouseMoved.connect(self._moved)
        self.plot.viewport().installEventFilter(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.legend)
        layout.addWidget(self.plot, 1)

    def curve(self, **options: Any) -> pg.PlotDataItem:
        """A new curve that shows each of its points, however many there are."""
        curve = pg.PlotDataItem(**options)
        self.plot.addItem(curve)
        return curve

    def fit(self) -> None:
        """Show the whole run again."""
        self.plot.getPlotItem().enableAutoRange()

    def apply_theme(self) -> None:
        """Take the colours of the theme in force."""
        t = theme.current()
        self.plot.setBackground(t.color("panel"))
        for name in ("left", "bottom", "right"):
            axis = self.plot.getPlotItem().getAxis(name)
            axis.setPen(pg.mkPen(t.color("line")))
            axis.setTextPen(pg.mkPen(t.color("dim")))
            axis.setTickFont(theme.mono(theme.SMALL_FONT_SIZE - 1))
            axis.setStyle(tickLength=-4, tickTextOffset=5, maxTextLevel=1, maxTickLevel=1)
        self._cursor.setPen(pg.mkPen(t.color("faint"), width=1))
        self.marks.apply_theme()

    def show_marks(self, step: int | None, moment: Moment | Learned | None) -> None:
        """Mark the step that the window shows, and the one at which an induction head formed.

        Args:
            step: in view; None where that is what learns now, or of another model.
            moment: None while there is none.
        """
        curves, along = self.curves, self.along
        if curves is None:
            self.marks.show(None, None, "")
            return
        here, formed = (
            None if at is None else float(curves.along(np.array([float(at)]), along)[0])
            for at in (step, None if moment is None else moment.step)
        )
        self.marks.show(here, formed, "" if moment is None else moment.words)

    def _number_axes(self, n: int) -> None:
        """No numbers on axes on which nothing lies."""
        if self._numbered != (n > 0):  # even the same style draws an axis anew
            self._numbered = n > 0
            for name in ("left", "bottom"):
                self.plot.getPlotItem().getAxis(name).setStyle(showValues=n > 0)

    def point(self, x: float, y: float) -> QPointF:
        """Where a point of the curves lies in the plot's viewport."""
        view = self.plot.getPlotItem().getViewBox()
        return QPointF(self.plot.mapFromScene(view.mapViewToScene(QPointF(x, y))))

    def describe(self) -> None:
        """Say in the legend what the curves are worth."""
        raise NotImplementedError

    def _moved(self, scene_point: QPointF) -> None:
        view = self.plot.getPlotItem().getViewBox()
        if self.curves is None or not view.sceneBoundingRect().contains(scene_point):
            self._leave()
            return
        self._hovered = float(view.mapSceneToView(scene_point).x())
        self.describe()

    def _leave(self) -> None:
        if self._hovered is not None:
            self._hovered = None
            self._cursor.setVisible(False)
            self.describe()

    def _mark(self, x: float) -> None:
        self._cursor.setPos(x)
        self._cursor.setVisible(True)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self._leave()
        elif event.type() == QEvent.Type.MouseButtonDblClick:
            self.fit()
        return super().eventFilter(watched, event)


class LossPlot(LivePlot):
    """All losses over steps, tokens or seconds; or one other measure of the run instead.

    Attributes:
        items: a curve a measure, by its name; those of other choices are hidden.
        others: the curves of other runs.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Loss", parent)
        self.unit: Unit = "nats"
        self.log = False
        self.what = LOSS
        self.items: dict[str, pg.PlotDataItem] = {}
        self._drawn: dict[str, tuple[object, ...]] = {}
        self.others = OtherCurves(self.plot)
        self.setToolTip("Wheel zooms, dragging moves, a double click shows all.")
        self._show_items()
        self.apply_theme()

    @property
    def train(self) -> pg.PlotDataItem:
        """The curve of the training loss."""
        return self.items["train_loss"]

    @property
    def validation(self) -> pg.PlotDataItem:
        """The curve of the validation loss."""
        return self.items["val_loss"]

    def apply_theme(self) -> None:
        super().apply_theme()
        t = theme.current()
        self.plot.getPlotItem().showGrid(x=False, y=True, alpha=0.12)
        for measure, color in self._measures():
            item = self.items[measure.name]
            item.setPen(pg.mkPen(color, width=1))
            if StepDone not in measure.on:
                item.setSymbolPen(pg.mkPen(color, width=1))
                item.setSymbolBrush(pg.mkBrush(t.color("panel")))

    def _measures(self) -> list[tuple[Measure, QColor]]:
        """What is drawn, and in which colour: the first of the steps is the accent."""
        t = theme.current()
        colors = {True: [t.color("accent", 0.85)], False: [t.color("text")]}
        further = [QColor(name) for name in t.series[1:]]
        found = []
        for measure in choices()[self.what]:
            mine = colors[StepDone in measure.on]
            found.append((measure, mine.pop() if mine else further.pop(0)))
        return found

    def _show_items(self) -> None:
        drawn = [measure for measure, _ in self._measures()]
        for measure in drawn:
            if measure.name not in self.items:
                dots = {} if StepDone in measure.on else {"symbol": "o", "symbolSize": 5}
                self.items[measure.name] = self.curve(**dots)
        names = {measure.name for measure in drawn}
        for name, item in self.items.items():
            item.setVisible(name in names)
            if name not in names:
                item.setData([], [])  # or the axes make room for what is hidden
                self._drawn.pop(name, None)

    def show_run(
        self,
        curves: RunCurves | None,
        along: Along,
        unit: Unit,
        log: bool,
        what: str = LOSS,
    ) -> None:
        """Draw what the run has reported until now."""
        if curves is not self.curves:
            self._hovered = None
            self.fit()
        if what != self.what:
            self.what = what
            self._show_items()
            self.apply_theme()
            self.fit()
        if (along, unit, log) != (self.along, self.unit, self.log):
            self.along, self.unit = along, unit
            if log != self.log:
                self.log = log
                self.plot.getPlotItem().setLogMode(y=log)
            self.fit()
        self.curves = curves
        for measure, _ in self._measures():
            self._show_measure(measure)
        if curves is not None:
            self._number_axes(len(curves.steps) + len(curves.validation))
        self.describe()

    def show_others(self, runs: Sequence[RunNode]) -> None:
        """Draw the losses of other runs over those of this one; called after `show_run`."""
        shown = runs if self.what == LOSS and self.curves is not None else ()
        if self.others.show_runs(shown, self.along, self.unit, log=self.log):
            self.describe()

    def _show_measure(self, measure: Measure) -> None:
        curves, item = self.curves, self.items[measure.name]
        if curves is None:
            item.setData([], [])
            self._drawn.pop(measure.name, None)
            return
        table = curves.table_of(measure)
        drawn = (curves, self.along, self.unit, self.log, len(table))
        if drawn != self._drawn.get(measure.name):
            self._drawn[measure.name] = drawn
            of_steps = table is curves.steps
            x = table[self.along] if of_steps else curves.along(table["step"], self.along)
            item.setData(x, table[measure.name] * self._scale())

    def _scale(self) -> float:
        """What drawn numbers are multiplied by: losses have a unit that can be chosen."""
        if self.curves is None or self.what != LOSS:
            return 1.0
        return self.curves.scale(self.unit) or 1.0

    def point(self, x: float, y: float) -> QPointF:
        return super().point(x, math.log10(y) if self.log else y)

    def describe(self) -> None:
        measures = self._measures()
        one = measures[0][0]
        unit = UNIT_WORDS[self.unit] if self.what == LOSS else one.unit or one.title
        note = f"{unit} over {ALONG_WORDS[self.along]}"
        curves, at, check = self.curves, -1, -1
        step: float | None = None
        if curves is not None:
            n, checked = len(curves.steps), len(curves.validation)
            at, check = n - 1, checked - 1
            if self._hovered is not None and n:
                at = nearest(curves.steps[self.along], self._hovered)
                step = curves.steps["step"][at]
                check = int(np.searchsorted(curves.validation["step"], step, "right")) - 1
                self._mark(float(curves.steps[self.along][at]))
                note = f"step {int(step):,}"
        entries = []
        for measure, color in measures:
            dots = StepDone not in measure.on
            row = check if dots else at
            value = "–"
            if curves is not None and row >= 0:
                table = curves.table_of(measure)
                value = measure.text(float(table[measure.name][row]) * self._scale())
                if dots and self._hovered is not None:
                    value += f" (step {int(table['step'][row]):,})"
            entries.append(Entry(measure.title, value, color.name(), dots=dots))
        entries += self.others.entries(self.unit, step)
        self.legend.say(tuple(entries), note)


class AnalogyPlot(LivePlot):
    """The rank of an analogy's answer, and how many of all analogies are right.

    Ranks are drawn on a logarithmic axis that has rank 1 at the top; the share runs from 0 at the
    bottom to 1 at the top.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Analogies", parent)
        self.n_words = 2
        self.rank = self.curve()
        self.rank_all_words = self.curve()
        self.share = self.curve()
        self._drawn: tuple[object, ...] = ()
        item = self.plot.getPlotItem()
        item.setAxisItems({"right": SteadyAxis("right")})
        item.getViewBox().setMouseEnabled(x=True, y=False)
        item.setYRange(0, 1, padding=0.06)
        item.getViewBox().disableAutoRange(pg.ViewBox.YAxis)
        item.getAxis("right").setTicks([[(0.0, "0%"), (0.5, "50%"), (1.0, "100%")]])
        self.apply_theme()

    def height_of(self, rank: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where ranks lie: 1 for rank 1, 0 for the last of all words."""
        return 1 - np.log(rank) / math.log(max(2, self.n_words))

    def apply_theme(self) -> None:
        super().apply_theme()
        t = theme.current()
        self.rank.setPen(pg.mkPen(QColor(t.series[1]), width=1))
        dashed = pg.mkPen(QColor(t.series[1]), width=1, style=Qt.PenStyle.DashLine)
        self.rank_all_words.setPen(dashed)
        self.share.setPen(pg.mkPen(QColor(t.series[2]), width=1))

    def fit(self) -> None:
        self.plot.getPlotItem().enableAutoRange(axis=pg.ViewBox.XAxis)

    def show_run(self, curves: RunCurves | None, along: Along) -> None:
        """Draw what the run has reported until now."""
        if curves is not self.curves or along != self.along:
            self._hovered = None
            self.curves, self.along = curves, along
            self.fit()
        if curves is not None:
            n_words = curves.run.started.info.config.d_vocab
            if n_words != self.n_words:
                self.n_words = n_words
                self._tick()
            measured = curves.analogies
            drawn = (curves, along, n_words, len(measured))
            if drawn == self._drawn:
                return
            self._drawn = drawn
            self._number_axes(len(measured))
            x = curves.along(measured["step"], along)
            self.rank.setData(x, self.height_of(measured["rank"]))
            self.rank_all_words.setData(x, self.height_of(measured["rank_all_words"]))
            self.share.setData(x, measured["share"])
            if curves.run.analogies:
                last = curves.run.analogies[-1]
                self.setToolTip(
                    f"{last.expression}: the answer's rank among {n_words:,} tokens by cosine in "
                    f"W_E, without the three words of the question (line) and with them (dashes). "
                    f"Share: of {last.n:,} analogies of the same kind, how many have the right "
                    "answer at rank 1, the three words left out."
                )
        self.describe()

    def _tick(self) -> None:
        powers = range(math.floor(math.log10(self.n_words)) + 1)
        ticks = [(float(self.height_of(np.array(10.0**p))), f"{10**p:,}") for p in powers]
        self.plot.getPlotItem().getAxis("left").setTicks([ticks])

    def describe(self) -> None:
        t = theme.current()
        rank = every = share = "–"
        note = ""
        curves = self.curves
        if curves is not None and len(curves.analogies):
            at = len(curves.analogies) - 1
            note = curves.run.analogies[at].expression
            if self._hovered is not None:
                x = curves.along(curves.analogies["step"], self.along)
                at = nearest(x, self._hovered)
                self._mark(float(x[at]))
                note = f"step {curves.run.analogies[at].step:,}"
            point = curves.run.analogies[at]
            rank, every = f"{point.rank:,}", f"{point.rank_all_words:,}"
            share = f"{point.share:.0%}"
        orange, green = t.series[1], t.series[2]
        self.legend.say(
            (
                Entry("rank", rank, orange),
                Entry("all words", every, orange, Qt.PenStyle.DashLine),
                Entry("share", share, green),
            ),
            note,
        )


def nearest(sorted_values: NDArray[np.float64], x: float) -> int:
    """Index of the value that is nearest to ``x``; the values rise."""
    right = int(np.searchsorted(sorted_values, x))
    if right == 0:
        return 0
    if right == len(sorted_values):
        return right - 1
    return right - int(x - sorted_values[right - 1] < sorted_values[right] - x)
