"""Falcon equals transformers: 7B's network, 40B's, 11B's and that of the RW models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import FalconConfig, FalconForCausalLM

from model.checkpoint import CheckpointError, open_checkpoint
from model.checkpoint.families import FAMILIES
from tests.model.checkpoint.families.harness import (
    BOTH,
    check,
    compare,
    difference,
    make,
    modules_of,
    opens_under,
    some_ids,
    verified,
)

SIZES: dict[str, Any] = {
    "vocab_size": 61,
    "hidden_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "ffn_hidden_size": 52,
    "max_position_embeddings": 32,
    "layer_norm_epsilon": 2e-5,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
FALCON_40B = {"new_decoder_architecture": True, "num_kv_heads": 2}
FALCON_RW = {"alibi": True, "multi_query": False, "parallel_attn": False, "bias": True}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        FALCON_40B,
        FALCON_40B | {"num_ln_in_parallel_attn": 1, "tie_word_embeddings": False},
        {"new_decoder_architecture": True, "num_kv_heads": 1, "bias": True},
        {"multi_query": False, "parallel_attn": False, "bias": True, "ffn_hidden_size": None},
        {"multi_query": False, "activation": "gelu_pytorch_tanh"},
        {"rope_parameters": {"rope_type": "linear", "factor": 2.5, "rope_theta": 700.0}},
    ],
    ids=["7b", "40b", "11b", "one key", "sequential", "parallel, all keys", "stretched"],
)
def test_falcon_equals_transformers(changes: dict[str, Any], tmp_path: Path):
    check(FalconForCausalLM, FalconConfig(**SIZES | changes), tmp_path)


class BiasedOnce(FalconForCausalLM):
    """transformers 5.23 adds the linear biases twice in its explicit attention.

    They are in the mask already. Its fused attention takes only the mask, but gives no patterns;
    so that explicit attention gets biases of zero here.
    """

    def __init__(self, config: FalconConfig) -> None:
        super().__init__(config)
        for attention in modules_of(self, "Attention"):
            attention.register_forward_pre_hook(_without_biases, with_kwargs=True)


def _without_biases(
    _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(kwargs["alibi"], Tensor):
        kwargs["alibi"] = torch.zeros_like(kwargs["alibi"])
    return args, kwargs


@pytest.mark.parametrize("n_heads", [6, 16])
def test_falcon_with_linear_biases_equals_transformers(n_heads: int, tmp_path: Path):
    config = FalconConfig(**SIZES | FALCON_RW | {"num_attention_heads": n_heads})
    folder = check(BiasedOnce, config, tmp_path)
    # The reference that nothing was done to: transformers' default attention.
    theirs = FalconForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    ids_BT = some_ids(61)
    with torch.inference_mode():
        ours = open_checkpoint(folder, torch.float32).transformer(ids_BT)
        assert difference(ours, theirs(ids_BT).logits) < 1e-4


def test_linear_biases_of_far_positions_are_rounded_as_falcon_rounds_them(tmp_path: Path):
    # Above 256 bfloat16 does not know every position; with 16 heads most slopes are rounded, too.
    far = {"max_position_embeddings": 320, "num_attention_heads": 16}
    folder = make(BiasedOnce, FalconConfig(**SIZES | FALCON_RW | far), tmp_path / "theirs")
    ids_BT = some_ids(61, n_tokens=310)
    for dtype in BOTH:
        compare(BiasedOnce, folder, dtype, ids_BT)


def test_a_file_without_prefix_and_with_angles_opens(tmp_path: Path):
    folder = make(FalconForCausalLM, FalconConfig(**SIZES | FALCON_40B), tmp_path / "theirs")
    angles = {"h.0.self_attention.rotary_emb.inv_freq": torch.ones(4)}
    opens_under(folder, lambda name: name.removeprefix("transformer."), angles)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("num_ln_in_parallel_attn", 2),  # only the new architecture may have two
        ("activation", "prelu"),
    ],
)
def test_another_network_is_refused_by_name(key: str, value: Any):
    with pytest.raises(CheckpointError, match=repr(key)):
        FAMILIES["falcon"].config_from_hf(SIZES | {key: value})


def test_of_a_key_of_blooms_no_notice_is_taken():
    read = FAMILIES["falcon"].config_from_hf
    assert read(SIZES | {"apply_residual_connection_post_layernorm": True}) == read(SIZES)


def test_falcon_with_linear_biases_is_verified_by_attention_that_adds_them_once(tmp_path: Path):
    folder = make(FalconForCausalLM, FalconConfig(**SIZES | FALCON_RW), tmp_path / "theirs")
    found = verified(folder)
    assert found.equal
    assert found.against.startswith("transformers ")
