"""Granite 3 (IBM 2024): a Llama with four factors."""

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
from model.checkpoint.values import flag, number, where
from model.config import Scales, TransformerConfig

MODEL_TYPE = "granite"

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
    scales = Scales(
        embedding=number(hf, "embedding_multiplier", 1.0, -1e6, 1e6),
        residual=number(hf, "residual_multiplier", 1.0, -1e6, 1e6),
        scores=number(hf, "attention_multiplier", 1.0, -1e6, 1e6),
        logits=1 / _divisor(hf),
    )
    return TransformerConfig(
        **decoder.sizes_from_hf(hf) | {"mlp_bias": flag(hf, "mlp_bias", False), "scales": scales}
    )


def _divisor(hf: Mapping[str, Any]) -> float:
    """What logits are divided by; any number but zero."""
    divisor = number(hf, "logits_scaling", 1.0, -1e6, 1e6)
    if abs(divisor) < 1e-6:
        raise CheckpointError(f"{where(hf)}: 'logits_scaling' is {divisor:g}; another number fits.")
    return divisor


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """A Granite config, or a CheckpointError if the network is none."""
    hf = decoder.sizes_to_hf(config, MODEL_TYPE, "GraniteForCausalLM")
    hf |= {
        "mlp_bias": config.mlp_bias,
        "embedding_multiplier": config.scales.embedding,
        "residual_multiplier": config.scales.residual,
        "attention_multiplier": config.score_scale(0),
        # Twelve digits: the number that someone once wrote, not its reciprocal's reciprocal.
        "logits_scaling": float(f"{1 / config.scales.logits:.12g}"),
    }
    hf |= rotary_to_hf(decoder.one_rotary(config), config.d_head)
    refuse_unlike("Granite", config, config_from_hf(hf))
    return hf


def state_from_hf(tensors: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """Renamed; queries, keys and values joined."""
    return read_state(decoder.decoder(config), tensors)


def state_to_hf(state: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """The reverse."""
    return write_state(decoder.decoder(config), state)


def config_from_gguf(keys: Keys) -> dict[str, Any]:
    """The same keys from a GGUF file's."""
    return gguf.llama_like(keys) | {
        "attention_multiplier": keys.number("attention.scale", 1.0),
        "embedding_multiplier": keys.number("embedding_scale", 1.0),
        "residual_multiplier": keys.number("residual_scale", 1.0),
        "logits_scaling": keys.number("logit_scale", 1.0),
    }


FAMILY = Family(
    model_type=MODEL_TYPE,
    title="Granite",
    tied_names=decoder.TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=decoder.canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
    gguf=(gguf.decoder("granite", config_from_gguf, adapt=gguf.LLAMA_ROTARY),),
)
