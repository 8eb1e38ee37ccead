"""Gemma 2 (Gemma Team 2024): norms around each sublayer, soft caps, local and global layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from model.checkpoint.families import decoder, gguf
from model.checkpoint.families.family import Family
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rope import rotary_to_hf
from model.checkpoint.families.rules import Rule, read_state, write_state
from model.checkpoint.gguf_keys import Keys
from model.checkpoint.values import Config, choice, flag, must_be, where, whole
from model.config import BlockNorm, Caps, Norms, Scales, TransformerConfig

MODEL_TYPE = "gemma2"

# transformers' values of keys that a file leaves out.
_USUAL = {
    "vocab_size": 256_000,
    "hidden_size": 2304,
    "intermediate_size": 9216,
    "num_hidden_layers": 26,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "max_position_embeddings": 8192,
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
    # transformers 5.23 looks both ways in its fused attention and back only in its explicit one.
    must_be(hf, "use_bidirectional_attention", False)
    sizes = decoder.sizes_from_hf(Config({**hf, "hidden_act": None}, where(hf)))
    window = decoder.windows_from_hf(
        hf, sizes["n_layers"], decoder.window_from_hf(hf, 4096), lambda layer: layer % 2 == 0
    )
    return TransformerConfig(
        **sizes
        | {
            "activation": choice(hf, "hidden_activation", "gelu_pytorch_tanh", decoder.ACTIVATIONS),
            "norms": Norms(placement="sandwich", offset=1.0),
            "scales": Scales(
                embedding=sizes["d_model"] ** 0.5,
                scores=whole(hf, "query_pre_attn_scalar", 256) ** -0.5,
            ),
            "caps": Caps(
                scores=decoder.cap_from_hf(hf, "attn_logit_softcapping", 50.0),
                logits=decoder.cap_from_hf(hf, "final_logit_softcapping", 30.0),
            ),
            "window": window,
            "tied_embeddings": flag(hf, "tie_word_embeddings", True),
        }
    )


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """A Gemma 2 config, or a CheckpointError if the network is none."""
    hf = decoder.sizes_to_hf(config, MODEL_TYPE, "Gemma2ForCausalLM")
    hf |= decoder.windows_to_hf(config)
    hf |= rotary_to_hf(decoder.one_rotary(config), config.d_head)
    hf |= {
        "hidden_activation": hf.pop("hidden_act"),
        "query_pre_attn_scalar": round(config.score_scale(0) ** -2),
        "attn_logit_softcapping": config.caps.scores,
        "final_logit_softcapping": config.caps.logits,
    }
    refuse_unlike("Gemma 2", config, config_from_hf(hf))
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


def config_from_gguf(keys: Keys) -> dict[str, Any]:
    """The same keys from a GGUF file's."""
    config = gguf.gemma_like(keys)
    # As llama.cpp: only the 27B, of 46 layers, scales by another size than its heads'.
    scalar = config["head_dim"]
    if config["num_hidden_layers"] == 46:
        scalar = config["hidden_size"] // config["num_attention_heads"]
    return config | {
        "query_pre_attn_scalar": scalar,
        "attn_logit_softcapping": keys.number("attn_logit_softcapping", 50.0),
        "final_logit_softcapping": keys.number("final_logit_softcapping", 30.0),
        "sliding_window": keys.whole("attention.sliding_window", 4096),
    }


FAMILY = Family(
    model_type=MODEL_TYPE,
    title="Gemma 2",
    tied_names=decoder.TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=decoder.canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
    gguf=(
        gguf.decoder(
            "gemma2",
            config_from_gguf,
            gguf.LLAMA_ATTENTION | gguf.LLAMA_MLP | gguf.GEMMA2_NORMS,
            adapt=gguf.norms_less_one(*gguf.GEMMA2_NORMS),
        ),
    ),
)
