"""What is marked in the embedding space, as lines and marks: tokens, neighbours, sums, paths.

Plain functions from answers and names to places in the space of the principal axes. Knows messages
and the question for paths; no widget, no store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gui.widgets.point_cloud.overlay import Line, Mark, Place
from model.messages import NeighboursFound, VocabularyProjected
from model.probe.path.asks import Path, PathFound, Station

PATH_TONE = "series 3"
SUM_TONE = "series 2"


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


def origin(vocabulary: VocabularyProjected) -> NDArray[np.float32]:
    """Where the zero vector lies on the axes, ``[3]``."""
    return np.asarray(-(vocabulary.mean @ vocabulary.axes.T), np.float32)


def place(point: NDArray[np.float32]) -> Place:
    """A point as three plain numbers."""
    return float(point[0]), float(point[1]), float(point[2])


# ---------------------------------------------------------------------------- what is drawn


def path_lines(paths: Paths, selected: int) -> tuple[list[Line], list[Mark]]:
    """The ways of all positions in ``paths``; the selected one's layers are labelled.

    One that is alone is the selected one's, or was until the next is found.
    """
    lines: list[Line] = []
    marks: list[Mark] = []
    for position, points in zip(paths.positions, paths.points_PS3):
        chosen = position == selected or len(paths.positions) == 1
        places = tuple(place(point) for point in points)
        lines.append(
            Line(
                places,
                PATH_TONE,
                width=2.0 if chosen else 1.0,
                opacity=1.0 if chosen else 0.3,
                arrow=True,
            )
        )
        if chosen:
            marks += [
                Mark(at, station.label, PATH_TONE, dot=5.0, rank=4)
                for at, station in reversed(list(zip(places, paths.stations)))
            ]
    return lines, marks


def is_sum(terms: Sequence[tuple[int, int]]) -> bool:
    """Whether terms are more than one token as it is."""
    return len(terms) > 1 or any(sign < 0 for sign, _ in terms)


def sum_plane(
    terms: Sequence[tuple[int, int]], points: NDArray[np.float32], end: Place
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The places that a sum is about, ``[N, 3]``, and the normal ``[3]`` of the plane they share.

    The plane is the best one by least squares: that of the parallelogram, if it is one.
    """
    places = np.concatenate([points[[token for _, token in terms]], np.array([end], np.float32)])
    _, _, directions = np.linalg.svd(places - places.mean(0))
    return places, directions[2]


def sum_lines(
    terms: Sequence[tuple[int, int]], points: NDArray[np.float32], zero: NDArray[np.float32]
) -> tuple[list[Line], Place]:
    """A sum of words as arrows, and where it ends.

    A word that is taken away and one that is added make one step, the way from the first word to
    the second: king − man + woman starts at king and goes as woman lies from man. That way is
    drawn where it is, too, dashed. A word that has no partner goes by its own vector.

    Args:
        terms: (sign, token id).
        points: ``[V, 3]`` of the tokens.
        zero: ``[3]`` where the zero vector lies.
    """
    left = list(terms)
    first = next((i for i, (sign, _) in enumerate(left) if sign > 0), None)
    here = zero if first is None else points[left.pop(first)[1]]
    lines: list[Line] = []

    def step(vector: NDArray[np.float32]) -> None:
        nonlocal here
        lines.append(Line((place(here), place(here + vector)), SUM_TONE, 2.0, arrow=True))
        here = here + vector

    while left:
        sign, token = left.pop(0)
        partner = next((i for i, (other, _) in enumerate(left) if other == -sign), None)
        if partner is None:
            step(sign * (points[token] - zero))
            continue
        _, other_token = left.pop(partner)
        start, end = (token, other_token) if sign < 0 else (other_token, token)
        lines.append(
            Line(
                (place(points[start]), place(points[end])),
                SUM_TONE,
                1.5,
                opacity=0.75,
                arrow=True,
                dashed=True,
            )
        )
        step(points[end] - points[start])
    return lines, place(here)


def neighbour_lines(
    found: NeighboursFound, start: Place, points: NDArray[np.float32]
) -> tuple[Line, ...]:
    """Thin lines to the neighbours; the nearer, the stronger, whatever near is measured by."""
    others = [
        (token, value)
        for token, value, own in zip(found.ids, found.values, found.own)
        if not own and token < len(points)
    ]
    values = [value for _, value in others]
    nearest, farthest = (values[0], values[-1]) if values else (0.0, 0.0)
    span = (nearest - farthest) or 1.0
    return tuple(
        Line(
            (start, place(points[token])),
            "accent",
            1.0,
            opacity=0.12 + 0.4 * (value - farthest) / span,
        )
        for token, value in others
    )


def axis_lines(
    extent: float,
    variance_kept: NDArray[np.floating],
    names: Sequence[str],
    *,
    flat: bool = False,
) -> tuple[list[Line], list[Mark]]:
    """The three axes through the mean, with the share of variance that each keeps.

    Args:
        extent: how far they go.
        variance_kept: of each.
        names: of each.
        flat: the third is not seen.
    """
    lines: list[Line] = []
    marks: list[Mark] = []
    for axis in range(2 if flat else 3):
        end = np.zeros(3, np.float32)
        end[axis] = extent
        lines.append(Line((place(-end), place(end)), "faint", 1.0, opacity=0.45))
        kept = f"  {variance_kept[axis]:.1%}" if len(variance_kept) else ""
        marks.append(Mark(place(end), f"{names[axis]}{kept}", "dim"))
    return lines, marks
