"""The cost surface: the loss of a batch around the current weights, and the run's path on it."""

from __future__ import annotations

from gui.panes.entry import Command, PaneEntry
from gui.session.conditions import has_prompt

ENTRY = PaneEntry(
    key="landscape",
    title="Cost surface",
    hint="The loss of a fixed batch over a plane through the current weights, with the run's kept "
    "steps on it. Drag or use the arrow keys to turn it; click a step to go there. Nothing runs "
    "before Run is pressed.",
    made_by="gui.panes.landscape.pane:LandscapePane",
    commands=(
        Command(
            id="run_landscape",
            text="Measure the cost &surface",
            tip="Measure the loss of a batch over a plane through the current weights",
            menu="Model",
            does="run",
            when=has_prompt,
            in_front=True,
        ),
    ),
)
