"""Mixtral (Jiang et al. 2024): a Mistral whose MLPs are mixtures of experts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from model.checkpoint.families import decoder, gguf
from model.checkpoint.families.family import Family
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rope import rotary_to_hf
from model.checkpoint.families.rules import Rule, read_state, same, write_state
from model.checkpoint.gguf_keys import Keys
from model.checkpoint.values import spelled, whole
from model.config import Experts, TransformerConfig

MODEL_TYPE = "mixtral"

# transformers' values of keys that a file leaves out.
_USUAL = {
    "vocab_size": 32_000,
    "hidden_size": 4096,
    "intermediate_size": 14_336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "max_position_embeddings": 131_072,
    "rms_norm_eps": 1e-05,
}

# Our part of an expert -> theirs.
_EXPERT = (("gate", "w1"), ("down", "w2"), ("up", "w3"))


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape."""
    hf = decoder.completed(hf, _USUAL)
    experts = Experts(
        whole(hf, spelled(hf, "num_local_experts", "num_experts"), 8, 4096),
        whole(hf, "num_experts_per_tok", 2),
    )
    return TransformerConfig(
        **decoder.sizes_from_hf(hf, base=1e6)
        | {"window": decoder.window_from_hf(hf), "experts": experts}
    )


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """A Mixtral config, or a CheckpointError if the network is none."""
    hf = decoder.sizes_to_hf(config, MODEL_TYPE, "MixtralForCausalLM")
    hf["sliding_window"] = config.window_at(0)
    if config.experts is not None:
        hf["num_local_experts"] = config.experts.n
        hf["num_experts_per_tok"] = config.experts.n_active
    hf |= rotary_to_hf(decoder.one_rotary(config), config.d_head)
    refuse_unlike("Mixtral", config, config_from_hf(hf))
    return hf


def state_from_hf(tensors: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """Renamed; queries, keys and values joined."""
    return read_state(_rules(config), tensors)


def state_to_hf(state: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """The reverse."""
    return write_state(_rules(config), state)


def _rules(config: TransformerConfig) -> list[Rule]:
    assert config.experts is not None
    rules = decoder.ends(config)
    for layer in range(config.n_layers):
        rules += decoder.block_norms(layer, config) + decoder.attention(layer, config)
        ours, theirs = f"blocks.{layer}.mlp", f"model.layers.{layer}.block_sparse_moe"
        rules.append(same(f"{ours}.router.weight", f"{theirs}.gate.weight"))
        rules += [
            same(f"{ours}.experts.{e}.{mine}.weight", f"{theirs}.experts.{e}.{its}.weight")
            for e in range(config.experts.n)
            for mine, its in _EXPERT
        ]
    return rules


def config_from_gguf(keys: Keys) -> dict[str, Any]:
    """The same keys from a GGUF file's."""
    return gguf.llama_like(keys) | {
        "num_local_experts": keys.whole("expert_count"),
        "num_experts_per_tok": keys.whole("expert_used_count"),
        "sliding_window": None,
    }


FAMILY = Family(
    model_type=MODEL_TYPE,
    title="Mixtral",
    tied_names=decoder.TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=decoder.canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
    gguf=(
        gguf.decoder(
            "llama",
            config_from_gguf,
            gguf.LLAMA_ATTENTION | gguf.LLAMA_NORMS | {"ffn_gate_inp": "block_sparse_moe.gate"},
            when=lambda keys: keys.whole("expert_count", 0) > 0,
            adapt=gguf.LLAMA_ROTARY,
            split={
                "ffn_gate_exps": "block_sparse_moe.experts.{}.w1",
                "ffn_down_exps": "block_sparse_moe.experts.{}.w2",
                "ffn_up_exps": "block_sparse_moe.experts.{}.w3",
            },
        ),
    ),
)
