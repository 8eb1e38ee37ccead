"""Where chips stand that wrap to lines, found from their widths alone.

Thousands of chips are placed by one running sum; the place of one is worked out when it is asked
for. Knows widths; no font, no painter.
"""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray


class ChipRows:
    """Chips in lines.

    Args:
        widths_T: of each chip, in pixels.
        available: width of a line; a wider chip has a line of its own, and is cut.
        gap: between two chips.
    """

    def __init__(self, widths_T: NDArray[np.float64], available: float, gap: float) -> None:
        self.widths = np.minimum(widths_T, available)
        self.ends = np.cumsum(self.widths + gap)
        self.starts: list[int] = []
        at = 0
        while at < len(self.ends):
            self.starts.append(at)
            before = self.ends[at - 1] if at else 0.0
            # The gap behind the last chip of a line may stand over.
            fit = int(np.searchsorted(self.ends, before + available + gap + 1e-6, side="right"))
            at = max(fit, at + 1)

    def __len__(self) -> int:
        """How many lines there are."""
        return len(self.starts)

    def row_of(self, index: int) -> int:
        """The line in which a chip stands."""
        return bisect_right(self.starts, index) - 1

    def chips_of(self, row: int) -> range:
        """The chips of a line."""
        stop = self.starts[row + 1] if row + 1 < len(self.starts) else len(self.ends)
        return range(self.starts[row], stop)

    def left_of(self, index: int) -> float:
        """Where in its line a chip begins."""
        start = self.starts[self.row_of(index)]
        before = float(self.ends[start - 1]) if start else 0.0
        return (float(self.ends[index - 1]) if index else 0.0) - before

    def nearest(self, row: int, x: float) -> int:
        """The chip of a line whose middle is nearest to a place in it."""
        return min(
            self.chips_of(row),
            key=lambda i: abs(self.left_of(i) + float(self.widths[i]) / 2 - x),
        )
