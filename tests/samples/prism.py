"""A family that nobody has published: Llama's network under names and keys of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from model.checkpoint.families import decoder, gguf
from model.checkpoint.families.family import Family
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rules import Rule, read_state, write_state
from model.checkpoint.gguf_keys import Keys
from model.config import TransformerConfig

_KEYS = {
    "depth": "num_hidden_layers",
    "width": "hidden_size",
    "heads": "num_attention_heads",
    "inner": "intermediate_size",
    "tokens": "vocab_size",
    "context": "max_position_embeddings",
}


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    return TransformerConfig(
        **decoder.sizes_from_hf({llamas: hf[ours] for ours, llamas in _KEYS.items()})
    )


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    llamas = decoder.sizes_to_hf(config, "prism", "PrismForCausalLM")
    hf = {ours: llamas[theirs] for ours, theirs in _KEYS.items()}
    refuse_unlike("Prism", config, config_from_hf(hf))
    return hf | {"model_type": "prism", "architectures": llamas["architectures"]}


def canonical_name(name: str) -> str | None:
    return name


def state_from_hf(tensors: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    return read_state(_rules(config), tensors)


def state_to_hf(state: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    return write_state(_rules(config), state)


def _rules(config: TransformerConfig) -> list[Rule]:
    return [
        replace(rule, theirs=tuple(f"prism.{name}" for name in rule.theirs))
        for rule in decoder.decoder(config)
    ]


def config_from_gguf(keys: Keys) -> dict[str, Any]:
    llamas = gguf.common(keys)
    return {ours: llamas[theirs] for ours, theirs in _KEYS.items()}


FAMILY = Family(
    model_type="prism",
    title="Prism",
    tied_names=("prism.lm_head.weight", "prism.model.embed_tokens.weight"),
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
    gguf=(
        gguf.Layout(
            architecture="prism",
            config=config_from_gguf,
            top={name: f"prism.{theirs}" for name, theirs in gguf.LLAMA_TOP.items()},
            layers="prism.model.layers.{}.",
            block=gguf.LLAMA_BLOCK,
            adapt=gguf.LLAMA_ROTARY,
        ),
    ),
)
