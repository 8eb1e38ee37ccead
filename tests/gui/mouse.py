"""A mouse that only the widget sees: the screen's own pointer stays where it is, in every test."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget


def move_to(widget: QWidget, at: QPoint) -> None:
    """Tell a widget that the mouse is there, no button held."""
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(at),
        QPointF(widget.mapToGlobal(at)),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(widget, event)


def leave(widget: QWidget) -> None:
    """Tell a widget that the mouse has left it."""
    QApplication.sendEvent(widget, QEvent(QEvent.Type.Leave))
