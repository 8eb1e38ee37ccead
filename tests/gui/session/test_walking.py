"""Walking through the operations: steps, jumps and the way back, playing, who shows the buttons."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from gui.session.store import Store
from gui.session.walking import SPEEDS


def test_steps_stay_within_the_network(live_store: Store) -> None:
    walk = live_store.walking
    walk.go_to(0)
    walk.back()
    assert walk.at == 0
    walk.forward()
    assert walk.at == 1
    walk.go_to(10_000)
    assert walk.at == walk.n - 1
    walk.forward()
    assert walk.at == walk.n - 1


def test_borders_are_where_blocks_begin(live_store: Store) -> None:
    ops, borders = live_store.operations, live_store.walking.borders
    layers = [ops[i].layer for i in borders]
    assert layers == [0, 1, 2, 3, None]
    assert all(ops[i - 1].layer != ops[i].layer for i in borders)


def test_a_block_further_is_the_same_operation_there(live_store: Store) -> None:
    walk, ops = live_store.walking, live_store.operations
    at = next(i for i, op in enumerate(ops) if op.output == "blocks.1.attn.hook_q")
    walk.go_to(at)
    walk.next_layer()
    assert ops[walk.at].output == "blocks.2.attn.hook_q"
    walk.previous_layer()
    walk.previous_layer()
    assert ops[walk.at].output == "blocks.0.attn.hook_q"


def test_one_goes_back_to_where_jumps_began_and_ahead_again(live_store: Store) -> None:
    walk = live_store.walking
    live_store.select(operation=5, position=2, head=1)
    first = walk.place
    walk.visit(operation=20, position=4)
    walk.forward()  # a step is no jump
    second = walk.place
    walk.visit(operation=30, head=3)
    third = walk.place
    walk.go_back()
    assert walk.place == second
    walk.go_back()
    assert walk.place == first
    assert not walk.can_return
    walk.go_ahead()
    walk.go_ahead()
    assert walk.place == third
    assert not walk.can_go_ahead
    walk.go_back()
    walk.visit(operation=7)
    assert not walk.can_go_ahead, "who goes elsewhere has left the old way"


def test_a_jump_to_where_one_is_leaves_no_place(live_store: Store) -> None:
    live_store.walking.visit(operation=live_store.walking.at)
    assert not live_store.walking.can_return


def test_it_plays_from_the_start_at_the_end_and_stops_when_nobody_looks(
    live_store: Store, qtbot: QtBot
) -> None:
    walk = live_store.walking
    walk.watch("a", 0)
    walk.watch("b", 1)
    walk.go_to(walk.n - 1)
    walk.toggle()
    assert walk.playing
    assert walk.at == 0
    while walk.speed != SPEEDS[-1]:
        walk.next_speed()
    qtbot.waitUntil(lambda: walk.at > 0, timeout=3000)
    walk.unwatch("b")
    assert walk.playing
    walk.unwatch("a")
    assert not walk.playing


def test_the_best_place_that_is_seen_has_the_buttons(live_store: Store) -> None:
    walk = live_store.walking
    walk.watch("narrow", 0)
    assert walk.leads("narrow")
    walk.watch("wide", 1)
    assert not walk.leads("narrow")
    assert walk.leads("wide")
    walk.unwatch("wide")
    assert walk.leads("narrow")


@pytest.mark.parametrize("index", [0, 30])
def test_words_say_where_a_place_is(live_store: Store, index: int) -> None:
    op, words = live_store.operations[index], live_store.walking.words(index)
    assert words.startswith(f"op {index + 1} of {live_store.walking.n}")
    assert words.endswith(op.label)
    assert (f"block {op.layer}" in words) == (op.layer is not None)
