"""The buttons of a queue, and which of them hold now: measure, start, pause, stop, and the views.

Knows what the session knows of the queue; no store.
"""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from gui import theme
from gui.session.scaling import Scaling
from gui.widgets.control_button import ControlButton, make_primary
from gui.widgets.segments import Segments
from gui.widgets.text import as_written

VIEWS = {
    "sizes": ("Sizes", "The plan, a row a size"),
    "curves": ("Curves", "The losses of all sizes over each other"),
    "law": ("Law", "Loss over parameters, the fitted power law, and its residuals"),
}


OVER = ("done", "diverged")
"""States of a size that is trained no further."""


class ScalingControls(QWidget):
    """The row above the pictures.

    Attributes:
        views, along, count: which picture, over what the curves are, which parameters are N.
        measure, start, pause, stop, anew, more: the buttons.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.views = Segments(self)
        for key, (title, tip) in VIEWS.items():
            self.views.add(key, title, tip)
        self.along = Segments(self)
        self.along.add("tokens", "tokens", "Curves over the tokens that were seen")
        self.along.add("compute", "compute", "Curves over the counted FLOP of training")
        self.along.add("six_nd", "6ND", "Curves over six FLOP a parameter and token")
        self.count = Segments(self)
        self.count.add("blocks", "N blocks", "Parameters without embeddings, as Kaplan et al.")
        self.count.add("all", "N all", "All parameters, as Hoffmann et al. (Chinchilla)")
        self.measure = QPushButton("Measure", self)
        self.measure.setToolTip("Time a few real steps of every size: some seconds")
        self.start = QPushButton("Start", self)
        make_primary(self.start)
        self.start.setToolTip("Train all sizes, one after the other, in the background")
        self.pause = QPushButton("Pause", self)
        self.pause.setToolTip("Hold the queue between two steps, or let it go on")
        self.stop = QPushButton("Stop", self)
        self.stop.setToolTip("End it; what was trained is saved, and it goes on later")
        self.anew = QPushButton("New plan", self)
        make_primary(self.anew)
        self.anew.setToolTip("A plan of the same kind, for other sizes; these stay in their folder")
        for named in (self.measure, self.start, self.pause, self.stop, self.anew):
            named.setAccessibleName(f"{named.text()}: the queue of sizes")
        self.more = ControlButton("press", self, sign="more")
        self.more.setToolTip("A new plan, open a queue's folder")
        self.more.setAccessibleName("More: Scaling")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.TIGHT)
        for segments in (self.views, self.along, self.count):
            row.addWidget(segments)
        row.addStretch(1)
        for button in (self.measure, self.start, self.pause, self.stop, self.anew, self.more):
            row.addWidget(button)

    def show_state(self, scaling: Scaling, *, busy: bool) -> None:
        """Show the buttons that hold.

        Args:
            scaling: the queue.
            busy: whether something else keeps the worker from timing steps.
        """
        going, begun = scaling.going, bool(scaling.record.folder)
        timing, refusal = scaling.timing is not None, scaling.refusal
        self.measure.setVisible(not begun and not going)
        self.measure.setText("Stop measuring" if timing else "Measure")
        tip = "Give it up" if timing else "Time a few real steps of every size: some seconds"
        self.measure.setToolTip(tip)
        self.measure.setEnabled(timing or not busy)
        over = begun and all(size.state in OVER for size in scaling.record.sizes)
        self.start.setVisible(not going and not over)
        self.anew.setVisible(not going and over)  # nothing is left to go on with
        self.start.setText("Go on" if begun else "Start")
        self.start.setEnabled(not refusal and not timing)
        where = "Train all sizes, one after the other, in the background"
        self.start.setToolTip(as_written(refusal) or where)
        self.pause.setVisible(going)
        self.pause.setText("Resume" if scaling.paused else "Pause")
        self.stop.setVisible(going)

    def show_views(self, *, wide: bool, low: bool, curves: bool, law: bool) -> None:
        """Offer the choices of what is in sight.

        Args:
            wide: whether all of it is.
            low: whether the table stands behind the pictures.
            curves, law: whether these are in sight.
        """
        self.views.setVisible(not wide)
        self.views.buttons["sizes"].setVisible(low)
        self.views.buttons["curves"].first = not low
        self.along.setVisible(curves)
        self.count.setVisible(law)
