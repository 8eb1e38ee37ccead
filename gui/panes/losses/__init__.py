"""Losses: a batch token by token, what flows back from one of them, and what a step moved."""

from __future__ import annotations

from gui.panes.entry import PaneEntry

ENTRY = PaneEntry(
    key="losses",
    title="Losses",
    hint="A batch of the training or validation text, each token coloured by what it costs; click "
    "one to read its text as the prompt. What flows back from its loss through every operation, "
    "and which weights a step of the training moved.",
    made_by="gui.panes.losses.pane:LossesPane",
)
