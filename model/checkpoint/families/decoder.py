"""What the Llama-like decoders share: the names of their tensors, the usual keys of their configs.

A family that is a variation of it calls these functions and changes what is its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from model.checkpoint.errors import CheckpointError
from model.checkpoint.families.rope import (
    max_positions,
    n_ctx_of,
    rotary_from_hf,
    rotary_to_hf,
)
from model.checkpoint.families.rules import Rule, joined, reshaped, same
from model.checkpoint.values import (
    LARGEST,
    MOST_LAYERS,
    Config,
    choice,
    flag,
    number,
    where,
    whole,
)
from model.config import Activation, BlockNorm, TransformerConfig
from model.positions import Rotary

T = TypeVar("T")

TIED_NAMES = ("lm_head.weight", "model.embed_tokens.weight")

ACTIVATIONS: dict[str, Activation] = {
    "silu": "silu",
    "swish": "silu",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_accurate": "gelu_tanh",
    "gelu_python_tanh": "gelu_tanh",
    "gelu": "gelu",
    "gelu_python": "gelu",
    "relu": "relu",
    "relu2": "relu2",
    "quick_gelu": "quick_gelu",
    "gelu_10": "gelu_10",
    "mish": "mish",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "relu6": "relu6",
    "leaky_relu": "leaky_relu",
    "hardswish": "hardswish",
    "laplace": "laplace",
    "sqrtsoftplus": "sqrtsoftplus",
    "linear": "linear",
}
"""All that transformers knows, but those that have weights of their own (prelu, xielu)."""

# Buffers that older versions of transformers saved with the weights.
_BUFFER = re.compile(r"(model\.)?(layers\.\d+\.self_attn\.)?rotary_emb\.\w+")

NORMS: dict[BlockNorm, str] = {"ln1": "input_layernorm", "ln2": "post_attention_layernorm"}


def canonical_name(name: str) -> str | None:
    """The name in a file of a whole model, with ``model.``; None for a buffer."""
    if _BUFFER.fullmatch(name):
        return None
    return name if name.startswith(("model.", "lm_head.")) else f"model.{name}"


def per_layer(values: Sequence[T]) -> T | tuple[T, ...]:
    """One value where all layers have the same, otherwise all of them."""
    return values[0] if len(set(values)) == 1 else tuple(values)


def windows_from_hf(
    hf: Mapping[str, Any], n_layers: int, window: int | None, slides: Callable[[int], bool]
) -> int | tuple[int | None, ...] | None:
    """How far each layer looks.

    Args:
        hf: config.json, whose ``layer_types`` count if they are there.
        n_layers: how many layers.
        window: of the sliding ones; None where nothing slides.
        slides: which layers slide where config.json does not say so.

    Raises:
        CheckpointError: the list of types is none, too short, or names an unknown type.
    """
    if window is None:
        return None
    types = hf.get("layer_types")
    if types is None:
        return per_layer([window if slides(layer) else None for layer in range(n_layers)])
    known = {"sliding_attention": window, "full_attention": None}
    if not isinstance(types, list) or len(types) < n_layers:
        raise CheckpointError(
            f"config.json: 'layer_types' must list {n_layers} types, one per layer."
        )
    unknown = [kind for kind in types if not isinstance(kind, str) or kind not in known]
    if unknown:
        raise CheckpointError(
            f"config.json: 'layer_types' has {str(unknown[0])[:60]!r}; supported are "
            f"{', '.join(known)}."
        )
    return per_layer([known[kind] for kind in types[:n_layers]])


def window_from_hf(hf: Mapping[str, Any], default: int | None = None) -> int | None:
    """``sliding_window``; null means that nothing slides, a missing key the default."""
    if "sliding_window" in hf and hf["sliding_window"] is None:
        return None
    if default is None and "sliding_window" not in hf:
        return None
    return whole(hf, "sliding_window", default)


def cap_from_hf(hf: Mapping[str, Any], key: str, default: float | None) -> float | None:
    """A soft cap: the default where the key is missing, none where it is null."""
    if key not in hf or hf[key] is None:
        return default if key not in hf else None
    # A negative one is the same function.
    limit = abs(number(hf, key, 1.0, -1e6, 1e6))
    if limit < 1e-6:
        raise CheckpointError(f"{where(hf)}: {key!r} is {limit:g}; null means no cap.")
    return limit


def windows_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """``sliding_window`` and ``layer_types`` of a network."""
    windows = [config.window_at(layer) for layer in range(config.n_layers)]
    types = ["full_attention" if window is None else "sliding_attention" for window in windows]
    widths = [window for window in windows if window is not None]
    return {"sliding_window": widths[0] if widths else None, "layer_types": types}


def completed(hf: Mapping[str, Any], usual: Mapping[str, Any]) -> Config:
    """config.json, with the values that transformers gives to keys that are missing.

    A key that is null is there.
    """
    return Config({**usual, **hf}, where(hf))


def sizes_from_hf(
    hf: Mapping[str, Any],
    base: float = 10_000.0,
    partial: float | None = None,
    *,
    rounds_up: bool = False,
) -> dict[str, Any]:
    """The values of `TransformerConfig` that all of them read from the same keys.

    Args:
        hf: config.json.
        base, partial: the family's default rotary base, and share of a head that turns; None
            where all of it does, whatever the file says.
        rounds_up: as of `rotary_from_hf`.
    """
    d_model = whole(hf, "hidden_size", None)
    n_heads = whole(hf, "num_attention_heads", None)
    d_head = whole(hf, "head_dim", max(1, d_model // n_heads))
    n_positions = whole(hf, "max_position_embeddings", 2048)
    rotary = rotary_from_hf(hf, d_head, n_positions, base, partial, rounds_up=rounds_up)
    return {
        "n_layers": whole(hf, "num_hidden_layers", None, MOST_LAYERS),
        "n_heads": n_heads,
        "n_kv_heads": whole(hf, "num_key_value_heads", n_heads),
        "d_model": d_model,
        "d_head": d_head,
        "d_mlp": whole(hf, "intermediate_size", None, 4 * LARGEST),
        "d_vocab": whole(hf, "vocab_size", None),
        "n_ctx": n_ctx_of(rotary, n_positions),
        "norm": "rms",
        "norm_eps": number(hf, "rms_norm_eps", 1e-6),
        "positions": "none" if rotary is None else "rotary",
        "rotary": rotary,
        "activation": choice(hf, "hidden_act", "silu", ACTIVATIONS),
        "gated": True,
        "qkv_bias": flag(hf, "attention_bias", False),
        "out_bias": flag(hf, "attention_bias", False),
        "mlp_bias": False,
        "tied_embeddings": flag(hf, "tie_word_embeddings", False),
    }


def sizes_to_hf(config: TransformerConfig, model_type: str, architecture: str) -> dict[str, Any]:
    """The keys that all of them share; rotary settings are the family's own."""
    return {
        "model_type": model_type,
        "architectures": [architecture],
        "vocab_size": config.d_vocab,
        "hidden_size": config.d_model,
        "intermediate_size": config.d_mlp,
        "num_hidden_layers": config.n_layers,
        "num_attention_heads": config.n_heads,
        "num_key_value_heads": config.n_kv_heads,
        "head_dim": config.d_head,
        "hidden_act": activation_name(config.activation),
        "max_position_embeddings": max_positions(config),
        "rms_norm_eps": config.norm_eps,
        "tie_word_embeddings": config.tied_embeddings,
        "attention_bias": config.out_bias,
        "attention_dropout": 0.0,
        # transformers' own defaults may lie outside a small vocabulary.
        "pad_token_id": None,
        "bos_token_id": None,
        "eos_token_id": None,
    }


