"""StableLM equals transformers: in sequence and in parallel, with and without norms of heads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from transformers import StableLmConfig, StableLmForCausalLM

from model.checkpoint.families import FAMILIES
from model.positions import Rotary
from tests.model.checkpoint.families.harness import check, make, opens_under

SIZES: dict[str, Any] = {
    "vocab_size": 61,
    "hidden_size": 48,
    "intermediate_size": 52,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "max_position_embeddings": 32,
    "layer_norm_eps": 2e-5,
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"use_qkv_bias": True, "tie_word_embeddings": True, "partial_rotary_factor": 0.5},
        {"use_parallel_residual": True, "qk_layernorm": True},
        {"qk_layernorm": True, "num_key_value_heads": 6, "use_qkv_bias": True},
        {"rope_parameters": {"rope_type": "linear", "factor": 2.5, "partial_rotary_factor": 1.0}},
    ],
    ids=["3b", "2 1.6b", "2 12b", "norms of all heads", "stretched"],
)
def test_stablelm_equals_transformers(changes: dict[str, Any], tmp_path: Path):
    check(StableLmForCausalLM, StableLmConfig(**SIZES | changes), tmp_path)


def test_a_quarter_of_a_head_turns_where_nothing_is_said():
    assert FAMILIES["stablelm"].config_from_hf(SIZES).rotary == Rotary(dim=2)


def test_a_file_without_prefix_opens(tmp_path: Path):
    folder = make(StableLmForCausalLM, StableLmConfig(**SIZES), tmp_path / "theirs")
    opens_under(folder, lambda name: name.removeprefix("model."))
