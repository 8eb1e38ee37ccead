"""Layers: every operation of the network in order."""

from __future__ import annotations

from gui.panes.entry import PaneEntry

ENTRY = PaneEntry(
    key="layers",
    title="Layers",
    hint="Every operation of the network in order. Left and Right step, Up and Down go a block "
    "further, Space plays.",
    made_by="gui.panes.layers.pane:LayersPane",
)
