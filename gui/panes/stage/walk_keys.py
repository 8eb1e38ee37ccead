"""Keys and buttons of the mouse that walk. Knows the walk and events; no widget."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent

from gui.session.walking import Walking


def walk_by_key(walking: Walking, event: QKeyEvent) -> bool:
    """Take a step that a key means; whether it means one."""
    actions = {
        Qt.Key.Key_Left: walking.back,
        Qt.Key.Key_Right: walking.forward,
        Qt.Key.Key_Up: walking.previous_layer,
        Qt.Key.Key_Down: walking.next_layer,
        Qt.Key.Key_Home: walking.first,
        Qt.Key.Key_End: walking.last,
        Qt.Key.Key_Space: walking.toggle,
        Qt.Key.Key_Backspace: walking.go_back,
    }
    action = actions.get(Qt.Key(event.key()))
    if action is None or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
        return False
    action()
    event.accept()
    return True


def walk_by_button(walking: Walking, event: QMouseEvent) -> bool:
    """Go back or ahead by the mouse's own buttons; whether it is one of them."""
    ways = {
        Qt.MouseButton.BackButton: walking.go_back,
        Qt.MouseButton.ForwardButton: walking.go_ahead,
    }
    way = ways.get(event.button())
    if way is None:
        return False
    way()
    return True
