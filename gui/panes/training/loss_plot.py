"""The plot of a run's losses, or of another of its measures; relatives' losses over them.

Knows pyqtgraph and the run's arrays, no store.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

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
from gui.panes.training.legend_line import Entry
from gui.panes.training.live_plot import LivePlot, nearest
from gui.panes.training.other_curves import OtherCurves
from model.train.branching.tree import RunNode
from model.train.events import StepDone
from model.train.metrics import Measure


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

    def show_others(
        self, runs: Sequence[RunNode], places: Mapping[str, int] = MappingProxyType({})
    ) -> None:
        """Draw the losses of other runs over those of this one; called after `show_run`.

        Args:
            runs: those.
            places: of each among all colours, by its folder; their order where it is not there.
        """
        shown = runs if self.what == LOSS and self.curves is not None else ()
        if self.others.show_runs(shown, self.along, self.unit, places, log=self.log):
            self.describe()

    def _show_measure(self, measure: Measure) -> None:
        curves, item = self.curves, self.items[measure.name]
        if curves is None or not curves.has(measure):
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
            n = len(curves.steps)
            at = self._row(curves.steps["step"])
            check = self._row(curves.validation["step"])
            if self._chosen and self._told is not None and at < n - 1:
                step = float(self._told)
                note = f"at step {self._told:,} · {unit}"
            if self._hovered is not None and n:
                at = nearest(curves.steps[self.along], self._hovered)
                step = curves.steps["step"][at]
                check = int(np.searchsorted(curves.validation["step"], step, "right")) - 1
                self._mark(float(curves.steps[self.along][at]))
                note = f"step {int(step):,}"
        entries = []
        for measure, color in measures:
            if measure.optional and (curves is None or not curves.has(measure)):
                continue
            dots = StepDone not in measure.on
            row = check if dots else at
            value = "–"
            if curves is not None and row >= 0:
                table = curves.table_of(measure)
                value = measure.text(float(table[measure.name][row]) * self._scale())
                if dots and step is not None and table["step"][row] != step:
                    value += f" (step {int(table['step'][row]):,})"
            entries.append(Entry(measure.title, value, color.name(), dots=dots))
        entries += self.others.entries(self.unit, step)
        self.legend.say(tuple(entries), note)
