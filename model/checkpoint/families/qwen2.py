"""Qwen 2 and 2.5 (Yang et al. 2024): a Llama with biased queries, keys and values."""

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
from model.checkpoint.values import flag, whole
from model.config import TransformerConfig

MODEL_TYPE = "qwen2"

# transformers' values of keys that a file leaves out.
_USUAL = {
    "vocab_size": 151_936,
    "hidden_size": 4096,
    "intermediate_size": 22_016,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "max_position_embeddings": 32_768,
}


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape."""
    hf = decoder.completed(hf, _USUAL)
    sizes = decoder.sizes_from_hf(hf)
    slides = flag(hf, "use_sliding_window", False)
    first = whole(hf, "max_window_layers", 28) if hf.get("max_window_layers") != 0 else 0
    window = decoder.windows_from_hf(
        hf,
        sizes["n_layers"],
        decoder.window_from_hf(hf, 4096) if slides else None,
        lambda layer: layer >= first,
    )
    return TransformerConfig(**sizes | {"window": window, "qkv_bias": True, "out_bias": False})


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """A Qwen 2 config, or a CheckpointError if the network is none."""
    hf = decoder.sizes_to_hf(config, MODEL_TYPE, "Qwen2ForCausalLM")
    hf |= decoder.windows_to_hf(config)
    hf |= {"use_sliding_window": hf["sliding_window"] is not None, "max_window_layers": 0}
    hf |= rotary_to_hf(decoder.one_rotary(config), config.d_head)
    refuse_unlike("Qwen 2", config, config_from_hf(hf))
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
    del config["mlp_bias"]
    return config | {"use_sliding_window": False}


FAMILY = Family(
    model_type=MODEL_TYPE,
    title="Qwen2",
    tied_names=decoder.TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=decoder.canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
    gguf=(gguf.decoder("qwen2", config_from_gguf),),
)
