"""The ways of positions through the layers as lines and marks: of one text, or of two together.

Plain values and functions from answers to places in the cloud. Knows messages and the question for
paths; no widget, no store.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gui.panes.space.scene import origin, place
from gui.widgets.point_cloud.overlay import Line, Mark, Place
from model.messages import VocabularyProjected
from model.probe.path.asks import Path, PathFound, Station

PATH_TONE = "series 3"
"""Of the path in view, and of A where two are drawn."""
OTHER_TONE = "series 6"
"""Of B, whose path is dashed."""
NEAR_DRAWN = 6
"""So many neighbours of a station are marked in the cloud."""


@dataclass(frozen=True, slots=True)
class Paths:
    """The ways of positions through the layers.

    Attributes:
        stations: where the stream was looked at, S of them.
        positions: which positions, P of them.
        points_PS3: where each was, on the vocabulary's axes.
        lengths_PS: of the vectors themselves, before any scaling.
        scaled_to: the length that all vectors were given, or None: their own.
    """

    stations: tuple[Station, ...]
    positions: tuple[int, ...]
    points_PS3: NDArray[np.float32]
    lengths_PS: NDArray[np.float32]
    scaled_to: float | None

    @property
    def longest(self) -> float:
        """The greatest length of a vector on the way."""
        return float(self.lengths_PS.max(initial=0.0))


def agree(found: PathFound, vocabulary: VocabularyProjected) -> bool:
    """Whether both are of the same weights and table on the same axes: one lies in the other."""
    question, subject = found.question, found.subject
    assert isinstance(question, Path)
    return (subject.model, subject.step, question.matrix, question.how) == (
        vocabulary.model_id,
        vocabulary.step,
        vocabulary.matrix,
        vocabulary.how,
    )


def find_paths(found: PathFound, vocabulary: VocabularyProjected, *, true_length: bool) -> Paths:
    """Where positions were at each station, in the cloud of the vocabulary.

    Args:
        found: where they were, on the axes through the zero vector.
        vocabulary: the cloud, which lies around its mean, and the length of a token's vector; it
            agrees with what was found.
        true_length: False scales every vector to the mean length of the table's, so that only
            directions are compared.
    """
    scaled_to = None
    points_PS3 = found.projected_PS3
    if not true_length:
        scaled_to = float(vocabulary.norms.mean())
        scale_PS = scaled_to / np.maximum(found.lengths_PS, 1e-30)
        points_PS3 = points_PS3 * scale_PS[:, :, None]
    points_PS3 = (points_PS3 + origin(vocabulary)).astype(np.float32)
    return Paths(found.stations, found.positions, points_PS3, found.lengths_PS, scaled_to)


@dataclass(frozen=True, slots=True)
class Side:
    """One text's ways.

    Attributes:
        name: A or B, before or after; empty where there is only one.
        tone: in which it is drawn.
        dashed: whether its lines are.
        paths: of its positions.
        selected: the position whose layers are labelled.
        near: ids that are near it at the station that is looked at; none while nobody looks.
    """

    name: str
    tone: str
    dashed: bool
    paths: Paths
    selected: int
    near: tuple[int, ...] = ()

    @property
    def row(self) -> int | None:
        """Where the selected position stands among the paths."""
        if len(self.paths.positions) == 1:
            return 0  # one that is alone is the selected one's, or was until the next is found
        listed = self.paths.positions
        return listed.index(self.selected) if self.selected in listed else None


@dataclass(frozen=True, slots=True)
class Ways:
    """What is drawn of ways through the layers.

    Attributes:
        sides: one, or A and B.
        station: which place of the way is looked at; None for none.
    """

    sides: tuple[Side, ...]
    station: int | None = None

    def marks(
        self, points: NDArray[np.float32], text_of: Callable[[int], str]
    ) -> tuple[list[Line], list[Mark]]:
        """All lines and marks.

        Args:
            points: ``[V, 3]`` where the rows of the table are drawn.
            text_of: what a row is called.
        """
        lines: list[Line] = []
        marks: list[Mark] = []
        ends: list[Place] = []
        for side in self.sides:
            side_lines, side_marks = path_lines(side, self.station)
            lines += side_lines
            marks += side_marks
            row, station = side.row, self.station
            if row is None or station is None or station >= len(side.paths.stations):
                continue
            at = place(side.paths.points_PS3[row, station])
            ends.append(at)
            near_lines, near_marks = _near(side, at, points, text_of)
            lines = [*near_lines, *lines]
            marks += near_marks
        if len(ends) == 2:
            lines.append(Line((ends[0], ends[1]), "text", 1.0, opacity=0.6, dashed=True))
        return lines, marks


def _near(
    side: Side, at: Place, points: NDArray[np.float32], text_of: Callable[[int], str]
) -> tuple[list[Line], list[Mark]]:
    """Lines from a station to what is near it, and the names of that."""
    drawn = [token for token in side.near[:NEAR_DRAWN] if 0 <= token < len(points)]
    lines = [Line((at, place(points[token])), side.tone, 1.0, opacity=0.45) for token in drawn]
    marks = [
        Mark(place(points[token]), text_of(token), side.tone, dot=5.0, rank=3, token=token)
        for token in drawn
    ]
    return lines, marks


def path_lines(side: Side, station: int | None = None) -> tuple[list[Line], list[Mark]]:
    """The ways of all positions; the selected one's layers are labelled.

    Args:
        side: whose.
        station: the place of the way that is looked at: it has a ring.
    """
    lines: list[Line] = []
    marks: list[Mark] = []
    paths, row = side.paths, side.row
    for at, points in enumerate(paths.points_PS3):
        chosen = at == row
        places = tuple(place(point) for point in points)
        lines.append(
            Line(
                places,
                side.tone,
                width=2.0 if chosen else 1.0,
                opacity=1.0 if chosen else 0.3,
                arrow=True,
                dashed=side.dashed,
            )
        )
        if chosen:
            marks += _stations(side, places, station)
    return lines, marks


def _stations(side: Side, places: Sequence[Place], looked: int | None) -> list[Mark]:
    """The last of them first: where the way has led finds room for its name."""
    marks = []
    for at, station in reversed(list(enumerate(side.paths.stations))):
        name, is_looked = f"{side.name} {station.label}".strip(), at == looked
        ring, rank = (13.0, 1) if is_looked else (0.0, 4)
        marks.append(
            Mark(places[at], name, side.tone, dot=5.0, ring=ring, strong=is_looked, rank=rank)
        )
    return marks
