"""Strips of values beside the rows of a map: one pixel a value, or the largest of several.

Knows readings and colours; no row, no painter.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from gui import theme
from gui.reading.thinning import columns
from gui.reading.vectors import Reading

Key = tuple[int, int]
"""Index of an operation, and how many pixels its strip has at most."""


def strip_images(wanted: Mapping[Key, Reading]) -> dict[Key, QImage]:
    """Pictures of many strips, one pixel high.

    Their colours are looked up together: a map has some twenty at an edit, and NumPy's calls cost
    more than the values.
    """
    shown = {key: columns(reading.values, key[1]).picks for key, reading in wanted.items()}
    images: dict[Key, QImage] = {}
    for signed in (True, False):
        keys = [key for key, reading in wanted.items() if (reading.scale == "signed") is signed]
        if not keys:
            continue
        scaled = np.concatenate([_scaled(wanted[key], shown[key]) for key in keys])
        rgb = theme.diverging_rgb(scaled, 1.0) if signed else theme.sequential_rgb(scaled)
        masked = np.concatenate([_masked(wanted[key], shown[key]) for key in keys])
        if masked.any():
            bare = theme.current().color("panel")
            rgb[masked] = bare.red(), bare.green(), bare.blue()
        begin = 0
        for key in keys:
            n = len(shown[key])
            pixels = np.ascontiguousarray(rgb[begin : begin + n])
            image = QImage(pixels.data, n, 1, 3 * n, QImage.Format.Format_RGB888)
            # A copy, because a QImage does not keep the array's memory alive.
            images[key] = image.copy()
            begin += n
    return images


def _scaled(reading: Reading, picks: NDArray[np.intp]) -> NDArray[np.float64]:
    """Values so that the ends of the scale are 1 (and -1); a signed scale of no width is all 0."""
    values = reading.values[picks].astype(np.float64)
    limit = reading.limit
    if reading.scale == "signed" and not limit > 0:
        return np.where(np.isnan(values), values, 0.0)
    return values / (limit or 1.0)


def _masked(reading: Reading, picks: NDArray[np.intp]) -> NDArray[np.bool_]:
    return (picks < reading.first_seen) | (picks >= reading.n_seen)
