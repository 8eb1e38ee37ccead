"""Where tiles of heads go: largest by layer, grouped by where heads look, and the keys between."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gui.panes.attention.head_kinds import Kinds, line, short
from gui.panes.attention.mosaic_layout import Room, by_layer, in_groups
from gui.panes.attention.pane import AttentionPane
from gui.panes.attention.words import percent
from gui.session.store import Store
from model.probe.heads.asks import SCORES, Heads, HeadsFound
from model.subject import Subject
from tests.gui.desk import Desk
from tests.gui.panes.attention.test_attention_pane import pattern, settle, shown


def room(width: int, height: int) -> Room:
    return Room(width, height, label_width=28, label_height=14, digits=14)


@pytest.mark.parametrize(
    ("n_layers", "n_heads", "size"),
    [(30, 9, (250, 200)), (30, 9, (900, 400)), (12, 12, (300, 260)), (4, 4, (230, 200))],
)
def test_layers_wrap_into_the_columns_that_make_tiles_largest(
    n_layers: int, n_heads: int, size: tuple[int, int]
):
    tiles = by_layer(n_layers, n_heads, room(*size))
    boxes = {
        (int(x), int(y))
        for x, y in zip(tiles.x_LH.ravel().tolist(), tiles.y_LH.ravel().tolist(), strict=True)
    }
    assert len(boxes) == n_layers * n_heads
    assert tiles.x_LH.max() + tiles.side <= tiles.size[0] <= size[0]
    assert tiles.y_LH.max() + tiles.side <= tiles.size[1] <= size[1]
    # No other number of columns has larger tiles.
    pitch = tiles.side + tiles.gap
    for blocks in range(1, n_layers + 1):
        rows = -(-n_layers // blocks)
        across = (size[0] - 28 * blocks - 12 * (blocks - 1)) // (blocks * n_heads)
        assert min(across, (size[1] - 14) // rows, 134) <= pitch
    # Each layer's tiles stand in one row, in order.
    assert (np.diff(tiles.y_LH, axis=1) == 0).all()
    assert (np.diff(tiles.x_LH, axis=1) == pitch).all()


def test_where_there_is_too_little_room_tiles_keep_their_size():
    tiles = by_layer(48, 25, room(200, 100))
    assert tiles.side + tiles.gap == 8
    assert tiles.size[1] > 100


SHARES = np.array([[[0.9, 0.05, 0.0], [0.2, 0.7, 0.1]], [[0.1, 0.1, 0.1], [0.95, 0.0, 0.0]]])


def test_heads_without_a_label_are_grouped_by_where_they_look_most():
    kinds = Kinds(SHARES)
    assert [[kinds.group(layer, head)[0] for head in range(2)] for layer in range(2)] == [
        ["first", "previous"],
        ["elsewhere", "first"],
    ]
    tiles = in_groups(kinds.groups(), kinds.shape, room(300, 200))
    captions = [label.text for label in tiles.labels]
    assert captions == ["previous token · 1", "first token · 2", "elsewhere · 1"]
    # In its group the head comes first that looks there most.
    assert tiles.y_LH[1, 1] == tiles.y_LH[0, 0]
    assert tiles.x_LH[1, 1] < tiles.x_LH[0, 0]
    assert tiles.y_LH[0, 1] < tiles.y_LH[0, 0] < tiles.y_LH[1, 0]


def labelled(**scores: float) -> HeadsFound:
    """Labels of two layers of two heads: those of head 1 of layer 1 are given."""
    array = np.zeros((2, 2, len(SCORES)), np.float32)
    array[1, 1] = [scores.get(name, 0.0) for name in SCORES]
    return HeadsFound(
        subject=Subject(1, None, (0,)), question=Heads(), scores_LHS=array, n_random=9
    )


def test_a_head_that_has_earned_a_label_goes_by_it():
    found = labelled(induction=0.8, first_token=0.6)
    kinds = Kinds(SHARES, found)
    name, share = kinds.group(1, 1)
    assert (name, round(share, 6)) == ("induction", 0.8)
    assert kinds.group(0, 0)[0] == "first", "as it looks in this text"
    tiles = in_groups(kinds.groups(), kinds.shape, room(300, 200))
    captions = [label.text for label in tiles.labels]
    assert captions[:2] == ["induction · 1", "previous token · 1"]
    assert line(found, 1, 1) == (
        "on repeated random tokens: induction head 0.80 · sink: rests on the first token 0.60"
    )
    assert short(found, 1, 1) == "induction head"
    assert line(found, 0, 0).startswith("on repeated random tokens: no kind · induction 0.00")
    assert (short(found, 0, 0), short(None, 1, 1), line(None, 1, 1)) == ("", "", "")
    assert (short(found, 7, 0), line(found, 0, 9)) == ("", ""), "of a model that was open before"


def test_labels_are_measured_whatever_is_read_and_said_where_a_head_is(
    qtbot: QtBot, live_store: Store, desk: Desk
):
    pane = shown(qtbot, live_store)
    settle(pane)
    found = pane.mosaic.kinds
    assert found is not None
    expected = desk.lm.ask([0], Heads())
    assert isinstance(expected, HeadsFound)
    assert np.allclose(found.scores_LHS, expected.scores_LHS, atol=1e-6)
    cell = pane.mosaic.cell_at(pane.mosaic.tile_rect(2, 1).center().toPoint())
    assert cell is not None
    told = pane.pointing.describe_tile(cell)
    assert f"induction {found.scores(2, 1)['induction']:.2f}" in told


def test_the_label_stands_in_the_header(
    qtbot: QtBot, live_store: Store, monkeypatch: pytest.MonkeyPatch
):
    pane = shown(qtbot, live_store)
    settle(pane)
    assert "induction" not in pane.header_note()
    monkeypatch.setattr(HeadsFound, "label", lambda self, layer, head: "induction")
    assert "· induction head ·" in pane.header_note()


def test_by_kind_every_head_has_a_place_and_a_click_selects_it(
    qtbot: QtBot, live_store: Store, desk: Desk
):
    pane = shown(qtbot, live_store)
    pane.set_view("heads")
    pane.controls.set_order("kind")
    settle(pane)
    assert pane.mosaic.is_by_kind
    found = pane.mosaic.found
    assert found is not None
    seen = set()
    for layer in range(4):
        for head in range(4):
            box = pane.mosaic.tile_rect(layer, head)
            seen.add((box.left(), box.top()))
            qtbot.mouseClick(
                pane.mosaic.viewport(), Qt.MouseButton.LeftButton, pos=box.center().toPoint()
            )
            assert (live_store.selection.layer, live_store.selection.head) == (layer, head)
            weights = pattern(desk, layer)[head]
            cell = pane.mosaic.cell_at(box.center().toPoint())
            assert cell is not None
            told = pane.pointing.describe_tile(cell)
            assert f"layer {layer} · head {head}" in told
            assert f"first token {percent(float(weights[1:, 0].mean()))}" in told
            assert f"itself {percent(float(np.diagonal(weights)[1:].mean()))}" in told
    assert len(seen) == 16
    live_store.select(layer=0, head=0)
    settle(pane)
    here = pane.mosaic.tile_rect(0, 0)
    qtbot.keyClick(pane.mosaic, Qt.Key.Key_Right)
    there = pane.mosaic.tile_rect(live_store.selection.layer, live_store.selection.head)
    assert there.left() >= here.left()


def test_the_operation_follows_the_tile(qtbot: QtBot, live_store: Store):
    pane: AttentionPane = shown(qtbot, live_store)
    live_store.select(operation=0)
    at = pane.mosaic.tile_rect(2, 3).center().toPoint()
    qtbot.mouseClick(pane.mosaic.viewport(), Qt.MouseButton.LeftButton, pos=at)
    operation = live_store.operations[live_store.selection.operation]
    assert (operation.layer, operation.kind) == (2, "pattern")


def test_where_a_head_looks_whose_shares_are_no_numbers_is_unknown() -> None:
    nan = float("nan")
    kinds = Kinds(np.array([[[0.9, 0.05, 0.05], [nan, nan, nan], [0.9, nan, 0.1]]]))
    assert [kinds.group(0, head)[0] for head in range(3)] == ["first", "unknown", "unknown"]
