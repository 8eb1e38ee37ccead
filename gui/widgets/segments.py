"""A segmented control: one of a few, all in sight.

Knows no store.
"""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QToolButton, QWidget


class Segments(QWidget):
    """Buttons side by side, one of which is down.

    Signals:
        chosen: key of the button that was pressed.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons: dict[str, QToolButton] = {}
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self._group.buttonClicked.connect(self._on_clicked)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)

    def add(self, key: str, text: str, tip: str) -> None:
        """One more button; the first is down."""
        button = QToolButton(self)
        button.setText(text)
        button.setCheckable(True)
        button.setChecked(not self.buttons)
        button.setAccessibleName(text)
        self.buttons[key] = button
        self._group.addButton(button)
        self._row.addWidget(button)
        self.explain(key, tip)

    def explain(self, key: str, tip: str) -> None:
        """What hovering a button says."""
        self.buttons[key].setToolTip(tip)
        self.buttons[key].setAccessibleDescription(tip)

    def say(self, key: str, text: str, name: str) -> None:
        """Another text on a button, and what screen readers say for it."""
        self.buttons[key].setText(text)
        self.buttons[key].setAccessibleName(name)

    def set_current(self, key: str) -> None:
        """Put a button down, without reporting it."""
        self.buttons[key].setChecked(True)

    def _on_clicked(self) -> None:
        down = self._group.checkedButton()
        self.chosen.emit(next(key for key, button in self.buttons.items() if button is down))
