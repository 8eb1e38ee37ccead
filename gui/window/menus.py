"""The commands as Qt has them: an action each, in the menus of a window.

Knows the list of commands and who is to be told when one is chosen; not what any of them does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from gui.session.store import Store
from gui.window.commands import OwnedCommand

Perform = Callable[[OwnedCommand], None]
IsOn = Callable[[OwnedCommand], bool]


class CommandAction(QAction):
    """One command: its text, tip and key; performed when it is triggered."""

    def __init__(self, owned: OwnedCommand, perform: Perform, parent: QObject) -> None:
        command = owned.command
        super().__init__(command.text, parent)
        self._owned = owned
        self._perform = perform
        self.setObjectName(command.id)
        self.setToolTip(command.tip)
        self.setStatusTip("")
        self.setCheckable(bool(command.checked))
        if command.keys:
            self.setShortcut(QKeySequence(command.keys))
        if command.id == "quit":
            self.setMenuRole(QAction.MenuRole.QuitRole)
        self.triggered.connect(self._run)

    def _run(self) -> None:
        self._perform(self._owned)


class Menus:
    """The menu bar of a window.

    Args:
        window: whose menu bar is filled.
        commands: in the order in which they stand in their menus.
        perform: does a command.
        is_on: of a command that has a tick, whether it has it now.
        below: id of a command -> a menu that stands below it.

    Attributes:
        actions: by the command's id.
    """

    def __init__(
        self,
        window: QMainWindow,
        commands: Sequence[OwnedCommand],
        perform: Perform,
        is_on: IsOn,
        below: Mapping[str, QMenu],
    ) -> None:
        self._window = window
        self._is_on = is_on
        self._commands = commands
        self._menus: dict[str, QMenu] = {}
        self.actions: dict[str, QAction] = {}
        # A hundred commands have some thirty conditions, which are looked at after every edit.
        self._under: dict[Callable[[Store], bool], list[QAction]] = {}
        self._usable: dict[Callable[[Store], bool], bool] = {}
        for owned in commands:
            command = owned.command
            menu = self.menu(command.menu)
            if command.separator:
                menu.addSeparator()
            action = self.actions[command.id] = CommandAction(owned, perform, window)
            menu.addAction(action)
            self._under.setdefault(command.when, []).append(action)
            if command.id in below:
                menu.addMenu(below[command.id])

    def menu(self, title: str) -> QMenu:
        """A menu of the bar; made now, if there was none."""
        if title not in self._menus:
            self._menus[title] = self._window.menuBar().addMenu(f"&{title}")
            self._menus[title].setToolTipsVisible(True)
            self._menus[title].aboutToShow.connect(self.tick)
        return self._menus[title]

    def update(self, store: Store) -> None:
        """Let those be chosen that can be used now."""
        for when, actions in self._under.items():
            usable = when(store)
            if usable != self._usable.get(when):
                self._usable[when] = usable
                for action in actions:
                    action.setEnabled(usable)
        self.tick()

    def tick(self) -> None:
        """Give those a tick that are on, whoever has turned them on."""
        for owned in self._commands:
            if owned.command.checked:
                self.actions[owned.command.id].setChecked(self._is_on(owned))

    def keys(self) -> list[tuple[str, str, str]]:
        """Menu, name and key of every command that has one."""
        return [
            (c.menu, c.text.replace("&", ""), QKeySequence(c.keys).toString())
            for c in (owned.command for owned in self._commands)
            if c.keys
        ]
