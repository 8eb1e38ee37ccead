"""GPT-J (Wang and Komatsuzaki 2021), as transformers writes it.

Attention and MLP read one norm in parallel; neighbouring dimensions turn together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from model.checkpoint.families import decoder
from model.checkpoint.families.family import Family
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rules import Rule, read_state, same, write_state
from model.checkpoint.values import LARGEST, MOST_LAYERS, choice, flag, number, spelled, whole
from model.config import TransformerConfig
from model.positions import Rotary

MODEL_TYPE = "gptj"
TIED_NAMES = ("lm_head.weight", "transformer.wte.weight")

# Causal masks and angles that older versions of transformers saved with the weights.
_BUFFER = re.compile(r"h\.\d+\.attn\.(bias|masked_bias|embed_positions)")


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape; keys that are missing have the values of GPT-J 6B, as in transformers."""
    d_model = whole(hf, spelled(hf, "n_embd", "hidden_size"), 4096)
    return TransformerConfig(
        n_layers=whole(hf, spelled(hf, "n_layer", "num_hidden_layers"), 28, MOST_LAYERS),
        n_heads=whole(hf, spelled(hf, "n_head", "num_attention_heads"), 16),
        d_model=d_model,
        d_mlp=whole(hf, "n_inner", 4 * d_model, 4 * LARGEST),
        d_vocab=whole(hf, "vocab_size", 50400),
        n_ctx=whole(hf, spelled(hf, "n_positions", "max_position_embeddings"), 2048),
        norm_eps=number(hf, "layer_norm_epsilon", 1e-5),
        positions="rotary",
        rotary=Rotary(dim=whole(hf, "rotary_dim", 64), interleaved=True),
        activation=choice(hf, "activation_function", "gelu_new", decoder.ACTIVATIONS),
        parallel=True,
        qkv_bias=False,
        out_bias=False,
        unembed_bias=True,
        tied_embeddings=flag(hf, "tie_word_embeddings", False),
    )


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """A GPT-J config, or a CheckpointError if the network is none."""
    hf = {
        "model_type": MODEL_TYPE,
        "architectures": ["GPTJForCausalLM"],
        "vocab_size": config.d_vocab,
        "n_positions": config.n_ctx,
        "n_embd": config.d_model,
        "n_layer": config.n_layers,
        "n_head": config.n_heads,
        "n_inner": config.d_mlp,
        "rotary_dim": config.rotary_dim(decoder.one_rotary(config)),
        "activation_function": decoder.activation_name(config.activation, "gelu_new"),
        "layer_norm_epsilon": config.norm_eps,
        "tie_word_embeddings": config.tied_embeddings,
        "resid_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "attn_pdrop": 0.0,
    }
    refuse_unlike("GPT-J", config, config_from_hf(hf))
    return hf


def canonical_name(name: str) -> str | None:
    """With the prefix ``transformer.``; None for the masks and angles of old files."""
    bare = name.removeprefix("transformer.")
    if _BUFFER.fullmatch(bare):
        return None
    return bare if bare.startswith("lm_head.") else f"transformer.{bare}"


def state_from_hf(tensors: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """Renamed; queries, keys and values joined."""
    return read_state(_rules(config), tensors)


def state_to_hf(state: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """The reverse."""
    return write_state(_rules(config), state)


def _rules(config: TransformerConfig) -> list[Rule]:
    rules = [
        same("embed.weight", "transformer.wte.weight"),
        *decoder.norm("ln_final", "transformer.ln_f", config),
    ]
    if config.unembed_bias:
        rules.append(same("unembed.bias", "lm_head.bias"))
    if not config.tied_embeddings:
        rules.append(same("unembed.weight", "lm_head.weight"))
    for layer in range(config.n_layers):
        ours, theirs = f"blocks.{layer}", f"transformer.h.{layer}"
        projections = [f"{theirs}.attn.{letter}_proj" for letter in "qkv"]
        rules += [
            *decoder.norm(f"{ours}.ln1", f"{theirs}.ln_1", config),
            *decoder.qkv(f"{ours}.attn.qkv", projections, config),
            *decoder.linear(f"{ours}.attn.out", f"{theirs}.attn.out_proj", False),
            *decoder.linear(f"{ours}.mlp.up", f"{theirs}.mlp.fc_in", True),
            *decoder.linear(f"{ours}.mlp.down", f"{theirs}.mlp.fc_out", True),
        ]
    return rules


FAMILY = Family(
    model_type=MODEL_TYPE,
    title="GPT-J",
    tied_names=TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
)
