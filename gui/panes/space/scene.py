"""What is marked in the embedding space, as lines and marks: axes, neighbours, sums.

Plain functions from answers and names to places in the space of the principal axes. Knows messages;
no widget, no store.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gui.widgets.point_cloud.overlay import Line, Mark, Place
from model.messages import NeighboursFound, VocabularyProjected

SUM_TONE = "series 2"


def origin(vocabulary: VocabularyProjected) -> NDArray[np.float32]:
    """Where the zero vector lies on the axes, ``[3]``."""
    return np.asarray(-(vocabulary.mean @ vocabulary.axes.T), np.float32)


def place(point: NDArray[np.float32]) -> Place:
    """A point as three plain numbers."""
    return float(point[0]), float(point[1]), float(point[2])


# ---------------------------------------------------------------------------- what is drawn


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
