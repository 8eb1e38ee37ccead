"""How llama.cpp stores each architecture: its keys and tensor names in transformers' terms.

One `Layout` an architecture: what config.json would say, what each tensor is called there, and how
to undo what the conversion did to its numbers. The tensor names are held to the `gguf` library's
own table by a test. Reads no weight. After llama.cpp's conversion scripts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from model.checkpoint.sources.gguf_configs import (
    bloom_config,
    falcon_config,
    gemma2_config,
    gemma3_config,
    gemma_config,
    gpt2_config,
    gptneox_config,
    granite_config,
    llama_config,
    mixtral_config,
    mpt_config,
    olmo2_config,
    phi3_config,
    phi_config,
    qwen_config,
    smollm3_config,
    stablelm_config,
    starcoder2_config,
)
from model.checkpoint.sources.gguf_keys import Keys

if TYPE_CHECKING:
    from torch import Tensor

Adapt = Callable[["Tensor"], "Tensor"]


@dataclass(frozen=True, slots=True)
class Layout:
    """One architecture.

    Attributes:
        model_type: transformers' name of it.
        config: config.json's keys from the file's.
        top: tensors outside of the layers, ggml's name -> transformers', without their endings.
        layers: what transformers' names of a layer's tensors begin with; ``{}`` is the layer.
        block: tensors of a layer.
        adapt: for some of them, what undoes the conversion; made from the keys.
        split: tensors of a layer that stack others, which are called ``{}``.
        notes: what a person should know.
    """

    model_type: str
    config: Callable[[Keys], dict[str, Any]]
    top: Mapping[str, str]
    layers: str
    block: Mapping[str, str]
    adapt: Mapping[str, Callable[[Keys], Adapt]] = field(default_factory=dict)
    split: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


# What conversions did, undone


def _unrotated(keys: Keys, heads: str) -> Adapt:
    """Rows of q and k, whose rotary pairs llama.cpp puts side by side."""
    n = keys.whole(heads, keys.whole("attention.head_count"))
    return partial(_apart, n_heads=n)


def _apart(tensor: Tensor, n_heads: int) -> Tensor:
    pairs = tensor.unflatten(0, (n_heads, -1, 2))
    return pairs.transpose(1, 2).flatten(0, 2)


def _interleaved(keys: Keys) -> Adapt:
    """Rows [all q, all k, all v] back to [q, k, v] of each head."""
    return partial(_woven, n_heads=keys.whole("attention.head_count"))


def _woven(tensor: Tensor, n_heads: int) -> Tensor:
    return tensor.unflatten(0, (3, n_heads, -1)).transpose(0, 1).flatten(0, 2)


def _grouped(keys: Keys) -> Adapt:
    """Rows [all q, all k, all v] back to Falcon's groups: some q, their k, their v."""
    n_heads = keys.whole("attention.head_count")
    n_kv = keys.whole("attention.head_count_kv", 1)
    return partial(_in_groups, n_heads=n_heads, n_kv=n_kv)


def _in_groups(tensor: Tensor, n_heads: int, n_kv: int) -> Tensor:
    d_head = tensor.shape[0] // (n_heads + 2 * n_kv)
    q, k, v = tensor.split((n_heads * d_head, n_kv * d_head, n_kv * d_head))
    groups = [
        part.unflatten(0, (n_kv, -1, d_head)) for part in (q, k, v)
    ]  # [group, head in it, d_head, …]
    joined = groups[0].new_empty((n_kv, n_heads // n_kv + 2, *groups[0].shape[2:]))
    joined[:, :-2], joined[:, -2:-1], joined[:, -1:] = groups
    return joined.flatten(0, 2)


def _less_one(_: Keys) -> Adapt:
    """Gemma's norms, which llama.cpp stores as the factor 1 + w that they are used as."""
    return _minus_one


def _minus_one(tensor: Tensor) -> Tensor:
    return tensor - 1


# Tensor names

_LLAMA_TOP = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
}
_LLAMA_ATTENTION = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
}
_LLAMA_MLP = {
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_LLAMA_NORMS = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}
_LLAMA_BLOCK = _LLAMA_ATTENTION | _LLAMA_MLP | _LLAMA_NORMS
_QK_NORMS = {"attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm"}
_GEMMA2_NORMS = {
    "attn_norm": "input_layernorm",
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}
_LLAMA_ROTARY = {
    "attn_q": partial(_unrotated, heads="attention.head_count"),
    "attn_k": partial(_unrotated, heads="attention.head_count_kv"),
}


