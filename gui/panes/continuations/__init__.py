"""How the text may go on, as a tree, and how likely it was as far as it has come."""

from __future__ import annotations

from gui.panes.entry import PaneEntry

ENTRY = PaneEntry(
    key="continuations",
    title="Continuations",
    hint="The likeliest continuations of the prompt as a tree, to walk along; and how likely the "
    "text is so far: bits, perplexity, its most surprising tokens",
    made_by="gui.panes.continuations.pane:ContinuationsPane",
)
