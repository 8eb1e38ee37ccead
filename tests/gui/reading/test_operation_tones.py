"""Queries, keys and values have a colour each, in every kind of network, and nothing else has."""

from __future__ import annotations

import pytest

from gui.reading.operation_tones import tone_of
from model.operations import operations
from tests.model.networks import VARIANTS


@pytest.mark.parametrize("name", ["learned", "rotary", "like Llama", "qk norm of a head"])
def test_what_makes_and_turns_queries_and_keys_has_their_colour(name: str) -> None:
    tones = {op.output: tone_of(op, "usual") for op in operations(VARIANTS[name]) if op.layer == 0}
    attn = "blocks.0.attn.hook_"
    wanted = {"q": "query", "rot_q": "query", "k": "key", "rot_k": "key", "v": "value"}
    for tail, tone in wanted.items():
        assert tones.pop(attn + tail, tone) == tone
    assert set(tones.values()) == {"usual"}
