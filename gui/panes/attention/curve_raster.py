"""Thousands of smooth curves as one picture, in NumPy.

Qt's software painter takes about 0.2 ms for one antialiased curve wider than a pixel, a second
for 4,000 of them. All curves between two rows of nodes have the same shape and climb steadily,
so that each crosses a line of pixels in one stretch; those stretches are added up in one pass, of
several pictures at once: of a few curves NumPy's calls cost more than the pixels.

Knows NumPy and QImage; nothing of attention.

Shape suffixes: C corners, E curves, N lines of pixels, P pixels of a line, S pictures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

_T = np.linspace(0, 1, 513)
_CLIMB = 1.5 * _T - 1.5 * _T**2 + _T**3
_BEND = 3 * _T**2 - 2 * _T**3
_STEEPNESS = (6 * _T - 6 * _T**2) / (1.5 - 3 * _T + 3 * _T**2)
"""The cubic from (0, 0) to (1, 1) with both control points at half the height: its y, its x and
dx/dy, by its parameter."""


_SIDE, _END = np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)], np.float64).T[..., None, None]
_TURN = _SIDE * _END
"""Corners of a trapezoid: on which side of the curve, at which end of the ramp, and which way the
line turns there."""


def curve_opacity(
    start_E: NDArray[np.floating],
    end_E: NDArray[np.floating],
    width_E: NDArray[np.floating],
    opacity_E: NDArray[np.floating],
    height: int,
    length: int,
    picture_E: NDArray[np.intp] | None = None,
) -> tuple[int, NDArray[np.float32]]:
    """How much of each pixel the curves cover, from 0 to 1.

    Args:
        start_E: x at the bottom edge, in pixels; it may lie outside the picture.
        end_E: x at the top edge.
        width_E: of the strokes, across them.
        opacity_E: of each stroke, below 1; where curves of one colour cross, they add up as
            layers of ink do.
        height: lines of pixels between bottom and top.
        length: pixels of a line.
        picture_E: which of several pictures of this size each curve is on, from 0; without, one.

    Returns:
        The first pixel of a line that is looked at, and the pictures ``[S, height, at most
        length]`` from there on; what lies outside is not covered.
    """
    n_pictures = 1 if picture_E is None else int(picture_E.max(initial=-1)) + 1
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
    # A flat curve covers much of a line at once, but nothing beyond its two ends.
    low_E, high_E = np.minimum(start_E, end_E), np.maximum(start_E, end_E)
    low_EN = (low_E - width_E / 2 - 0.5)[:, None]
    high_EN = (high_E + width_E / 2 + 0.5)[:, None]
    fits_EN = np.minimum(1, (high_EN - low_EN) / (2 * half_EN + ramp_EN))
    half_EN, ramp_EN = half_EN * fits_EN, ramp_EN * fits_EN
    reach_EN = half_EN + ramp_EN / 2
    middle_EN = np.clip(middle_EN, low_EN + reach_EN, high_EN - reach_EN)
    ink_EN = -np.log1p(-np.minimum(opacity_E, 0.995))[:, None] / ramp_EN
    # The four corners of all trapezoids at once: for a few curves the passes over the picture cost
    # more than the corners.
    at_CEN = middle_EN + _SIDE * half_EN + _END * (ramp_EN / 2) + 0.5
    # Only the part of the pictures that they cross is looked at.
    left = int(np.clip(np.floor(at_CEN.min(initial=length)), 0, length))
    right = int(np.clip(np.ceil(at_CEN.max(initial=0)) + 1, left, length))
    if right == left:
        return left, np.zeros((n_pictures, height, 0), np.float32)
    breadth = right - left
    line = breadth + 2  # what begins right of the picture is put there
    pixel_CEN = np.clip(at_CEN - left, 0, breadth).astype(np.intp)
    # Left of the picture the share is negative, which continues the line exactly.
    share_CEN = at_CEN - left - pixel_CEN
    ink_CEN = _TURN * ink_EN
    index_CEN = np.arange(height) * line + pixel_CEN
    if picture_E is not None:
        index_CEN += (picture_E * (height * line))[:, None]
    index = index_CEN.ravel()
    bends_SNP = np.bincount(
        np.concatenate((index, index + 1)),
        np.concatenate(((ink_CEN * (1 - share_CEN)).ravel(), (ink_CEN * share_CEN).ravel())),
        n_pictures * height * line,
    ).reshape(n_pictures, height, line)
    # Trapezoids from their four corners: the second sum of the second difference.
    np.cumsum(bends_SNP, axis=2, out=bends_SNP)
    np.cumsum(bends_SNP, axis=2, out=bends_SNP)
    ink_SNP = np.maximum(bends_SNP[..., :breadth], 0).astype(np.float32)
    # exp of float32 takes a seventh of the time of expm1 of float64.
    return left, 1 - np.exp(-ink_SNP)


def ink(opacity_SNP: NDArray[np.floating], colors_S: Sequence[QColor]) -> list[QImage]:
    """Coverages, each in its colour and transparent elsewhere."""
    n_pictures, height, length = opacity_SNP.shape
    bgra_S4 = np.array([(c.blueF(), c.greenF(), c.redF(), 1.0) for c in colors_S])
    # Each of the 256 opacities that a pixel can have, premultiplied, as one 32-bit number.
    steps_S256 = (_STEPS * bgra_S4[:, None] + 0.5).astype(np.uint8).view(np.uint32)[..., 0]
    first_S = 256 * np.arange(n_pictures)[:, None, None]
    pixels_SNP = steps_S256.ravel()[(opacity_SNP * 255 + 0.5).astype(np.uint8) + first_S]
    format_ = QImage.Format.Format_ARGB32_Premultiplied
    return [
        QImage(pixels_NP.data, length, height, 4 * length, format_).copy()
        for pixels_NP in pixels_SNP
    ]


_STEPS = np.arange(256)[:, None]
