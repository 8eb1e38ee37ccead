"""Where words came from: the places of a few rows at the training steps that were seen before.

Clouds of one table on one method, each turned to lie as the one before, so that what moves is the
words and not the axes. Knows messages and places; no widget, no store.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from gui.panes.space.scene import place
from gui.widgets.point_cloud.overlay import Line, Mark
from model.messages import VocabularyProjected

TONE = "series 4"
MOST_BYTES = 48 * 2**20
"""Of clouds that are kept; the ones that were seen first go first."""
MOST_CLOUDS = 400
MOST_ROWS = 12
MOST_STEPS = 40
"""On a trail; of more every n-th is drawn."""


class Trails:
    """The clouds that were seen.

    Attributes:
        steps: at which, ascending, up to the one that is drawn.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Another model comes into view."""
        self._of: object = None
        self._clouds: dict[int, NDArray[np.float32]] = {}
        self.steps: tuple[int, ...] = ()

    def take(self, drawn: VocabularyProjected) -> None:
        """Remember a cloud; those of another table, method or model are forgotten."""
        of = (drawn.model_id, drawn.source, drawn.how)
        if of != self._of:
            self.forget()
            self._of = of
        if drawn.step is None or not drawn.has_axes:
            self.steps = ()
            return
        self._clouds.pop(drawn.step, None)
        self._clouds[drawn.step] = drawn.points
        most = min(MOST_CLOUDS, max(2, MOST_BYTES // max(1, drawn.points.nbytes)))
        while len(self._clouds) > most:
            del self._clouds[next(iter(self._clouds))]
        self.steps = tuple(sorted(step for step in self._clouds if step <= drawn.step))

    def marks(
        self, rows: Iterable[int], points: NDArray[np.float32]
    ) -> tuple[list[Line], list[Mark]]:
        """Their ways to where they are now; where each begins the step is written.

        Args:
            rows: whose, the first few count.
            points: where all rows are drawn now.
        """
        if len(self.steps) < 2:
            return [], []
        lines: list[Line] = []
        marks: list[Mark] = []
        earlier = self.steps[:-1]
        earlier = earlier[:: -(-len(earlier) // MOST_STEPS)]
        for row in list(dict.fromkeys(rows))[:MOST_ROWS]:
            if not 0 <= row < len(points):
                continue
            before = [place(self._clouds[step][row]) for step in earlier]
            lines.append(Line((*before, place(points[row])), TONE, 1.5, opacity=0.7))
            marks += [Mark(at, tone=TONE, dot=3.0, rank=8) for at in before[1:]]
            marks.append(Mark(before[0], f"step {self.steps[0]:,}", TONE, dot=4.0, rank=8))
        return lines, marks

    def said(self) -> str:
        """From when to when, in words; empty where there are none."""
        if len(self.steps) < 2:
            return ""
        first, last = self.steps[0], self.steps[-1]
        return f"trails: step {first:,} to {last:,}, {len(self.steps)} steps seen"
