"""A combo box with a drawn arrow: a style sheet takes the platform's own away.

Knows the theme only.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QComboBox

from gui import theme


class Choice(QComboBox):
    """One of several."""

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            color = theme.current().color("dim" if self.isEnabled() else "faint")
            painter.setPen(QPen(color, 1.3))
            x, y = self.width() - 11.0, self.height() / 2
            painter.drawPolyline(
                [QPointF(x - 3, y - 1.5), QPointF(x, y + 1.5), QPointF(x + 3, y - 1.5)]
            )
