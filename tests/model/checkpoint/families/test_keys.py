"""Keys of config.json: old ones and new ones mean the same; what fits no network is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

from model.checkpoint import CheckpointError, open_checkpoint
from model.checkpoint.families import FAMILIES
from model.config import ConfigError, TransformerConfig
from model.positions import LinearScaling, LongRopeScaling, Rotary, YarnScaling
from tests.model.checkpoint.families.harness import make, some_ids
from tests.model.checkpoint.families.test_llama import SIZES
from tests.model.networks import BASE, VARIANTS

HF: dict[str, Any] = {
    "hidden_size": 36,
    "intermediate_size": 52,
    "num_hidden_layers": 4,
    "num_attention_heads": 6,
    "num_key_value_heads": 6,
    "vocab_size": 61,
    "max_position_embeddings": 32,
}


def read(family: str, **keys: Any) -> TransformerConfig:
    return FAMILIES[family].config_from_hf(HF | keys)


def test_old_and_new_keys_of_rotations_mean_the_same():
    old = read("llama", rope_theta=700.0, rope_scaling={"type": "linear", "factor": 2.0})
    new = {"rope_type": "linear", "factor": 2.0, "rope_theta": 700.0}
    assert old == read("llama", rope_parameters=new)
    assert old.rotary == Rotary(700.0, scaling=LinearScaling(2.0))
    # As transformers: the old key wins where a file has both.
    both = read("llama", rope_scaling={"type": "linear", "factor": 3.0}, rope_parameters=new)
    assert both.rotary == Rotary(scaling=LinearScaling(3.0))


def test_an_attention_factor_of_yarn_follows_from_what_is_said():
    def factor(**keys: Any) -> float:
        rotary = read("qwen2", rope_scaling={"type": "yarn", "factor": 4.0} | keys).rotary
        assert isinstance(rotary, Rotary)
        assert isinstance(rotary.scaling, YarnScaling)
        return rotary.scaling.attention_factor

    assert factor() == pytest.approx(1.1386294361)  # 0.1 ln 4 + 1
    assert factor(attention_factor=1.5) == 1.5
    assert factor(mscale=0.7, mscale_all_dim=0.7) == 1.0


def test_phi3_calls_longrope_by_three_names():
    factors = {"short_factor": [1.0] * 3, "long_factor": [2.0] * 3}
    configs = {
        name: read("phi3", rope_scaling={"type": name, **factors}, max_position_embeddings=8192)
        for name in ("su", "yarn", "longrope")
    }
    assert configs["su"] == configs["yarn"] == configs["longrope"]
    scaling = configs["su"].rotations[0].scaling
    assert isinstance(scaling, LongRopeScaling)
    assert scaling.original_n_ctx == 4096
    assert scaling.attention_factor == pytest.approx((1 + 1 / 12) ** 0.5)  # ln 2 / ln 4096


def test_gemma_3_reads_old_keys_of_local_layers():
    config = read(
        "gemma3_text",
        sliding_window=9,
        sliding_window_pattern=2,
        rope_theta=5e5,
        rope_local_base_freq=2e4,
        rope_scaling={"rope_type": "linear", "factor": 8.0},
    )
    assert config.window == (9, None, 9, None)
    far = Rotary(5e5, scaling=LinearScaling(8.0))
    assert config.rotary == (Rotary(2e4), far, Rotary(2e4), far)


def test_the_first_gemma_says_gelu_and_means_its_approximation():
    assert read("gemma", hidden_act="gelu").activation == "gelu_tanh"
    assert read("gemma2", hidden_activation="gelu").activation == "gelu"


def test_a_window_that_is_null_is_none_and_a_missing_one_the_familys():
    assert read("mistral").window == 4096
    assert read("mistral", sliding_window=None).window is None
    assert read("qwen2", sliding_window=7, max_window_layers=2).window is None
    slides = {"use_sliding_window": True, "max_window_layers": 3}
    assert read("qwen2", sliding_window=7, **slides).window == (None, None, None, 7)


@pytest.mark.parametrize(
    ("family", "keys", "says"),
    [
        ("llama", {"rope_scaling": {"type": "spiral"}}, "'rope_type' is 'spiral'; supported are"),
        ("llama", {"rope_scaling": {"type": ["linear"]}}, "'rope_type' is \"\\['linear'\\]\""),
        ("llama", {"rope_scaling": {"type": "linear"}}, "scaling has no 'factor'"),
        ("llama", {"rope_scaling": {"type": "linear", "factor": 0}}, "'factor' is 0"),
        ("llama", {"rope_scaling": "linear"}, "'rope_scaling' is no object"),
        ("llama", {"rope_theta": "big"}, "'rope_theta' is 'big'"),
        ("llama", {"rope_theta": 0}, "'rope_theta' is 0; a number from 1e-06 to 1e\\+15 fits"),
        ("llama", {"rope_theta": -9.0}, "'rope_theta' is -9.0; a number from 1e-06"),
        ("llama", {"rms_norm_eps": -1}, "'rms_norm_eps' is -1; a number of 0 or more fits"),
        ("llama", {"rope_scaling": {"type": "longrope"}}, "'short_factor' must be a list"),
        ("llama", {"hidden_act": "prelu"}, "'hidden_act' is 'prelu'; supported are silu"),
        ("llama", {"num_hidden_layers": None}, "no 'num_hidden_layers'"),
        ("gemma2", {"layer_types": ["full_attention"]}, "must list 4 types"),
        ("gemma2", {"layer_types": ["chunked_attention"] * 4}, "has 'chunked_attention'"),
        ("gemma2", {"layer_types": [[]] * 4}, "has '\\[\\]'"),
        ("gemma", {"use_bidirectional_attention": True}, "'use_bidirectional_attention' to true"),
        ("smollm3", {"no_rope_layers": [1, {}, 0, 1]}, "must list 4 ones and zeros"),
        ("smollm3", {"no_rope_layers": [1, 0]}, "must list 4 ones and zeros"),
    ],
)
def test_a_key_that_is_not_understood_is_named(family: str, keys: dict[str, Any], says: str):
    with pytest.raises(CheckpointError, match=says):
        read(family, **keys)


@pytest.mark.parametrize(
    ("family", "keys", "says"),
    [
        ("llama", {"head_dim": 7}, "rotary dim 7 must be even"),
        ("llama", {"num_key_value_heads": 4}, "can't share 4 key/value heads"),
        ("mixtral", {"num_local_experts": 2, "num_experts_per_tok": 3}, "3 of 2 experts"),
        (
            "phi3",
            {"rope_scaling": {"type": "su", "short_factor": [1.0], "long_factor": [1.0]}},
            "LongRoPE needs 3 short",
        ),
    ],
)
def test_a_config_that_fits_no_network_is_refused(family: str, keys: dict[str, Any], says: str):
    with pytest.raises(ConfigError, match=says):
        read(family, **keys)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_a_network_is_saved_as_a_family_only_if_that_reads_it_as_the_same(family: str):
    for name, config in VARIANTS.items():
        try:
            hf = FAMILIES[family].config_to_hf(config)
        except (CheckpointError, ConfigError):
            continue
        assert FAMILIES[family].config_from_hf(hf) == config, name


def test_what_a_family_can_not_be_is_named():
    with pytest.raises(CheckpointError, match=r"can't be saved as a Llama: it has .*norm 'layer'"):
        FAMILIES["llama"].config_to_hf(BASE)


def test_a_file_without_the_models_prefix_and_with_buffers_is_read_the_same(tmp_path: Path):
    folder = make(LlamaForCausalLM, LlamaConfig(**SIZES), tmp_path / "whole")
    bare = Path(shutil.copytree(folder, tmp_path / "bare"))
    tensors = load_file(folder / "model.safetensors")
    renamed = {name.removeprefix("model."): tensor for name, tensor in tensors.items()}
    renamed["layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(4)
    save_file(renamed, bare / "model.safetensors")
    ids_BT = some_ids(61)
    with torch.inference_mode():
        one, other = (open_checkpoint(place).transformer(ids_BT) for place in (folder, bare))
    assert torch.equal(one, other)
    assert json.loads((folder / "config.json").read_text())["model_type"] == "llama"
