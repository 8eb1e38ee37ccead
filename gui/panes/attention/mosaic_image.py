"""Tiles of attention heads as one picture, and lines over it.

Knows an answer, places and the theme; no widget.

Shape suffixes: L layers, H heads, C cells of a tile along a side, P pixels of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from gui import theme
from gui.panes.attention.difference import Difference
from gui.panes.attention.mosaic_layout import Label, Tiles
from gui.widgets.heat_map import cell_image
from model.probe.mosaic.asks import Mosaic, MosaicFound

HATCHED = 18
"""Device pixels of a tile from which on what is masked is hatched and what is no number crossed; in
smaller ones both are plain, each in its colour."""
LINED, OUTLINED = 14, 5.0
"""Pixels of a tile from which on a row and a column are marked in it, and of a cell from which on
there is room for an outline."""
_MASKED = 256  # palette entries behind those of the colour map
_HATCH = 257
_NO_NUMBER = 258
_CROSS = 259
_PENDING = 260
_FRAME = 261


def pooling(found: MosaicFound, side: int) -> int:
    """How many cells of the answer share a cell of a tile of so many pixels."""
    return math.ceil(found.maxima.shape[-1] / max(1, side))


def color_limits(found: MosaicFound) -> NDArray[np.float64]:
    """Where the colours of each layer's tiles end, ``[L]``.

    At 1 for weights; without the first token at the largest weight that is left; value-weighted at
    each layer's own largest, since what layers write grows from the first to the last.
    """
    question = found.question
    assert isinstance(question, Mosaic)
    n_layers = found.maxima.shape[0]
    limit_L = np.ones(n_layers)
    if not (question.valued or question.hide_first):
        return limit_L
    there = slice(found.n_layers_there)
    maxima = np.where(found.masked[there, None], 0, found.maxima[there])
    largest_L = np.where(np.isfinite(maxima), maxima, 0).max((1, 2, 3), initial=0.0)
    if not question.valued:
        largest_L[:] = largest_L.max(initial=0.0)
    limit_L[there] = np.where(largest_L > 0, largest_L, 1)
    return limit_L


def tiles_image(
    found: MosaicFound | None, tiles: Tiles, difference: Difference | None = None
) -> QImage:
    """All tiles with their gaps, a pixel a device pixel.

    What is masked is hatched, what is no number is crossed, what is still to come is flat: none of
    them has a colour of the map.
    """
    side, (width, height) = tiles.side, tiles.size
    n_layers = tiles.x_LH.shape[0]
    there = 0 if found is None else found.n_layers_there
    canvas = np.full((height + side, width + side), _MASKED, np.uint16)
    pending_PP = np.full((side, side), _FRAME, np.uint16)
    pending_PP[1:-1, 1:-1] = _PENDING
    shown_LH = tiles.shown_LH
    limit_L = np.ones(n_layers)
    if difference is not None:
        limit_L = np.array(difference.limits)
    elif found is not None:
        limit_L = color_limits(found)
    for layer in np.flatnonzero(shown_LH.any(1)).tolist():
        entries_HPP = None
        if found is not None and layer < there:
            entries_HPP = _entries(found, layer, side, float(limit_L[layer]), difference)
        for head in np.flatnonzero(shown_LH[layer]).tolist():
            x, y = int(tiles.x_LH[layer, head]), int(tiles.y_LH[layer, head])
            tile = pending_PP if entries_HPP is None else entries_HPP[head]
            canvas[y : y + side, x : x + side] = tile
    pixels = _palette(difference is not None)[canvas[:height, :width]]
    return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32).copy()


def paint_labels(painter: QPainter, labels: Sequence[Label], corner: QPointF, ratio: float) -> None:
    """Write the words beside tiles.

    Args:
        painter: to paint with.
        labels: places in device pixels.
        corner: of all tiles, logical pixels.
        ratio: device pixels to a logical one.
    """
    small = theme.SMALL_FONT_SIZE
    painter.setPen(theme.current().color("dim"))
    for label in labels:
        x, y = corner.x() + label.x / ratio, corner.y() + label.y / ratio
        painter.setFont(theme.sans(small) if label.kind == "group" else theme.mono(small))
        if label.kind == "layer":
            painter.drawText(QRectF(x - 60, y - 10, 60, 20), _RIGHT, label.text)
        elif label.kind == "group":
            painter.drawText(QRectF(x, y - 10, 400, 20), _LEFT, label.text)
        else:  # of a column, or under a tile
            box = QRectF(x - 60, y - 10, 120, 20)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, label.text)


def paint_cell_lines(
    painter: QPainter, tiles: Tiles, corner: QPointF, ratio: float, cell: int, n_cells: int
) -> None:
    """Outline a row and a column of cells in every tile, where a line is told from a cell.

    Args:
        painter: clipped to what is in view.
        tiles: where they are.
        corner: of all tiles, logical pixels.
        ratio: device pixels to a logical one.
        cell: which row and column.
        n_cells: of a tile along a side.
    """
    if tiles.side < LINED or cell >= n_cells:
        return
    side, color = tiles.side / ratio, theme.current().color("warning")
    start, thick = cell / n_cells * side, max(side / n_cells, 1.0)
    seen = painter.clipBoundingRect()
    rects = []
    for x, y in zip(tiles.x_LH.flat, tiles.y_LH.flat, strict=True):
        box = QRectF(corner.x() + x / ratio, corner.y() + y / ratio, side, side)
        if box.intersects(seen):
            rects.append(QRectF(box.left(), box.top() + start, side, thick))
            rects.append(QRectF(box.left() + start, box.top(), thick, side))
    if thick >= OUTLINED:
        painter.setPen(QPen(color, 1))
        painter.drawRects(rects)
        return
    color.setAlphaF(0.3)
    for rect in rects:
        painter.fillRect(rect, color)


def _entries(
    found: MosaicFound, layer: int, side: int, limit: float, difference: Difference | None
) -> NDArray[np.uint16]:
    """Palette entries of a layer's tiles, ``[H, P, P]``."""
    k = pooling(found, side)
    weights_HCC, masked_CC = found.maxima[layer], found.masked[layer]
    question = found.question
    assert isinstance(question, Mosaic)
    if question.hide_first and found.block == 1:
        masked_CC = masked_CC.copy()
        masked_CC[:, 0] = True
    if difference is not None:
        masked_CC = masked_CC | difference.missing[layer].all(0)
        weights_HCC = difference.values[layer]
    if k > 1:
        weights_HCC = np.where(masked_CC, 0, weights_HCC)
        largest_HCC = cell_image.pool(cell_image.pool(weights_HCC, k, 1), k, 2)
        if difference is not None:  # signed: what is farthest from 0
            least_HCC = -cell_image.pool(cell_image.pool(-weights_HCC, k, 1), k, 2)
            largest_HCC = np.where(-least_HCC > largest_HCC, least_HCC, largest_HCC)
        weights_HCC = largest_HCC
        masked_CC = ~cell_image.pool(cell_image.pool(~masked_CC, k, 0), k, 1)
    amounts_HCC = weights_HCC / limit
    if difference is not None:
        amounts_HCC = (amounts_HCC + 1) / 2
    amounts_HCC = np.nan_to_num(np.clip(amounts_HCC, 0, 1), nan=0.0)
    entries_HCC = (amounts_HCC * 255 + 0.5).astype(np.uint16)
    entries_HCC[np.isnan(weights_HCC)] = _NO_NUMBER
    entries_HCC[:, masked_CC] = _MASKED
    n_cells = masked_CC.shape[0]
    at_P = (np.arange(side) * n_cells) // side
    entries_HPP = entries_HCC[:, at_P][:, :, at_P]
    across_P = np.arange(side)
    hatch_PP = (across_P[:, None] + across_P[None, :]) % 6 == 0
    if side >= HATCHED:
        entries_HPP[(entries_HPP == _MASKED) & hatch_PP] = _HATCH
        cross_PP = hatch_PP | ((across_P[:, None] - across_P[None, :]) % 6 == 0)
        entries_HPP[(entries_HPP == _NO_NUMBER) & cross_PP] = _CROSS
    return entries_HPP


def _palette(diverging: bool) -> NDArray[np.uint32]:
    t = theme.current()
    table = theme.diverging_table() if diverging else theme.sequential_table()
    rgb = table.astype(np.uint32)
    entries = 0xFF000000 | rgb[:, 0] << 16 | rgb[:, 1] << 8 | rgb[:, 2]
    panel, raised, line = QColor(t.panel).rgb(), QColor(t.raised).rgb(), QColor(t.line).rgb()
    hatch = _between(t.color("panel"), t.color("line")).rgb()
    no_number = t.color("no_number")
    cross = _between(no_number, t.color("panel")).rgb()
    extra = np.array([panel, hatch, no_number.rgb(), cross, raised, line], np.uint32)
    return np.append(entries, extra).astype(np.uint32)


def _between(a: QColor, b: QColor) -> QColor:
    return QColor(
        (a.red() + b.red()) // 2, (a.green() + b.green()) // 2, (a.blue() + b.blue()) // 2
    )


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
