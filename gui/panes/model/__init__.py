"""Model: every parameter tensor, by size, figures, histogram, image and singular values."""

from __future__ import annotations

from gui.panes.entry import Command, PaneEntry
from gui.session.conditions import has_model

ENTRY = PaneEntry(
    key="model",
    title="Model",
    hint="Every parameter tensor: figures, histogram, image, singular values, share of the whole",
    made_by="gui.panes.model.pane:ModelPane",
    shows=(("tensor", "choose"),),
    commands=(
        Command(
            id="find_weight",
            text="Find a &weight…",
            tip="Filter the parameter tensors by name, part or layer",
            menu="Edit",
            does="focus_search",
            keys="Ctrl+Shift+F",
            when=has_model,
            in_front=True,
        ),
    ),
)
