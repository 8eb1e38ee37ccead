"""Puts the docks of a window where a perspective says.

Knows docks by key; what the perspectives are stands in `gui/window/arrangements.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow

from gui.window.arrangements import Split, keys


def arrange(window: QMainWindow, docks: Mapping[str, QDockWidget], split: Split) -> None:
    """Put the docks of an arrangement into the window and hide the others."""
    wanted = keys(split)
    for key, dock in docks.items():
        dock.setFloating(False)
        window.removeDockWidget(dock)
        if key not in wanted:
            dock.hide()
    first = keys(split)[0]
    window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, docks[first])
    _place(window, docks, split)
    for key in wanted:
        docks[key].show()
    resize(window, docks, split)


def resize(window: QMainWindow, docks: Mapping[str, QDockWidget], split: Split) -> None:
    """Give the parts their shares of the room that docks have now."""
    # What menus and bars leave, known once the docks were laid out.
    room = QRect()
    for key in keys(split):
        room |= docks[key].geometry()
    _resize(window, docks, split, room.width(), room.height())


def _first(part: str | Split) -> str:
    return part if isinstance(part, str) else _first(part.parts[0])


def _orientation(split: Split) -> Qt.Orientation:
    return Qt.Orientation.Horizontal if split.direction == "row" else Qt.Orientation.Vertical


def _place(window: QMainWindow, docks: Mapping[str, QDockWidget], split: Split) -> None:
    """Split the place of the first dock for all parts, outside first."""
    before = docks[_first(split.parts[0])]
    for part in split.parts[1:]:
        dock = docks[_first(part)]
        window.splitDockWidget(before, dock, _orientation(split))
        before = dock
    for part in split.parts:
        if isinstance(part, Split):
            _place(window, docks, part)


def _resize(
    window: QMainWindow, docks: Mapping[str, QDockWidget], split: Split, width: int, height: int
) -> None:
    whole = width if split.direction == "row" else height
    sizes = split.sizes(whole)
    window.resizeDocks([docks[_first(p)] for p in split.parts], sizes, _orientation(split))
    for part, size in zip(split.parts, sizes, strict=True):
        if isinstance(part, Split):
            inner = (size, height) if split.direction == "row" else (width, size)
            _resize(window, docks, part, *inner)
