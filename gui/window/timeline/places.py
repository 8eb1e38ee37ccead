"""Where a training step lies on the timeline, and how high a curve is there.

Every kept step has the same room, so that each can be hit: early ones, which lie close together,
as well as late ones. Between two of them the steps are spread evenly. Knows numbers only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Places:
    """A line of steps.

    Attributes:
        steps: that were kept, in rising order.
        left, right: ends of the line, in pixels.
        newest: the step that is being learned, behind the last kept one; None if none is.
    """

    steps: tuple[int, ...]
    left: float
    right: float
    newest: int | None = None

    @property
    def stops(self) -> tuple[int, ...]:
        """The kept steps, and behind them the one that is being learned."""
        if self.newest is None or not self.steps:
            return self.steps
        return (*self.steps, max(self.newest, self.steps[-1] + 1))

    def x_of(self, step: float) -> float:
        """Where a step is; beyond an end, at that end."""
        stops = self.stops
        if len(stops) < 2:
            return self.right if self.newest is not None else self.left
        at = float(np.interp(step, stops, np.arange(len(stops))))
        return self.left + (self.right - self.left) * at / (len(stops) - 1)

    def step_at(self, x: float) -> float:
        """The step at a place, which need not be one that was kept."""
        stops = self.stops
        if len(stops) < 2:
            return float(stops[0]) if stops else 0.0
        share = (x - self.left) / max(1.0, self.right - self.left)
        return float(np.interp(share * (len(stops) - 1), np.arange(len(stops)), stops))

    def stop_at(self, x: float) -> int | None:
        """The kept step that is nearest to a place; None for the one that is being learned.

        Raises:
            ValueError: there are no steps.
        """
        stops = self.stops
        if not stops:
            raise ValueError("There are no steps.")
        share = (x - self.left) / max(1.0, self.right - self.left)
        at = min(max(round(share * (len(stops) - 1)), 0), len(stops) - 1)
        return self.steps[at] if at < len(self.steps) else None

    def curve(
        self, steps: NDArray[np.int64], values: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """A curve at one point a pixel: the mean of what lies between two of them.

        Args:
            steps: ``[n]`` rising.
            values: ``[n]``; what is no finite number is left out.

        Returns:
            The places of the points in pixels, and their values.
        """
        known = np.isfinite(values)
        steps, values = steps[known], values[known]
        n_pixels = int(self.right - self.left)
        if not len(steps) or n_pixels < 1:
            return np.zeros(0), np.zeros(0)
        stops = np.asarray(self.stops, dtype=np.float64)
        if len(stops) < 2:
            return np.zeros(0), np.zeros(0)
        edges = np.interp(
            np.linspace(0, len(stops) - 1, n_pixels + 1), np.arange(len(stops)), stops
        )
        first = np.searchsorted(steps, np.round(edges, 6))
        first[-1] = len(steps)  # the last step has no pixel behind it
        total = np.concatenate(([0.0], np.cumsum(values)))
        n = np.diff(first)
        filled = np.flatnonzero(n)
        means = np.diff(total[first])[filled] / n[filled]
        return np.asarray(self.left + filled + 0.5, dtype=np.float64), means


def labelled(stops: Sequence[int], room: int) -> list[int]:
    """Which steps are written below the line: the ends, and every second, third, … between.

    Stops are few pixels apart: of two that are written, none stands nearer than the others do.

    Args:
        stops: in order, evenly apart.
        room: how many fit at most.
    """
    n = len(stops)
    if n <= room:
        return list(stops)
    every = -(-(n - 1) // (max(2, room) - 1))
    return [*stops[: n - every : every], stops[-1]]
