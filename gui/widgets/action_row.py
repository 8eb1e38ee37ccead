"""A line of small buttons made of actions; those that find no room go into a menu at its end.

Knows actions and the theme, nothing of what they do.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from gui import theme

HEIGHT = 24
GAP = 3


class ActionRow(QWidget):
    """Buttons from left to right, one an action.

    Args:
        actions: in order; the last ones are the first to move into the menu.
        name: for screen readers.
    """

    def __init__(
        self, actions: Sequence[QAction], name: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._actions = tuple(actions)
        self._buttons = tuple(self._button(action) for action in actions)
        self._more = QToolButton(self)
        self._more.setText("⋯")
        self._more.setToolTip(f"More: {name}")
        self._more.setAccessibleName(f"More: {name}")
        self._more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._menu = QMenu(self._more)
        self._menu.setToolTipsVisible(True)
        self._more.setMenu(self._menu)
        self._more.hide()
        self.setFixedHeight(HEIGHT)

    def button(self, action: QAction) -> QToolButton:
        """The button of one of the actions."""
        return self._buttons[self._actions.index(action)]

    def sizeHint(self) -> QSize:
        widths = [button.sizeHint().width() for button in self._buttons]
        return QSize(sum(widths) + GAP * max(0, len(widths) - 1), HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(self._more.sizeHint().width(), HEIGHT)

    def _button(self, action: QAction) -> QToolButton:
        button = QToolButton(self)
        button.setDefaultAction(action)
        button.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        button.setAccessibleName(action.text())
        return button

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        widths = [button.sizeHint().width() for button in self._buttons]
        more = self._more.sizeHint().width()
        n_shown = len(widths)
        if self.sizeHint().width() > self.width():
            n_shown, used = 0, more
            for width in widths:
                if used + width + GAP > self.width():
                    break
                used += width + GAP
                n_shown += 1
        x = 0
        for index, button in enumerate(self._buttons):
            button.setVisible(index < n_shown)
            if index < n_shown:
                button.setGeometry(x, 0, widths[index], HEIGHT)
                x += widths[index] + GAP
        hidden = self._actions[n_shown:]
        self._more.setVisible(bool(hidden))
        self._more.setGeometry(x, 0, more, HEIGHT)
        self._menu.clear()
        self._menu.addActions(list(hidden))
