"""Angles as a picture: the cosine of the stream at one half block with that at another.

From an answer to what a heat map draws. Knows answers; no store, no widget.
"""

from __future__ import annotations

import numpy as np

from gui.panes.residual import scales
from gui.panes.residual.words import station_label
from gui.session.sides import Sides
from gui.widgets.heat_map.layout import HeatMapContent
from model.probe.stream_at.asks import StreamAtFound

TITLES = ("cosine of the stream there with the stream here", "cosine")


def content(found: StreamAtFound, other: StreamAtFound | None, sides: Sides) -> HeatMapContent:
    """The matrix; B − A where two sides are compared.

    Args:
        found: the angles.
        other: those of the other side.
        sides: what both are called.
    """
    labels = tuple(map(station_label, found.stations))
    values_SS, limit, titles = found.cosines_SS, 1.0, TITLES
    if other is not None:
        values_SS = sides.minus(found.cosines_SS, other.cosines_SS)
        finite = np.abs(values_SS[np.isfinite(values_SS)])
        limit = scales.round_up(float(finite.max()) if finite.size else 0.0)
        titles = (f"cosine, {sides.difference}", sides.difference)
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
