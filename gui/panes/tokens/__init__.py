"""Tokens: the prompt as the network reads it."""

from __future__ import annotations

from gui.panes.entry import PaneEntry

ENTRY = PaneEntry(
    key="tokens",
    title="Tokens",
    hint="What the network reads: the prompt cut into tokens, each with its surprisal, id or bytes",
    made_by="gui.panes.tokens.pane:TokensPane",
)
