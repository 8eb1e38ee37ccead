"""Curves over training: what goes on inside a network while its loss falls, by layer."""

from __future__ import annotations

from gui.panes.entry import Command, PaneEntry

ENTRY = PaneEntry(
    key="curves",
    title="Curves over training",
    hint="Gradients, updates, attention and embedding by layer, beside the loss; any tensor by its "
    "name; conditions at which the run waits.",
    made_by="gui.panes.curves.pane:CurvesPane",
    commands=(
        Command(
            id="watch_tensor",
            text="&Watch a tensor…",
            tip="Add the curve of an activation, a parameter or a gradient by its name",
            menu="Training",
            does="ask_watch",
            in_front=True,
            separator=True,
        ),
        Command(
            id="stop_when",
            text="Pause &when…",
            tip="Let the run wait where something holds: val_loss < 2, grad_norm > 10, nan",
            menu="Training",
            does="ask_condition",
            in_front=True,
        ),
    ),
)
