"""OLMo 2 (OLMo Team 2024): a Llama that norms what it adds, and queries and keys."""

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
from model.config import BlockNorm, Norms, QKNorm, TransformerConfig

MODEL_TYPE = "olmo2"

# transformers' values of keys that a file leaves out.
_USUAL = {
    "vocab_size": 50_304,
    "hidden_size": 4096,
    "intermediate_size": 11_008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "rms_norm_eps": 1e-05,
}

_NORMS: Mapping[BlockNorm, str] = {
    "ln1_post": "post_attention_layernorm",
    "ln2_post": "post_feedforward_layernorm",
}


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape."""
    hf = decoder.completed(hf, _USUAL)
    sizes = decoder.sizes_from_hf(hf)
    return TransformerConfig(
        **sizes | {"norms": Norms(placement="output"), "qk_norm": QKNorm("all heads")}
    )


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """A OLMo 2 config, or a CheckpointError if the network is none."""
    hf = decoder.sizes_to_hf(config, MODEL_TYPE, "Olmo2ForCausalLM")
    hf |= rotary_to_hf(decoder.one_rotary(config), config.d_head)
    refuse_unlike("OLMo 2", config, config_from_hf(hf))
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
    config = gguf.llama_like(keys)
    del config["mlp_bias"]
    return config


FAMILY = Family(
    model_type=MODEL_TYPE,
    title="OLMo 2",
    tied_names=decoder.TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=decoder.canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
    gguf=(
        gguf.decoder(
            "olmo2",
            config_from_gguf,
            gguf.LLAMA_ATTENTION
            | gguf.LLAMA_MLP
            | gguf.QK_NORMS
            | {
                "post_attention_norm": "post_attention_layernorm",
                "post_ffw_norm": "post_feedforward_layernorm",
            },
        ),
    ),
)
