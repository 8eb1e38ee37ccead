"""Embedding space: every token's vector on the axes that keep most of the variance."""

from __future__ import annotations

from gui.panes.entry import Command, PaneEntry

ENTRY = PaneEntry(
    key="space",
    title="Embedding space",
    hint="Every token's vector on the three axes that keep most of the variance. Drag to turn, "
    "click a token for its nearest neighbours, type a word or a sum of words.",
    made_by="gui.panes.space.pane:SpacePane",
    shows=(("token", "choose"),),
    commands=(
        Command(
            id="find_token",
            text="&Find a token…",
            tip="Search the vocabulary, or type a sum such as king - man + woman",
            menu="Edit",
            does="focus_search",
            keys="Ctrl+F",
            in_front=True,
        ),
    ),
)
