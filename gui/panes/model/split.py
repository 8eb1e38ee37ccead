"""Two widgets with a line between them that can be dragged. Knows the theme only."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QWidget

from gui import theme


class Split(QSplitter):
    """Both grow alike, and neither is dragged away.

    Args:
        way: beside or above each other.
        first, second: the widgets.
    """

    def __init__(self, way: Qt.Orientation, first: QWidget, second: QWidget) -> None:
        super().__init__(way)
        self.setChildrenCollapsible(False)
        self.setHandleWidth(5)
        for widget in (first, second):
            self.addWidget(widget)
        for index in (0, 1):
            self.setStretchFactor(index, 1)

    def apply_theme(self) -> None:
        """Take new colours."""
        t = theme.current()
        self.setStyleSheet(
            f"QSplitter::handle {{ background: {t.panel}; }}"
            f"QSplitter::handle:horizontal {{ border-left: 1px solid {t.line}; }}"
            f"QSplitter::handle:vertical {{ border-top: 1px solid {t.line}; }}"
            f"QSplitter::handle:hover {{ background: {t.accent}; }}"
        )
