"""Heads of the mosaic in any order, all or some: lines of text, and where the tiles then stand."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gui.panes.attention.head_filter import HeadFilter, read_filter
from gui.panes.attention.mosaic_layout import NOWHERE, Room, in_groups, some_by_layer
from gui.panes.attention.pane import AttentionPane
from gui.session.store import Store
from tests.gui.desk import Desk
from tests.gui.panes.attention.test_attention_pane import heads, pattern, settle, shown


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", HeadFilter()),
        ("L3", HeadFilter(layers=((3, 3),))),
        ("l2-5, L7", HeadFilter(layers=((2, 5), (7, 7)))),
        ("layers 4", HeadFilter(layers=((4, 4),))),
        ("L5–2", HeadFilter(layers=((2, 5),))),
        ("3.1 L4.0", HeadFilter(heads=((3, 1), (4, 0)))),
        ("induction", HeadFilter(kinds=("induction",))),
        ("Sink", HeadFilter(kinds=("first",))),
        ("> 0.3", HeadFilter(least=0.3)),
        (">30%", HeadFilter(least=0.3)),
        ("L3 induction >.2", HeadFilter(layers=((3, 3),), kinds=("induction",), least=0.2)),
        ("L3 bogus", HeadFilter(layers=((3, 3),), wrong="bogus")),
        ("induction heads", HeadFilter(kinds=("induction",))),
    ],
)
def test_a_line_says_which_heads(line: str, expected: HeadFilter) -> None:
    assert read_filter(line) == expected


def test_what_means_nothing_is_told_with_what_would() -> None:
    assert read_filter("L3").problem == ""
    assert re.search("“bogus” is no filter: try L3, .*induction", read_filter("bogus").problem)


def test_terms_of_one_kind_are_alternatives_and_those_of_different_kinds_all_count() -> None:
    both = read_filter("L1 L3 induction > 0.2")
    kinds = {(1, 0): "induction", (3, 0): "first"}

    def passes(layer: int, head: int, weight: float | None) -> bool:
        return both.passes(layer, head, lambda a, b: kinds.get((a, b), "induction"), weight)

    assert passes(1, 0, 0.3)
    assert passes(1, 0, None), "while the weight is unknown it may pass"
    assert not passes(1, 0, 0.2), "more than"
    assert not passes(3, 0, 0.9), "of another kind"
    assert not passes(2, 0, 0.9), "of another layer"


def test_layers_without_a_head_close_up_and_the_others_leave_their_places_free() -> None:
    room = Room(400, 300, label_width=28, label_height=14, digits=14)
    some = [(2, 0), (2, 3), (7, 1)]
    tiles = some_by_layer(some, (9, 4), room)
    assert {(int(a), int(b)) for a, b in np.argwhere(tiles.shown_LH)} == set(some)
    assert (tiles.x_LH[0] == NOWHERE).all()
    names = [label.text for label in tiles.labels if label.kind == "layer"]
    assert names == ["L2", "L7"]
    assert tiles.x_LH[2, 3] > tiles.x_LH[7, 1] > tiles.x_LH[2, 0], "columns are heads"
    assert tiles.tile_at(0, 0) is None
    assert tiles.tile_at(tiles.x_LH[7, 1] + 1, tiles.y_LH[7, 1] + 1) == (7, 1)
    everything = some_by_layer([(a, b) for a in range(9) for b in range(4)], (9, 4), room)
    assert everything.shown_LH.all()
    none = in_groups((("", []),), (9, 4), room)
    assert not none.shown_LH.any()


@pytest.fixture
def pane(qtbot: QtBot, live_store: Store) -> AttentionPane:
    found = shown(qtbot, live_store)
    found.set_view("heads")
    settle(found)
    return found


def places(pane: AttentionPane) -> list[tuple[int, int]]:
    """The heads that have a tile, as one reads: row by row."""
    shown_LH = pane.mosaic._tiles.shown_LH
    at = [(layer, head) for layer, head in heads(pane.store) if shown_LH[layer, head]]
    return sorted(
        at, key=lambda one: (pane.mosaic.tile_rect(*one).top(), pane.mosaic.tile_rect(*one).left())
    )


def test_by_weight_the_heads_come_first_that_read_the_selected_key_most(
    pane: AttentionPane, live_store: Store, desk: Desk
) -> None:
    pane.controls.set_order("on_key")
    settle(pane)
    assert "select a key to order by its weight" in pane.mosaic.caption
    for query, key in ((9, 5), (7, 2)):
        live_store.select(position=query, key=key)
        settle(pane)
        weight = {at: float(pattern(desk, at[0])[at[1], query, key]) for at in heads(live_store)}
        assert places(pane) == sorted(weight, key=lambda at: -weight[at])
        assert f"({key})" in pane.mosaic.caption
    under = [label.text for label in pane.mosaic._tiles.labels if label.kind == "tile"]
    first = places(pane)[0]
    assert f"{first[0]}.{first[1]} {weight[first]:.2f}" in under


def test_sharpest_and_strongest_by_what_is_measured(
    pane: AttentionPane, live_store: Store, desk: Desk
) -> None:
    for order, sign in (("entropy", 1), ("strength", -1)):
        pane.controls.set_order(order)
        settle(pane)
        found = pane.mosaic.found
        assert found is not None
        values = getattr(found, order)
        expected = sorted(heads(live_store), key=lambda at: sign * values[at])
        assert places(pane) == expected
        cell = pane.mosaic.cell_at(pane.mosaic.tile_rect(*expected[0]).center().toPoint())
        assert cell is not None
        told = pane.pointing.describe_tile(cell)
        assert f"entropy {found.entropy[expected[0]]:.2f} nats" in told
        assert f"writes {found.strength[expected[0]]:.3g}" in told


def test_a_filter_leaves_some_heads_and_says_how_many(
    qtbot: QtBot, pane: AttentionPane, live_store: Store, desk: Desk
) -> None:
    field = pane.controls.heads_row.field
    qtbot.keyClicks(field, "L1-2")
    settle(pane)
    assert places(pane) == [(layer, head) for layer in (1, 2) for head in range(4)]
    assert "8 of 16 heads" in pane.mosaic.caption
    live_store.select(position=9, key=5)
    field.setText("> 0.1")
    settle(pane)
    passing = [at for at in heads(live_store) if float(pattern(desk, at[0])[at[1], 9, 5]) > 0.1]
    assert 0 < len(passing) < 16
    assert sorted(places(pane)) == passing
    live_store.select(position=7, key=2)
    settle(pane)
    assert sorted(places(pane)) == [
        at for at in heads(live_store) if float(pattern(desk, at[0])[at[1], 7, 2]) > 0.1
    ], "it follows the selection"
    field.setText("wrong")
    settle(pane)
    assert len(places(pane)) == 16
    assert "“wrong” is no filter" in pane.mosaic.caption
    assert "“wrong” is no filter" in field.toolTip()
    field.setText("> 1")
    settle(pane)
    assert places(pane) == []
    assert "0 of 16 heads" in pane.mosaic.caption
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    settle(pane)
    assert len(places(pane)) == 16, "Esc empties the line"


def test_keys_walk_on_through_the_heads_that_are_left(
    qtbot: QtBot, pane: AttentionPane, live_store: Store
) -> None:
    live_store.select(layer=0, head=0)
    pane.controls.heads_row.set_filter("L2 L3")
    settle(pane)
    qtbot.keyClick(pane.mosaic, Qt.Key.Key_Right)
    assert (live_store.selection.layer, live_store.selection.head) == (2, 0), "the first of them"
    qtbot.keyClick(pane.mosaic, Qt.Key.Key_Up)
    assert live_store.selection.layer == 2, "layer 1 isn't there"
    qtbot.keyClick(pane.mosaic, Qt.Key.Key_Down)
    assert live_store.selection.layer == 3
    qtbot.keyClick(pane, Qt.Key.Key_Slash)
    assert pane.focusWidget() is pane.controls.heads_row.field
