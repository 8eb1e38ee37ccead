"""Axes and ranges of a plot to which points are added many times a second.

pyqtgraph draws the numbers of its axes anew with every new point: at 500 x 260 that was 6.4 of the
9.2 ms that an update took. Here a range moves in steps, and axes that have not changed are put
down as pictures. Knows pyqtgraph, nothing of what is drawn.
"""

from __future__ import annotations

import math
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QPainter, QPicture, QPixmap
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from gui.pace import Turns
from gui.widgets.canvas import is_vector

TURN_MS = 8
"""Between two plots that are painted."""


class SteadyViewBox(pg.ViewBox):
    """A view box whose automatic range moves in steps."""

    def childrenBounds(self, *args: Any, **options: Any) -> list[list[float] | None]:
        """What the curves span, widened to round numbers; ``[x, y]``, None where there is none."""
        bounds: list[list[float] | None] = super().childrenBounds(*args, **options)
        return [None if span is None else rounded(*span) for span in bounds]


class SteadyAxis(pg.AxisItem):
    """An axis that keeps its picture until its range or style changes."""

    def __init__(self, orientation: str) -> None:
        super().__init__(orientation)
        self.enableAutoSIPrefix(False)  # it has no unit, and each new range would lay it out anew
        self._pixmap: QPixmap | None = None
        self._drawn: QPicture | None = None

    def paint(
        self, p: QPainter, opt: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Paint it; an exported figure keeps its letters."""
        if is_vector(p):
            super().paint(p, opt, widget)
            return
        box, ratio = self.boundingRect(), p.deviceTransform().m11()
        size = (box.size() * ratio).toSize()
        if (
            self._pixmap is None
            or self.picture is None
            or self.picture is not self._drawn
            or self._pixmap.size() != size
        ):
            self._pixmap = QPixmap(size)
            self._pixmap.setDevicePixelRatio(ratio)
            self._pixmap.fill(Qt.GlobalColor.transparent)
            with QPainter(self._pixmap) as painter:
                painter.setRenderHints(p.renderHints())
                painter.translate(-box.topLeft())
                super().paint(painter, opt, widget)
            self._drawn = self.picture
        p.drawPixmap(box.topLeft(), self._pixmap)


class SteadyPlot(pg.PlotWidget):
    """A plot with such a view box and such axes, which is painted in a turn of its own.

    Two plots and what tells of them in one turn of the event loop kept other events waiting for 6
    to 9 ms; one after the other for 3.
    """

    _turns = Turns(TURN_MS)  # of all such plots

    def __init__(self, parent: QWidget | None = None) -> None:
        # Axes that are passed are shown.
        axes = {name: SteadyAxis(name) for name in ("left", "bottom")}
        super().__init__(parent, viewBox=SteadyViewBox(), axisItems=axes)
        self.setViewportUpdateMode(pg.PlotWidget.ViewportUpdateMode.NoViewportUpdate)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.viewport().update)
        self.scene().changed.connect(self._paint_soon)

    def _paint_soon(self) -> None:
        if not self._soon.isActive():
            wait = self._turns.wait_ms()
            self._turns.take(wait)
            self._soon.start(wait)


def rounded(low: float, high: float) -> list[float]:
    """A range whose ends are multiples of a twentieth to a half of its size.

    It may be a hundredth narrower at each end: pyqtgraph adds room for the pens' width before, and
    three hundredths of padding after.
    """
    if not (math.isfinite(low) and math.isfinite(high) and high > low):
        return [low, high]
    power = 10.0 ** math.floor(math.log10(high - low))
    step = power / 10 if high - low < 2 * power else power / 2
    spare = (high - low) / 100
    return [math.floor((low + spare) / step) * step, math.ceil((high - spare) / step) * step]
