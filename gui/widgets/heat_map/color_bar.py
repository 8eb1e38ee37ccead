"""The legend of a map: its colours with figures at both ends, what they mean, what hatching means.

And what a cell means that has no colour of the map, since its number is none.

Knows the theme; nothing of what the values are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter

from gui import theme
from gui.widgets.cells import paint_cells
from gui.widgets.heat_map import cell_image
from gui.widgets.heat_map.cell_image import Kind
from model.probe.not_finite.asks import NO_NUMBER

LONGEST = 96.0


def paint_color_bar(
    painter: QPainter,
    area: QRectF,
    kind: Kind,
    limit: float,
    *,
    title: str | Sequence[str] = "",
    hatched: str = "",
    faint: str = "",
    beyond: bool = False,
    no_number: bool = False,
) -> None:
    """Paint the legend in one line; words that find no room are elided, then left out.

    Args:
        painter: to paint with.
        area: the line.
        kind: which colour map.
        limit: the value at its end; it begins at 0 or, diverging, at -limit.
        title: what the values are; of several wordings, longest first, the first that finds room.
        hatched: what a hatched cell means; none is shown if empty.
        faint: what a faint cell means; none is shown if empty.
        beyond: whether there are values past the end; they have its colour.
        no_number: whether there are cells whose number is none.
    """
    t = theme.current()
    left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
    painter.setFont(theme.mono(theme.SMALL_FONT_SIZE))
    metrics = QFontMetricsF(painter.font())
    high = f"{limit:.3g}"
    low = f"−{high}" if kind == "diverging" else "0"
    if beyond:
        low, high = f"≤ {low}" if kind == "diverging" else low, f"≥ {high}"
    painter.setPen(t.color("dim"))
    painter.drawText(area, left, low)
    x = area.left() + metrics.horizontalAdvance(low) + 6
    table = theme.diverging_table() if kind == "diverging" else theme.sequential_table()
    bar = QRectF(x, round(area.center().y() - 4), max(24.0, min(LONGEST, area.width() / 4)), 8)
    paint_cells(painter, bar, cell_image.image(table[None], np.ones((1, len(table)), np.bool_)))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(t.color("line"))
    painter.drawRect(bar)
    painter.setPen(t.color("dim"))
    painter.drawText(area.adjusted(bar.right() + 6 - area.left(), 0, 0, 0), left, high)
    x = bar.right() + metrics.horizontalAdvance(high) + 18

    painter.setFont(theme.sans(theme.SMALL_FONT_SIZE))
    metrics = QFontMetricsF(painter.font())
    swatches: list[tuple[str, _Fill]] = []
    if no_number:
        swatches.append((NO_NUMBER, cell_image.fill_no_number))
    if faint:
        swatches.append((faint, _fill_faint))
    if hatched:
        swatches.append((hatched, _fill_hatched))
    titles = [title] if isinstance(title, str) else title
    shortest = min(metrics.horizontalAdvance(words) for words in titles)

    def left_for_title() -> float:
        taken = sum(36 + metrics.horizontalAdvance(words) for words, _ in swatches)
        return area.right() - x - taken

    # What the colours mean comes before the hatching, and what is no number before both.
    while hatched and swatches and left_for_title() < shortest <= area.right() - x:
        swatches.pop()
        hatched = ""
    room = left_for_title()
    if any(titles) and room > 40:
        fitting = (words for words in titles if metrics.horizontalAdvance(words) <= room)
        shown = metrics.elidedText(
            next(fitting, titles[-1]), Qt.TextElideMode.ElideRight, math.ceil(room)
        )
        painter.drawText(area.adjusted(x - area.left(), 0, 0, 0), left, shown)
        x += metrics.horizontalAdvance(shown) + 14
    for words, fill in swatches:
        if x + 22 + metrics.horizontalAdvance(words) > area.right():
            break
        box = QRectF(round(x), round(area.center().y() - 5), 16, 10)
        fill(painter, box)
        painter.setPen(t.color("line"))
        painter.drawRect(box)
        painter.setPen(t.color("dim"))
        painter.drawText(area.adjusted(x + 22 - area.left(), 0, 0, 0), left, words)
        x += 36 + metrics.horizontalAdvance(words)


_Fill: TypeAlias = Callable[[QPainter, QRectF], None]


def _fill_hatched(painter: QPainter, area: QRectF) -> None:
    painter.fillRect(area, cell_image.hatch_brush())


def _fill_faint(painter: QPainter, area: QRectF) -> None:
    painter.fillRect(area, theme.current().color("accent"))
    cell_image.fill_faint(painter, area)
