"""StableLM 2 and 3B (Bellagente et al. 2024), as transformers writes them.

A Llama with LayerNorms; the 12B runs attention and MLP in parallel and norms each head's queries
and keys by weights of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from model.checkpoint.families import decoder, gguf
from model.checkpoint.families.family import Family
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rules import Rule, read_state, write_state
from model.checkpoint.gguf_keys import Keys
from model.checkpoint.values import flag, number
from model.config import Norms, QKNorm, TransformerConfig

MODEL_TYPE = "stablelm"

# transformers' values of keys that a file leaves out.
_USUAL = {
    "vocab_size": 50_304,
    "hidden_size": 2560,
    "intermediate_size": 6912,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "max_position_embeddings": 4096,
}


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape."""
    hf = decoder.completed(hf, _USUAL)
    return TransformerConfig(
        **decoder.sizes_from_hf(hf, partial=0.25)
        | {
            "norm": "layer",
            "norm_eps": number(hf, "layer_norm_eps", 1e-5),
            "norms": Norms(),
            "parallel": flag(hf, "use_parallel_residual", False),
            "qk_norm": QKNorm("each head") if flag(hf, "qk_layernorm", False) else None,
            "qkv_bias": flag(hf, "use_qkv_bias", False),
            "out_bias": False,
        }
    )


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """A StableLM config, or a CheckpointError if the network is none."""
    hf = decoder.sizes_to_hf(config, MODEL_TYPE, "StableLmForCausalLM")
    # Keys of its relatives; a StableLM's heads always share d_model evenly.
    for key in ("head_dim", "rms_norm_eps", "attention_bias"):
        del hf[key]
    hf["layer_norm_eps"] = config.norm_eps
    hf["use_parallel_residual"] = config.parallel
    hf["qk_layernorm"] = config.qk_norm is not None
    hf["use_qkv_bias"] = config.qkv_bias
    hf |= decoder.partial_to_hf(config)
    refuse_unlike("StableLM", config, config_from_hf(hf))
    return hf


def state_from_hf(tensors: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """Renamed; queries, keys and values joined, norms of heads stacked."""
    return read_state(_rules(config), tensors)


def state_to_hf(state: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """The reverse."""
    return write_state(_rules(config), state)


def _rules(config: TransformerConfig) -> list[Rule]:
    rules = decoder.ends(config)
    for layer in range(config.n_layers):
        ours, theirs = f"blocks.{layer}.attn", f"model.layers.{layer}.self_attn"
        projections = [f"{theirs}.{letter}_proj" for letter in "qkv"]
        rules += [
            *decoder.block_norms(layer, config),
            *decoder.qkv(f"{ours}.qkv", projections, config),
            *decoder.linear(f"{ours}.out", f"{theirs}.o_proj", False),
            *decoder.gated_mlp(layer, config),
        ]
        if config.qk_norm is not None:
            for letter, n_heads in (("q", config.n_heads), ("k", config.n_kv_heads)):
                norms = f"{theirs}.{letter}_layernorm.norms"
                rules.append(
                    Rule(
                        (f"{ours}.{letter}_norm.w",),
                        tuple(f"{norms}.{head}.weight" for head in range(n_heads)),
                        lambda weights: [torch.stack(tuple(weights))],
                        lambda weights: weights[0].unbind(),
                    )
                )
    return rules


def config_from_gguf(keys: Keys) -> dict[str, Any]:
    """The same keys from a GGUF file's."""
    config = gguf.common(keys) | gguf.rope(keys)
    d_head = config["hidden_size"] // config["num_attention_heads"]
    return config | {
        "layer_norm_eps": keys.number("attention.layer_norm_epsilon", 1e-5),
        "hidden_act": "silu",
        "partial_rotary_factor": keys.whole("rope.dimension_count", d_head) / d_head,
        "use_qkv_bias": keys.has("blk.0.attn_q.bias"),
        "use_parallel_residual": keys.flag("use_parallel_residual", False),
        "qk_layernorm": keys.has("blk.0.attn_q_norm.weight"),
    }


FAMILY = Family(
    model_type=MODEL_TYPE,
    title="StableLM",
    tied_names=decoder.TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=decoder.canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
    gguf=(
        gguf.decoder(
            "stablelm",
            config_from_gguf,
            split={
                "attn_q_norm": "self_attn.q_layernorm.norms.{}",
                "attn_k_norm": "self_attn.k_layernorm.norms.{}",
            },
        ),
    ),
)
