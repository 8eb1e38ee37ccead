"""Pinned heads stay beside, a pinned token stays outlined, whatever is selected."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.attention.arrangement import Needed, with_card, with_strip
from gui.panes.attention.pane import AttentionPane
from gui.panes.attention.pins import MOST, Pins
from gui.reading.quoting import quoted
from gui.session.store import Store
from model.config import TransformerConfig
from tests.gui.desk import Desk
from tests.gui.panes.attention.test_attention_pane import pattern, settle, shown
from tests.gui.panes.attention.test_changing import choose, menu_at
from tests.gui.pixels import amounts_of, pixels


@pytest.fixture
def pane(qtbot: QtBot, live_store: Store) -> AttentionPane:
    return shown(qtbot, live_store)


def finish(pane: AttentionPane) -> None:
    settle(pane)
    if pane.strip.isVisible():
        pane.strip.finish()


def test_four_heads_are_pinned_and_the_first_gives_way_to_a_fifth() -> None:
    pins = Pins()
    for head in range(MOST + 1):
        pins.toggle_head(1, head)
    config = TransformerConfig(n_layers=2, n_heads=8, d_model=16, d_vocab=9, n_ctx=8)
    assert pins.heads(config) == ((1, 1), (1, 2), (1, 3), (1, 4))
    pins.toggle_head(1, 3)
    assert pins.heads(config) == ((1, 1), (1, 2), (1, 4))
    small = replace(config, n_heads=4, n_kv_heads=4)
    assert pins.heads(small) == ((1, 1), (1, 2)), "it has no more"
    assert pins.heads(config)[-1] == (1, 4), "and is there again"
    other = Pins()
    other.recall(json.loads(json.dumps(pins.kept())))
    assert other.heads(config) == pins.heads(config)
    nonsense: object
    for nonsense in (None, 7, "x", [[1]], [[1, "2"]], [[-1, 2]], [{}], [[True, 1]]):
        other.recall(nonsense)
        assert other.heads(config) == ()


def test_a_token_is_forgotten_where_another_stands_at_its_place() -> None:
    pins = Pins()
    pins.toggle_token(2, (5, 6, 7, 8))
    assert pins.token((5, 6, 7, 8)) == pins.token((9, 9, 7)) == 2
    assert pins.token((5, 6, 9, 8)) is None
    assert pins.token((5, 6)) is None
    pins.toggle_token(2, (5, 6, 7, 8))
    assert pins.token((5, 6, 7, 8)) is None


def test_a_pinned_head_stays_while_one_walks_on(
    qtbot: QtBot, pane: AttentionPane, live_store: Store, desk: Desk
) -> None:
    assert not pane.strip.isVisible()
    live_store.select(layer=2, head=1)
    qtbot.keyClick(pane, Qt.Key.Key_P)
    live_store.select(layer=0, head=3)
    qtbot.keyClick(pane, Qt.Key.Key_P)
    live_store.select(layer=3, head=0)
    finish(pane)
    assert pane.strip.isVisible()
    assert [one.head for one in pane.strip.pinned] == [(2, 1), (0, 3)]
    image = pixels(pane.strip.viewport())
    for index, (layer, head) in enumerate([(2, 1), (0, 3)]):
        found, weights = pane.strip.pinned[index].found, pattern(desk, layer)[head]
        assert found is not None
        assert np.allclose(found.values, weights, atol=1e-6)
        box, n = pane.strip.box(index), len(weights)
        for query in range(1, n, 3):
            x = round(box.left() + (query - 0.5) / n * box.width())
            y = round(box.top() + (query + 0.5) / n * box.height())
            low, high = amounts_of(image[y, x], theme.sequential_table())
            assert low <= weights[query, query - 1] <= high
    assert not pane.strip.geometry().intersects(pane.heat_map.geometry())
    live_store.set_prompt("The queen lost his crown")
    finish(pane)
    found = pane.strip.pinned[0].found
    assert found is not None
    assert np.allclose(found.values, pattern(desk, 2)[1], atol=1e-6), "it follows the text"
    tip = pane.strip.tooltip(pane.strip.box(1).center().toPoint())
    assert "blocks.0.attn.hook_pattern[0, 3," in tip
    qtbot.mouseClick(
        pane.strip.viewport(),
        Qt.MouseButton.LeftButton,
        pos=pane.strip.box(1).center().toPoint(),
    )
    assert (live_store.selection.layer, live_store.selection.head) == (0, 3)
    cross = pane.strip.box(0).topRight().toPoint() + QPoint(-8, -10)
    assert pane.strip.tooltip(cross) == "Take this head down"
    qtbot.mouseClick(pane.strip.viewport(), Qt.MouseButton.LeftButton, pos=cross)
    finish(pane)
    assert [one.head for one in pane.strip.pinned] == [(0, 3)]
    qtbot.keyClick(pane, Qt.Key.Key_P)
    assert not pane.strip.isVisible()


def test_pins_and_choices_are_there_again_at_the_next_start(
    qtbot: QtBot, pane: AttentionPane, live_store: Store
) -> None:
    pane.pins.toggle_head(1, 2)
    pane.controls.set_order("entropy")
    pane.controls.valued.setChecked(True)
    pane.controls.words.setChecked(True)
    pane.controls.set_threshold(0.05)
    kept = json.loads(json.dumps(pane.remember()))
    again = AttentionPane(live_store)
    qtbot.addWidget(again)
    again.recall(kept)
    assert again.remember() == pane.remember()
    assert again.pins.has_head(1, 2)
    again.recall({"order": "nonsense", "valued": 3, "threshold": "x", "graph": "chosen"})
    assert again.controls.remember() == pane.controls.remember()


def test_a_pinned_token_is_outlined_in_every_view(
    qtbot: QtBot, pane: AttentionPane, live_store: Store
) -> None:
    live_store.select(position=6)
    pane.pins.toggle_head(1, 1)
    finish(pane)
    views = (pane.mosaic, pane.heat_map, pane.graph, pane.strip)
    live_store.select(position=2)
    before = [pixels(view.viewport()) for view in views]
    live_store.select(position=6)
    qtbot.keyClick(pane, Qt.Key.Key_T)
    live_store.select(position=2)
    finish(pane)
    for view, was in zip(views, before, strict=True):
        assert (pixels(view.viewport()) != was).any(), view.accessibleName()
    assert pane.heat_map._pinned == (6, 6)
    # As a key it orders heads where no other is selected.
    assert live_store.selection.key is None
    assert pane._key == 6
    qtbot.keyClick(pane, Qt.Key.Key_T)
    settle(pane)
    assert live_store.subject is not None
    assert pane.pins.token(live_store.subject.ids) == 2, "another one's turn"


def test_menus_pin_what_is_under_the_mouse(pane: AttentionPane, live_store: Store) -> None:
    tile = pane.mosaic.tile_rect(2, 1).center().toPoint()
    choose(menu_at(pane.mosaic, tile), "Pin head 2.1")
    finish(pane)
    assert pane.pins.has_head(2, 1)
    cell = pane.heat_map.cell_rect(7, 3).center().toPoint()
    choose(menu_at(pane.heat_map, cell), _pin(live_store, 3))
    settle(pane)
    assert live_store.subject is not None
    assert pane.pins.token(live_store.subject.ids) == 3
    again = menu_at(pane.heat_map, pane.heat_map.cell_rect(7, 3).center().toPoint())
    (action,) = [each for each in again.actions() if each.text() == _pin(live_store, 3)]
    assert action.isChecked()
    again.close()


def _pin(store: Store, position: int) -> str:
    assert store.read is not None
    return f"Pin {quoted(store.read.tokens[position].text)} ({position})"


@pytest.mark.parametrize("size", [(620, 430), (420, 500), (815, 450), (1500, 900), (900, 300)])
def test_nothing_lies_over_anything_else_nor_outside(size: tuple[int, int]) -> None:
    for view, n_pinned, card in product(
        ("all", "heads", "matrix", "graph"), (0, 1, 4), (False, True)
    ):
        places = with_strip(view, *size, Needed(310, 200, 260), n_pinned)
        places = with_card(places) if card else places
        boxes = list(places.views.items())
        assert ("why" in places.views) == card
        assert ("pinned" in places.views) == bool(n_pinned)
        for i, (name, box) in enumerate(boxes):
            told = (view, n_pinned, card, name)
            assert min(box.width(), box.height()) >= 60, told
            assert box.left() >= 0, told
            assert (box.right() < size[0], box.bottom() < size[1]) == (True, True), told
            for other, its in boxes[i + 1 :]:
                assert not box.intersects(its), (*told, other)
            for row, line in places.rows.items():
                if row != "matrix" or places.corner.isEmpty():
                    assert not box.intersects(line), (*told, row)
