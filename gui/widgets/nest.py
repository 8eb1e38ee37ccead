"""Putting a layout into another one without leaving PySide's notes of its items behind.

Knows Qt and PySide; nothing of what is laid out.
"""

from __future__ import annotations

from PySide6.QtWidgets import QBoxLayout, QLayout
from shiboken6 import Shiboken

from gui.widgets.flow import FlowLayout


def nest(outer: QBoxLayout, inner: QLayout, stretch: int = 0) -> None:
    """Put a layout at the end of another one, filled or not.

    PySide (6.11) keeps a Python object for each item of a layout that is filled when it is added,
    under the item's address, and does not hear when Qt deletes the item with its widget. What Qt
    makes at that address next is then taken for the item: once in a thousand random actions
    ``QMenu.addAction`` gave a ``QWidgetItem``. So these objects are forgotten at once.
    """
    outer.addLayout(inner, stretch)
    _forget_items(inner)


def _forget_items(layout: QLayout) -> None:
    if isinstance(layout, FlowLayout):  # its items are Python's, and it lets go of them itself
        return
    for index in range(layout.count()):
        item = layout.itemAt(index)
        if item is None:
            continue
        inner = item.layout()
        if inner is not None:
            _forget_items(inner)
        else:
            Shiboken.invalidate(item)
