"""A small label above its editor, as the recipe's form has them. Knows the theme."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QAbstractSpinBox, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gui import theme

FIELD_WIDTH = 112


class Field(QWidget):
    """A small label above its editor.

    Attributes:
        in_trouble: whether what stands in it can't be: its label says so by its colour.
    """

    def __init__(self, label: str, editor: QWidget, tip: str) -> None:
        super().__init__()
        self.editor = editor
        self.in_trouble = False
        self.title = title = QLabel(label)
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

    def mark(self, *, in_trouble: bool) -> None:
        """Point at it, or no more."""
        if in_trouble != self.in_trouble:
            self.in_trouble = in_trouble
            color = f"color: {theme.current().bad};" if in_trouble else ""
            self.title.setStyleSheet(color)

    def sizeHint(self) -> QSize:
        return QSize(FIELD_WIDTH, super().sizeHint().height())
