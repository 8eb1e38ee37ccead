"""SmolLM 3 (Hugging Face 2025): a Llama some of whose layers do not rotate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from model.checkpoint.errors import CheckpointError
from model.checkpoint.families import decoder, gguf
from model.checkpoint.families.family import Family
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rope import rotary_to_hf
from model.checkpoint.families.rules import read_state, write_state
from model.checkpoint.gguf_keys import Keys
from model.checkpoint.values import flag, whole
from model.config import TransformerConfig

MODEL_TYPE = "smollm3"

# transformers' values of keys that a file leaves out.
_USUAL = {
    "vocab_size": 128_256,
    "hidden_size": 2048,
    "intermediate_size": 11_008,
    "num_hidden_layers": 36,
    "num_attention_heads": 16,
    "num_key_value_heads": 4,
    "max_position_embeddings": 32_768,
}


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape."""
    hf = decoder.completed(hf, _USUAL)
    sizes = decoder.sizes_from_hf(hf, base=2e6)
    n_layers, rotary = sizes["n_layers"], sizes["rotary"]
    turns = _turns(hf, n_layers)
    slides = flag(hf, "use_sliding_window", False)
    window = decoder.windows_from_hf(
        hf,
        n_layers,
        decoder.window_from_hf(hf) if slides else None,
        lambda layer: not turns[layer],
    )
    return TransformerConfig(
        **sizes
        | {
            "positions": "rotary" if any(turns) else "none",
            "rotary": decoder.per_layer([rotary if turn else None for turn in turns]),
            "mlp_bias": flag(hf, "mlp_bias", False),
            "tied_embeddings": flag(hf, "tie_word_embeddings", True),
            "window": window,
        }
    )


def _turns(hf: Mapping[str, Any], n_layers: int) -> list[bool]:
    """Which layers rotate: a list of ones and zeros, or every layer but each fourth."""
    listed = hf.get("no_rope_layers")
    if listed is None:
        interval = whole(hf, "no_rope_layer_interval", 4)
        return [(layer + 1) % interval != 0 for layer in range(n_layers)]
    if (
        not isinstance(listed, list)
        or len(listed) < n_layers
        or any(turn not in (0, 1) for turn in listed)
    ):
        raise CheckpointError(
            f"config.json: 'no_rope_layers' must list {n_layers} ones and zeros, one per layer."
        )
    return [turn == 1 for turn in listed[:n_layers]]


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """A SmolLM 3 config, or a CheckpointError if the network is none."""
    hf = decoder.sizes_to_hf(config, MODEL_TYPE, "SmolLM3ForCausalLM")
    hf |= decoder.windows_to_hf(config)
    hf |= {
        "use_sliding_window": hf["sliding_window"] is not None,
        "mlp_bias": config.mlp_bias,
        "no_rope_layers": [
            int(config.rotary_at(layer) is not None) for layer in range(config.n_layers)
        ],
    }
    hf |= rotary_to_hf(decoder.one_rotary(config), config.d_head)
    refuse_unlike("SmolLM 3", config, config_from_hf(hf))
    return hf


def state_from_hf(tensors: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """Renamed; queries, keys and values joined."""
    return read_state(decoder.decoder(config), tensors)


def state_to_hf(state: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """The reverse."""
    return write_state(decoder.decoder(config), state)


def config_from_gguf(keys: Keys) -> dict[str, Any]:
    """The same keys from a GGUF file's."""
    # llama.cpp has the interval in its code: every fourth layer is without rotary positions.
    return gguf.llama_like(keys) | {"no_rope_layer_interval": 4, "use_sliding_window": False}


FAMILY = Family(
    model_type=MODEL_TYPE,
    title="SmolLM3",
    tied_names=decoder.TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=decoder.canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
    gguf=(gguf.decoder("smollm3", config_from_gguf, adapt=gguf.LLAMA_ROTARY),),
)
