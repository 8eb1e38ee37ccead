"""What families share of llama.cpp's GGUF files: how it names, stores and describes a network.

A family that llama.cpp knows has a `Layout`, or several: the keys of config.json from those of the
file, what each tensor is called there, and how to undo what the conversion did to its numbers. The
tensor names are held to the `gguf` library's own table by a test. Where llama.cpp has a number in
its code and not in the file, so has the family. After llama.cpp's conversion scripts. Reads no
weight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from torch import Tensor

from model.checkpoint.gguf_keys import Keys

Adapt: TypeAlias = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How one architecture of llama.cpp's holds a family.

    Attributes:
        architecture: llama.cpp's name of it.
        config: config.json's keys from the file's.
        top: tensors outside of the layers, ggml's name -> transformers', without their endings.
        layers: what transformers' names of a layer's tensors begin with; ``{}`` is the layer.
        block: tensors of a layer.
        when: which of the architecture's files are meant; None for those that no other layout
            of it takes.
        adapt: for some tensors, what undoes the conversion; made from the keys.
        split: tensors of a layer that stack others, which are called ``{}``.
        transposed: matrices of a layer that transformers stores transposed, llama.cpp as they
            are used.
        notes: what a person should know.
    """

    architecture: str
    config: Callable[[Keys], dict[str, Any]]
    top: Mapping[str, str]
    layers: str
    block: Mapping[str, str]
    when: Callable[[Keys], bool] | None = None
    adapt: Mapping[str, Callable[[Keys], Adapt]] = field(default_factory=dict)
    split: Mapping[str, str] = field(default_factory=dict)
    transposed: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


# What conversions did, undone


def unrotated(keys: Keys, heads: str) -> Adapt:
    """Rows of q and k, whose rotary pairs llama.cpp puts side by side."""
    n = keys.whole(heads, keys.whole("attention.head_count"))
    return partial(_apart, n_heads=n)


def _apart(tensor: Tensor, n_heads: int) -> Tensor:
    pairs = tensor.unflatten(0, (n_heads, -1, 2))
    return pairs.transpose(1, 2).flatten(0, 2)


def interleaved(keys: Keys) -> Adapt:
    """Rows [all q, all k, all v] back to [q, k, v] of each head."""
    return partial(_woven, n_heads=keys.whole("attention.head_count"))


def _woven(tensor: Tensor, n_heads: int) -> Tensor:
    return tensor.unflatten(0, (3, n_heads, -1)).transpose(0, 1).flatten(0, 2)


def less_one(_: Keys) -> Adapt:
    """Gemma's norms, which llama.cpp stores as the factor 1 + w that they are used as."""
    return _minus_one


def _minus_one(tensor: Tensor) -> Tensor:
    return tensor - 1


# Tensor names

LLAMA_TOP = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
}
LLAMA_ATTENTION = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
}
LLAMA_MLP = {
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
LLAMA_NORMS = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}
LLAMA_BLOCK = LLAMA_ATTENTION | LLAMA_MLP | LLAMA_NORMS
QK_NORMS = {"attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm"}
GEMMA2_NORMS = {
    "attn_norm": "input_layernorm",
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}
LLAMA_ROTARY = {
    "attn_q": partial(unrotated, heads="attention.head_count"),
    "attn_k": partial(unrotated, heads="attention.head_count_kv"),
}


def decoder(
    architecture: str,
    config: Callable[[Keys], dict[str, Any]],
    block: Mapping[str, str] = LLAMA_BLOCK,
    **more: Any,
) -> Layout:
    """An architecture with Llama's names outside of its layers."""
    return Layout(
        **{"top": LLAMA_TOP, "layers": "model.layers.{}.", **more},
        architecture=architecture,
        config=config,
        block=block,
    )


def norms_less_one(*names: str) -> dict[str, Callable[[Keys], Adapt]]:
    """The last norm and these of a layer, which are stored as the factor that they are used as."""
    return dict.fromkeys(("output_norm", *names), less_one)


# Keys


def common(keys: Keys) -> dict[str, Any]:
    """What most configs call alike."""
    heads = keys.whole("attention.head_count")
    config: dict[str, Any] = {
        "hidden_size": keys.whole("embedding_length"),
        "intermediate_size": keys.whole("feed_forward_length"),
        "num_hidden_layers": keys.whole("block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": keys.whole("attention.head_count_kv", heads),
        "max_position_embeddings": keys.whole("context_length"),
        "vocab_size": keys.d_vocab,
        "tie_word_embeddings": not keys.has("output.weight"),
    }
    return config


def rope(keys: Keys) -> dict[str, Any]:
    """The rotary base, and how positions are stretched."""
    config: dict[str, Any] = {"rope_theta": keys.number("rope.freq_base", 10_000.0)}
    scaling = keys.text("rope.scaling.type", "none")
    factor = keys.number("rope.scaling.factor", 1.0)
    if scaling in ("linear", "yarn") and factor != 1.0:
        config["rope_scaling"] = {"rope_type": scaling, "factor": factor}
        original = keys.whole("rope.scaling.original_context_length", 0)
        if original:
            config["rope_scaling"]["original_max_position_embeddings"] = original
    elif scaling not in ("none", "linear", "yarn", "longrope"):
        raise keys.unusable("rope.scaling.type", "none, linear, yarn or longrope")
    return config


def llama_like(keys: Keys) -> dict[str, Any]:
    """What Llama and its descendants share."""
    config = common(keys) | rope(keys)
    config |= {
        "rms_norm_eps": keys.number("attention.layer_norm_rms_epsilon", 1e-6),
        "hidden_act": "silu",
        "attention_bias": keys.has("blk.0.attn_q.bias"),
        "mlp_bias": keys.has("blk.0.ffn_up.bias"),
    }
    d_head = keys.whole("attention.key_length", 0)
    if d_head:
        config["head_dim"] = d_head
    return config


def gemma_like(keys: Keys) -> dict[str, Any]:
    """What the Gemmas share."""
    config = llama_like(keys) | {"hidden_activation": "gelu_pytorch_tanh"}
    del config["hidden_act"], config["mlp_bias"]
    return config
