"""A curve with a dot at each point, of which none may be known.

Knows pyqtgraph.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg


class DottedCurve(pg.PlotDataItem):
    """A curve that takes no room where all of its numbers are NaN, and says nothing of it.

    pyqtgraph 0.14 looks for the least of its dots among NaN then, of which numpy warns: where the
    axes make room, and where the dots are painted.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        dots = self.scatter
        bounds = dots.dataBounds

        def bounds_if_known(
            ax: int, frac: float = 1.0, orthoRange: tuple[float, float] | None = None
        ) -> Any:
            numbers = dots.data["x" if ax == 0 else "y"]
            if len(numbers) and not np.isfinite(numbers).any():
                return None, None
            return bounds(ax, frac, orthoRange)

        # The dots ask themselves too, and a curve makes its own.
        dots.dataBounds = bounds_if_known
