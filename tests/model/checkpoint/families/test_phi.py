"""Phi 1 to 2 equals transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import PhiConfig, PhiForCausalLM

from model.checkpoint.families import FAMILIES
from model.positions import Rotary
from tests.model.checkpoint.families.harness import check, make, opens_under

SIZES: dict[str, Any] = {
    "vocab_size": 61,
    "hidden_size": 48,
    "intermediate_size": 52,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "max_position_embeddings": 32,
    "layer_norm_eps": 2e-5,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"qk_layernorm": True, "num_key_value_heads": 2},
        {"tie_word_embeddings": True, "partial_rotary_factor": 0.75, "rope_theta": 700.0},
        {"rope_parameters": {"rope_type": "linear", "factor": 2.5, "partial_rotary_factor": 1.0}},
    ],
    ids=["2", "norms of queries and keys, grouped", "tied", "stretched"],
)
def test_phi_equals_transformers(changes: dict[str, Any], tmp_path: Path):
    check(PhiForCausalLM, PhiConfig(**SIZES | changes), tmp_path)


def test_half_of_a_head_turns_where_nothing_is_said():
    assert FAMILIES["phi"].config_from_hf(SIZES).rotary == Rotary(dim=4)


def test_an_old_file_with_angles_opens(tmp_path: Path):
    folder = make(PhiForCausalLM, PhiConfig(**SIZES), tmp_path / "theirs")
    angles = {"layers.0.self_attn.rotary_emb.inv_freq": torch.ones(2)}
    opens_under(folder, lambda name: name.removeprefix("model."), angles)
