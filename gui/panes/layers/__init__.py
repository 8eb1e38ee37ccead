"""Layers: every operation of the network in order."""

from __future__ import annotations

from gui.panes.entry import Command, PaneEntry
from gui.session.conditions import has_model

ENTRY = PaneEntry(
    key="layers",
    title="Layers",
    hint="Every operation of the network in order. Left and Right step, Up and Down go a block "
    "further, Space plays.",
    made_by="gui.panes.layers.pane:LayersPane",
    commands=(
        Command(
            id="next_operation",
            text="&Next operation",
            tip="One step further through the network",
            menu="Model",
            does="select_next_operation",
            args=(1,),
            keys="F10",
            when=has_model,
        ),
        Command(
            id="previous_operation",
            text="&Previous operation",
            tip="One step back",
            menu="Model",
            does="select_next_operation",
            args=(-1,),
            keys="F9",
            when=has_model,
        ),
        Command(
            id="play",
            text="P&lay",
            tip="Walk through the network by itself",
            menu="Model",
            does="toggle_play",
            keys="F5",
            when=has_model,
            in_front=True,
            checked="transport.playing",
        ),
    ),
)
