"""Which views of attention stand beside each other in a given room: a choice, never a squeeze.

Knows rectangles only.
"""

from __future__ import annotations

from PySide6.QtCore import QRect

from gui.widgets.action_row import HEIGHT

PAD = 6
THREE_COLUMNS = 780
TWO_COLUMNS = 480
GRAPH_BELOW = 620
MATRIX_BELOW = 460
"""Widths and heights from which on a view joins the others, logical pixels."""


def arranged(view: str, area: QRect) -> dict[str, QRect]:
    """Where each view goes that is shown; above each there is room for a line of controls."""
    if view != "all":
        return {view: area}
    x, y, w, h = area.x(), area.y(), area.width(), area.height()
    if w >= THREE_COLUMNS:
        first = min(max(round(0.25 * w), 210), 460)
        second = round(0.55 * (w - first))
        return {
            "heads": QRect(x, y, first - PAD, h),
            "matrix": QRect(x + first, y, second - PAD, h),
            "graph": QRect(x + first + second, y, w - first - second, h),
        }
    if w >= TWO_COLUMNS:
        first = max(round(0.36 * w), 205)
        above = round(0.56 * h) if h >= GRAPH_BELOW else h
        boxes = {
            "heads": QRect(x, y, first - PAD, above),
            "matrix": QRect(x + first, y, w - first, above),
        }
        if h >= GRAPH_BELOW:
            below = y + above + PAD + HEIGHT + 2
            boxes["graph"] = QRect(x, below, w, y + h - below)
        return boxes
    if h >= MATRIX_BELOW:
        above = round(0.4 * h)
        return {
            "heads": QRect(x, y, w, above),
            "matrix": QRect(x, y + above + HEIGHT + PAD, w, h - above - HEIGHT - PAD),
        }
    return {"matrix": area}
