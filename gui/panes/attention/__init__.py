"""Attention: every head as a tile, one head as a matrix, the routes of a position as a graph."""

from __future__ import annotations

from gui.panes.entry import Command, PaneEntry
from gui.session.conditions import has_model

ENTRY = PaneEntry(
    key="attention",
    title="Attention",
    hint="Which tokens each token reads, in every head of every layer. Arrow keys move through "
    "heads in the mosaic, through cells in the matrix; Ctrl+click adds heads to the graph.",
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
    ),
)
