"""Where the entries of a legend stand: side by side, and below each other where room is short.

Knows fonts; not what an entry means.
"""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QRectF

from gui import theme
from gui.widgets.drawing_cache import line

SWATCH, TO_TEXT, BETWEEN = 18.0, 23.0, 16.0


def placed(
    entries: Iterable[tuple[str, str]], room: QRectF, row: float
) -> tuple[list[tuple[QRectF, str, str]], float]:
    """Swatches of a legend.

    Args:
        entries: the kind and what it means, each.
        room: the left and right end, and where the first row begins.
        row: height of a row.

    Returns:
        The swatch, the kind and what it means, each; and where the rows end.
    """
    font = theme.sans(theme.SMALL_FONT_SIZE)
    found: list[tuple[QRectF, str, str]] = []
    x, y = room.left(), room.top()
    for kind, said in entries:
        wide = TO_TEXT + line(said, font).width
        if x > room.left() and x + wide > room.right():
            x, y = room.left(), y + row
        found.append((QRectF(x, y + row / 2 - 8, SWATCH, 16), kind, said))
        x += wide + BETWEEN
    return found, y + row if found else y