def activation_name(activation: Activation, usual: str = "") -> str:
    """What transformers calls a nonlinearity; of several names the one that is usual, if any."""
    names = [hf for hf, ours in ACTIVATIONS.items() if ours == activation]
    return usual if usual in names else names[0]


def partial_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """The keys of a rotation for a family in which a share of a head turns, or nothing of it."""
    if config.positions == "none":
        return {"partial_rotary_factor": 0.0}
    return {"partial_rotary_factor": 1.0, **rotary_to_hf(one_rotary(config), config.d_head)}


def one_rotary(config: TransformerConfig) -> Rotary:
    """A rotation of the network; a plain one where it has none, to be found unlike afterwards."""
    return config.rotations[0] if config.rotations else Rotary()


def ends(config: TransformerConfig) -> list[Rule]:
    """The rules outside the blocks."""
    rules = [same("embed.weight", "model.embed_tokens.weight")]
    rules += norm("ln_final", "model.norm", config)
    if not config.tied_embeddings:
        rules.append(same("unembed.weight", "lm_head.weight"))
    return rules


def norm(ours: str, theirs: str, config: TransformerConfig, bias: bool | None = None) -> list[Rule]:
    """The rules of one norm."""
    rules = [same(f"{ours}.w", f"{theirs}.weight")]
    if config.norm == "layer" and (config.norms.bias if bias is None else bias):
        rules.append(same(f"{ours}.b", f"{theirs}.bias"))
    return rules