def _decoder(
    model_type: str, config: Callable[[Keys], dict[str, Any]], block: Mapping[str, str], **more: Any
) -> Layout:
    """An architecture with Llama's names outside of its layers."""
    return Layout(model_type, config, _LLAMA_TOP, "model.layers.{}.", block, **more)


def _norms_less_one(*names: str) -> dict[str, Callable[[Keys], Adapt]]:
    return dict.fromkeys(("output_norm", *names), _less_one)


_MIXTRAL = _decoder(
    "mixtral",
    mixtral_config,
    _LLAMA_ATTENTION | _LLAMA_NORMS | {"ffn_gate_inp": "block_sparse_moe.gate"},
    adapt=_LLAMA_ROTARY,
    split={
        "ffn_gate_exps": "block_sparse_moe.experts.{}.w1",
        "ffn_down_exps": "block_sparse_moe.experts.{}.w2",
        "ffn_up_exps": "block_sparse_moe.experts.{}.w3",
    },
)

LAYOUTS: dict[str, Layout] = {
    "llama": _decoder("llama", llama_config, _LLAMA_BLOCK, adapt=_LLAMA_ROTARY),
    "qwen2": _decoder("qwen2", qwen_config, _LLAMA_BLOCK),
    "qwen3": _decoder("qwen3", qwen_config, _LLAMA_BLOCK | _QK_NORMS),
    "gemma": _decoder(
        "gemma", gemma_config, _LLAMA_BLOCK, adapt=_norms_less_one("attn_norm", "ffn_norm")
    ),
    "gemma2": _decoder(
        "gemma2",
        gemma2_config,
        _LLAMA_ATTENTION | _LLAMA_MLP | _GEMMA2_NORMS,
        adapt=_norms_less_one(*_GEMMA2_NORMS),
    ),
    "gemma3": _decoder(
        "gemma3_text",
        gemma3_config,
        _LLAMA_ATTENTION | _LLAMA_MLP | _GEMMA2_NORMS | _QK_NORMS,
        adapt=_norms_less_one(*_GEMMA2_NORMS, *_QK_NORMS),
    ),
    "phi3": _decoder(
        "phi3",
        phi3_config,
        {
            "attn_qkv": "self_attn.qkv_proj",
            "attn_output": "self_attn.o_proj",
            "ffn_up": "mlp.gate_up_proj",
            "ffn_down": "mlp.down_proj",
        }
        | _LLAMA_NORMS,
    ),
    "phi2": Layout(
        "phi",
        phi_config,
        _LLAMA_TOP | {"output_norm": "model.final_layernorm"},
        "model.layers.{}.",
        _LLAMA_ATTENTION
        | {
            "attn_norm": "input_layernorm",
            "attn_output": "self_attn.dense",
            "ffn_up": "mlp.fc1",
            "ffn_down": "mlp.fc2",
        },
    ),
    "smollm3": _decoder("smollm3", smollm3_config, _LLAMA_BLOCK, adapt=_LLAMA_ROTARY),
    "granite": _decoder("granite", granite_config, _LLAMA_BLOCK, adapt=_LLAMA_ROTARY),
    "olmo2": _decoder(
        "olmo2",
        olmo2_config,
        _LLAMA_ATTENTION
        | _LLAMA_MLP
        | _QK_NORMS
        | {
            "post_attention_norm": "post_attention_layernorm",
            "post_ffw_norm": "post_feedforward_layernorm",
        },
    ),
    "stablelm": _decoder(
        "stablelm",
        stablelm_config,
        _LLAMA_BLOCK,
        split={
            "attn_q_norm": "self_attn.q_layernorm.norms.{}",
            "attn_k_norm": "self_attn.k_layernorm.norms.{}",
        },
    ),
    "starcoder2": _decoder(
        "starcoder2",
        starcoder2_config,
        _LLAMA_ATTENTION | _LLAMA_NORMS | {"ffn_up": "mlp.c_fc", "ffn_down": "mlp.c_proj"},
        notes=(
            "StarCoder2's window of attention is not written to GGUF files: every token sees all "
            "before it.",
        ),
    ),
    "gpt2": Layout(
        "gpt2",
        gpt2_config,
        {
            "token_embd": "transformer.wte",
            "position_embd": "transformer.wpe",
            "output_norm": "transformer.ln_f",
            "output": "lm_head",
        },
        "transformer.h.{}.",
        {
            "attn_norm": "ln_1",
            "attn_qkv": "attn.c_attn",
            "attn_output": "attn.c_proj",
            "ffn_norm": "ln_2",
            "ffn_up": "mlp.c_fc",
            "ffn_down": "mlp.c_proj",
        },
    ),
    "gptneox": Layout(
        "gpt_neox",
        gptneox_config,
        {
            "token_embd": "gpt_neox.embed_in",
            "output_norm": "gpt_neox.final_layer_norm",
            "output": "embed_out",
        },
        "gpt_neox.layers.{}.",
        {
            "attn_norm": "input_layernorm",
            "attn_qkv": "attention.query_key_value",
            "attn_output": "attention.dense",
            "ffn_norm": "post_attention_layernorm",
            "ffn_up": "mlp.dense_h_to_4h",
            "ffn_down": "mlp.dense_4h_to_h",
        },
        adapt={"attn_qkv": _interleaved},
    ),
    "falcon": Layout(
        "falcon",
        falcon_config,
        {
            "token_embd": "transformer.word_embeddings",
            "output_norm": "transformer.ln_f",
            "output": "lm_head",
        },
        "transformer.h.{}.",
        {
            "attn_norm": "input_layernorm",
            "attn_qkv": "self_attention.query_key_value",
            "attn_output": "self_attention.dense",
            "ffn_up": "mlp.dense_h_to_4h",
            "ffn_down": "mlp.dense_4h_to_h",
        },
        adapt={"attn_qkv": _grouped},
    ),
    "bloom": Layout(
        "bloom",
        bloom_config,
        {
            "token_embd": "transformer.word_embeddings",
            "token_embd_norm": "transformer.word_embeddings_layernorm",
            "output_norm": "transformer.ln_f",
            "output": "lm_head",
        },
        "transformer.h.{}.",
        {
            "attn_norm": "input_layernorm",
            "attn_qkv": "self_attention.query_key_value",
            "attn_output": "self_attention.dense",
            "ffn_norm": "post_attention_layernorm",
            "ffn_up": "mlp.dense_h_to_4h",
            "ffn_down": "mlp.dense_4h_to_h",
        },
        adapt={"attn_qkv": _interleaved},
    ),
    "mpt": Layout(
        "mpt",
        mpt_config,
        {"token_embd": "transformer.wte", "output_norm": "transformer.norm_f", "output": "lm_head"},
        "transformer.blocks.{}.",
        {
            "attn_norm": "norm_1",
            "attn_qkv": "attn.Wqkv",
            "attn_output": "attn.out_proj",
            "attn_q_norm": "attn.q_ln",
            "attn_k_norm": "attn.k_ln",
            "ffn_norm": "norm_2",
            "ffn_up": "ffn.up_proj",
            "ffn_down": "ffn.down_proj",
        },
    ),
}
# Falcon 40B has two norms, which its 7B has not.
FALCON_40B_NORMS = {"attn_norm": "ln_mlp", "attn_norm_2": "ln_attn"}
# transformers stores a GPT-2's linear maps transposed, llama.cpp as they are used.
GPT2_TRANSPOSED = frozenset({"attn_qkv", "attn_output", "ffn_up", "ffn_down"})


def layout_of(architecture: str, keys: Keys) -> Layout | None:
    """The layout of an architecture, None if it is not known."""
    if architecture == "llama" and keys.whole("expert_count", 0) > 0:
        return _MIXTRAL
    return LAYOUTS.get(architecture)
