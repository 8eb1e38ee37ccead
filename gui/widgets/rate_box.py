"""A learning rate that is typed as people write it: 0.001 or 3e-4; a step is a factor."""

from __future__ import annotations

from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QDoubleSpinBox


class RateBox(QDoubleSpinBox):
    """A learning rate, written as people write it: 0.001 or 3e-4; a step is a factor."""

    def __init__(self) -> None:
        super().__init__()
        self.setDecimals(9)
        self.setRange(1e-7, 10.0)
        # A style sheet's padding does not reach the text of a spin box (Qt 6.11).
        self.lineEdit().setTextMargins(5, 0, 0, 0)

    def textFromValue(self, value: float) -> str:
        return f"{value:g}"

    def valueFromText(self, text: str) -> float:
        return float(text.replace(",", "."))

    def validate(self, text: str, position: int) -> object:  # type: ignore[override]
        try:
            value = float(text.replace(",", "."))
        except ValueError:
            begun = all(character in "0123456789.,eE+-" for character in text)
            state = QValidator.State.Intermediate if begun else QValidator.State.Invalid
            return state, text, position
        inside = self.minimum() <= value <= self.maximum()
        good = QValidator.State.Acceptable if inside else QValidator.State.Intermediate
        return good, text, position

    def stepBy(self, steps: int) -> None:
        self.setValue(float(f"{self.value() * 10 ** (steps / 10):.2g}"))