def linear(ours: str, theirs: str, bias: bool) -> list[Rule]:
    """The rules of one linear map."""
    rules = [same(f"{ours}.weight", f"{theirs}.weight")]
    return [*rules, same(f"{ours}.bias", f"{theirs}.bias")] if bias else rules


def qkv(ours: str, theirs: Sequence[str], config: TransformerConfig) -> list[Rule]:
    """The rules of queries, keys and values that a file keeps apart."""
    kv = config.n_kv_heads * config.d_head
    sizes = (config.n_heads * config.d_head, kv, kv)
    kinds = ("weight", "bias") if config.qkv_bias else ("weight",)
    return [
        joined(f"{ours}.{kind}", [f"{name}.{kind}" for name in theirs], sizes) for kind in kinds
    ]


def attention(layer: int, config: TransformerConfig, out: str = "o_proj") -> list[Rule]:
    """The rules of one attention layer, with its norms of queries and keys."""
    ours, theirs = f"blocks.{layer}.attn", f"model.layers.{layer}.self_attn"
    rules = qkv(f"{ours}.qkv", [f"{theirs}.{letter}_proj" for letter in "qkv"], config)
    rules += linear(f"{ours}.out", f"{theirs}.{out}", config.out_bias)
    if config.qk_norm is not None:
        rules += _qk_norm(f"{ours}.q_norm", f"{theirs}.q_norm", config.n_heads, config)
        rules += _qk_norm(f"{ours}.k_norm", f"{theirs}.k_norm", config.n_kv_heads, config)
    return rules


def _qk_norm(ours: str, theirs: str, n_heads: int, config: TransformerConfig) -> list[Rule]:
    assert config.qk_norm is not None
    if config.qk_norm.over != "all heads":
        return norm(ours, theirs, config, config.qk_norm.bias)
    shape = (n_heads, config.d_head)
    return [
        reshaped(
            f"{ours}.w",
            f"{theirs}.weight",
            lambda w: w.unflatten(0, shape),
            lambda w: w.flatten(),
        )
    ]


def gated_mlp(layer: int, config: TransformerConfig) -> list[Rule]:
    """The rules of one gated MLP."""
    ours, theirs = f"blocks.{layer}.mlp", f"model.layers.{layer}.mlp"
    return [
        rule
        for mine, its in (("gate", "gate_proj"), ("up", "up_proj"), ("down", "down_proj"))
        for rule in linear(f"{ours}.{mine}", f"{theirs}.{its}", config.mlp_bias)
    ]


def block_norms(
    layer: int, config: TransformerConfig, names: Mapping[BlockNorm, str] = NORMS
) -> list[Rule]:
    """The rules of a block's norms."""
    return [
        rule
        for ours in config.block_norms(layer)
        for rule in norm(f"blocks.{layer}.{ours}", f"model.layers.{layer}.{names[ours]}", config)
    ]


def decoder(config: TransformerConfig) -> list[Rule]:
    """The rules of a whole Llama."""
    rules = ends(config)
    for layer in range(config.n_layers):
        rules += block_norms(layer, config) + attention(layer, config) + gated_mlp(layer, config)
    return rules
