"""A labelled editor of the recipe's form, and a box for numbers of any size. Knows Qt only."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QDoubleSpinBox,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from gui import theme

FIELD_WIDTH = 112


class Field(QWidget):
    """A small label above its editor."""

    def __init__(self, label: str, editor: QWidget, tip: str) -> None:
        super().__init__()
        self.editor = editor
        title = QLabel(label)
        title.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        title.setProperty("quiet", True)
        title.setBuddy(editor)
        editor.setToolTip(tip)
        editor.setAccessibleName(label)
        editor.setAccessibleDescription(tip)
        editor.setMinimumWidth(40)
        editor.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        editor.setFixedHeight(26)
        if isinstance(editor, QAbstractSpinBox):
            # A style sheet's padding does not reach the text of a spin box (Qt 6.11).
            editor.lineEdit().setTextMargins(5, 0, 0, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1)
        layout.addWidget(title)
        layout.addWidget(editor)

    def sizeHint(self) -> QSize:
        return QSize(FIELD_WIDTH, super().sizeHint().height())


class RateBox(QDoubleSpinBox):
    """A learning rate, written as people write it: 0.001 or 3e-4; a step is a factor."""

    def __init__(self) -> None:
        super().__init__()
        self.setDecimals(9)
        self.setRange(1e-7, 10.0)

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
