"""Which number the stage tells of while the mouse is elsewhere. Knows a scene; no store."""

from __future__ import annotations

import math

import numpy as np

from gui.panes.stage.pieces import Target
from gui.panes.stage.scenes.kit import Scenery
from gui.panes.stage.view import Pointed


def number_told(scenery: Scenery, pinned: Target | None) -> Pointed | None:
    """The one that was clicked or followed; else the largest, of tokens the likeliest.

    Args:
        scenery: what is drawn.
        pinned: a number that was clicked or followed.

    Returns:
        None where the operation writes nothing that is drawn.
    """
    written = [p for p in scenery.found.panels if p.role in ("out", "chain")]
    if pinned is not None and any(panel.name == pinned.name for panel in written):
        return Pointed(pinned.name, pinned.index, math.nan, True)
    panel = next((p for p in written if p.name == scenery.op.output), None)
    if panel is None:
        return None
    if scenery.op.kind == "unembed" and scenery.found.scored:
        # Of all tokens the likeliest: the number farthest from 0 may be one that is not drawn.
        best = scenery.found.scored[0]
        index = tuple(best.id if place is None else place for place in panel.index)
        return Pointed(panel.name, index, best.score, True)
    if scenery.op.kind == "expert_indices":  # the largest of these means nothing: the first counts
        return Pointed(panel.name, panel.place(0, 0), float(panel.values_RC[0, 0]), True)
    sizes = np.abs(panel.values_RC.astype(np.float64))
    sizes[~np.isfinite(sizes)] = -1
    cell = np.unravel_index(int(sizes.argmax()), sizes.shape)
    place = int(cell[0]), int(cell[1])
    shown = panel.at_columns
    if panel.role == "chain" and shown is not None and scenery.selected_key is not None:
        at = [i for i, key in enumerate(shown) if key == scenery.selected_key]
        place = (0, at[0]) if at else place
    return Pointed(panel.name, panel.place(*place), float(panel.values_RC[place]), True)
