"""Thousands of smooth curves as one picture, in NumPy.

Qt's software painter takes about 0.2 ms for one antialiased curve wider than a pixel, a second
for 4,000 of them. All curves between two rows of nodes have the same shape and climb steadily,
so that each crosses a line of pixels in one stretch; those stretches are added up in one pass.

Knows NumPy and QImage; nothing of attention.

Shape suffixes: E curves, N lines of pixels, P pixels of a line.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

_T = np.linspace(0, 1, 513)
_CLIMB = 1.5 * _T - 1.5 * _T**2 + _T**3
_BEND = 3 * _T**2 - 2 * _T**3
_STEEPNESS = (6 * _T - 6 * _T**2) / (1.5 - 3 * _T + 3 * _T**2)
"""The cubic from (0, 0) to (1, 1) with both control points at half the height: its y, its x and
dx/dy, by its parameter."""


def curve_opacity(
    start_E: NDArray[np.floating],
    end_E: NDArray[np.floating],
    width_E: NDArray[np.floating],
    opacity_E: NDArray[np.floating],
    height: int,
    length: int,
) -> NDArray[np.float64]:
    """How much of each pixel the curves cover, ``[height, length]`` from 0 to 1.

    Args:
        start_E: x at the bottom edge, in pixels; it may lie outside the picture.
        end_E: x at the top edge.
        width_E: of the strokes, across them.
        opacity_E: of each stroke, below 1; where curves of one colour cross, they add up as
            layers of ink do.
        height: lines of pixels between bottom and top.
        length: pixels of a line.
    """
    line = length + 2  # what begins right of the picture is put there
    climbed_N = 1 - (np.arange(height) + 0.5) / height
    bend_N = np.interp(climbed_N, _CLIMB, _BEND)
    steepness_N = np.interp(climbed_N, _CLIMB, _STEEPNESS)
    reach_E = end_E - start_E
    middle_EN = start_E[:, None] + reach_E[:, None] * bend_N
    slope_EN = np.abs(reach_E[:, None]) * (steepness_N / height)
    half_EN = width_E[:, None] / 2 * np.hypot(1, slope_EN)
    # Along a line of pixels a stroke's coverage is a trapezoid: its own breadth, softened by
    # how far it moves sideways within the line (or by one pixel).
    ramp_EN = np.maximum(slope_EN, 1)
    ink_EN = -np.log1p(-np.minimum(opacity_E, 0.995))[:, None] / ramp_EN
    row_N = np.arange(height) * line
    bends_NP = np.zeros(height * line)
    for side, sign in ((-1, 1), (1, -1)):
        for end, turn in ((-1, sign), (1, -sign)):
            at_EN = middle_EN + side * half_EN + end * ramp_EN / 2 + 0.5
            pixel_EN = np.clip(at_EN, 0, length).astype(np.intp)
            # Left of the picture the share is negative, which continues the line exactly.
            share_EN = at_EN - pixel_EN
            index = (row_N + pixel_EN).ravel()
            ink = turn * ink_EN
            bends_NP += np.bincount(index, (ink * (1 - share_EN)).ravel(), height * line)
            bends_NP += np.bincount(index + 1, (ink * share_EN).ravel(), height * line)
    # Trapezoids from their four corners: the second sum of the second difference.
    ink_NP = bends_NP.reshape(height, line).cumsum(1).cumsum(1)
    return -np.expm1(-np.maximum(ink_NP[:, :length], 0))


def ink(opacity_NP: NDArray[np.float64], color: QColor) -> QImage:
    """A coverage in a colour, transparent elsewhere."""
    height, length = opacity_NP.shape
    bgra = np.array([color.blueF(), color.greenF(), color.redF(), 1.0]) * 255
    pixels = (opacity_NP[..., None] * bgra + 0.5).astype(np.uint8)
    return QImage(
        pixels.data, length, height, 4 * length, QImage.Format.Format_ARGB32_Premultiplied
    ).copy()
