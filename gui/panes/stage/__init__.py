"""The stage: the operation that is selected, drawn large on the numbers of this text."""

from __future__ import annotations

from gui.panes.entry import PaneEntry

ENTRY = PaneEntry(
    key="stage",
    title="Stage",
    hint="The selected operation on the numbers of this text: what it reads, the weights, what it "
    "writes. F10 goes to the next one; hover a number to see what it is made of.",
    made_by="gui.panes.stage.pane:StagePane",
)
