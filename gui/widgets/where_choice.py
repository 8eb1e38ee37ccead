"""Where an answer is measured: where the model gives one, or at the selected token.

Knows words only.
"""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from gui import theme
from gui.widgets.choice import Choice


class WhereChoice(Choice):
    """One of the two."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        self.setAccessibleName("Where the answer is measured")
        self.setToolTip("Where the answer is measured: where the model gives one, or at a token")
        self.setSizeAdjustPolicy(self.SizeAdjustPolicy.AdjustToContents)
        for words in ("at the end", "at the selected token"):
            self.addItem(words)

    def set_masked(self, masked: bool) -> None:
        """Say where a model of this kind answers."""
        words = "at the mask" if masked else "at the end"
        if self.itemText(0) != words:
            self.setItemText(0, words)

    @property
    def at_selected(self) -> bool:
        """Whether the selected token is meant."""
        return self.currentIndex() == 1
