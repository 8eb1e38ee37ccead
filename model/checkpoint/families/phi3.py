"""Phi-3 and 4 (Abdin et al. 2024): a Llama whose projections are stored joined."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from model.checkpoint.families import decoder, gguf
from model.checkpoint.families.family import Family
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rules import Rule, cut, read_state, same, write_state
from model.checkpoint.gguf_keys import Keys
from model.checkpoint.values import whole
from model.config import TransformerConfig
from model.positions import LongRopeScaling

MODEL_TYPE = "phi3"

# transformers' values of keys that a file leaves out.
_USUAL = {
    "vocab_size": 32_064,
    "hidden_size": 3072,
    "intermediate_size": 8192,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "max_position_embeddings": 4096,
    "rms_norm_eps": 1e-05,
}


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape."""
    hf = decoder.completed(hf, _USUAL)
    sizes = decoder.sizes_from_hf(_with_original(hf), partial=1.0, rounds_up=True)
    return TransformerConfig(**sizes | {"window": decoder.window_from_hf(hf)})


def _with_original(hf: Mapping[str, Any]) -> dict[str, Any]:
    """Its own key for the context before stretching counts, and has a default.

    The first files call their one way of stretching by other names.
    """
    original = whole(hf, "original_max_position_embeddings", 4096)
    same = dict(hf)
    for key in ("rope_scaling", "rope_parameters"):
        old = hf.get(key)
        if isinstance(old, Mapping):
            kind = old.get("rope_type", old.get("type"))
            if kind in ("su", "yarn"):
                kind = "longrope"
            same[key] = {**old, "rope_type": kind, "original_max_position_embeddings": original}
    return same


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """A Phi-3 config, or a CheckpointError if the network is none."""
    hf = decoder.sizes_to_hf(config, MODEL_TYPE, "Phi3ForCausalLM")
    del hf["head_dim"]  # transformers' Phi-3 has no such key
    rotary = decoder.one_rotary(config)
    hf["sliding_window"] = config.window_at(0)
    hf |= decoder.partial_to_hf(config)
    if isinstance(rotary.scaling, LongRopeScaling):
        hf["original_max_position_embeddings"] = rotary.scaling.original_n_ctx
    refuse_unlike("Phi-3", config, config_from_hf(hf))
    return hf


def state_from_hf(tensors: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """Renamed; gate and up cut apart."""
    return read_state(_rules(config), tensors)


def state_to_hf(state: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """The reverse."""
    return write_state(_rules(config), state)


def _rules(config: TransformerConfig) -> list[Rule]:
    rules = decoder.ends(config)
    for layer in range(config.n_layers):
        ours, theirs = f"blocks.{layer}", f"model.layers.{layer}"
        rules += decoder.block_norms(layer, config)
        rules += [
            same(f"{ours}.attn.qkv.weight", f"{theirs}.self_attn.qkv_proj.weight"),
            same(f"{ours}.attn.out.weight", f"{theirs}.self_attn.o_proj.weight"),
            cut(
                (f"{ours}.mlp.gate.weight", f"{ours}.mlp.up.weight"),
                f"{theirs}.mlp.gate_up_proj.weight",
                (config.d_mlp, config.d_mlp),
            ),
            same(f"{ours}.mlp.down.weight", f"{theirs}.mlp.down_proj.weight"),
        ]
    return rules


def config_from_gguf(keys: Keys) -> dict[str, Any]:
    """The same keys from a GGUF file's."""
    config = gguf.llama_like(keys)
    del config["attention_bias"], config["mlp_bias"]
    d_head = config["hidden_size"] // config["num_attention_heads"]
    config["partial_rotary_factor"] = keys.whole("rope.dimension_count", d_head) / d_head
    window = keys.whole("attention.sliding_window", 0)
    config["sliding_window"] = window or None
    original = keys.whole("rope.scaling.original_context_length", 0)
    config["original_max_position_embeddings"] = original or config["max_position_embeddings"]
    if keys.has("rope_factors_long.weight"):
        config["rope_scaling"] = {
            "type": "longrope",
            "long_factor": keys.numbers("rope_factors_long.weight"),
            "short_factor": keys.numbers("rope_factors_short.weight"),
        }
    return config


FAMILY = Family(
    model_type=MODEL_TYPE,
    title="Phi-3",
    tied_names=decoder.TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=decoder.canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
    gguf=(
        gguf.decoder(
            "phi3",
            config_from_gguf,
            {
                "attn_qkv": "self_attn.qkv_proj",
                "attn_output": "self_attn.o_proj",
                "ffn_up": "mlp.gate_up_proj",
                "ffn_down": "mlp.down_proj",
            }
            | gguf.LLAMA_NORMS,
        ),
    ),
)
