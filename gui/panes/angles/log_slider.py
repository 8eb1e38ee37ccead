"""A whole number chosen on a logarithmic slider, with its name and what it is. Knows no store."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSlider, QWidget

from gui import theme
from gui.widgets.text import Text

_STEPS = 400


class LogSlider(QWidget):
    """The slider.

    Args:
        name: what is chosen, before it.
        low, high: its ends, whole numbers from 1 on.
        value: at first.
        tip: what it is for.
        unit: written behind the number.

    Signals:
        moved: another number was chosen.
    """

    moved = Signal(int)

    def __init__(
        self,
        name: str,
        low: int,
        high: int,
        value: int,
        tip: str,
        parent: QWidget | None = None,
        unit: str = "",
    ) -> None:
        super().__init__(parent)
        self._low, self._high, self._unit = low, high, unit
        self._value = value
        small = theme.sans(theme.SMALL_FONT_SIZE)
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setRange(0, _STEPS)
        self.slider.setAccessibleName(name)
        self.slider.setToolTip(tip)
        self.slider.setMinimumWidth(70)
        self._figure = Text(parent=self, font=theme.mono(theme.SMALL_FONT_SIZE))
        self._figure.setMinimumWidth(
            self._figure.fontMetrics().horizontalAdvance(f"{high:,}{unit}") + 4
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.TIGHT)
        said = Text(name, self, tone="dim", font=small)
        said.setMinimumWidth(said.sizeHint().width())
        layout.addWidget(said)
        layout.addWidget(self.slider, 1)
        layout.addWidget(self._figure)
        self.set_value(value)
        self.slider.valueChanged.connect(self._on_slider)

    @property
    def value(self) -> int:
        """What is chosen."""
        return self._value

    def set_value(self, value: int) -> None:
        """Choose it, without telling."""
        self._value = min(max(value, self._low), self._high)
        share = math.log(self._value / self._low) / math.log(self._high / self._low)
        self.slider.blockSignals(True)
        self.slider.setValue(round(share * _STEPS))
        self.slider.blockSignals(False)
        self._say()

    def _on_slider(self, at: int) -> None:
        value = round(self._low * (self._high / self._low) ** (at / _STEPS))
        if value != self._value:
            self._value = value
            self._say()
            self.moved.emit(value)

    def _say(self) -> None:
        self._figure.setText(f"{self._value:,}{self._unit}")
