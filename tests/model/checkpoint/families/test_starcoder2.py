"""StarCoder 2 equals transformers, with and without a window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from transformers import Starcoder2Config, Starcoder2ForCausalLM

from tests.model.checkpoint.families.harness import check, make, opens_under

SIZES: dict[str, Any] = {
    "vocab_size": 61,
    "hidden_size": 36,
    "intermediate_size": 52,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "max_position_embeddings": 32,
    "norm_epsilon": 2e-5,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


@pytest.mark.parametrize(
    "changes",
    [
        {"sliding_window": 7, "rope_theta": 700.0},
        {"use_bias": False, "tie_word_embeddings": False},
        {"head_dim": 8, "rope_parameters": {"rope_type": "linear", "factor": 2.5}},
    ],
    ids=["a window", "no biases", "wide heads, stretched"],
)
def test_starcoder2_equals_transformers(changes: dict[str, Any], tmp_path: Path):
    check(Starcoder2ForCausalLM, Starcoder2Config(**SIZES | changes), tmp_path)


def test_a_file_without_prefix_opens(tmp_path: Path):
    folder = make(Starcoder2ForCausalLM, Starcoder2Config(**SIZES), tmp_path / "theirs")
    opens_under(folder, lambda name: name.removeprefix("model."))
