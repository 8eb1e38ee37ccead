"""Lines through a plot of a run: the step in view, and what happened once.

Knows pyqtgraph and places on the axis; no run.
"""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import Qt

from gui import theme


class PlotMarks:
    """Two lines of a plot.

    Args:
        plot: that they are drawn in.

    Attributes:
        here: the step in view.
        formed: a moment, with its name.
    """

    def __init__(self, plot: pg.PlotWidget) -> None:
        self.here = pg.InfiniteLine(angle=90, movable=False)
        self.formed = pg.InfiniteLine(
            angle=90,
            movable=False,
            label="",
            labelOpts={"position": 0.93, "anchors": [(0, 0.5), (1, 0.5)]},
        )
        for line in (self.here, self.formed):
            line.setVisible(False)
            plot.addItem(line, ignoreBounds=True)

    def show(self, here: float | None, formed: float | None, words: str) -> None:
        """Draw them there.

        Args:
            here: where the step in view is; None for no line.
            formed: where the moment is; None for no line.
            words: its name.
        """
        for line, at in ((self.here, here), (self.formed, formed)):
            line.setVisible(at is not None)
            if at is not None:
                line.setPos(at)
        if words and self.formed.label.format != words:
            self.formed.label.setFormat(words)

    def apply_theme(self) -> None:
        """Take the colours of the theme in force."""
        t = theme.current()
        self.here.setPen(pg.mkPen(t.color("accent"), width=1))
        self.formed.setPen(pg.mkPen(t.color("good"), width=1, style=Qt.PenStyle.DashLine))
        self.formed.label.setColor(t.color("good"))
        self.formed.label.textItem.setFont(theme.sans(theme.SMALL_FONT_SIZE))
