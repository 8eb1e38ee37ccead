"""Llama 1 to 3 (Touvron et al. 2023, Grattafiori et al. 2024), as transformers writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from model.checkpoint.families import decoder
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rope import rotary_to_hf
from model.checkpoint.families.rules import read_state, write_state
from model.checkpoint.values import flag
from model.config import TransformerConfig

model_type = "llama"
tied_names = decoder.TIED_NAMES
canonical_name = decoder.canonical_name


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape."""
    return TransformerConfig(
        **decoder.sizes_from_hf(hf) | {"mlp_bias": flag(hf, "mlp_bias", False)}
    )


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """A Llama config, or a CheckpointError if the network is none."""
    hf = decoder.sizes_to_hf(config, model_type, "LlamaForCausalLM")
    hf |= {"mlp_bias": config.mlp_bias, **rotary_to_hf(decoder.one_rotary(config), config.d_head)}
    refuse_unlike("Llama", config, config_from_hf(hf))
    return hf


def state_from_hf(tensors: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """Renamed; queries, keys and values joined."""
    return read_state(decoder.decoder(config), tensors)


def state_to_hf(state: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """The reverse."""
    return write_state(decoder.decoder(config), state)
