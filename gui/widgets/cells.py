"""Cells of colour, put down so that they stay sharp: a picture on a screen, rectangles in a figure.

A viewer of SVG blurs a small picture that is drawn large, across the cells and into what is masked.
So there each patch of one colour is a rectangle; where that would be too many, the picture is
enlarged before, and a viewer can blur no more than the edge of a cell. Knows pictures whose pixels
are cells; not what they mean.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath

from gui.widgets.canvas import is_vector

MOST_RECTANGLES = 20_000
"""Of one picture: about a megabyte of SVG."""
LARGEST_SIDE = 4096
"""Pixels along a side of an enlarged picture."""
OVERLAP = 0.25
"""Of a unit under the next cell: edges that only meet show the ground between them."""

Patch = tuple[int, int, int, int]
"""First and last row, first and last column; the last ones are outside."""


def paint_cells(painter: QPainter, box: QRectF, image: QImage) -> None:
    """Paint a picture whose pixels are cells, over a box.

    Args:
        painter: to paint with; of a figure of curves and letters, rectangles are left.
        box: where.
        image: one pixel a cell; transparent ones let the ground be seen.
    """
    if not is_vector(painter):
        painter.drawImage(box, image)
        return
    words_RC = _words(image)
    found = patches(words_RC, MOST_RECTANGLES)
    if found is None:
        painter.drawImage(box, _enlarged(image))
        return
    wide, high = box.width() / image.width(), box.height() / image.height()
    opaque_RC = words_RC >> 24 > 0
    paths: defaultdict[int, QPainterPath] = defaultdict(QPainterPath)
    for top, bottom, left, right in found:
        rect = QRectF(
            box.left() + left * wide,
            box.top() + top * high,
            (right - left) * wide,
            (bottom - top) * high,
        )
        if right < image.width() and opaque_RC[top:bottom, right].all():
            rect.setRight(rect.right() + OVERLAP)
        if bottom < image.height() and opaque_RC[bottom, left:right].all():
            rect.setBottom(rect.bottom() + OVERLAP)
        paths[int(words_RC[top, left])].addRect(rect)
    for word, path in paths.items():  # one path a colour: a tenth of the bytes
        path.setFillRule(Qt.FillRule.WindingFill)
        painter.fillPath(path, QColor.fromRgba(word))


def patches(words_RC: NDArray[np.uint32], most: int) -> list[Patch] | None:
    """Rectangles of one colour that cover all cells but the transparent ones.

    Args:
        words_RC: ARGB, ``[row, column]``.
        most: how many there may be.

    Returns:
        None where there would be more.
    """
    n_rows, n_columns = words_RC.shape
    changes_RC = np.ones((n_rows, n_columns), np.bool_)
    changes_RC[:, 1:] = words_RC[:, 1:] != words_RC[:, :-1]
    new_RC = changes_RC.copy()  # a run that goes on from the row above needs no other rectangle
    new_RC[1:] &= ~((words_RC[1:] == words_RC[:-1]) & changes_RC[:-1] & changes_RC[1:])
    if int(new_RC.sum()) > 2 * most:
        return None
    found: list[Patch] = []
    open_runs: dict[tuple[int, int, int], int] = {}
    for row in range(n_rows):
        starts = np.flatnonzero(changes_RC[row])
        ends = np.append(starts[1:], n_columns)
        runs = {
            (left, right, int(words_RC[row, left])): row
            for left, right in zip(starts.tolist(), ends.tolist())
            if words_RC[row, left] >> 24
        }
        for run, top in open_runs.items():
            if run in runs:
                runs[run] = top
            else:
                found.append((top, row, run[0], run[1]))
        open_runs = runs
        if len(found) > most:
            return None
    found += [(top, n_rows, left, right) for (left, right, _), top in open_runs.items()]
    return found if len(found) <= most else None


def _words(image: QImage) -> NDArray[np.uint32]:
    argb = image.convertToFormat(QImage.Format.Format_ARGB32)
    flat = np.frombuffer(argb.constBits(), np.uint32)
    return flat.reshape(argb.height(), argb.bytesPerLine() // 4)[:, : argb.width()].copy()


def _enlarged(image: QImage) -> QImage:
    times = max(1, min(8, LARGEST_SIDE // max(image.width(), image.height())))
    plain = QImage(image)
    plain.setDevicePixelRatio(1.0)
    return plain.scaled(plain.size() * times, mode=Qt.TransformationMode.FastTransformation)
