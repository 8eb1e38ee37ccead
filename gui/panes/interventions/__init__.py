"""Interventions: what is cut, scaled, put in or taken away in the model on the screen."""

from __future__ import annotations

from gui.panes.entry import Command, PaneEntry
from gui.session.conditions import has_interventions, has_model

ENTRY = PaneEntry(
    key="interventions",
    title="Interventions",
    hint="What is cut, scaled, put in or taken away in the model on the screen. Right-click a "
    "head, a layer or an edge to cut it. Ctrl+Z takes back the last change here.",
    made_by="gui.panes.interventions.pane:InterventionsPane",
    commands=(
        Command(
            id="cut_head",
            text="&Cut the selected head",
            tip="What the selected head hands on is zero, or is again what it was",
            menu="Model",
            does="toggle_head",
            keys="Ctrl+Shift+X",
            when=has_model,
            separator=True,
        ),
        Command(
            id="before_after",
            text="&Before or after",
            tip="Show the model as it is, or as interventions change it",
            menu="Model",
            does="flip",
            keys="Ctrl+B",
            when=has_interventions,
        ),
        Command(
            id="clear_interventions",
            text="Take all interventions &back",
            tip="The model as it is; Undo in the pane brings them again",
            menu="Model",
            does="clear",
            when=has_interventions,
        ),
        Command(
            id="save_interventions",
            text="Save interventions…",
            tip="Write the list to a TOML file, for here and for the command line",
            menu="Model",
            does="ask_save",
            when=has_interventions,
        ),
        Command(
            id="load_interventions",
            text="Load interventions…",
            tip="Take the list of a TOML file",
            menu="Model",
            does="ask_load",
            when=has_model,
        ),
    ),
)
