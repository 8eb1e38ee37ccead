"""What is drawn over the points: axes, what is pointed at or looked for, neighbours, sums, paths.

Puts together what `gui.panes.space.scene` and `gui.panes.space.marks` make of each. Knows what is
to be drawn as values; no widget, no store.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gui.panes.space import marks, scene
from gui.panes.space.trails import Trails
from gui.panes.space.ways import Ways
from gui.session.state import Selection
from gui.widgets.point_cloud.overlay import Line, Mark, Overlay
from model.messages import NeighboursFound, VocabularyProjected
from model.tokenizer.tokens import Token


@dataclass(frozen=True, slots=True)
class Picture:
    """What is to be drawn.

    Attributes:
        vocabulary: the cloud.
        points: ``[V, 3]`` where its points are now; while they move, on their way.
        extent: radius of the cloud.
        found: the neighbours that are listed; None for none.
        matches: tokens that were looked for, of which the ``lit``-th is lit; None for none.
        lit: which of them.
        ways: through the layers.
        tokens: of the prompt.
        selection: what is selected.
        chosen: the row that is; None for none.
        axis_names: of the axes.
        flat: whether the first two are seen alone.
        pointed: tokens under the mouse, in the cloud or in the list.
        trails: where words came from; None for none.
        ambient: tokens that are named where there is room.
        text_of: how a token is written.
    """

    vocabulary: VocabularyProjected
    points: NDArray[np.float32]
    extent: float
    found: NeighboursFound | None
    matches: tuple[int, ...] | None
    lit: int
    ways: Ways
    tokens: Sequence[Token]
    selection: Selection
    chosen: int | None
    axis_names: Sequence[str]
    flat: bool
    pointed: tuple[int | None, ...]
    trails: Trails | None
    ambient: Sequence[int] | NDArray[np.intp]
    text_of: Callable[[int], str]

    def overlay(self) -> Overlay:
        """All lines and marks; the first mark of a token carries its label."""
        points, text_of, selection = self.points, self.text_of, self.selection
        lines: list[Line] = []
        all_marks: list[Mark] = []
        if self.vocabulary.has_axes:
            lines, all_marks = scene.axis_lines(
                self.extent, self.vocabulary.variance_kept, self.axis_names, flat=self.flat
            )
        all_marks += marks.pointed(self.pointed, points, text_of)
        all_marks += marks.chosen(self.chosen, points, text_of)
        if self.matches is not None:
            all_marks += marks.matches(self.matches, self.lit, points, text_of)
        elif self.found is not None and self.found.terms:
            more_lines, more_marks = self._near(self.found)
            lines += more_lines
            all_marks += more_marks
        all_marks += marks.prompt(
            self.tokens, selection.position, selection.hovered, points, text_of
        )
        if self.trails is not None:
            trail_lines, trail_marks = self.trails.marks(self._followed(), points)
            lines = [*trail_lines, *lines]
            all_marks += trail_marks
        path_lines, path_marks = self.ways.marks(points, text_of)
        lines += path_lines
        all_marks += path_marks
        return Overlay(tuple(lines), marks.labelled_once(all_marks), self.ambient, text_of)

    def _followed(self) -> list[int]:
        """Rows whose way is drawn: the selected one, a sum's, those that are near."""
        rows = [] if self.chosen is None else [self.chosen]
        if self.found is not None:
            rows += [row for _, row in self.found.terms]
            rows += [row for row, own in zip(self.found.ids, self.found.own) if not own]
        return rows

    def _near(self, found: NeighboursFound) -> tuple[list[Line], list[Mark]]:
        """Neighbours; of a sum its arrows, its words and where it ends, too.

        A map of neighbours has no directions: there the words of a sum are marked, and no arrows.
        """
        points = self.points
        start = scene.place(points[found.terms[0][1]])
        arrows: list[Line] = []
        marked: list[Mark] = []
        of_sum = scene.is_sum(found.terms)
        if of_sum and self.vocabulary.has_axes:
            arrows, start = scene.sum_lines(found.terms, points, scene.origin(self.vocabulary))
            marked.append(marks.end_of_sum(start))
        if of_sum:
            marked += marks.terms(found, points, self.text_of)
            expected = found.question.expected
            if 0 <= expected < len(points):
                marked.append(marks.expected(expected, points, self.text_of))
        marked += marks.neighbours(found, points, self.text_of)
        if of_sum and not self.vocabulary.has_axes:
            return [], marked
        return [*scene.neighbour_lines(found, start, points), *arrows], marked
