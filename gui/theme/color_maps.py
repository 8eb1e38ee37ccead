"""Amounts and signed values as colours: the sequential and the diverging map of the theme in force.

The sequential one has a twin in the colour of the lens, for amounts that the network itself doesn't
give but that are read out of its middle. All can be read with colour-blind eyes. Knows the theme's
colours; no widget and no tensor.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from gui.theme.colors import Theme, current


def _channels(name: str) -> tuple[int, int, int]:
    color = QColor(name)
    return color.red(), color.green(), color.blue()


def _spaced(stops: tuple[str, ...]) -> NDArray[np.float64]:
    """Where the stops lie from 0 to 1, so that colours change evenly: no two entries are equal."""
    rgb = np.array([_channels(stop) for stop in stops], dtype=np.float64)
    steps = np.abs(np.diff(rgb, axis=0)).max(axis=1)
    return np.concatenate([[0.0], np.cumsum(steps) / steps.sum()])


@cache
def _table(stops: tuple[str, ...], *, diverging: bool = False) -> NDArray[np.uint8]:
    rgb = np.array([_channels(stop) for stop in stops], dtype=np.float64)
    if diverging:
        # Each side by itself: the middle stop is zero and stays in the middle.
        middle = len(stops) // 2
        low, high = _spaced(stops[: middle + 1]), _spaced(stops[middle:])
        at = np.concatenate([low / 2, 0.5 + high[1:] / 2])
    else:
        at = _spaced(stops)
    fine = np.linspace(0, 1, 256)
    blended = np.stack([np.interp(fine, at, rgb[:, channel]) for channel in range(3)], axis=1)
    table: NDArray[np.uint8] = blended.round().astype(np.uint8)
    table.flags.writeable = False
    return table


def sequential_table(theme: Theme | None = None) -> NDArray[np.uint8]:
    """``[256, 3]`` colours for amounts from 0 to 1. Every entry differs from its neighbours."""
    return _table((theme or current()).sequential_stops)


def diverging_table(theme: Theme | None = None) -> NDArray[np.uint8]:
    """``[256, 3]`` colours for signed values from -1 (entry 0) to 1 (entry 255)."""
    return _table((theme or current()).diverging_stops, diverging=True)


def lens_table(theme: Theme | None = None) -> NDArray[np.uint8]:
    """``[256, 3]`` colours for amounts from 0 to 1 that a lens reads."""
    return _table((theme or current()).lens_stops)


def sequential_color(amount: float) -> QColor:
    """The colour of an amount between 0 and 1; NaN has its own."""
    if np.isnan(amount):
        return current().color("no_number")
    row = sequential_table()[round(255 * min(max(amount, 0.0), 1.0))]
    return QColor(int(row[0]), int(row[1]), int(row[2]))


def diverging_color(value: float) -> QColor:
    """The colour of a signed value between -1 and 1; NaN has its own."""
    if np.isnan(value):
        return current().color("no_number")
    row = diverging_table()[round(127.5 * (min(max(value, -1.0), 1.0) + 1))]
    return QColor(int(row[0]), int(row[1]), int(row[2]))


def sequential_rgb(amounts: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Colours ``[..., 3]`` of amounts between 0 and 1; NaN has its own, ``no_number``."""
    return _rgb(amounts, sequential_table(), 255.0 * np.clip(amounts, 0, 1))


def lens_rgb(amounts: NDArray[np.floating]) -> NDArray[np.uint8]:
    """As `sequential_rgb`, of what a lens reads."""
    return _rgb(amounts, lens_table(), 255.0 * np.clip(amounts, 0, 1))


def diverging_rgb(values: NDArray[np.floating], limit: float) -> NDArray[np.uint8]:
    """Colours ``[..., 3]`` of signed values; ``±limit`` are the ends of the map.

    NaN has a colour of its own, ``no_number``.
    """
    scaled = np.clip(values / limit, -1, 1) if limit > 0 else np.zeros_like(values)
    return _rgb(values, diverging_table(), 127.5 * (scaled + 1))


def _rgb(
    values: NDArray[np.floating], table: NDArray[np.uint8], rows: NDArray[np.floating]
) -> NDArray[np.uint8]:
    missing = np.isnan(values)
    rgb = table[np.where(missing, 0, rows).round().astype(np.intp)]
    if missing.any():
        rgb[missing] = _channels(current().no_number)
    return rgb
