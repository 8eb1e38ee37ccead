"""Puts the docks of a window where a perspective says, and finds out where a person has put them.

Knows docks by key; what the perspectives are stands in `gui/window/arrangements.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

from PySide6.QtCore import QCoreApplication, QEvent, QPointF, QRect, Qt
from PySide6.QtGui import QHoverEvent
from PySide6.QtWidgets import QDockWidget, QMainWindow

from gui.window.arrangements import Direction, Split, Tabs, keys

DIRECTIONS: tuple[Direction, ...] = get_args(Direction)


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
    for key in _in_front(split):
        docks[key].raise_()
    resize(window, docks, split)


def let_go_of_separators(window: QMainWindow) -> None:
    """Have Qt forget the separator that the mouse is over; call before docks are placed anew.

    Qt (6.11) remembers its way through the tree of docks, and goes it when the mouse moves on or
    leaves, also where the tree is another by then: it reads what is no dock
    (``QDockAreaLayoutInfo::separatorRect``). A key changes the arrangement under a mouse at rest.
    """
    nowhere = QPointF(-1, -1)
    leaves = QHoverEvent(QEvent.Type.HoverLeave, nowhere, nowhere, nowhere)
    QCoreApplication.sendEvent(window, leaves)


def _in_front(split: Split) -> list[str]:
    """The first of all docks that stand behind each other."""
    found: list[str] = []
    for part in split.parts:
        if isinstance(part, Tabs):
            found.append(part.parts[0])
        elif isinstance(part, Split):
            found += _in_front(part)
    return found


def resize(window: QMainWindow, docks: Mapping[str, QDockWidget], split: Split) -> None:
    """Give the parts their shares of the room that docks have now."""
    # What menus and bars leave, known once the docks were laid out.
    room = QRect()
    for key in keys(split):
        place = docks[key].geometry()
        if place.right() >= 0:  # where Qt keeps those that stand behind another
            room |= place
    _resize(window, docks, split, room.width(), room.height())


def measured(docks: Mapping[str, QDockWidget]) -> Split | None:
    """The arrangement in which docks stand now, its shares their sizes; None if none stands.

    Docks are split by lines that go through from one side to the other, as Qt splits them. Of
    docks behind each other the one in front counts; what floats or is closed does not.
    """
    places = {key: dock.geometry() for key, dock in docks.items() if _stands(dock)}
    found = _measured(places) if places else None
    return Split("row", (found,), (1,)) if isinstance(found, str) else found


def _stands(dock: QDockWidget) -> bool:
    return not dock.isHidden() and not dock.isFloating() and not dock.visibleRegion().isEmpty()


def _measured(places: Mapping[str, QRect]) -> str | Split | None:
    if len(places) == 1:
        return next(iter(places))
    for direction in DIRECTIONS:
        groups = _groups(places, direction)
        if len(groups) > 1:
            parts = [_measured({key: places[key] for key in group}) for group in groups]
            if None in parts:
                return None
            sizes = [_span(places, group, direction) for group in groups]
            return Split(
                direction,
                tuple(part for part in parts if part is not None),
                tuple(max(1, end - start) for start, end in sizes),
            )
    return None


def _groups(places: Mapping[str, QRect], direction: Direction) -> list[list[str]]:
    """Docks in groups that no line across can divide further."""
    ordered = sorted(places, key=lambda key: _span(places, [key], direction))
    groups: list[list[str]] = []
    end = 0
    for key in ordered:
        start, stop = _span(places, [key], direction)
        if groups and start < end:
            groups[-1].append(key)
        else:
            groups.append([key])
        end = max(end, stop)
    return groups


def _span(
    places: Mapping[str, QRect], keys: Sequence[str], direction: Direction
) -> tuple[int, int]:
    whole = QRect()
    for key in keys:
        whole |= places[key]
    if direction == "row":
        return whole.left(), whole.right() + 1
    return whole.top(), whole.bottom() + 1


def shape(part: str | Split | Tabs) -> object:
    """An arrangement without its sizes, to be compared; of tabs the one in front."""
    if not isinstance(part, Split):
        return _first(part)
    return part.direction, tuple(shape(inner) for inner in part.parts)


def _first(part: str | Split | Tabs) -> str:
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
        elif isinstance(part, Tabs):
            front = docks[part.parts[0]]
            for key in part.parts[1:]:
                window.tabifyDockWidget(front, docks[key])


def _resize(
    window: QMainWindow, docks: Mapping[str, QDockWidget], split: Split, width: int, height: int
) -> None:
    whole = width if split.direction == "row" else height
    sizes = [max(1, size) for size in split.sizes(whole)]  # Qt takes none that is nothing
    window.resizeDocks([docks[_first(p)] for p in split.parts], sizes, _orientation(split))
    for part, size in zip(split.parts, sizes, strict=True):
        if isinstance(part, Split):
            inner = (size, height) if split.direction == "row" else (width, size)
            _resize(window, docks, part, *inner)
