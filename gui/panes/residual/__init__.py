"""Residual stream: what it says after every block, what is added to it, where it points."""

from __future__ import annotations

from gui.panes.entry import Command, PaneEntry
from gui.session.conditions import has_prompt

ENTRY = PaneEntry(
    key="residual",
    title="Residual stream",
    hint="What the stream says after every block (logit lens), what attention and MLPs add to it, "
    "and where it points. Arrow keys move through positions and blocks; Return watches the token "
    "of a cell, Escape the network's own answer again.",
    made_by="gui.panes.residual.pane:ResidualPane",
    commands=(
        Command(
            id="show_lens",
            text="&Logit lens",
            tip="What the residual stream would predict after every block, at every position",
            menu="Model",
            does="show_lens",
            when=has_prompt,
            in_front=True,
            separator=True,
        ),
        Command(
            id="show_writes",
            text="What each block &writes",
            tip="How long the residual stream is, and what attention and MLPs add to it",
            menu="Model",
            does="show_writes",
            when=has_prompt,
            in_front=True,
        ),
        Command(
            id="show_angles",
            text="Angles between half blocks",
            tip="How far the residual stream turns between any two half blocks",
            menu="Model",
            does="show_angles",
            when=has_prompt,
            in_front=True,
        ),
    ),
)
