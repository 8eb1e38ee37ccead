"""The plot of an analogy: the rank of its answer, and how many of its kind are right.

Knows pyqtgraph and the run's arrays, no store.
"""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.training.curves import Along, RunCurves
from gui.panes.training.legend_line import Entry
from gui.panes.training.live_plot import LivePlot, nearest
from gui.widgets.charts.steady_plot import SteadyAxis

_HALF_A_LINE = 7  # pixels


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
        item.getViewBox().disableAutoRange(pg.ViewBox.YAxis)
        item.getAxis("right").setTicks([[(0.0, "0%"), (0.5, "50%"), (1.0, "100%")]])
        self.apply_theme()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # Half a figure above rank 1, however low the plot is: neither is cut.
        box = self.plot.getPlotItem().getViewBox()
        room = max(20.0, box.height() - 2 * _HALF_A_LINE)
        box.setYRange(0, 1, padding=max(0.06, _HALF_A_LINE / room))
        self._tick()

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
        for curve, at in ((self.rank, 1), (self.rank_all_words, 1), (self.share, 2)):
            curve.setSymbolSize(4)
            curve.setSymbolPen(pg.mkPen(QColor(t.series[at]), width=1))
            curve.setSymbolBrush(pg.mkBrush(QColor(t.series[at])))

    def fit(self) -> None:
        linked = self.plot.getPlotItem().getViewBox().linkedView(pg.ViewBox.XAxis)
        if linked is not None:  # both show the same steps
            linked.enableAutoRange()
        else:
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
            for curve in (self.rank, self.rank_all_words, self.share):
                curve.setSymbol("o" if len(x) == 1 else None)  # one point makes no line
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
        # No more than have room, the first one always.
        room = self.plot.getPlotItem().getViewBox().height() / (2 * _HALF_A_LINE)
        powers = range(0, len(powers), max(1, math.ceil((len(powers) - 1) / max(1.0, room - 1))))
        ticks = [(float(self.height_of(np.array(10.0**p))), f"{10**p:,}") for p in powers]
        self.plot.getPlotItem().getAxis("left").setTicks([ticks])

    def describe(self) -> None:
        t = theme.current()
        rank = every = share = "–"
        note = ""
        curves = self.curves
        if curves is not None and len(curves.analogies):
            at = max(0, self._row(curves.analogies["step"]))
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
