"""MPT equals transformers; what transformers silently leaves out is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from transformers import MptConfig, MptForCausalLM

from model.checkpoint import CheckpointError
from model.checkpoint.families import FAMILIES
from tests.model.families.harness import check, make, opens_under

SIZES: dict[str, Any] = {
    "vocab_size": 61,
    "d_model": 48,
    "n_layers": 3,
    "n_heads": 6,
    "max_seq_len": 32,
    "layer_norm_epsilon": 2e-5,
}


@pytest.mark.parametrize(
    ("attention", "changes"),
    [
        ({}, {}),
        ({"clip_qkv": 1.5}, {"n_heads": 8}),
        ({"softmax_scale": 0.2, "clip_qkv": 0.0}, {"tie_word_embeddings": False}),
    ],
    ids=["7b", "clipped", "scaled"],
)
def test_mpt_equals_transformers(
    attention: dict[str, Any], changes: dict[str, Any], tmp_path: Path
):
    check(MptForCausalLM, MptConfig(**SIZES | changes, attn_config=attention), tmp_path)


def test_a_file_without_prefix_opens(tmp_path: Path):
    folder = make(MptForCausalLM, MptConfig(**SIZES), tmp_path / "theirs")
    opens_under(folder, lambda name: name.removeprefix("transformer."))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("attn_type", "grouped_query_attention"),
        ("alibi", False),
        ("rope", True),
        ("qk_ln", True),
        ("qk_gn", True),
        ("prefix_lm", True),
        ("sliding_window_size", 7),
        ("attn_uses_sequence_id", True),
        ("alibi_bias_max", 16),
    ],
)
def test_another_attention_is_refused_by_name(key: str, value: Any):
    with pytest.raises(CheckpointError, match=f"'attn_config'.*{key!r}"):
        FAMILIES["mpt"].config_from_hf(SIZES | {"attn_config": {key: value}})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("no_bias", False),
        ("expansion_ratio", 3),
        ("logit_scale", "inv_sqrt_d_model"),
        ("norm_type", "rmsnorm"),
        ("attn_config", 7),
    ],
)
def test_another_network_is_refused_by_name(key: str, value: Any):
    with pytest.raises(CheckpointError, match=repr(key)):
        FAMILIES["mpt"].config_from_hf(SIZES | {key: value})
