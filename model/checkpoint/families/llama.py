"""Llama 1 to 3 (Touvron et al. 2023, Grattafiori et al. 2024), as transformers writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from model.checkpoint.families import decoder, gguf
from model.checkpoint.families.family import Family
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rope import rotary_to_hf
from model.checkpoint.families.rules import read_state, write_state
from model.checkpoint.gguf_keys import Keys
from model.checkpoint.values import flag
from model.config import TransformerConfig

MODEL_TYPE = "llama"

# transformers' values of keys that a file leaves out.
_USUAL = {
    "vocab_size": 32_000,
    "hidden_size": 4096,
    "intermediate_size": 11_008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
}


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape."""
    hf = decoder.completed(hf, _USUAL)
    return TransformerConfig(
        **decoder.sizes_from_hf(hf) | {"mlp_bias": flag(hf, "mlp_bias", False)}
    )


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """A Llama config, or a CheckpointError if the network is none."""
    hf = decoder.sizes_to_hf(config, MODEL_TYPE, "LlamaForCausalLM")
    hf |= {"mlp_bias": config.mlp_bias, **rotary_to_hf(decoder.one_rotary(config), config.d_head)}
    refuse_unlike("Llama", config, config_from_hf(hf))
    return hf


def state_from_hf(tensors: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """Renamed; queries, keys and values joined."""
    return read_state(decoder.decoder(config), tensors)


def state_to_hf(state: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """The reverse."""
    return write_state(decoder.decoder(config), state)


def config_from_gguf(keys: Keys) -> dict[str, Any]:
    """The same keys from a GGUF file's."""
    config = gguf.llama_like(keys)
    d_head = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    if keys.has("rope_freqs.weight"):
        config["rope_scaling"] = keys.llama3_scaling(config["rope_theta"], d_head)
    return config


FAMILY = Family(
    model_type=MODEL_TYPE,
    title="Llama",
    tied_names=decoder.TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=decoder.canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
    gguf=(gguf.decoder("llama", config_from_gguf, adapt=gguf.LLAMA_ROTARY),),
)
