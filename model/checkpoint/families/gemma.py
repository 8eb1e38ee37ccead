"""Gemma (Gemma Team 2024): a Llama with scaled embeddings and norms around one.

A norm's weight is stored as what is added to one; it is kept and shown as stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from model.checkpoint.families import decoder, gguf
from model.checkpoint.families.family import Family
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rope import rotary_to_hf
from model.checkpoint.families.rules import read_state, write_state
from model.checkpoint.values import Config, choice, flag, must_be, where
from model.config import Norms, Scales, TransformerConfig

MODEL_TYPE = "gemma"

# transformers' values of keys that a file leaves out.
_USUAL = {
    "vocab_size": 256_000,
    "hidden_size": 3072,
    "intermediate_size": 24_576,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 16,
    "head_dim": 256,
    "max_position_embeddings": 8192,
}


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape."""
    hf = decoder.completed(hf, _USUAL)
    # transformers 5.23 looks both ways in its fused attention and back only in its explicit one.
    must_be(hf, "use_bidirectional_attention", False)
    # The first files say "gelu" and mean its approximation.
    activations = decoder.ACTIVATIONS | {"gelu": "gelu_tanh"}
    sizes = decoder.sizes_from_hf(Config({**hf, "hidden_act": None}, where(hf)))
    return TransformerConfig(
        **sizes
        | {
            "activation": choice(hf, "hidden_act", "gelu_pytorch_tanh", activations),
            "norms": Norms(offset=1.0),
            "scales": Scales(embedding=sizes["d_model"] ** 0.5),
            "tied_embeddings": flag(hf, "tie_word_embeddings", True),
        }
    )


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """A Gemma config, or a CheckpointError if the network is none."""
    hf = decoder.sizes_to_hf(config, MODEL_TYPE, "GemmaForCausalLM")
    hf |= rotary_to_hf(decoder.one_rotary(config), config.d_head)
    refuse_unlike("Gemma", config, config_from_hf(hf))
    return hf


def state_from_hf(tensors: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """Renamed; queries, keys and values joined."""
    return read_state(decoder.decoder(config), tensors)


def state_to_hf(state: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """The reverse."""
    return write_state(decoder.decoder(config), state)


FAMILY = Family(
    model_type=MODEL_TYPE,
    title="Gemma",
    tied_names=decoder.TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=decoder.canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
    gguf=(
        gguf.decoder("gemma", gguf.gemma_like, adapt=gguf.norms_less_one("attn_norm", "ffn_norm")),
    ),
)
