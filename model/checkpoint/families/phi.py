"""Phi 1, 1.5 and 2 (Gunasekar et al. 2023), as transformers writes them.

Attention and MLP read one norm in parallel; every map has a bias, the unembedding too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from model.checkpoint.families import decoder
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rope import rotary_to_hf
from model.checkpoint.families.rules import Rule, read_state, same, write_state
from model.checkpoint.values import choice, flag, number
from model.config import Norms, QKNorm, TransformerConfig

model_type = "phi"
tied_names = decoder.TIED_NAMES
canonical_name = decoder.canonical_name


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape."""
    return TransformerConfig(
        **decoder.sizes_from_hf(hf, partial=0.5)
        | {
            "norm": "layer",
            "norm_eps": number(hf, "layer_norm_eps", 1e-5),
            "norms": Norms(),
            "activation": choice(hf, "hidden_act", "gelu_new", decoder.ACTIVATIONS),
            "gated": False,
            "parallel": True,
            "qk_norm": QKNorm(bias=True) if flag(hf, "qk_layernorm", False) else None,
            "qkv_bias": True,
            "out_bias": True,
            "mlp_bias": True,
            "unembed_bias": True,
        }
    )


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """A Phi config, or a CheckpointError if the network is none."""
    hf = decoder.sizes_to_hf(config, model_type, "PhiForCausalLM")
    # Keys of its relatives; a Phi's heads always share d_model evenly.
    for key in ("head_dim", "rms_norm_eps", "attention_bias"):
        del hf[key]
    hf["hidden_act"] = decoder.activation_name(config.activation, "gelu_new")
    hf["layer_norm_eps"] = config.norm_eps
    hf["qk_layernorm"] = config.qk_norm is not None
    hf["partial_rotary_factor"] = 1.0
    hf |= rotary_to_hf(decoder.one_rotary(config), config.d_head)
    refuse_unlike("Phi", config, config_from_hf(hf))
    return hf


def state_from_hf(tensors: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """Renamed; queries, keys and values joined."""
    return read_state(_rules(config), tensors)


def state_to_hf(state: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """The reverse."""
    return write_state(_rules(config), state)


def _rules(config: TransformerConfig) -> list[Rule]:
    rules = [
        same("embed.weight", "model.embed_tokens.weight"),
        *decoder.norm("ln_final", "model.final_layernorm", config),
        same("unembed.bias", "lm_head.bias"),
    ]
    if not config.tied_embeddings:
        rules.append(same("unembed.weight", "lm_head.weight"))
    for layer in range(config.n_layers):
        ours, theirs = f"blocks.{layer}", f"model.layers.{layer}"
        projections = [f"{theirs}.self_attn.{letter}_proj" for letter in "qkv"]
        rules += [
            *decoder.block_norms(layer, config),
            *decoder.qkv(f"{ours}.attn.qkv", projections, config),
            *decoder.linear(f"{ours}.attn.out", f"{theirs}.self_attn.dense", True),
            *decoder.linear(f"{ours}.mlp.up", f"{theirs}.mlp.fc1", True),
            *decoder.linear(f"{ours}.mlp.down", f"{theirs}.mlp.fc2", True),
        ]
        if config.qk_norm is not None:
            for letter in "qk":
                norm = f"{theirs}.self_attn.{letter}_layernorm"
                rules += decoder.norm(f"{ours}.attn.{letter}_norm", norm, config, bias=True)
    return rules
