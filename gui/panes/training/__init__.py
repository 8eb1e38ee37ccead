"""Training: a recipe, its curves and what the model says while it learns."""

from __future__ import annotations

from gui.panes.entry import Command, PaneEntry
from gui.session.conditions import (
    can_branch,
    can_follow,
    can_hold,
    can_start,
    can_start_again,
    can_step,
    may_stop,
)

ENTRY = PaneEntry(
    key="training",
    title="Training",
    hint="Train a model here and watch what it learns, step by step.",
    made_by="gui.panes.training.pane:TrainingPane",
    shows=(("preset", "desk.choose_preset"),),
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
            tip="Hold the run, let it go on, or take up one that has ended from its saved state",
            menu="Training",
            does="toggle_pause",
            keys="Ctrl+P",
            when=can_hold,
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
        Command(
            id="start_again",
            text="Start a&gain from here",
            tip="A new run by this run's recipe that begins with its weights",
            menu="Training",
            does="start_again",
            when=can_start_again,
            in_front=True,
        ),
        Command(
            id="branch_here",
            text="&Branch from here…",
            tip="A run that begins at the step in view, with the same weights, optimiser and "
            "batches and with other settings; both runs are kept",
            menu="Training",
            does="branch_here",
            keys="Ctrl+Shift+R",
            when=can_branch,
            in_front=True,
        ),
        Command(
            id="follow_written_run",
            text="&Follow its snapshots",
            tip="Every pane shows each new snapshot of a run that another process writes, or no "
            "longer does",
            menu="Training",
            does="toggle_following",
            when=can_follow,
        ),
    ),
)
