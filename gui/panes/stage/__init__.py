"""The stage: the operation that is selected, drawn large on the numbers of this text."""

from __future__ import annotations

from gui.panes.entry import Command, PaneEntry
from gui.session.conditions import can_go_ahead, can_return, has_model, has_prompt

ENTRY = PaneEntry(
    key="stage",
    title="Stage",
    hint="The selected operation on the numbers of this text: what it reads, the weights, what it "
    "writes. F10 goes to the next one; hover a number to see what it is made of.",
    made_by="gui.panes.stage.pane:StagePane",
    commands=(
        Command(
            id="next_operation",
            text="&Next operation",
            tip="One step further through the network",
            menu="Model",
            does="store.walking.forward",
            keys="F10",
            when=has_model,
        ),
        Command(
            id="previous_operation",
            text="&Previous operation",
            tip="One step back",
            menu="Model",
            does="store.walking.back",
            keys="F9",
            when=has_model,
        ),
        Command(
            id="play",
            text="P&lay",
            tip="Walk through the network by itself",
            menu="Model",
            does="store.walking.toggle",
            keys="F5",
            when=has_model,
            in_front=True,
            checked="store.walking.playing",
        ),
        Command(
            id="run_until",
            text="&Run until…",
            tip="Go on to the first operation at which something holds: a weight, a token, a norm",
            menu="Model",
            does="walk.show_form",
            keys="Ctrl+F10",
            when=has_prompt,
            in_front=True,
        ),
        Command(
            id="run_on",
            text="Run on &to the next such operation",
            tip="The same condition again, from here on",
            menu="Model",
            does="walk.run_on",
            keys="Shift+F5",
            when=has_prompt,
            in_front=True,
        ),
        Command(
            id="go_back",
            text="Go &back to where you were",
            tip="To the place from which you followed a number, ran or jumped last",
            menu="Model",
            does="store.walking.go_back",
            keys="Alt+,",
            when=can_return,
        ),
        Command(
            id="go_ahead",
            text="Go a&head again",
            tip="Undo the last way back",
            menu="Model",
            does="store.walking.go_ahead",
            keys="Alt+.",
            when=can_go_ahead,
        ),
        Command(
            id="all_tokens",
            text="Stage of &all tokens",
            tip="What the operation reads and writes for every token, or for the selected one",
            menu="Model",
            does="toggle_all_tokens",
            keys="Ctrl+Shift+A",
            when=has_prompt,
            in_front=True,
            checked="all_tokens",
        ),
    ),
)
