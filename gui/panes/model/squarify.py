"""Rectangles of given areas that fill a rectangle, each as square as can be.

Bruls, Huizing and van Wijk, Squarified Treemaps (2000). Plain computing, without a widget.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

from PySide6.QtCore import QRectF


def squarify(sizes: Sequence[float], area: QRectF) -> list[QRectF]:
    """One rectangle a size, in the order of the sizes; areas are in proportion to the sizes.

    Args:
        sizes: none negative. Largest first gives the squarest rectangles; in any order they fill
            the area.
        area: to fill.

    Returns:
        Empty rectangles for sizes of 0, or where the area is empty.
    """
    total = float(sum(sizes))
    if total <= 0 or area.width() <= 0 or area.height() <= 0:
        return [QRectF() for _ in sizes]
    scale = area.width() * area.height() / total
    areas = [size * scale for size in sizes]
    rects: list[QRectF] = []
    left = QRectF(area)
    row: list[float] = []
    for size in areas:
        side = min(left.width(), left.height())
        if row and _worst([*row, size], side) > _worst(row, side):
            left = _lay(row, left, rects)
            row = []
        row.append(size)
    _lay(row, left, rects)
    return _in_reading_order(sizes, rects)


def _in_reading_order(sizes: Sequence[float], rects: list[QRectF]) -> list[QRectF]:
    """Equal neighbours, as layers are, from left to right and from top to bottom.

    Rows and columns are laid in turn, so that they would jump to and fro.
    """
    ordered: list[QRectF] = []
    for _, group in groupby(zip(sizes, rects), key=itemgetter(0)):
        run = [rect for _, rect in group]
        ordered += sorted(run, key=lambda rect: (round(rect.top(), 3), round(rect.left(), 3)))
    return ordered


def _worst(row: Sequence[float], side: float) -> float:
    """The worst ratio of sides in a row of areas along a side of that length."""
    total = sum(row)
    least, most = min(row), max(row)
    if least <= 0 or side <= 0:
        return float("inf") if total > 0 else 0.0
    return max(side * side * most / (total * total), total * total / (side * side * least))


def _lay(row: Sequence[float], left: QRectF, rects: list[QRectF]) -> QRectF:
    """Lay a row along the shorter side; returns what is left."""
    total = sum(row)
    if total <= 0:
        rects.extend(QRectF() for _ in row)
        return left
    upright = left.width() >= left.height()  # the row is a column at the left
    side = left.height() if upright else left.width()
    depth = total / side if side > 0 else 0.0
    at = left.top() if upright else left.left()
    for size in row:
        length = size / depth if depth > 0 else 0.0
        if upright:
            rects.append(QRectF(left.left(), at, depth, length))
        else:
            rects.append(QRectF(at, left.top(), length, depth))
        at += length
    if upright:
        return QRectF(left.left() + depth, left.top(), left.width() - depth, left.height())
    return QRectF(left.left(), left.top() + depth, left.width(), left.height() - depth)
