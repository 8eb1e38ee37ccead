"""Patching: sweeps that put in one activation after another and see what changes."""

from __future__ import annotations

from gui.panes.entry import Command, PaneEntry
from gui.session.conditions import has_prompt

ENTRY = PaneEntry(
    key="patching",
    title="Patching",
    hint="Which activations carry what makes two prompts end differently, or hold a fact: one "
    "after another is put in, and the answer measured. Nothing runs before Run is pressed.",
    made_by="gui.panes.patching.pane:PatchingPane",
    commands=(
        Command(
            id="run_patching",
            text="Run the &patching sweep",
            tip="Put in one activation after another and measure what it changes",
            menu="Model",
            does="run",
            when=has_prompt,
            in_front=True,
            separator=True,
        ),
    ),
)
