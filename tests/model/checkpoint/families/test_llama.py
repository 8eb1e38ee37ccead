"""Llama, with every way in which its positions were stretched, equals transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from transformers import LlamaConfig, LlamaForCausalLM

from tests.model.checkpoint.families.harness import check

SIZES: dict[str, Any] = {
    "vocab_size": 61,
    "hidden_size": 36,
    "intermediate_size": 52,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 32,
    "rms_norm_eps": 2e-5,
}

ROPES: dict[str, dict[str, Any]] = {
    "plain": {"rope_type": "default", "rope_theta": 700.0},
    "linear": {"rope_type": "linear", "rope_theta": 700.0, "factor": 2.5},
    "dynamic": {"rope_type": "dynamic", "rope_theta": 700.0, "factor": 3.0},
    "yarn": {
        "rope_type": "yarn",
        "rope_theta": 700.0,
        "factor": 4.0,
        "original_max_position_embeddings": 8,
        "beta_fast": 3.0,
        "beta_slow": 0.5,
    },
    "llama3": {
        "rope_type": "llama3",
        "rope_theta": 700.0,
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 16,
    },
}


@pytest.mark.parametrize("rope", ROPES)
def test_llama_equals_transformers(rope: str, tmp_path: Path):
    changes: dict[str, Any] = {"max_position_embeddings": 8} if rope == "dynamic" else {}
    check(LlamaForCausalLM, LlamaConfig(**SIZES | changes, rope_parameters=ROPES[rope]), tmp_path)


def test_llama_with_biases_and_tied_embeddings_equals_transformers(tmp_path: Path):
    config = LlamaConfig(
        **SIZES, attention_bias=True, mlp_bias=True, tie_word_embeddings=True, hidden_act="gelu"
    )
    check(LlamaForCausalLM, config, tmp_path)
