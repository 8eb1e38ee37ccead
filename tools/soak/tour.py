"""Once through the window, before random actions are judged by what they leave in memory.

What is used for the first time takes memory for good: a pane that is made, a library that is
imported, what Mesa compiles to draw a scene. At random the last of it comes after some ten thousand
actions, and looks like a leak. Knows the program's window; no pane.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from PySide6.QtGui import QAction, QCursor
from PySide6.QtWidgets import QComboBox, QMenu
from shiboken6 import isValid

from gui.program.program import Program
from gui.window.arrangements import PERSPECTIVES
from resources import STORY_WORLD
from tools.soak.actions import LEFT_OUT

LONG = "The king and the queen saw a big dog near the old castle . " * 12
TRAININGS = 2


def tour(
    program: Program, good: Sequence[str], leave: Callable[[], object]
) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is done, by name; the worker answers after each.

    Args:
        program: whose window it is.
        good: checkpoints that open.
        leave: closes what lies over the window.
    """
    window, store = program.window, program.store
    for path in (*good, str(STORY_WORLD)):
        yield f"open {path}", partial(window.files.open_path, path)
        for name in PERSPECTIVES:
            yield name, partial(window.layouts.set_perspective, name)
            yield f"{name} as made", window.layouts.reset
        yield "a long prompt", partial(store.set_prompt, LONG)
    for key in window.docks:
        yield key, partial(window.layouts.show_pane, key)
        # A list that was open once keeps its window, and the picture in it.
        for box in window.docks[key].findChildren(QComboBox):
            yield f"a list of {key}", partial(_open, box)
            yield f"leave {key}", leave
    for menu in window.findChildren(QMenu):
        yield "a menu", partial(_pop_up, menu)
        yield "leave a menu", leave
    for _ in range(2):
        yield "the other theme", window.toggle_theme
    yield "Train", partial(window.layouts.set_perspective, "Train")
    for _ in range(TRAININGS):
        yield "train", window.actions_by_id["start_training"].trigger
        yield "look on", lambda: None
        yield "stop", window.actions_by_id["stop_training"].trigger
    for name, command in window.actions_by_id.items():
        if name not in LEFT_OUT:
            yield name, partial(_do, command)
            yield f"leave {name}", leave
    yield "stop all", program.store.run.stop


def _open(box: QComboBox) -> None:
    if isValid(box) and box.isVisible() and box.isEnabled():
        box.showPopup()


def _pop_up(menu: QMenu) -> None:
    if isValid(menu):
        menu.popup(QCursor.pos())


def _do(command: QAction) -> None:
    """If it can be done: that follows from what was done before."""
    if command.isEnabled():
        command.trigger()
