"""Cost of context: the cache of keys and values, and what longer texts cost on this machine."""

from __future__ import annotations

from gui.panes.entry import Command, PaneEntry
from gui.session.conditions import has_model

ENTRY = PaneEntry(
    key="cost",
    title="Cost of context",
    hint="What the cache of keys and values holds, and what longer texts cost in time and memory, "
    "measured on this machine. Arrow keys move over positions and lengths.",
    made_by="gui.panes.cost.pane:CostPane",
    commands=(
        Command(
            id="measure_cost",
            text="Measure the cost of conte&xt",
            tip="Time reading and continuing longer and longer texts; again: stop measuring",
            menu="Model",
            does="measure",
            when=has_model,
            in_front=True,
            separator=True,
        ),
    ),
)
