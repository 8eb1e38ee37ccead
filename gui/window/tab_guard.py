"""Keeps Qt from dragging a tab that went away under the mouse, or is about to.

Knows Qt's main window and its tab bars; nothing of what is docked.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QDockWidget, QMainWindow, QTabBar
from shiboken6 import Shiboken


class TabGuard(QObject):
    """Watches the tab bars that a window makes for docks that lie over each other.

    Qt (6.11) crashes in two ways. It remembers the index of the tab that was pressed and reads the
    list of tabs there when the mouse moves on, also where a dock was closed meanwhile and the list
    is shorter (``QTabBarPrivate::setupMovableTab``). And a tab bar of an arrangement that is gone
    stays in sight until it is deleted, some turns of the event loop later: who drags a tab there
    makes Qt look for the group of docks that it stands for, and there is none
    (``QMainWindowLayout::tabMoved``). Neither is let through to Qt.

    Args:
        window: whose docks they are; it owns the guard.
    """

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._pressed: dict[QTabBar, frozenset[int]] = {}  # its docks then
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
                    self._pressed = {watched: _docks_of(watched)}
                    return not self._is_current(watched)
            case QEvent.Type.MouseMove if watched in self._pressed:
                assert isinstance(watched, QTabBar)
                same = self._pressed[watched] == _docks_of(watched)
                return not (same and self._is_current(watched))
            case QEvent.Type.MouseButtonRelease:
                self._pressed = {}
        return super().eventFilter(watched, event)

    def _is_current(self, bar: QTabBar) -> bool:
        """Whether the docks of its tabs lie over each other, and no newer tab bar is theirs."""
        mine = _docks_of(bar)
        if not mine:
            return False
        # Not by findChildren: PySide (6.11) holds what that gives until the window is gone, also
        # the tab bars that Qt has deleted.
        children = self._window.children()
        docks = {_address(dock): dock for dock in children if isinstance(dock, QDockWidget)}
        first = docks.get(min(mine))
        if first is None:
            return False
        beside = map(_address, self._window.tabifiedDockWidgets(first))
        if mine != {_address(first), *beside}:
            return False
        bars = [one for one in children if isinstance(one, QTabBar)]  # the newest is the last
        return next(one for one in reversed(bars) if mine & _docks_of(one)) is bar


def _docks_of(bar: QTabBar) -> frozenset[int]:
    """Where the docks of a tab bar lie in memory: Qt names its tabs by that."""
    named = (bar.tabData(at) for at in range(bar.count()))
    return frozenset(address for address in named if isinstance(address, int))


def _address(dock: QDockWidget) -> int:
    return int(Shiboken.getCppPointer(dock)[0])
