"""The embedding space as named arrays, for export: the cloud, neighbours, paths.

Knows answers and messages; no widget, no store.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gui.panes.space.ways import Paths
from model.messages import NeighboursFound, VocabularyProjected
from model.probe.path.asks import PathFound
from model.probe.question import Named


def arrays_of(
    vocabulary: VocabularyProjected,
    near: NeighboursFound | None,
    found: PathFound | None,
    paths: Paths | None,
    text_of: Callable[[int], str],
) -> dict[str, Named]:
    """What is drawn.

    Args:
        vocabulary: the cloud.
        near: the neighbours that are listed.
        found: the paths as they were answered.
        paths: the same as they are drawn: in the cloud, their lengths perhaps made equal.
        text_of: how a token is written.
    """
    n = len(vocabulary.points)
    data = {
        "points": Named(vocabulary.points, ("token", "axis")),
        "tokens": Named(np.array([text_of(token) for token in range(n)]), ("token",)),
        "norms": Named(vocabulary.norms, ("token",)),
        "axes": Named(vocabulary.axes, ("axis", "dimension")),
        "mean": Named(vocabulary.mean, ("dimension",)),
        "variance_kept": Named(vocabulary.variance_kept, ("axis",)),
        "off": Named(vocabulary.off, ("token",)),
    }
    if vocabulary.text is not None:
        data["token_ids"] = Named(vocabulary.text.ids_N, ("token",))
        data["positions"] = Named(vocabulary.text.positions_N, ("token",))
        data["lines"] = Named(vocabulary.text.lines_N, ("token",))
    if near is not None:
        terms = np.array(near.terms)
        data["neighbour_term_signs"] = Named(terms[:, 0], ("term",))
        data["neighbour_term_ids"] = Named(terms[:, 1], ("term",))
        data["neighbour_ids"] = Named(np.array(near.ids), ("place",))
        data[f"neighbour_{near.question.metric}s"] = Named(np.array(near.values), ("place",))
        data["similarity_counts"] = near.found.arrays()["counts"]
    if found is not None and paths is not None:
        drawn = found.arrays()
        data["path_points"] = Named(
            paths.points_PS3, drawn["projected"].axes, drawn["projected"].at
        )
        data["path_lengths"] = drawn["length"]
    return data
