"""A line of small buttons made of actions; those that find no room go into a menu at its end.

Actions of which one holds make a segmented control, which goes into the menu as a whole; options
are switched by a sign each. Knows actions and the theme, nothing of what they do.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from PySide6.QtCore import QSize
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from gui.widgets.control_button import ControlButton

HEIGHT = 24
GAP = 2
"""Between two buttons; those of a segmented control touch each other."""
WIDE_GAP = 8
"""Between a segmented control and what is beside it."""


class ActionRow(QWidget):
    """Buttons from left to right, one an action.

    Args:
        actions: in order; the last ones are the first to move into the menu.
        name: for screen readers.
        only_in_menu: actions that have no button: what is seldom wanted.
    """

    def __init__(
        self,
        actions: Sequence[QAction],
        name: str,
        parent: QWidget | None = None,
        *,
        only_in_menu: Sequence[QAction] = (),
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._actions = tuple(actions)
        self._seldom = tuple(only_in_menu)
        self._buttons = tuple(ControlButton.of(action, self) for action in actions)
        self._parts = _parts(self._actions, self._buttons)
        self._more = ControlButton("press", self, sign="more")
        self._more.setToolTip(f"More: {name}")
        self._more.setAccessibleName(f"More: {name}")
        self._more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._menu = QMenu(self._more)
        self._menu.setToolTipsVisible(True)
        self._more.setMenu(self._menu)
        self._more.hide()
        self.setFixedHeight(HEIGHT)

    @property
    def offered(self) -> tuple[QAction, ...]:
        """All of them, also those that stand in the menu."""
        return self._actions + self._seldom

    def button(self, action: QAction) -> ControlButton:
        """The button of one of the actions."""
        return self._buttons[self._actions.index(action)]

    def sizeHint(self) -> QSize:
        width = self._more.sizeHint().width() + GAP if self._seldom else 0
        for index, part in enumerate(self._parts):
            width += self._gap_before(index) + _width(part)
        return QSize(width, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(self._more.sizeHint().width(), HEIGHT)

    def _gap_before(self, index: int) -> int:
        """Room between a part and the one before it."""
        if index == 0:
            return 0
        both = self._parts[index - 1 : index + 1]
        return WIDE_GAP if any(len(part) > 1 for part in both) else GAP

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        more = self._more.sizeHint().width()
        all_fit = self.sizeHint().width() <= self.width()
        x, hidden = 0, list[QAction]()
        for index, part in enumerate(self._parts):
            left = x + self._gap_before(index)
            fits = not hidden and (all_fit or left + _width(part) + GAP + more <= self.width())
            for button in part:
                button.setVisible(fits)
                if fits:
                    width = button.sizeHint().width()
                    button.setGeometry(left, 0, width, HEIGHT)
                    left += width
            if fits:
                x = left
            else:
                hidden.extend(button.defaultAction() for button in part)
        self._more.setVisible(bool(hidden or self._seldom))
        self._more.setGeometry(x + GAP if x else 0, 0, more, HEIGHT)
        self._menu.clear()
        for _, actions in groupby(hidden, key=lambda action: action.actionGroup()):
            self._menu.addActions(list(actions))
            self._menu.addSeparator()
        self._menu.addActions(list(self._seldom))


def _width(part: Sequence[ControlButton]) -> int:
    return sum(button.sizeHint().width() for button in part)


def _parts(
    actions: Sequence[QAction], buttons: Sequence[ControlButton]
) -> tuple[tuple[ControlButton, ...], ...]:
    """Buttons of one control together, all others alone."""
    parts: list[list[ControlButton]] = []
    group_before: object = None
    for action, button in zip(actions, buttons, strict=True):
        group = action.actionGroup() if button.kind == "segment" else None
        if group is not None and group is group_before:
            parts[-1][-1].last = False
            button.first = False
            parts[-1].append(button)
        else:
            parts.append([button])
        group_before = group
    return tuple(map(tuple, parts))
