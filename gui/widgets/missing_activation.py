"""The place of a tensor that did not come with the trace, with a button that fetches it.

Knows a tensor's name; neither store nor model.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from gui.widgets.text import Text


class MissingActivation(QWidget):
    """Says that a tensor was left out, and offers to get it.

    Signals:
        fetch_requested: the tensor's name.
    """

    fetch_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = ""
        self._text = Text("", tone="dim", wrap=True, align=Qt.AlignmentFlag.AlignCenter)
        self._button = QPushButton("Fetch it")
        self._button.setToolTip("Run the prompt again and keep this tensor")
        self._button.setAccessibleName("Fetch the tensor that was left out")
        self._button.clicked.connect(self._fetch)
        layout = QVBoxLayout(self)
        layout.addStretch(1)
        layout.addWidget(self._text)
        layout.addWidget(self._button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)

    def set_name(self, name: str) -> None:
        """Which tensor is missing; empty for none."""
        if name != self.name:
            self.name = name
            self._text.setText(f"{name} was too large to come with the trace.")
            self._button.setEnabled(True)

    def _fetch(self) -> None:
        self._button.setEnabled(False)
        self.fetch_requested.emit(self.name)
