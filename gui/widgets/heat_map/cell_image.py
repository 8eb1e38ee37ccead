"""Arrays of values as images: pooling where there are more values than pixels, colours, hatching.

Knows NumPy, QImage and the theme's colour maps; no widget.

Shape suffixes: R rows, C columns.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPixmap

from gui import theme
from gui.widgets.canvas import is_vector
from gui.widgets.text import ink_on

Kind = Literal["sequential", "diverging"]


def pool(values: NDArray[Any], k: int, axis: int) -> NDArray[Any]:
    """The largest of every ``k`` neighbours along an axis; the last group may be smaller."""
    if k <= 1:
        return values
    source = np.moveaxis(values, axis, 0)
    largest = source[::k].copy()
    # k passes over whole slabs: NumPy's reduceat takes four times as long here.
    for offset in range(1, min(k, len(source))):
        slab = source[offset::k]
        np.maximum(largest[: len(slab)], slab, out=largest[: len(slab)])
    return np.moveaxis(largest, 0, axis)


def pool_cells(
    values_RC: NDArray[np.floating], drawn_RC: NDArray[np.bool_], k: int, kind: Kind
) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """Blocks of ``k`` by ``k`` cells as one: the value that is largest (signed: farthest from 0).

    Returns:
        Pooled values, and which blocks hold a cell that is drawn at all.
    """
    seen = np.where(drawn_RC, values_RC, -np.inf)
    largest = pool(pool(seen, k, 0), k, 1)
    if kind == "diverging":
        lowest = -pool(pool(np.where(drawn_RC, -values_RC, -np.inf), k, 0), k, 1)
        largest = np.where(-lowest > largest, lowest, largest)
    drawn = pool(pool(drawn_RC, k, 0), k, 1)
    return np.where(drawn, largest, 0), drawn


def colors(values: NDArray[np.floating], kind: Kind, limit: float) -> NDArray[np.uint8]:
    """``[..., 3]`` colours: sequential from 0 to ``limit``, diverging from -limit to limit."""
    if kind == "diverging":
        return theme.diverging_rgb(values, limit)
    return theme.sequential_rgb(values / limit if limit > 0 else np.zeros_like(values))


def image(rgb_RC3: NDArray[np.uint8], drawn_RC: NDArray[np.bool_]) -> QImage:
    """One pixel a cell; what isn't drawn is transparent, so that a hatch beneath shows."""
    rows, columns = drawn_RC.shape
    bgra = np.empty((rows, columns, 4), np.uint8)
    bgra[..., :3] = np.where(drawn_RC[..., None], rgb_RC3[..., ::-1], 0)
    bgra[..., 3] = np.where(drawn_RC, 255, 0)
    # A copy, because QImage would go on reading the array's memory.
    return QImage(
        bgra.data, columns, rows, 4 * columns, QImage.Format.Format_ARGB32_Premultiplied
    ).copy()


def hatch_brush() -> QBrush:
    """Diagonal lines on the panel: "there is nothing here", told apart from the value 0."""
    return QBrush(theme.current().color("line"), Qt.BrushStyle.BDiagPattern)


def fill_hatched(painter: QPainter, area: QRectF) -> None:
    """Paint the panel and `hatch_brush` over an area.

    On the screen from a tile that is painted once: Qt works a pattern out line by line, which
    costs eight times as much and is most of what a masked matrix takes to paint.
    """
    if is_vector(painter) or painter.deviceTransform().m11() != 1:
        painter.fillRect(area, theme.current().color("panel"))
        painter.fillRect(area, hatch_brush())
    else:
        painter.fillRect(area, _hatch_tile(theme.current().name))


@lru_cache(maxsize=4)
def _hatch_tile(theme_name: str) -> QBrush:
    side = 8  # of the pattern, which repeats
    tile = QPixmap(side, side)
    tile.fill(theme.current().color("panel"))
    with QPainter(tile) as painter:
        painter.fillRect(0, 0, side, side, hatch_brush())
    return QBrush(tile)


def fill_faint(painter: QPainter, area: QRectF) -> None:
    """Paint over cells whose value is an estimate: half of the colour, and fine lines."""
    t = theme.current()
    painter.fillRect(area, t.color("panel", 0.45))
    painter.fillRect(area, QBrush(t.color("panel", 0.6), Qt.BrushStyle.FDiagPattern))


def no_number_brush() -> QBrush:
    """Crossed lines over `theme.Theme.no_number`: told apart from a value, and from what is masked.

    The colour alone would not do for every eye.
    """
    return QBrush(theme.current().color("panel", 0.55), Qt.BrushStyle.DiagCrossPattern)


def fill_no_number(painter: QPainter, area: QRectF) -> None:
    """Paint an area as a cell whose number is none."""
    painter.fillRect(area, theme.current().color("no_number"))
    painter.fillRect(area, no_number_brush())


def inks(kind: Kind) -> tuple[QColor, ...]:
    """For each of the 256 entries of a colour map, the text colour that reads well on it."""
    return _inks(kind, theme.current().name)


@lru_cache(maxsize=8)
def _inks(kind: Kind, theme_name: str) -> tuple[QColor, ...]:
    table = theme.diverging_table() if kind == "diverging" else theme.sequential_table()
    return tuple(ink_on(QColor(*(int(c) for c in row))) for row in table)


def entry(value: float, kind: Kind, limit: float) -> int:
    """Index of a number's colour in its map."""
    if limit <= 0:
        return 0 if kind == "sequential" else 128
    share = value / limit
    amount = share if kind == "sequential" else (share + 1) / 2
    return round(255 * min(max(amount, 0.0), 1.0))
