"""ModernBERT equals transformers: local and global layers, their two bases, biases, no head."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import (
    ModernBertConfig,
    ModernBertForMaskedLM,
    ModernBertForSequenceClassification,
    ModernBertModel,
)

from model.checkpoint import CheckpointError, open_checkpoint
from model.checkpoint.families import FAMILIES
from tests.model.checkpoint.families.harness import check, make

SIZES: dict[str, Any] = {
    "vocab_size": 61,
    "hidden_size": 30,
    "intermediate_size": 26,
    "num_hidden_layers": 4,
    "num_attention_heads": 5,
    "max_position_embeddings": 32,
    "local_attention": 7,
    "norm_eps": 2e-5,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "cls_token_id": 1,
    "sep_token_id": 2,
    "rope_parameters": {
        "full_attention": {"rope_type": "default", "rope_theta": 900.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 70.0},
    },
}


def test_modernbert_with_a_masked_head_equals_transformers(tmp_path: Path):
    check(ModernBertForMaskedLM, ModernBertConfig(**SIZES), tmp_path)


def test_modernbert_with_every_bias_equals_transformers(tmp_path: Path):
    config = ModernBertConfig(
        **SIZES,
        attention_bias=True,
        mlp_bias=True,
        norm_bias=True,
        classifier_bias=True,
        classifier_activation="relu",
        hidden_activation="silu",
        tie_word_embeddings=False,
    )
    check(ModernBertForMaskedLM, config, tmp_path)


def test_modernbert_without_a_bias_in_its_head_equals_transformers(tmp_path: Path):
    types = ["sliding_attention", "full_attention", "full_attention", "sliding_attention"]
    config = ModernBertConfig(**SIZES, decoder_bias=False, layer_types=types)
    check(ModernBertForMaskedLM, config, tmp_path)


def test_modernbert_without_a_head_equals_transformers(tmp_path: Path):
    check(ModernBertModel, ModernBertConfig(**SIZES), tmp_path)


def test_modernbert_with_stretched_positions_equals_transformers(tmp_path: Path):
    rope = {
        "full_attention": {"rope_type": "linear", "rope_theta": 900.0, "factor": 2.5},
        "sliding_attention": {"rope_type": "default", "rope_theta": 70.0},
    }
    check(ModernBertForMaskedLM, ModernBertConfig(**SIZES | {"rope_parameters": rope}), tmp_path)


def test_all_layers_global_equals_transformers(tmp_path: Path):
    types = ["full_attention"] * 4
    check(ModernBertForMaskedLM, ModernBertConfig(**SIZES, layer_types=types), tmp_path)


def test_keys_of_before_version_5_mean_the_same(tmp_path: Path):
    folder = make(ModernBertForMaskedLM, ModernBertConfig(**SIZES), tmp_path / "theirs")
    new = json.loads((folder / "config.json").read_text())
    old = {
        key: value for key, value in new.items() if key not in ("layer_types", "rope_parameters")
    }
    old |= {
        "global_attn_every_n_layers": 3,
        "global_rope_theta": 900.0,
        "local_rope_theta": 70.0,
    }
    family = FAMILIES["modernbert"]
    assert family.config_from_hf(old) == family.config_from_hf(new)
    assert family.config_from_hf(new).window == (None, 7, 7, None)


def test_the_body_of_a_classifier_is_opened_without_a_head(tmp_path: Path):
    config = ModernBertConfig(**SIZES)
    folder = make(ModernBertForSequenceClassification, config, tmp_path / "theirs")
    opened = open_checkpoint(folder)
    assert opened.transformer.config.head == "none"
    assert "a classifier (2 tensors), a head (2 tensors)" in opened.notes[0]


def test_layer_types_that_are_not_known_are_refused():
    hf = {"model_type": "modernbert", "vocab_size": 61, "num_hidden_layers": 1}
    with pytest.raises(CheckpointError, match="layer_types"):
        FAMILIES["modernbert"].config_from_hf(hf | {"layer_types": ["round"]})
