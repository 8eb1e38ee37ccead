"""One selection: whatever moves operation, layer or head, moves all of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gui.session.selection import changed
from gui.session.state import Selection
from model.config import Experts, TransformerConfig
from model.operations import Operation, operations

CONFIG = TransformerConfig(
    n_layers=3, n_heads=4, d_model=8, d_head=2, d_mlp=16, d_vocab=50, n_ctx=32
)
OPS = operations(CONFIG)


def place(name: str, ops: tuple[Operation, ...] = OPS) -> int:
    return [op.output for op in ops].index(name)


def move(selection: Selection, **changes: object) -> Selection:
    return changed(selection, changes, OPS, CONFIG, n_tokens=7)


def test_an_operation_brings_its_layer():
    moved = move(Selection(layer=0), operation=place("blocks.2.mlp.hook_post"))
    assert moved.layer == 2


def test_a_layer_brings_the_same_operation_there():
    at = Selection(layer=0, operation=place("blocks.0.mlp.hook_post"))
    moved = move(at, layer=2)
    assert OPS[moved.operation].output == "blocks.2.mlp.hook_post"


def test_a_head_brings_its_softmax_where_the_operation_was_none_of_attention():
    at = Selection(layer=1, operation=place("blocks.1.mlp.hook_post"))
    assert OPS[move(at, head=3).operation].output == "blocks.1.attn.hook_pattern"
    at = Selection(layer=1, operation=place("blocks.1.attn.hook_q"))
    assert OPS[move(at, head=3).operation].output == "blocks.1.attn.hook_q"


@pytest.mark.parametrize("outside", ["hook_embed", "logits"])
def test_from_outside_the_blocks_a_head_leads_into_one(outside: str):
    at = Selection(layer=0, head=0, operation=place(outside))
    moved = move(at, layer=2, head=1)
    assert OPS[moved.operation].output == "blocks.2.attn.hook_pattern"
    assert (moved.layer, moved.head) == (2, 1)


@pytest.mark.parametrize("outside", ["hook_embed", "logits"])
def test_outside_the_blocks_the_layer_stays(outside: str):
    moved = move(
        Selection(layer=2, operation=place("blocks.2.hook_resid_post")), operation=place(outside)
    )
    assert moved.layer == 2


def test_what_moves_none_of_the_three_moves_none():
    at = Selection(layer=1, head=2, operation=place("blocks.1.attn.hook_q"), position=3)
    assert move(at, position=5, key=1) == replace(at, position=5, key=1)
    assert move(at, layer=1, head=2) == at


def test_values_outside_are_brought_in():
    moved = move(Selection(), position=99, key=50, layer=9, head=9, vocabulary_id=99, neuron=99)
    assert (moved.position, moved.key, moved.layer, moved.head) == (6, 6, 2, 3)
    assert (moved.vocabulary_id, moved.neuron) == (49, 15)


def test_a_layer_without_the_operation_offers_its_softmax():
    mixed = operations(replace(CONFIG, experts=Experts(4, 2), window=(3, None, None)))
    at = Selection(layer=0, operation=place("blocks.0.mlp.hook_expert_shares", mixed))
    moved = changed(at, {"layer": 1}, mixed, CONFIG, 7)
    assert mixed[moved.operation].output == "blocks.1.mlp.hook_expert_shares"


def test_without_a_model_nothing_is_refused():
    moved = changed(Selection(), {"layer": 4, "operation": 9}, (), None, 0)
    assert (moved.layer, moved.operation) == (4, 9)
