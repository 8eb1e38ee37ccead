"""Fine-tune: the model in view goes on learning on another text, and what that changes of it."""

from __future__ import annotations

from gui.panes.entry import Command, PaneEntry
from gui.session.conditions import can_tune_now

ENTRY = PaneEntry(
    key="finetune",
    title="Fine-tune",
    hint="Let the model in view go on learning on a text of yours, all of it or a low-rank change, "
    "and see what it forgets and which weights moved.",
    made_by="gui.panes.finetune.pane:FinetunePane",
    commands=(
        Command(
            id="start_tuning",
            text="Fine-t&une this model",
            tip="Begin the run of the Fine-tune pane with the model in view",
            menu="Training",
            does="start",
            when=can_tune_now,
            in_front=True,
            separator=True,
        ),
    ),
)
