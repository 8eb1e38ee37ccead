"""A layout of equally wide cells, as many beside one another as there is room for.

Knows layouts only.
"""

from __future__ import annotations

from PySide6.QtCore import QRect
from PySide6.QtWidgets import QWidget

from gui.widgets.flow import FlowLayout


class EvenGrid(FlowLayout):
    """Cells share the whole width; none is narrower than it asks for, room permitting."""

    def __init__(self, parent: QWidget | None = None, *, spacing: int) -> None:
        super().__init__(parent, spacing=spacing)

    def _place(self, rect: QRect, *, move: bool) -> int:
        shown = [item for item in self._items if not item.isEmpty()]
        if not shown:
            return 0
        gap = self.spacing()
        widest = max(item.sizeHint().width() for item in shown)
        height = max(item.sizeHint().height() for item in shown)
        n = max(1, min(len(shown), (rect.width() + gap) // (widest + gap)))
        width = (rect.width() + gap) // n - gap
        for index, item in enumerate(shown if move else ()):
            line, column = divmod(index, n)
            x = rect.x() + column * (width + gap)
            item.setGeometry(QRect(x, rect.y() + line * (height + gap), width, height))
        return -(-len(shown) // n) * (height + gap) - gap
