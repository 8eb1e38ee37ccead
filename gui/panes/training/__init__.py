"""Training: a recipe, its curves and what the model says while it learns."""

from __future__ import annotations

from gui.panes.entry import Command, PaneEntry
from gui.session.conditions import can_hold, can_start_again, is_not_training, is_training

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
            when=is_not_training,
            in_front=True,
        ),
        Command(
            id="pause_training",
            text="&Pause or resume",
            tip="Hold the run, let it go on, or take up one that has ended from its saved state",
            menu="Training",
            does="toggle_pause",
            keys="Ctrl+P",
            when=can_hold,
        ),
        Command(
            id="step_training",
            text="Do one st&ep",
            tip="One update of the weights, then pause",
            menu="Training",
            does="step",
            keys="Ctrl+E",
            when=is_training,
        ),
        Command(
            id="stop_training",
            text="S&top",
            tip="End the run; it stays on disk and opens like any checkpoint",
            menu="Training",
            does="stop",
            keys="Ctrl+.",
            when=is_training,
        ),
        Command(
            id="start_again",
            text="Start a&gain from here",
            tip="A new run by this run's recipe that begins with its weights",
            menu="Training",
            does="start_again",
            when=can_start_again,
            in_front=True,
        ),
    ),
)
