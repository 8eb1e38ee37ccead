"""Angles as a picture: the cosine of the stream at one half block with that at another.

From an answer to what a heat map draws. Knows answers; no store, no widget.
"""

from __future__ import annotations

import numpy as np

from gui.panes.residual import scales
from gui.panes.residual.words import station_label
from gui.widgets.heat_map.layout import HeatMapContent
from model.probe.stream_at.asks import StreamAtFound

TITLES = ("cosine of the stream there with the stream here", "cosine")
CHANGED = ("cosine, after − before", "after − before")


def content(found: StreamAtFound, before: StreamAtFound | None) -> HeatMapContent:
    """The matrix; its change where there is one to compare with.

    Args:
        found: the angles.
        before: those of the model as it is.
    """
    labels = tuple(map(station_label, found.stations))
    values_SS, limit, titles = found.cosines_SS, 1.0, TITLES
    if before is not None:
        values_SS = found.cosines_SS - before.cosines_SS
        finite = np.abs(values_SS[np.isfinite(values_SS)])
        limit = scales.round_up(float(finite.max()) if finite.size else 0.0)
        titles = CHANGED
    return HeatMapContent(
        values_SS,
        labels,
        labels,
        row_title="here",
        column_title="there",
        kind="diverging",
        limit=limit,
        value_title=titles,
    )
