"""The learning rate of a run that goes on: what it is now, and another one from the next step on.

Knows widgets only; what becomes of a new rate is its owner's affair.
"""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from gui import theme
from gui.widgets.rate_box import RateBox
from gui.widgets.text import Text

_TIP = (
    "The learning rate of the step; type another and press Enter: the next step has it, and the "
    "schedule goes on from there in proportion. It is kept with the run"
)


def shown(rate: float) -> str:
    """A rate as the box has it: three digits are what a person tells apart."""
    return f"{rate:.3g}"


class _Box(RateBox):
    """A wheel that turns over it scrolls the pane: no run changes its rate by accident."""

    def textFromValue(self, value: float) -> str:
        return shown(value)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class LiveRate(QWidget):
    """A label and a box; Enter or an arrow key takes the new rate.

    Signals:
        rate_chosen: float.
    """

    rate_chosen = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.box = _Box()
        self.box.setKeyboardTracking(False)
        self.box.setFixedWidth(84)
        self.box.setAccessibleName("Learning rate of the run")
        self.box.setToolTip(_TIP)
        self.box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        label = Text("rate", tone="dim", font=theme.sans(theme.SMALL_FONT_SIZE))
        label.setBuddy(self.box)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(label)
        row.addWidget(self.box)
        self._shown = 0.0
        self.box.valueChanged.connect(self._choose)

    def show_rate(self, rate: float | None) -> None:
        """Say what it is; what somebody types meanwhile stays. None hides it."""
        self.setVisible(rate is not None)
        typing = self.box.hasFocus() and self.box.lineEdit().isModified()
        if rate is None or typing or rate == self._shown:
            return
        self._shown = rate
        blocked = QSignalBlocker(self.box)
        self.box.setValue(rate)
        del blocked

    def _choose(self, rate: float) -> None:
        if shown(rate) != shown(self._shown):  # Enter in what stands there changes nothing
            self._shown = rate
            self.rate_chosen.emit(rate)
