"""Preferences: of two texts of the model a person prefers one, and the model learns it (DPO)."""

from __future__ import annotations

from gui.panes.entry import Command, PaneEntry
from gui.session.conditions import can_draw_pair, can_learn_choices

ENTRY = PaneEntry(
    key="preferences",
    title="Preferences",
    hint="Human feedback in small: prefer one of two continuations, several times, then let the "
    "model learn it by direct preference optimisation. Keys: D draws, 1 and 2 prefer.",
    made_by="gui.panes.preferences.pane:PreferencesPane",
    commands=(
        Command(
            id="draw_pair",
            text="Dra&w two texts to choose from",
            tip="Two continuations of the prompt by the model in view, by chance",
            menu="Training",
            does="draw",
            when=can_draw_pair,
            in_front=True,
        ),
        Command(
            id="learn_choices",
            text="&Learn from the choices",
            tip="Begin a run that makes preferred texts likelier than the others (DPO)",
            menu="Training",
            does="learn",
            when=can_learn_choices,
            in_front=True,
        ),
    ),
)
