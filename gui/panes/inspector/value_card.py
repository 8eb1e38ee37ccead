"""One exact number: tensor, index in words, value, a line of Python, a sentence.

Shows what `gui.reading.numbers` makes of an answer; knows no store.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton, QVBoxLayout, QWidget

from gui import theme
from gui.reading.numbers import Shown, exact
from gui.session.state import Inspected
from gui.widgets.flow import FlowLayout
from gui.widgets.nest import nest
from gui.widgets.text import Text, as_written

NO_BREAK = "\u00a0"
HINT = "Click any cell, bar, chip or point: its exact number stands here."


class ValueCard(QWidget):
    """The inspected number."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shown: Shown | None = None
        small = theme.SMALL_FONT_SIZE
        self._name = Text(
            parent=self, tone="dim", font=theme.mono(small), elide=Qt.TextElideMode.ElideLeft
        )
        self._index = Text(parent=self, font=theme.mono(small), wrap=True)
        self._value = Text(parent=self, tone="accent", font=theme.mono(theme.LARGE_FONT_SIZE))
        self._value.setAccessibleName("Exact value")
        self._dtype = Text(parent=self, tone="dim", font=theme.mono(small))
        self._code = Text(
            parent=self, tone="dim", font=theme.mono(small), elide=Qt.TextElideMode.ElideMiddle
        )
        self.copy_button = QToolButton(self)
        self.copy_button.setText("Copy")
        self.copy_button.setToolTip("Copy the line of Python that fetches this number")
        self.copy_button.setAccessibleName("Copy as a line of Python")
        self._sides = Text(parent=self, font=theme.mono(small), wrap=True)
        self._sides.setAccessibleName("Both sides of the comparison")
        self._note = Text(parent=self, font=theme.sans(small + 0.5), wrap=True)
        # The number is never cut: where there is little room, what stands beside it goes below.
        value = FlowLayout(spacing=theme.SPACE)
        for widget in (self._value, self._dtype, self.copy_button):
            value.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self._name)
        layout.addWidget(self._index)
        nest(layout, value)
        layout.addWidget(self._sides)
        layout.addWidget(self._code)
        layout.addWidget(self._note)
        self.clear()

    @property
    def number(self) -> float | None:
        """The number that is written; None if there is none."""
        return None if self.shown is None else self.shown.value

    @property
    def value_text(self) -> str:
        """The number as it is written."""
        return self._value.text()

    @property
    def index_text(self) -> str:
        """The index as it is written."""
        return self._index.text().replace(NO_BREAK, " ")

    @property
    def note_text(self) -> str:
        """The sentence about it."""
        return self._note.text()

    def clear(self) -> None:
        """Nothing is inspected: say how to."""
        self.shown = None
        for widget in (self._name, self._value, self._dtype, self._code, self.copy_button):
            widget.hide()
        self.show_sides("")
        self._index.setText("")
        self._index.hide()
        self._note.set_tone("dim")
        self._note.setText(HINT)
        self._note.show()

    def show_number(self, inspected: Inspected, shown: Shown) -> None:
        """Show what is inspected, as it is now."""
        self.shown = shown
        self._name.setText(inspected.name)
        self._name.setToolTip(as_written(inspected.name))
        # A line may break between two indices, never inside one.
        words = [word.replace(" ", NO_BREAK) for word in shown.index]
        self._index.setText(f"[{', '.join(words)}]" if words else "the whole tensor")
        if shown.value is not None:
            self._value.setText(exact(shown.value, inspected.dtype))
            self._value.set_tone("negative" if shown.value < 0 else "accent")
        self._dtype.setText(inspected.dtype)
        if shown.code != self._code.text():
            self.copy_button.setText("Copy")
        self._code.setText(shown.code)
        self._code.setToolTip(as_written(shown.code))
        self._note.set_tone("text")
        self._note.setText(shown.note)
        for widget in (self._name, self._index, self._dtype):
            widget.show()
        self._value.setVisible(shown.value is not None)
        self._code.setVisible(bool(shown.code))
        self.copy_button.setVisible(bool(shown.code))
        self._note.setVisible(bool(shown.note))

    def show_sides(self, words: str) -> None:
        """Say both sides of a comparison below the number; nothing for none."""
        self._sides.setText(words)
        self._sides.setVisible(bool(words))

    @property
    def sides_text(self) -> str:
        """What is said of both sides."""
        return self._sides.text()

    def say_copied(self) -> None:
        """Let the button say so until something else is shown."""
        self.copy_button.setText("Copied")
