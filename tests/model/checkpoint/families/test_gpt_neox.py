"""GPT-NeoX and Pythia equal transformers; their files of all ages open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

from model.checkpoint.families import FAMILIES
from model.positions import LinearScaling, Rotary
from tests.model.checkpoint.families.harness import check, make, opens_under

SIZES: dict[str, Any] = {
    "vocab_size": 61,
    "hidden_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "intermediate_size": 52,
    "max_position_embeddings": 32,
    "layer_norm_eps": 2e-5,
}


@pytest.mark.parametrize(
    "changes",
    [
        {"rotary_pct": 0.5, "rotary_emb_base": 700},
        {"use_parallel_residual": False, "rotary_pct": 1.0, "attention_bias": False},
        {"tie_word_embeddings": True, "hidden_act": "gelu_pytorch_tanh"},
        {"rope_parameters": {"rope_type": "linear", "factor": 2.5, "partial_rotary_factor": 0.75}},
    ],
    ids=["parallel", "sequential", "tied", "stretched"],
)
def test_gpt_neox_equals_transformers(changes: dict[str, Any], tmp_path: Path):
    check(GPTNeoXForCausalLM, GPTNeoXConfig(**SIZES | changes), tmp_path)


def test_canonical_names_are_those_that_transformers_saves(tmp_path: Path):
    folder = make(GPTNeoXForCausalLM, GPTNeoXConfig(**SIZES), tmp_path / "theirs")
    with safe_open(folder / "model.safetensors", "pt") as file:
        for name in file.keys():  # noqa: SIM118  # it is no mapping
            assert FAMILIES["gpt_neox"].canonical_name(name) == name


def test_an_old_file_with_masks_and_without_prefix_opens(tmp_path: Path):
    folder = make(GPTNeoXForCausalLM, GPTNeoXConfig(**SIZES), tmp_path / "theirs")
    buffers = {
        "layers.0.attention.bias": torch.ones(1, 1, 32, 32).tril(),
        "layers.0.attention.masked_bias": torch.tensor(-1e9),
        "layers.0.attention.rotary_emb.inv_freq": torch.ones(1),
    }
    opens_under(folder, lambda name: name.removeprefix("gpt_neox."), buffers)


def test_the_unembedding_opens_under_its_name_in_the_network(tmp_path: Path):
    folder = make(GPTNeoXForCausalLM, GPTNeoXConfig(**SIZES), tmp_path / "theirs")
    opens_under(folder, lambda name: name.replace("embed_out.", "lm_head."))


def test_old_and_new_keys_of_rotations_mean_the_same():
    read = FAMILIES["gpt_neox"].config_from_hf
    expected = Rotary(700.0, dim=4, scaling=LinearScaling(2.0))
    scaling = {"type": "linear", "factor": 2.0}
    old = read(SIZES | {"rotary_pct": 0.5, "rotary_emb_base": 700, "rope_scaling": scaling})
    new = {"rope_theta": 700.0, "partial_rotary_factor": 0.5, "rope_type": "linear", "factor": 2.0}
    assert old.rotary == read(SIZES | {"rope_parameters": new}).rotary == expected
    # A missing share is a quarter, as in transformers.
    assert read(SIZES).rotary == Rotary(dim=2)
