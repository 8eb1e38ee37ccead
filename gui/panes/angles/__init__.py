"""Almost orthogonal: angles between vectors, how many fit, and features that share dimensions."""

from __future__ import annotations

from gui.panes.entry import PaneEntry

ENTRY = PaneEntry(
    key="angles",
    title="Almost orthogonal",
    hint="Angles between the token vectors, beside random ones; how many nearly orthogonal vectors "
    "fit into so many dimensions; and features that share dimensions.",
    made_by="gui.panes.angles.pane:AnglesPane",
)
