"""Tiles of attention heads as one picture.

Knows an answer, places and the theme; no widget.

Shape suffixes: L layers, H heads, C cells of a tile along a side, P pixels of it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

from gui import theme
from gui.panes.attention.difference import Difference
from gui.panes.attention.mosaic_layout import Tiles
from gui.widgets.heat_map import cell_image
from model.probe.mosaic.asks import Mosaic, MosaicFound

HATCHED = 18
"""Device pixels of a tile from which on what is masked is hatched and what is no number crossed; in
smaller ones both are plain, each in its colour."""
_MASKED = 256  # palette entries behind those of the colour map
_HATCH = 257
_NO_NUMBER = 258
_CROSS = 259
_PENDING = 260
_FRAME = 261


def pooling(found: MosaicFound, side: int) -> int:
    """How many cells of the answer share a cell of a tile of so many pixels."""
    return math.ceil(found.maxima.shape[-1] / max(1, side))


def tiles_image(
    found: MosaicFound | None, tiles: Tiles, difference: Difference | None = None
) -> QImage:
    """All tiles with their gaps, a pixel a device pixel.

    What is masked is hatched, what is no number is crossed, what is still to come is flat: none of
    them has a colour of the map.
    """
    side, (width, height) = tiles.side, tiles.size
    n_layers, n_heads = tiles.x_LH.shape
    there = 0 if found is None else found.n_layers_there
    canvas = np.full((height + side, width + side), _MASKED, np.uint16)
    pending_PP = np.full((side, side), _FRAME, np.uint16)
    pending_PP[1:-1, 1:-1] = _PENDING
    for layer in range(n_layers):
        entries_HPP = None
        if found is not None and layer < there:
            entries_HPP = _entries(found, layer, side, difference)
        for head in range(n_heads):
            x, y = int(tiles.x_LH[layer, head]), int(tiles.y_LH[layer, head])
            tile = pending_PP if entries_HPP is None else entries_HPP[head]
            canvas[y : y + side, x : x + side] = tile
    pixels = _palette(difference is not None)[canvas[:height, :width]]
    return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32).copy()


def _entries(
    found: MosaicFound, layer: int, side: int, difference: Difference | None
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
    amounts_HCC = weights_HCC
    if difference is not None:
        amounts_HCC = (weights_HCC / difference.limit + 1) / 2
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
