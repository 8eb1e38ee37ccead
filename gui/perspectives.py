"""Perspectives: named arrangements of the same panes.

An arrangement is data: rows and columns of dock keys with their shares. Knows docks by key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow


@dataclass(frozen=True, slots=True)
class Split:
    """Parts side by side or on top of each other.

    Attributes:
        direction: "row" is side by side, "column" on top of each other.
        parts: dock keys, or further splits.
        shares: relative sizes, one per part.
    """

    direction: Literal["row", "column"]
    parts: tuple[str | Split, ...]
    shares: tuple[int, ...]


PERSPECTIVES: Mapping[str, Split] = {
    "Explore": Split(
        "row",
        (
            "layers",
            Split(
                "column",
                (
                    Split("row", ("prompt", "tokens"), (30, 70)),
                    "attention",
                    "training",
                ),
                (22, 52, 26),
            ),
            Split("column", ("prediction", "inspector"), (48, 52)),
        ),
        (15, 63, 22),
    ),
    "Space": Split(
        "row",
        (
            Split("column", ("prompt", "tokens", "prediction"), (18, 24, 58)),
            "space",
            "inspector",
        ),
        (24, 56, 20),
    ),
    "Train": Split(
        "row",
        (
            Split("column", ("training", "prompt"), (84, 16)),
            Split("column", ("space", "attention"), (55, 45)),
            Split("column", ("prediction", "inspector"), (55, 45)),
        ),
        (37, 41, 22),
    ),
    "Model": Split(
        "row",
        ("model", Split("column", ("inspector", "prompt"), (74, 26))),
        (78, 22),
    ),
}


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


def keys(split: Split) -> tuple[str, ...]:
    """All dock keys of an arrangement, in order."""
    found: list[str] = []
    for part in split.parts:
        found.extend(keys(part) if isinstance(part, Split) else (part,))
    return tuple(found)


def resize(window: QMainWindow, docks: Mapping[str, QDockWidget], split: Split) -> None:
    """Give the parts their shares of the window as it is now."""
    _resize(window, docks, split, window.width(), window.height())


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
    sizes = [whole * share // sum(split.shares) for share in split.shares]
    window.resizeDocks([docks[_first(p)] for p in split.parts], sizes, _orientation(split))
    for part, size in zip(split.parts, sizes, strict=True):
        if isinstance(part, Split):
            inner = (size, height) if split.direction == "row" else (width, size)
            _resize(window, docks, part, *inner)
