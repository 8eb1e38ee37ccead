"""A picture and a list beside it, each with a share of the width. Knows nothing else."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget

from gui import theme


class Beside(QWidget):
    """Two widgets side by side."""

    def __init__(
        self, one: QWidget, other: QWidget, shares: tuple[int, int], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.SPACE)
        row.addWidget(one, shares[0])
        row.addWidget(other, shares[1])
