"""A part of very many points, drawn in software while the view moves, or where there are too many.

Every n-th of those that can be drawn, so that the cloud keeps its shape. Knows renderers and
arrays; no widget.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gui.widgets.point_cloud.renderer import PointRenderer
from gui.widgets.point_cloud.software import SoftwareRenderer

MOVING = 20_000
"""Points that are drawn while the view moves: 5 ms."""
STILL = 300_000
"""Points that are drawn at rest: more would stop the window for more than a fifth of a second."""


def step_of(n: int, most: int) -> int:
    """Every how many-th point is drawn."""
    return max(1, -(-n // most))


class Thinned:
    """Draws a part of the points."""

    def __init__(self) -> None:
        self._renderer = SoftwareRenderer()
        self._of: tuple[object, object, int] = (None, None, 0)

    def renderer(
        self, points_N3: NDArray[np.float32], rgb_N3: NDArray[np.uint8], step: int
    ) -> PointRenderer:
        """What draws every ``step``-th of them."""
        of = (points_N3, rgb_N3, step)
        if self._of[2] != step or self._of[0] is not points_N3 or self._of[1] is not rgb_N3:
            self._of = of
            part, rgb = points_N3[::step], rgb_N3[::step]
            if step > 1 and np.isnan(part[:, 0]).any():  # those that are hidden take no room
                seen = np.flatnonzero(~np.isnan(points_N3[:, 0]))
                seen = seen[:: step_of(len(seen), -(-len(points_N3) // step))]
                part, rgb = points_N3[seen], rgb_N3[seen]
            self._renderer.set_points(part)
            self._renderer.set_colors(rgb)
        return self._renderer


def said(n: int, *, software: bool) -> str:
    """What isn't drawn, in words; empty where all is."""
    if not software or n <= MOVING:
        return ""
    moving = f"while it moves one point in {step_of(n, MOVING):,} is drawn"
    if n <= STILL:
        return moving
    return f"one point in {step_of(n, STILL):,} is drawn, {moving}; all can be found"
