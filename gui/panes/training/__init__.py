"""Training: a recipe, its curves and what the model says while it learns."""

from __future__ import annotations

from gui.panes.entry import Command, PaneEntry
from gui.session.conditions import can_start, can_step, is_training, may_stop

ENTRY = PaneEntry(
    key="training",
    title="Training",
    hint="Train a model here and watch what it learns, step by step.",
    made_by="gui.panes.training.pane:TrainingPane",
    commands=(
        Command(
            id="start_training",
            text="&Start",
            tip="Train a new model by the recipe in the Training pane",
            menu="Training",
            does="start",
            keys="Ctrl+R",
            when=can_start,
            in_front=True,
        ),
        Command(
            id="pause_training",
            text="&Pause or resume",
            tip="Hold the run; nothing is lost",
            menu="Training",
            does="toggle_pause",
            keys="Ctrl+P",
            when=is_training,
        ),
        Command(
            id="step_training",
            text="Do one st&ep",
            tip="One update of the weights, then pause; without a run, one begins with it",
            menu="Training",
            does="step",
            keys="Ctrl+E",
            when=can_step,
        ),
        Command(
            id="stop_training",
            text="S&top",
            tip="End the run; it stays on disk and opens like any checkpoint",
            menu="Training",
            does="stop",
            keys="Ctrl+.",
            when=may_stop,
        ),
    ),
)
