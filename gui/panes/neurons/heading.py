"""Which neuron is looked at, and the switch that cuts it. Knows no store."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget

from gui import theme
from gui.widgets.control_button import ControlButton
from gui.widgets.text import Text

CUT = "Clamp this neuron to 0 at every token"


class Heading(QWidget):
    """A line.

    Attributes:
        name: of the neuron.
        cut_button: down while it is cut.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = Text(parent=self, font=theme.sans(bold=True))
        self.cut_button = ControlButton("option", self)
        self.cut_button.setText("Cut")
        self.cut_button.setAccessibleName("Cut this neuron")
        self.cut_button.setToolTip(CUT)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.name, 1)
        layout.addWidget(self.cut_button)

    def show_neuron(self, name: str, cut: bool, why_not: str) -> None:
        """Another neuron.

        Args:
            name: of it.
            cut: whether it is clamped to 0.
            why_not: why it can't be; empty if it can.
        """
        self.name.setText(name)
        self.cut_button.setEnabled(not why_not)
        self.cut_button.setChecked(cut)
        self.cut_button.setToolTip(why_not or CUT)
