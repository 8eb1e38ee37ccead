"""Scaling: sizes trained on equal terms, their curves, and the law of their losses."""

from __future__ import annotations

from gui.panes.entry import Command, PaneEntry
from gui.session.conditions import can_start_queue, is_training_queue

ENTRY = PaneEntry(
    key="scaling",
    title="Scaling",
    hint="Train several sizes on equal terms and fit the power law of their losses.",
    made_by="gui.panes.scaling.pane:ScalingPane",
    commands=(
        Command(
            id="start_queue",
            text="Start or go on with the sizes of Scalin&g",
            tip="Train every size that isn't done, in the background, from where it was saved",
            menu="Training",
            does="start",
            when=can_start_queue,
            in_front=True,
            separator=True,
        ),
        Command(
            id="pause_queue",
            text="Pause or res&ume the sizes",
            tip="Hold the queue of sizes between two steps, or let it go on",
            menu="Training",
            does="toggle_pause",
            when=is_training_queue,
        ),
        Command(
            id="stop_queue",
            text="Stop the si&zes",
            tip="End the queue of sizes; what was trained is saved, and it goes on later",
            menu="Training",
            does="stop",
            when=is_training_queue,
        ),
    ),
)
