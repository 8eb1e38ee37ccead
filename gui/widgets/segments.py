"""A segmented control: parts side by side, one of which is in force.

Knows the theme; no store.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QWidget

from gui.widgets.control_button import ControlButton


class Segments(QWidget):
    """Buttons that share a track, one of which is down.

    Signals:
        chosen: key of the button that was pressed.

    Attributes:
        buttons: by key, in order.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None, *, font: QFont | None = None) -> None:
        super().__init__(parent)
        self._buttons: dict[str, ControlButton] = {}
        self._given_font = font
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self._group.buttonClicked.connect(self._on_clicked)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)

    @property
    def buttons(self) -> Mapping[str, ControlButton]:
        return self._buttons

    def add(self, key: str, text: str, tip: str) -> None:
        """One more button; the first is down."""
        button = ControlButton("segment", self)
        if self._given_font is not None:
            button.setFont(self._given_font)
        button.setText(text)
        button.setChecked(not self._buttons)
        button.setAccessibleName(text)
        button.first = not self._buttons
        for before in self._buttons.values():
            before.last = False
        self._buttons[key] = button
        self._group.addButton(button)
        self._row.addWidget(button)
        self.explain(key, tip)

    def say(self, key: str, text: str, name: str) -> None:
        """Another text on a button, and what screen readers say for it."""
        self._buttons[key].setText(text)
        self._buttons[key].setAccessibleName(name)

    def explain(self, key: str, tip: str) -> None:
        """What hovering a button says."""
        self._buttons[key].setToolTip(tip)
        self._buttons[key].setAccessibleDescription(tip)

    def set_current(self, key: str) -> None:
        """Put a button down, without reporting it."""
        self._buttons[key].setChecked(True)

    @property
    def current(self) -> str:
        """Key of the button that is down."""
        return next(key for key, button in self._buttons.items() if button.isChecked())

    def _on_clicked(self) -> None:
        self.chosen.emit(self.current)
