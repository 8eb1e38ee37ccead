"""The text part of Gemma 3 (Gemma Team 2025): local and global layers, which rotate differently."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from model.checkpoint.families import decoder, gguf
from model.checkpoint.families.family import Family
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rope import LEAST_BASE, n_ctx_of, rotary_from_hf, rotary_to_hf
from model.checkpoint.families.rules import Rule, read_state, write_state
from model.checkpoint.gguf_keys import Keys
from model.checkpoint.values import Config, choice, flag, number, where, whole
from model.config import BlockNorm, Caps, Norms, QKNorm, Scales, TransformerConfig
from model.positions import Rotary

MODEL_TYPE = "gemma3_text"

# transformers' values of keys that a file leaves out, as published text_configs do.
_USUAL = {
    "vocab_size": 262_208,
    "hidden_size": 2304,
    "intermediate_size": 9216,
    "num_hidden_layers": 26,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "max_position_embeddings": 131_072,
}
_NORMS: Mapping[BlockNorm, str] = {
    "ln1": "input_layernorm",
    "ln1_post": "post_attention_layernorm",
    "ln2": "pre_feedforward_layernorm",
    "ln2_post": "post_feedforward_layernorm",
}


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape."""
    hf = decoder.completed(hf, _USUAL)
    # As transformers, of 'attn_logit_softcapping' no notice is taken.
    sizes = decoder.sizes_from_hf(_without_rotation(hf))
    n_layers, d_head = sizes["n_layers"], sizes["d_head"]
    pattern = whole(hf, "sliding_window_pattern", 6)
    window = decoder.windows_from_hf(
        hf, n_layers, decoder.window_from_hf(hf, 4096), lambda layer: (layer + 1) % pattern != 0
    )
    windows = window if isinstance(window, tuple) else (window,) * n_layers
    n_positions = whole(hf, "max_position_embeddings", None)
    far = None
    if None in windows:  # what no layer uses, no layer asks for
        far = rotary_from_hf(hf, d_head, n_positions, 1e6, layer_type="full_attention")
    near = _local(hf, d_head, n_positions)
    rotary = decoder.per_layer([far if w is None else near for w in windows])
    return TransformerConfig(
        **sizes
        | {
            "n_ctx": n_ctx_of(far, n_positions),
            "rotary": rotary,
            "activation": choice(hf, "hidden_activation", "gelu_pytorch_tanh", decoder.ACTIVATIONS),
            "norms": Norms(placement="sandwich", offset=1.0),
            "qk_norm": QKNorm("head"),
            "scales": Scales(
                embedding=sizes["d_model"] ** 0.5,
                scores=whole(hf, "query_pre_attn_scalar", 256) ** -0.5,
            ),
            "caps": Caps(logits=decoder.cap_from_hf(hf, "final_logit_softcapping", None)),
            "window": window,
            "causal": not flag(hf, "use_bidirectional_attention", False),
            "tied_embeddings": flag(hf, "tie_word_embeddings", True),
        }
    )


def _without_rotation(hf: Mapping[str, Any]) -> Config:
    """The keys of sizes; its two rotations and its activation have keys of their own."""
    rotation = ("hidden_act", "rope_scaling", "rope_parameters")
    return Config({key: value for key, value in hf.items() if key not in rotation}, where(hf))


def _local(hf: Mapping[str, Any], d_head: int, n_positions: int) -> Rotary | None:
    """How local layers rotate: never stretched where old keys say how, and with another base."""
    new = hf.get("rope_parameters")
    if isinstance(new, Mapping) and isinstance(new.get("sliding_attention"), Mapping):
        bare = {"rope_parameters": new}
        return rotary_from_hf(bare, d_head, n_positions, 1e4, layer_type="sliding_attention")
    return Rotary(base=number(hf, "rope_local_base_freq", 1e4, LEAST_BASE, 1e15))


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """A Gemma 3 config, or a CheckpointError if the network is none."""
    hf = decoder.sizes_to_hf(config, MODEL_TYPE, "Gemma3ForCausalLM")
    hf |= decoder.windows_to_hf(config)
    hf |= _rotary_to_hf(config)
    hf |= {
        "hidden_activation": hf.pop("hidden_act"),
        "query_pre_attn_scalar": round(config.score_scale(0) ** -2),
        "final_logit_softcapping": config.caps.logits,
    }
    hf["use_bidirectional_attention"] = not config.causal
    refuse_unlike("Gemma 3", config, config_from_hf(hf))
    return hf


def state_from_hf(tensors: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """Renamed; queries, keys and values joined."""
    return read_state(_rules(config), tensors)


def state_to_hf(state: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """The reverse."""
    return write_state(_rules(config), state)


def _rules(config: TransformerConfig) -> list[Rule]:
    rules = decoder.ends(config)
    for layer in range(config.n_layers):
        rules += decoder.block_norms(layer, config, _NORMS)
        rules += decoder.attention(layer, config) + decoder.gated_mlp(layer, config)
    return rules


def _rotary_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """The old keys, which new versions read as well: stretched are the global layers only."""
    rotations = {
        config.window_at(layer) is None: config.rotary_at(layer) for layer in range(config.n_layers)
    }
    far, near = rotations.get(True), rotations.get(False)
    hf = rotary_to_hf(far or Rotary(base=1e6), config.d_head)
    return hf | {"rope_local_base_freq": 1e4 if near is None else near.base}


def config_from_gguf(keys: Keys) -> dict[str, Any]:
    """The same keys from a GGUF file's."""
    config = gguf.gemma_like(keys)
    n_layers = config["num_hidden_layers"]
    scalar = config["head_dim"]
    if n_layers == 62:  # the 27B
        scalar = config["hidden_size"] // config["num_attention_heads"]
    kinds = ["full_attention" if (i + 1) % 6 == 0 else "sliding_attention" for i in range(n_layers)]
    return config | {
        "rope_theta": keys.number("rope.freq_base", 1_000_000.0),
        "rope_local_base_freq": 10_000.0,
        "query_pre_attn_scalar": scalar,
        "final_logit_softcapping": None,
        "sliding_window": keys.whole("attention.sliding_window", 1024),
        "layer_types": kinds,
    }


FAMILY = Family(
    model_type=MODEL_TYPE,
    title="Gemma 3",
    tied_names=decoder.TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=decoder.canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
    inside={"gemma3": _USUAL},
    gguf=(
        gguf.decoder(
            "gemma3",
            config_from_gguf,
            gguf.LLAMA_ATTENTION | gguf.LLAMA_MLP | gguf.GEMMA2_NORMS | gguf.QK_NORMS,
            adapt=gguf.norms_less_one(*gguf.GEMMA2_NORMS, *gguf.QK_NORMS),
        ),
    ),
)
