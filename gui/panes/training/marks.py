"""Lines through a plot of a run: the step in view, the one it is compared with, and a moment.

Knows pyqtgraph and places on the axis; no run.
"""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from gui import theme


class PlotMarks:
    """Three lines of a plot.

    Args:
        plot: that they are drawn in.

    Attributes:
        here: the step in view.
        formed: a moment, with its name.
        compared: the step that it is compared with, B.
    """

    def __init__(self, plot: pg.PlotWidget) -> None:
        self.here = pg.InfiniteLine(angle=90, movable=False)
        self.formed = pg.InfiniteLine(
            angle=90,
            movable=False,
            label="",
            labelOpts={"position": 0.93, "anchors": [(0, 0.5), (1, 0.5)]},
        )
        self.compared = pg.InfiniteLine(
            angle=90,
            movable=False,
            label="B",
            labelOpts={"position": 0.93, "anchors": [(0, 0.5), (1, 0.5)]},
        )
        for line in (self.here, self.formed, self.compared):
            line.setVisible(False)
            plot.addItem(line, ignoreBounds=True)

    def show(
        self,
        here: float | None,
        formed: float | None,
        words: str,
        compared: float | None = None,
    ) -> None:
        """Draw them there.

        Args:
            here: where the step in view is; None for no line.
            formed: where the moment is; None for no line.
            words: its name.
            compared: where the step is that it is compared with; None for no line.
        """
        lines = ((self.here, here), (self.formed, formed), (self.compared, compared))
        for line, at in lines:
            line.setVisible(at is not None)
            if at is not None:
                line.setPos(at)
        if words and self.formed.label.format != words:
            self.formed.label.setFormat(words)

    def apply_theme(self) -> None:
        """Take the colours of the theme in force."""
        t = theme.current()
        self.here.setPen(pg.mkPen(t.color("accent"), width=1))
        other = QColor(t.series[1])
        self.compared.setPen(pg.mkPen(other, width=1, style=Qt.PenStyle.DashLine))
        self.compared.label.setColor(other)
        self.compared.label.textItem.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        self.formed.setPen(pg.mkPen(t.color("good"), width=1, style=Qt.PenStyle.DashLine))
        self.formed.label.setColor(t.color("good"))
        self.formed.label.textItem.setFont(theme.sans(theme.SMALL_FONT_SIZE))
