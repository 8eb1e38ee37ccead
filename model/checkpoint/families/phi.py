"""Phi 1, 1.5 and 2 (Gunasekar et al. 2023), as transformers writes them.

Attention and MLP read one norm in parallel; every map has a bias, the unembedding too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from model.checkpoint.families import decoder, gguf
from model.checkpoint.families.family import Family
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rules import Rule, read_state, same, write_state
from model.checkpoint.gguf_keys import Keys
from model.checkpoint.values import choice, flag, number
from model.config import Norms, QKNorm, TransformerConfig

MODEL_TYPE = "phi"

# transformers' values of keys that a file leaves out.
_USUAL = {
    "vocab_size": 51_200,
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "num_hidden_layers": 24,
    "num_attention_heads": 32,
}


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape."""
    hf = decoder.completed(hf, _USUAL)
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
    hf = decoder.sizes_to_hf(config, MODEL_TYPE, "PhiForCausalLM")
    # Keys of its relatives; a Phi's heads always share d_model evenly.
    for key in ("head_dim", "rms_norm_eps", "attention_bias"):
        del hf[key]
    hf["hidden_act"] = decoder.activation_name(config.activation, "gelu_new")
    hf["layer_norm_eps"] = config.norm_eps
    hf["qk_layernorm"] = config.qk_norm is not None
    hf |= decoder.partial_to_hf(config)
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
    ]
    if config.unembed_bias:
        rules.append(same("unembed.bias", "lm_head.bias"))
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


def config_from_gguf(keys: Keys) -> dict[str, Any]:
    """The same keys from a GGUF file's."""
    config = gguf.common(keys) | gguf.rope(keys)
    d_head = config["hidden_size"] // config["num_attention_heads"]
    return config | {
        "layer_norm_eps": keys.number("attention.layer_norm_epsilon", 1e-5),
        "hidden_act": "gelu_new",
        "partial_rotary_factor": keys.whole("rope.dimension_count", d_head) / d_head,
        "qk_layernorm": False,
    }


FAMILY = Family(
    model_type=MODEL_TYPE,
    title="Phi",
    tied_names=decoder.TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=decoder.canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
    gguf=(
        gguf.Layout(
            architecture="phi2",
            config=config_from_gguf,
            top=gguf.LLAMA_TOP | {"output_norm": "model.final_layernorm"},
            layers="model.layers.{}.",
            block=gguf.LLAMA_ATTENTION
            | {
                "attn_norm": "input_layernorm",
                "attn_output": "self_attn.dense",
                "ffn_up": "mlp.fc1",
                "ffn_down": "mlp.fc2",
            },
        ),
    ),
)
