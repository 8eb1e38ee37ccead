"""Inspector: the exact value, index and tensor of what is selected, and the current operation."""

from __future__ import annotations

from gui.panes.entry import PaneEntry

ENTRY = PaneEntry(
    key="inspector",
    title="Inspector",
    hint="The exact value, index and tensor of whatever is selected, and the current operation",
    made_by="gui.panes.inspector.pane:InspectorPane",
)
