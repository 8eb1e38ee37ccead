"""GPT-Neo (Black et al. 2021), as transformers writes it.

Scores are not divided by √d_head, and every other layer looks back through a window only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from model.checkpoint.errors import CheckpointError
from model.checkpoint.families import decoder
from model.checkpoint.families.family import Family
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rules import Rule, read_state, same, write_state
from model.checkpoint.values import (
    LARGEST,
    MOST_LAYERS,
    choice,
    flag,
    number,
    spelled,
    where,
    whole,
)
from model.config import Scales, TransformerConfig

MODEL_TYPE = "gpt_neo"
TIED_NAMES = ("lm_head.weight", "transformer.wte.weight")

# Causal masks that older versions of transformers saved with the weights.
_MASK = re.compile(r"h\.\d+\.attn\.attention\.(bias|masked_bias)")


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape; keys that are missing have the values that transformers gives them."""
    d_model = whole(hf, "hidden_size", 2048)
    n_layers = whole(hf, spelled(hf, "num_layers", "num_hidden_layers"), 24, MOST_LAYERS)
    reach = {"global": None, "local": whole(hf, "window_size", 256)}
    return TransformerConfig(
        n_layers=n_layers,
        n_heads=whole(hf, spelled(hf, "num_heads", "num_attention_heads"), 16),
        d_model=d_model,
        d_mlp=whole(hf, "intermediate_size", 4 * d_model, 4 * LARGEST),
        d_vocab=whole(hf, "vocab_size", 50257),
        n_ctx=whole(hf, "max_position_embeddings", 2048),
        norm_eps=number(hf, "layer_norm_epsilon", 1e-5),
        activation=choice(hf, "activation_function", "gelu_new", decoder.ACTIVATIONS),
        window=decoder.per_layer([reach[kind] for kind in _attention_types(hf, n_layers)]),
        qkv_bias=False,
        scales=Scales(scores=1.0),
        tied_embeddings=flag(hf, "tie_word_embeddings", True),
    )


def _attention_types(hf: Mapping[str, Any], n_layers: int) -> list[str]:
    """``global`` or ``local`` for each layer, from pairs of types and how often they follow."""
    pairs = hf.get("attention_types", [[["global", "local"], 12]])
    types: list[str] = []
    for pair in pairs if isinstance(pairs, list) else [pairs]:
        match pair:
            case [list(kinds), int(times)] if all(
                kind in ("global", "local") for kind in kinds
            ) and 0 < len(kinds) * times <= n_layers - len(types):
                types += kinds * times
            case _:
                raise _not_types(hf, n_layers)
    if len(types) != n_layers:
        raise _not_types(hf, n_layers)
    return types


def _not_types(hf: Mapping[str, Any], n_layers: int) -> CheckpointError:
    return CheckpointError(
        f"{where(hf)}: 'attention_types' must list pairs of types ('global', 'local') and how "
        f"often they follow, {n_layers} layers in all."
    )


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """A GPT-Neo config, or a CheckpointError if the network is none."""
    windows = [config.window_at(layer) for layer in range(config.n_layers)]
    types = ["global" if window is None else "local" for window in windows]
    hf = {
        "model_type": MODEL_TYPE,
        "architectures": ["GPTNeoForCausalLM"],
        "vocab_size": config.d_vocab,
        "max_position_embeddings": config.n_ctx,
        "hidden_size": config.d_model,
        "num_layers": config.n_layers,
        "num_heads": config.n_heads,
        "intermediate_size": config.d_mlp,
        "attention_types": [[types, 1]],
        "window_size": next((window for window in windows if window is not None), 256),
        "activation_function": decoder.activation_name(config.activation, "gelu_new"),
        "layer_norm_epsilon": config.norm_eps,
        "tie_word_embeddings": config.tied_embeddings,
        "resid_dropout": 0.0,
        "embed_dropout": 0.0,
        "attention_dropout": 0.0,
    }
    refuse_unlike("GPT-Neo", config, config_from_hf(hf))
    return hf


def canonical_name(name: str) -> str | None:
    """With the prefix ``transformer.``; None for the causal masks of old files."""
    bare = name.removeprefix("transformer.")
    if _MASK.fullmatch(bare):
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
        same("pos_embed.weight", "transformer.wpe.weight"),
        *decoder.norm("ln_final", "transformer.ln_f", config),
    ]
    if not config.tied_embeddings:
        rules.append(same("unembed.weight", "lm_head.weight"))
    for layer in range(config.n_layers):
        ours, theirs = f"blocks.{layer}", f"transformer.h.{layer}"
        projections = [f"{theirs}.attn.attention.{letter}_proj" for letter in "qkv"]
        rules += [
            *decoder.norm(f"{ours}.ln1", f"{theirs}.ln_1", config),
            *decoder.qkv(f"{ours}.attn.qkv", projections, config),
            *decoder.linear(f"{ours}.attn.out", f"{theirs}.attn.attention.out_proj", True),
            *decoder.norm(f"{ours}.ln2", f"{theirs}.ln_2", config),
            *decoder.linear(f"{ours}.mlp.up", f"{theirs}.mlp.c_fc", True),
            *decoder.linear(f"{ours}.mlp.down", f"{theirs}.mlp.c_proj", True),
        ]
    return rules


FAMILY = Family(
    model_type=MODEL_TYPE,
    title="GPT-Neo",
    tied_names=TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
)
