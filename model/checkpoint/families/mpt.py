"""MPT (MosaicML 2023), as transformers writes it.

Positions are linear biases; no map and no norm has a bias. MosaicML's own code knows more: learned
positions, biases, norms of queries and keys. transformers leaves them out without a word, so that
there is nothing to hold such a network to: their keys are refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from model.checkpoint.errors import CheckpointError
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rules import Rule, read_state, same, write_state
from model.checkpoint.values import (
    MOST_LAYERS,
    Config,
    flag,
    must_be,
    number,
    spelled,
    where,
    whole,
)
from model.config import Caps, Norms, Scales, TransformerConfig

model_type = "mpt"
tied_names = ("lm_head.weight", "transformer.wte.weight")

# Keys that MosaicML's code reads and transformers' does not, with what they must be.
_WHOLE: tuple[tuple[str, Any], ...] = (
    ("no_bias", True),
    ("expansion_ratio", 4),
    ("logit_scale", None),
    ("norm_type", "low_precision_layernorm"),
)
_ATTENTION: tuple[tuple[str, Any], ...] = (
    ("attn_type", "multihead_attention"),
    ("alibi", True),
    ("alibi_bias_max", 8),
    ("rope", False),
    ("qk_ln", False),
    ("qk_gn", False),
    ("prefix_lm", False),
    ("sliding_window_size", -1),
)


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape; keys that are missing have the values that transformers gives them."""
    attention = hf.get("attn_config") or {}
    if not isinstance(attention, Mapping):
        raise CheckpointError(f"{where(hf)}: 'attn_config' is no object; copy the file again.")
    attention = Config(attention, f"{where(hf)}, 'attn_config'")
    _refuse_others(hf, _WHOLE)
    _refuse_others(attention, _ATTENTION)
    must_be(attention, "attn_uses_sequence_id", False)
    # Zero clips nothing, as in transformers. learned_pos_emb counts only without linear biases.
    clip = number(attention, "clip_qkv", 0.0) or None
    scale = attention.get("softmax_scale")
    return TransformerConfig(
        n_layers=whole(hf, spelled(hf, "n_layers", "num_hidden_layers"), 24, MOST_LAYERS),
        n_heads=whole(hf, spelled(hf, "n_heads", "num_attention_heads"), 16),
        d_model=whole(hf, spelled(hf, "d_model", "hidden_size"), 2048),
        d_vocab=whole(hf, "vocab_size", 50368),
        n_ctx=whole(hf, "max_seq_len", 2048),
        norm_eps=number(hf, "layer_norm_epsilon", 1e-5),
        norms=Norms(bias=False),
        positions="alibi",
        activation="gelu",
        qkv_bias=False,
        out_bias=False,
        mlp_bias=False,
        scales=Scales(scores=None if scale is None else number(attention, "softmax_scale", 1.0)),
        caps=Caps(qkv=clip),
        tied_embeddings=flag(hf, "tie_word_embeddings", True),
    )


def _refuse_others(hf: Mapping[str, Any], wanted: tuple[tuple[str, Any], ...]) -> None:
    for key, value in wanted:
        if hf.get(key, value) not in (value, None):
            raise CheckpointError(
                f"{where(hf)} sets {key!r} to {str(hf[key])[:60]!r}; transformers' MPT takes no "
                "notice of it and would give other numbers than the model was trained with, so "
                "that it is not supported."
            )


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """An MPT config, or a CheckpointError if the network is none."""
    hf = {
        "model_type": model_type,
        "architectures": ["MptForCausalLM"],
        "vocab_size": config.d_vocab,
        "d_model": config.d_model,
        "n_heads": config.n_heads,
        "n_layers": config.n_layers,
        "expansion_ratio": 4,
        "max_seq_len": config.n_ctx,
        "layer_norm_epsilon": config.norm_eps,
        "learned_pos_emb": False,
        "no_bias": True,
        "attn_config": {
            "alibi": True,
            "alibi_bias_max": 8,
            "clip_qkv": config.caps.qkv,
            "softmax_scale": config.scales.scores,
        },
        "tie_word_embeddings": config.tied_embeddings,
    }
    refuse_unlike("MPT", config, config_from_hf(hf))
    return hf


def canonical_name(name: str) -> str | None:
    """With the prefix ``transformer.``."""
    return name if name.startswith(("transformer.", "lm_head.")) else f"transformer.{name}"


def state_from_hf(tensors: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """Renamed."""
    return read_state(_rules(config), tensors)


def state_to_hf(state: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """The reverse."""
    return write_state(_rules(config), state)


def _rules(config: TransformerConfig) -> list[Rule]:
    rules = [
        same("embed.weight", "transformer.wte.weight"),
        same("ln_final.w", "transformer.norm_f.weight"),
    ]
    if not config.tied_embeddings:
        rules.append(same("unembed.weight", "lm_head.weight"))
    for layer in range(config.n_layers):
        ours, theirs = f"blocks.{layer}", f"transformer.blocks.{layer}"
        rules += [
            same(f"{ours}.ln1.w", f"{theirs}.norm_1.weight"),
            same(f"{ours}.attn.qkv.weight", f"{theirs}.attn.Wqkv.weight"),
            same(f"{ours}.attn.out.weight", f"{theirs}.attn.out_proj.weight"),
            same(f"{ours}.ln2.w", f"{theirs}.norm_2.weight"),
            same(f"{ours}.mlp.up.weight", f"{theirs}.ffn.up_proj.weight"),
            same(f"{ours}.mlp.down.weight", f"{theirs}.ffn.down_proj.weight"),
        ]
    return rules
