"""A plot of a run that grows: a legend above it, lines through it, a cursor under the mouse.

Every point is drawn: thinning out for the screen keeps the highest and lowest of each pixel
column. Knows pyqtgraph and the run's arrays, not which of them a plot draws; no store.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPointF
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui import theme
from gui.panes.training.curves import Along, RunCurves
from gui.panes.training.legend_line import LegendLine
from gui.panes.training.marks import PlotMarks
from gui.session.moments import Learned, Moment
from gui.widgets.charts.dotted_curve import DottedCurve
from gui.widgets.charts.steady_plot import SteadyPlot

LEFT, RIGHT = 48, 40
"""Pixels of the axes of plots that stand below each other: five figures with a comma; 100%."""
_RIGHT_COLUMN = 2  # of a PlotItem's own layout (pyqtgraph 0.14)


class LivePlot(QWidget):
    """A plot under a legend that says what the curves are worth, also under the mouse."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.legend = LegendLine(self)
        self.plot = SteadyPlot(self)
        self.plot.setAccessibleName(name)
        self.plot.setMinimumHeight(48)
        self.plot.setFrameShape(pg.PlotWidget.Shape.NoFrame)
        self.curves: RunCurves | None = None
        self.along: Along = "step"
        self._numbered: bool | None = None
        self._hovered: float | None = None
        self._told: int | None = None
        self._chosen = False
        self._below: bool | None = None
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
        curve = DottedCurve(**options)
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

    def tell(self, step: int | None, *, chosen: bool = False) -> None:
        """Say what the curves are worth at a step from now on.

        Args:
            step: None for the last.
            chosen: whether a person has gone there, which is said too.
        """
        if (step, chosen) != (self._told, self._chosen):
            self._told, self._chosen = step, chosen
            self.describe()

    def set_sides(self, *, below: bool) -> None:
        """Room at both sides: the same in plots that stand below each other, else its own."""
        if self._below == below:  # even the same width draws an axis anew
            return
        self._below = below
        item = self.plot.getPlotItem()
        item.getAxis("left").setWidth(LEFT if below else None)
        if item.getAxis("right").isVisible():
            item.getAxis("right").setWidth(RIGHT if below else None)
        else:
            item.layout.setColumnFixedWidth(_RIGHT_COLUMN, RIGHT if below else 0)

    def _row(self, steps: NDArray[np.float64]) -> int:
        """The last of some steps up to the one that is told of; -1 where there is none."""
        if self._told is None:
            return len(steps) - 1
        return int(np.searchsorted(steps, self._told, "right")) - 1

    def show_marks(
        self, step: int | None, moment: Moment | Learned | None, compared: int | None = None
    ) -> None:
        """Mark the step that the window shows, and the one at which an induction head formed.

        Args:
            step: in view; None where that is what learns now, or of another model.
            moment: None while there is none.
            compared: the step that the one in view is compared with, B; None for none.
        """
        curves, along = self.curves, self.along
        if curves is None:
            self.marks.show(None, None, "")
            return
        here, formed, other = (
            None if at is None else float(curves.along(np.array([float(at)]), along)[0])
            for at in (step, None if moment is None else moment.step, compared)
        )
        self.marks.show(here, formed, "" if moment is None else moment.words, other)

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


def nearest(sorted_values: NDArray[np.float64], x: float) -> int:
    """Index of the value that is nearest to ``x``; the values rise."""
    right = int(np.searchsorted(sorted_values, x))
    if right == 0:
        return 0
    if right == len(sorted_values):
        return right - 1
    return right - int(x - sorted_values[right - 1] < sorted_values[right] - x)
