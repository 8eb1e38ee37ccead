"""The losses of other runs, drawn over a run's own: its relatives, and what else was ticked.

Each has a colour and its name at the end of its curve. A branch is drawn from its step of
departure on: what is before is its parent's. Knows pyqtgraph and what is read of run folders; no
store.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from gui import theme
from gui.panes.training.curves import Along, Unit
from gui.panes.training.legend_line import Entry
from gui.widgets.charts.dotted_curve import DottedCurve
from gui.widgets.run_color import run_color
from model.train.branching.tree import RunNode

ROOM_FOR_NAMES = 150
"""Pixels of a plot from which on the curves' names stand at their ends."""
_SMOOTH = 100
"""Points of a training loss that is drawn thinly behind others: each a mean of neighbours."""


class OtherCurves:
    """Two curves and a name for each of some runs, in a plot that is another's.

    Args:
        plot: in which they lie.

    Attributes:
        drawn: the runs, in order.
    """

    def __init__(self, plot: pg.PlotWidget) -> None:
        self._plot = plot
        self._items: list[tuple[pg.PlotDataItem, pg.PlotDataItem, pg.TextItem]] = []
        self._state: tuple[object, ...] = ()
        self._places: list[int] = []
        self.drawn: tuple[RunNode, ...] = ()

    def color(self, index: int) -> QColor:
        """The colour of one of the drawn runs; the accent is the run's own."""
        return run_color(1 + self._places[index])

    def show_runs(
        self,
        runs: Sequence[RunNode],
        along: Along,
        unit: Unit,
        places: Mapping[str, int] = MappingProxyType({}),
        *,
        log: bool,
    ) -> bool:
        """Draw these.

        Args:
            runs: each with its curve.
            along: what the axis is.
            unit: of the losses.
            places: of each among all colours, by its folder; their order where it is not there.
            log: whether they lie on a logarithmic axis.

        Returns:
            Whether anything is drawn otherwise now.
        """
        where = [places.get(node.run_dir, at) for at, node in enumerate(runs)]
        named = self._plot.height() >= ROOM_FOR_NAMES
        how = along, unit, log, theme.current().name, named
        state = tuple(map(id, runs)), tuple(where), how
        if state == self._state:
            return False
        self._state, self.drawn, self._places = state, tuple(runs), where
        while len(self._items) < len(runs):
            self._items.append(self._new())
        for index, (train, validation, name) in enumerate(self._items):
            there = index < len(runs)
            for item in (train, validation, name):
                item.setVisible(there)
            if there:
                self._draw(index, runs[index], along, unit, log)
            else:
                train.setData([], [])
                validation.setData([], [])
        self._place_names(len(runs), log)
        return True

    def entries(self, unit: Unit, step: float | None) -> list[Entry]:
        """What their validation losses are worth: at a step, or at last.

        Args:
            unit: of the losses.
            step: up to which; None for the last.
        """
        found = []
        for index, node in enumerate(self.drawn):
            known = node.val_loss if step is None else node.val_loss[node.val_steps <= step]
            value = f"{known[-1] * scale_of(node, unit):.4f}" if len(known) else "–"
            found.append(Entry(node.name, value, self.color(index).name(), dots=True))
        return found

    def _new(self) -> tuple[pg.PlotDataItem, pg.PlotDataItem, pg.TextItem]:
        train, validation = pg.PlotDataItem(), DottedCurve(symbol="o", symbolSize=4)
        name = pg.TextItem(anchor=(1, 1.1))
        train.setZValue(-2)
        validation.setZValue(-1)
        for item in (train, validation):
            self._plot.addItem(item)
        self._plot.addItem(name, ignoreBounds=True)
        return train, validation, name

    def _draw(self, index: int, node: RunNode, along: Along, unit: Unit, log: bool) -> None:
        train, validation, name = self._items[index]
        color, scale = self.color(index), scale_of(node, unit)
        pale = QColor(color)
        pale.setAlphaF(0.45)
        train.setPen(pg.mkPen(pale, width=1))
        validation.setPen(pg.mkPen(color, width=1))
        validation.setSymbolPen(pg.mkPen(color, width=1))
        validation.setSymbolBrush(pg.mkBrush(theme.current().color("panel")))
        begins = 0 if node.branch is None or not node.parent else node.branch.step
        steps, losses = smoothed(*_after(begins, node.train_steps, node.train_loss))
        train.setData(places(node, steps, along), losses * scale)
        steps, losses = _after(begins, node.val_steps, node.val_loss)
        x, y = places(node, steps, along), losses * scale
        validation.setData(x, y)
        name.setText(node.name, color=color)
        name.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        ground = theme.current().color("panel", 0.75)
        name.fill = pg.mkBrush(ground)

    def _place_names(self, n: int, log: bool) -> None:
        """At the ends of the curves: beside one that ends early, else above or below."""
        ends: list[tuple[float, float, pg.TextItem]] = []
        for _, validation, name in self._items[:n]:
            x, y = validation.xData, validation.yData
            finite = np.zeros(0, np.int64)
            if x is not None and y is not None:
                finite = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
            # In a low plot names would lie over curves or be cut; the legend has them.
            name.setVisible(len(finite) > 0 and self._plot.height() >= ROOM_FOR_NAMES)
            if len(finite):
                ends.append((float(x[finite[-1]]), float(y[finite[-1]]), name))
        if not ends:
            return
        furthest = max(x for x, _, _ in ends)
        above = True
        for x, y, name in sorted(ends, key=lambda end: -end[1]):
            if x < 0.85 * furthest:
                name.setAnchor((-0.08, 0.5))
            else:
                name.setAnchor((1.0, 1.15) if above else (1.0, -0.15))
                above = not above
            name.setPos(x, math.log10(y) if log and y > 0 else y)


def places(node: RunNode, steps: NDArray[np.int64], along: Along) -> NDArray[np.float64]:
    """Where steps lie on the axis; NaN where that isn't known of the run."""
    if along == "step" or node.recipe is None:
        return steps.astype(np.float64)
    if along == "tokens":
        return steps.astype(np.float64) * float(node.recipe.batch_size * node.recipe.n_ctx)
    known = np.concatenate([[0.0], node.train_steps.astype(np.float64)])
    seconds = np.concatenate([[0.0], node.train_seconds])
    return np.interp(steps.astype(np.float64), known, seconds)


def scale_of(node: RunNode, unit: Unit) -> float:
    """What a loss in nats per token is multiplied by; NaN where that isn't known of the run."""
    if unit == "nats":
        return 1.0
    return 1 / math.log(2) if unit == "bits" else node.bits_per_byte


def smoothed(
    steps: NDArray[np.int64], losses: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Some hundred points: the mean of so many neighbours, at the last one's step."""
    together = max(1, len(steps) // _SMOOTH)
    if together == 1:
        return steps, losses
    starts = np.arange(0, len(steps), together)
    ends = np.minimum(starts + together, len(steps))
    means = np.add.reduceat(losses, starts) / (ends - starts)
    return steps[ends - 1], means.astype(np.float64)


def _after(
    begins: int, steps: NDArray[np.int64], losses: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """What a run has done itself: from its step of departure on."""
    there = steps >= begins
    return steps[there], losses[there]
