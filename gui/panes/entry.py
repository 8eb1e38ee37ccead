"""What is known of a pane before it is made: its entry, and the commands that it brings.

Free of Qt: the window stands with its docks and menus before a pane is imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal

from gui.session.conditions import Condition, always

if TYPE_CHECKING:
    from gui.panes.base import Pane

Menu = Literal["File", "Edit", "View", "Model", "Generate", "Training", "Help"]


@dataclass(frozen=True, slots=True)
class Command:
    """Something that a person can ask for, by menu, key or palette.

    Attributes:
        id: stable name, for settings and tests; unique in the program.
        text: in menus, with a mnemonic.
        tip: one sentence.
        menu: where it stands.
        does: the method that does it, of the pane or window whose command it is; or one of a part
            of it (``files.ask_open``).
        args: what that method is called with.
        keys: shortcut in Qt's portable form; empty for none. Unique in the program.
        when: whether it can be used now.
        in_front: whether its pane is brought to the front first.
        separator: a line above it in the menu.
        checked: of what can be on or off, the attribute or method of whose command it is that says
            so; it has a tick while that is true. Empty for what is only done.
    """

    id: str
    text: str
    tip: str
    menu: Menu
    does: str
    args: tuple[object, ...] = ()
    keys: str = ""
    when: Condition = always
    in_front: bool = False
    separator: bool = False
    checked: str = ""


@dataclass(frozen=True, slots=True)
class PaneEntry:
    """A pane that is not made yet.

    Attributes:
        key: objectName of the pane's dock, stable across versions: layouts are saved by it.
        title: on the dock's header.
        hint: one sentence for the header's tooltip and for screen readers.
        made_by: the class, as ``package.module:Class``.
        commands: what it adds to the menus, in the order in which they stand there.
        shows: kinds of things that it can be asked to show ("token", "tensor"), each with the
            method of the pane that does, called with the thing: an id, a name.
    """

    key: str
    title: str
    hint: str
    made_by: str
    commands: tuple[Command, ...] = ()
    shows: tuple[tuple[str, str], ...] = ()

    def load(self) -> type[Pane]:
        """Import the pane's class."""
        module, _, name = self.made_by.partition(":")
        made_by: type[Pane] = getattr(import_module(module), name)
        return made_by
