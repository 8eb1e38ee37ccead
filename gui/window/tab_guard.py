"""Keeps Qt from dragging a tab that went away under the mouse.

Knows Qt's main window and its tab bars; nothing of what is docked.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QMainWindow, QTabBar


class TabGuard(QObject):
    """Watches the tab bars that a window makes for docks that lie over each other.

    Qt (6.11) remembers the index of the tab that was pressed and reads the list of tabs there when
    the mouse moves on, also where a dock was closed meanwhile and the list is shorter
    (``QTabBarPrivate::setupMovableTab``): the program ends, or draws from foreign memory.

    Args:
        window: whose docks they are; it owns the guard.
    """

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._pressed: dict[QTabBar, int] = {}
        self._window = window
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        match event.type():
            case QEvent.Type.ChildPolished if watched is self._window:
                child = event.child()  # type: ignore[attr-defined]
                if isinstance(child, QTabBar):
                    child.installEventFilter(self)
            case QEvent.Type.MouseButtonPress if isinstance(watched, QTabBar):
                assert isinstance(event, QMouseEvent)
                if event.button() == Qt.MouseButton.LeftButton:
                    self._pressed = {watched: watched.tabAt(event.position().toPoint())}
            case QEvent.Type.MouseMove if isinstance(watched, QTabBar):
                return self._pressed.get(watched, -1) >= watched.count()
            case QEvent.Type.MouseButtonRelease:
                self._pressed = {}
        return super().eventFilter(watched, event)
