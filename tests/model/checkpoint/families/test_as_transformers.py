"""Where transformers computes something from a config.json, the same is computed here.

Each case is a config.json as a person may have it: keys under other names, keys that a family
takes no notice of, values at the border of what can be.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM
from transformers.activations import ACT2FN
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.utils import logging

from model.checkpoint import CheckpointError, open_checkpoint
from model.checkpoint.families import FAMILIES
from model.config import TransformerConfig
from tests.model.checkpoint.families.harness import difference, round_trip, some_ids

LLAMA: dict[str, Any] = {
    "vocab_size": 61,
    "hidden_size": 24,
    "intermediate_size": 40,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 32,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
}
NEOX = {key: LLAMA[key] for key in list(LLAMA)[:5]} | {"max_position_embeddings": 32}
GPT2 = {"vocab_size": 61, "n_embd": 24, "n_layer": 2, "n_head": 2, "n_positions": 32}
BY_COMMON_NAMES = {
    "vocab_size": 61,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 32,
}
ENCODER = BY_COMMON_NAMES | {"intermediate_size": 40}
MODERN = ENCODER | {
    "num_hidden_layers": 3,
    "local_attention": 6,
    **{f"{role}_token_id": 0 for role in ("pad", "bos", "eos", "cls", "sep")},
}
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8,
}
OTHER_ACTIVATIONS = sorted(
    name
    for name in ACT2FN
    if name not in ("prelu", "xielu")  # these have weights of their own
)
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    # Three, five, seven of twelve dimensions: the next even number turns.
    "odd share": ("gpt_neox", NEOX | {"rotary_pct": 0.42}),
    "odd share of one": ("gpt_neox", NEOX | {"rotary_pct": 0.1}),
    "odd share, stretched": (
        "gpt_neox",
        NEOX | {"rotary_pct": 0.6, "rope_scaling": {"type": "linear", "factor": 2.0}},
    ),
    "odd share, growing": (
        "gpt_neox",
        NEOX
        | {"max_position_embeddings": 8, "rotary_pct": 0.42}
        | {"rope_scaling": {"type": "dynamic", "factor": 4.0}},
    ),
    "odd share, llama3": ("gpt_neox", NEOX | {"rotary_pct": 0.42, "rope_scaling": LLAMA3}),
    "odd share of a Phi-3": ("phi3", LLAMA | {"partial_rotary_factor": 0.42}),
    "nothing turns in a NeoX": ("gpt_neox", NEOX | {"rotary_pct": 0.0}),
    "nothing turns in a Phi": ("phi", LLAMA | {"partial_rotary_factor": 0.0}),
    "nothing turns in a Phi-3": ("phi3", LLAMA | {"partial_rotary_factor": 0.0}),
    "nothing turns in a StableLM": ("stablelm", LLAMA | {"partial_rotary_factor": 0.0}),
    "no layer turns": ("smollm3", LLAMA | {"no_rope_layers": [0, 0]}),
    "a base below one": ("llama", LLAMA | {"rope_theta": 0.5}),
    "common names of GPT-2": ("gpt2", BY_COMMON_NAMES),
    "common names of DistilBERT": ("distilbert", BY_COMMON_NAMES | {"hidden_dim": 40}),
    "common name of experts": ("mixtral", LLAMA | {"num_experts": 3}),
    "an eps that is left out": ("mixtral", LLAMA | {"num_local_experts": 3}),
    "scores that are not divided": ("gpt2", GPT2 | {"scale_attn_weights": False}),
    "scores divided by the layer": ("gpt2", GPT2 | {"scale_attn_by_inverse_layer_idx": True}),
    "scores divided by the layer alone": (
        "gpt2",
        GPT2 | {"scale_attn_by_inverse_layer_idx": True, "scale_attn_weights": False},
    ),
    "a sum with the normed stream": (
        "bloom",
        {"vocab_size": 61, "hidden_size": 24, "n_layer": 2, "n_head": 2}
        | {"apply_residual_connection_post_layernorm": True},
    ),
    **{
        f"{name} of a {family}": (family, sizes | {key: name})
        for family, key, sizes in (
            ("gpt2", "activation_function", GPT2),
            ("llama", "hidden_act", LLAMA),
        )
        for name in OTHER_ACTIVATIONS
    },
    "attention to another text": ("gpt2", GPT2 | {"add_cross_attention": True}),
    "a key that is not GPT-2's": ("gpt2", GPT2 | {"bias": False}),
    "another name of GELU": ("gpt2", GPT2 | {"activation_function": "gelu_fast"}),
    "an older name of GELU": ("llama", LLAMA | {"hidden_act": "gelu_python"}),
    "a decoder that is none": ("distilbert", BY_COMMON_NAMES | {"is_decoder": True}),
    "logits divided by less than nothing": ("granite", LLAMA | {"logits_scaling": -2.0}),
    "scores times zero": ("granite", LLAMA | {"attention_multiplier": 0.0}),
    "scores times less than zero": ("mpt", {"attn_config": {"softmax_scale": -0.3}}),
    "a cap below zero": ("gemma2", LLAMA | {"head_dim": 12, "final_logit_softcapping": -3.0}),
    "a cap of scores that is not Gemma 3's": (
        "gemma3_text",
        LLAMA | {"head_dim": 12, "attn_logit_softcapping": 5.0},
    ),
    "a Gemma 3 that looks both ways": (
        "gemma3_text",
        LLAMA
        | {"head_dim": 12, "sliding_window": 6, "use_bidirectional_attention": True}
        | {"sliding_window_pattern": 2},
    ),
    "stretching that no layer does": (
        "gemma3_text",
        LLAMA | {"head_dim": 12, "rope_scaling": {"type": "unheard of"}},
    ),
    "stretching under its old key": (
        "modernbert",
        MODERN | {"rope_scaling": {"type": "linear", "factor": 2.0}},
    ),
    "stretching under its new key": (
        "modernbert",
        MODERN | {"rope_scaling": {"rope_type": "linear", "factor": 2.0}},
    ),
    "no window at all": ("modernbert", MODERN | {"local_attention": 0}),
    "padding before the first": ("roberta", ENCODER | {"pad_token_id": -1}),
}
SMALL = {"mpt": {"vocab_size": 61, "d_model": 24, "n_layers": 2, "n_heads": 2, "max_seq_len": 32}}


@pytest.mark.parametrize("name", CASES)
def test_what_transformers_computes_is_computed_here(name: str, tmp_path: Path):
    family, keys = CASES[name]
    keys = {"model_type": family, **SMALL.get(family, {}), **keys}
    masked = family in ("bert", "roberta", "distilbert", "modernbert")
    network_class = AutoModelForMaskedLM if masked else AutoModelForCausalLM
    config = CONFIG_MAPPING[family].from_dict(dict(keys))
    logging.disable_progress_bar()  # tqdm starts a thread that stays
    torch.manual_seed(0)
    network = network_class.from_config(config, attn_implementation="eager").eval()
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in network.parameters():
            mean = float(parameter.mean()) if parameter.ndim == 1 else 0.0
            parameter.normal_(mean, 0.3, generator=generator)
    network.save_pretrained(tmp_path)
    keys["architectures"] = [type(network).__name__]
    (tmp_path / "config.json").write_text(json.dumps(keys))
    ids_BT = some_ids(61, unused=6)
    ours = open_checkpoint(tmp_path, torch.float32).transformer
    with torch.inference_mode():
        theirs = network(ids_BT).logits
        found = ours(ids_BT)
    assert theirs.std() > 0.01
    assert difference(found, theirs) < 1e-3 * max(1.0, float(theirs.abs().max()))


@pytest.mark.parametrize("name", ["odd share", "nothing turns in a Phi", "no layer turns"])
def test_it_is_saved_so_that_transformers_computes_the_same(name: str, tmp_path: Path):
    family, keys = CASES[name]
    config = CONFIG_MAPPING[family].from_dict(dict(keys))
    torch.manual_seed(0)
    network = AutoModelForCausalLM.from_config(config)
    network.save_pretrained(tmp_path / "theirs")
    round_trip(type(network), tmp_path / "theirs", tmp_path / "ours")


@pytest.mark.parametrize("family", ["gemma", "gemma2"])
def test_where_transformers_computes_two_things_neither_is_taken(family: str):
    with pytest.raises(CheckpointError, match="'use_bidirectional_attention' to true"):
        FAMILIES[family].config_from_hf(LLAMA | {"use_bidirectional_attention": True})


LIKE = {
    "n_layers": ("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
    "n_heads": ("num_attention_heads", "n_head", "n_heads", "num_heads"),
    "d_model": ("hidden_size", "n_embd", "d_model", "dim"),
    "d_vocab": ("vocab_size",),
    "n_ctx": ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length"),
    "norm_eps": ("rms_norm_eps", "layer_norm_epsilon", "layer_norm_eps", "norm_eps"),
    "n_kv_heads": ("num_key_value_heads",),
}


@pytest.mark.parametrize("family", [name for name in FAMILIES if name not in ("bloom", "falcon")])
def test_a_key_that_is_left_out_has_transformers_value(family: str):
    theirs = CONFIG_MAPPING[family]().to_dict()
    ours: TransformerConfig = FAMILIES[family].config_from_hf({"model_type": family})
    for name, keys in LIKE.items():
        expected = next((theirs[key] for key in keys if theirs.get(key) is not None), None)
        offset = ours.position_offset if family == "roberta" and name == "n_ctx" else 0
        if expected is not None:
            assert getattr(ours, name) + offset == expected, name
    assert AutoConfig.for_model(family).vocab_size == ours.d_vocab
