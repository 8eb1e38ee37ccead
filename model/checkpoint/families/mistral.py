"""Mistral (Jiang et al. 2023): a Llama whose attention looks back through a window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from model.checkpoint.families import decoder
from model.checkpoint.families.family import Family
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rope import rotary_to_hf
from model.checkpoint.families.rules import read_state, write_state
from model.config import TransformerConfig

MODEL_TYPE = "mistral"

# transformers' values of keys that a file leaves out.
_USUAL = {
    "vocab_size": 32_000,
    "hidden_size": 4096,
    "intermediate_size": 14_336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "max_position_embeddings": 131_072,
}


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape."""
    hf = decoder.completed(hf, _USUAL)
    # As transformers: a file without the key has the first Mistral's window, null has none.
    window = decoder.window_from_hf(hf, 4096)
    return TransformerConfig(**decoder.sizes_from_hf(hf) | {"window": window})


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """A Mistral config, or a CheckpointError if the network is none."""
    hf = decoder.sizes_to_hf(config, MODEL_TYPE, "MistralForCausalLM")
    hf["sliding_window"] = config.window_at(0)
    hf |= rotary_to_hf(decoder.one_rotary(config), config.d_head)
    refuse_unlike("Mistral", config, config_from_hf(hf))
    return hf


def state_from_hf(tensors: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """Renamed; queries, keys and values joined."""
    return read_state(decoder.decoder(config), tensors)


def state_to_hf(state: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """The reverse."""
    return write_state(decoder.decoder(config), state)


FAMILY = Family(
    model_type=MODEL_TYPE,
    title="Mistral",
    tied_names=decoder.TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=decoder.canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
)
