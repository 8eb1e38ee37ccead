"""How the cloud is looked at: its colours, its first view, and where a sum of words is.

Plain functions from arrays to places and colours; knows the theme and messages, no store.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gui import theme
from gui.panes.space import scene
from gui.panes.space.ways import Paths
from model.messages import NeighboursFound, VocabularyProjected

N_AMBIENT = 60_000


def colors(vocabulary: VocabularyProjected, *, by_length: bool) -> NDArray[np.uint8]:
    """``[V, 3]`` colours of the points: one for all, or by the length of each vector.

    In the plane of a sum a point is the fainter the farther it lies off the plane: what only looks
    near there is not mistaken for near.
    """
    if by_length:
        norms = vocabulary.norms
        share_V = (norms - norms.min()) / (float(np.ptp(norms)) or 1.0)
        # The lowest part of the map is the background's colour: no point may vanish.
        return theme.sequential_rgb(0.25 + 0.75 * share_V)
    color = theme.current().color("dim")
    one = np.array([color.red(), color.green(), color.blue()], np.uint8)
    if vocabulary.plane and len(vocabulary.off) == len(vocabulary.points):
        return _faded(vocabulary.off)
    return np.tile(one, (len(vocabulary.points), 1))


def _faded(off_V: NDArray[np.floating]) -> NDArray[np.uint8]:
    """From the text's colour, in the plane, to nearly the ground's, as far off as most are."""
    least, far = float(off_V.min()), float(np.quantile(off_V, 0.9))
    share_V = np.clip((off_V - least) / max(far - least, 1e-9), 0, 1)
    near, ground = theme.current().color("text"), theme.current().color("background")
    ends = np.array(
        [[tone.red(), tone.green(), tone.blue()] for tone in (near, ground)], np.float32
    )
    mixed = ends[0] + (ends[1] - ends[0]) * (0.78 * share_V[:, None])
    return mixed.astype(np.uint8)


def outermost(points: NDArray[np.float32]) -> NDArray[np.intp]:
    """Tokens to name first: far from the middle the axes say most, and labels find room.

    So many are given that there are some at any zoom. Those that aren't drawn (NaN) come last.
    """
    radius_V = np.linalg.norm(points, axis=1)
    return np.argsort(-radius_V, kind="stable")[:N_AMBIENT]


def home(
    vocabulary: VocabularyProjected,
    points: NDArray[np.float32],
    extent: float,
    paths: Sequence[Paths],
) -> NDArray[np.float32]:
    """What a reset shows: the cloud without its outliers, and paths at true length.

    Args:
        vocabulary: the cloud.
        points: as they are drawn: NaN where they aren't.
        extent: its radius.
        paths: ways through the layers.
    """
    inside = points[np.linalg.norm(points, axis=1) <= extent * 1.001]
    parts = [inside]
    if vocabulary.has_axes and points is vocabulary.points:
        parts.append(extent * np.eye(3, dtype=np.float32))
    parts += [one.points_PS3.reshape(-1, 3) for one in paths if one.scaled_to is None]
    return np.concatenate(parts)


def sum_frame(
    found: NeighboursFound, vocabulary: VocabularyProjected
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The places that a sum and its answer are at, and the normal of the plane of its arrows."""
    points = vocabulary.points
    if not vocabulary.has_axes:  # a sum has no place in a map: its words and the answer have
        listed = [token for _, token in found.terms]
        best = next((token for token, own in zip(found.ids, found.own) if not own), None)
        places = points[listed if best is None else [*listed, best]]
        return places, np.zeros(3, np.float32)
    _, end = scene.sum_lines(found.terms, points, scene.origin(vocabulary))
    places, normal = scene.sum_plane(found.terms, points, end)
    best = next((token for token, own in zip(found.ids, found.own) if not own), None)
    if best is not None:
        places = np.concatenate([places, points[[best]]])
    return places, normal
