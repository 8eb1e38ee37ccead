"""The ring around a picture that has the keyboard, of a colour that no selection has."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from gui import theme


def draw_focus(painter: QPainter, box: QRectF) -> None:
    """Draw it along the inside of a box, one pixel wide: what it surrounds is large."""
    painter.save()
    painter.setClipping(False)  # a picture may have kept to its middle
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(theme.current().color("focus"))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(box.adjusted(0, 0, -1, -1))
    painter.restore()
