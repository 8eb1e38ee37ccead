"""Prompt: the text that goes through the network."""

from __future__ import annotations

from gui.panes.entry import Command, PaneEntry

ENTRY = PaneEntry(
    key="prompt",
    title="Prompt",
    hint="The text that goes through the network; every pane follows as you type",
    made_by="gui.panes.prompt.pane:PromptPane",
    commands=(
        Command(
            id="focus_prompt",
            text="Edit the &prompt",
            tip="Put the cursor into the prompt",
            menu="Edit",
            does="focus_prompt",
            keys="Ctrl+L",
            in_front=True,
        ),
        Command(
            id="prompt_examples",
            text="Prompt e&xamples",
            tip="Prompts that show something worth seeing",
            menu="Edit",
            does="show_examples",
            in_front=True,
        ),
        Command(
            id="prompt_history",
            text="Prompt &history",
            tip="Earlier prompts",
            menu="Edit",
            does="show_history",
            keys="Ctrl+H",
            in_front=True,
        ),
    ),
)
