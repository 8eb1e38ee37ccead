"""Attention: every head as a tile, one head as a matrix, the routes of a position as a graph."""

from __future__ import annotations

from gui.panes.entry import Command, PaneEntry
from gui.session.conditions import has_model

ENTRY = PaneEntry(
    key="attention",
    title="Attention",
    hint="Which tokens each token reads, in every head of every layer. Arrow keys move through "
    "heads in the mosaic, through cells in the matrix; Ctrl+click adds heads to the graph. "
    "P pins the head, T the token, W asks why, / filters heads, E opens the graph's edges.",
    made_by="gui.panes.attention.pane:AttentionPane",
    commands=(
        Command(
            id="layer_up",
            text="Next la&yer",
            tip="One layer nearer to the prediction",
            menu="Model",
            does="select_next_layer",
            args=(1,),
            keys="Alt+Up",
            when=has_model,
            separator=True,
        ),
        Command(
            id="layer_down",
            text="Previous layer",
            tip="One layer nearer to the tokens",
            menu="Model",
            does="select_next_layer",
            args=(-1,),
            keys="Alt+Down",
            when=has_model,
        ),
        Command(
            id="head_next",
            text="Next &head",
            tip="The next attention head",
            menu="Model",
            does="select_next_head",
            args=(1,),
            keys="Alt+Right",
            when=has_model,
        ),
        Command(
            id="head_previous",
            text="Previous head",
            tip="The attention head before",
            menu="Model",
            does="select_next_head",
            args=(-1,),
            keys="Alt+Left",
            when=has_model,
        ),
        Command(
            id="transpose",
            text="&Transpose attention",
            tip="Rows are queries; or columns are, as in some talks",
            menu="Model",
            does="toggle_transpose",
            keys="Ctrl+Shift+T",
            when=has_model,
            checked="controls.transpose.isChecked",
        ),
        Command(
            id="value_weighted",
            text="Value-weighted attention",
            tip="Weights times what they carry: how much a head writes from each key",
            menu="Model",
            does="controls.toggle_valued",
            when=has_model,
            checked="controls.valued.isChecked",
        ),
        Command(
            id="attention_by_words",
            text="Attention by words",
            tip="Subwords merged: the sum over a key's tokens, the mean over a query's",
            menu="Model",
            does="controls.toggle_words",
            when=has_model,
            checked="controls.words.isChecked",
        ),
        Command(
            id="why_attends",
            text="Why the head attends",
            tip="The score of the selected query and key, by what wrote both (W in the pane)",
            menu="Model",
            does="toggle_why",
            when=has_model,
            in_front=True,
            checked="controls.why.isChecked",
        ),
        Command(
            id="pin_head",
            text="Pin the head",
            tip="The selected head's matrix stays beside; once more takes it down (P in the pane)",
            menu="Model",
            does="pin_head",
            when=has_model,
            in_front=True,
        ),
        Command(
            id="pin_token",
            text="Pin the token",
            tip="The selected token stays outlined in all views of attention (T in the pane)",
            menu="Model",
            does="pin_token",
            when=has_model,
            in_front=True,
        ),
    ),
)
