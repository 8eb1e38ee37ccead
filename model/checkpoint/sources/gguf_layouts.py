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


# Configs


def _common(keys: Keys) -> dict[str, Any]:
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


def _rope(keys: Keys) -> dict[str, Any]:
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


def _llama_like(keys: Keys) -> dict[str, Any]:
    config = _common(keys) | _rope(keys)
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


def _llama(keys: Keys) -> dict[str, Any]:
    config = _llama_like(keys)
    d_head = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    if keys.has("rope_freqs.weight"):
        config["rope_scaling"] = keys.llama3_scaling(config["rope_theta"], d_head)
    return config


def _mixtral(keys: Keys) -> dict[str, Any]:
    return _llama_like(keys) | {
        "num_local_experts": keys.whole("expert_count"),
        "num_experts_per_tok": keys.whole("expert_used_count"),
        "sliding_window": None,
    }


def _qwen(keys: Keys) -> dict[str, Any]:
    config = _llama_like(keys)
    del config["mlp_bias"]
    return config | {"use_sliding_window": False}


def _gemma(keys: Keys) -> dict[str, Any]:
    config = _llama_like(keys) | {"hidden_activation": "gelu_pytorch_tanh"}
    del config["hidden_act"], config["mlp_bias"]
    return config


def _gemma2(keys: Keys) -> dict[str, Any]:
    config = _gemma(keys)
    # As llama.cpp: only the 27B, of 46 layers, scales by another size than its heads'.
    scalar = config["head_dim"]
    if config["num_hidden_layers"] == 46:
        scalar = config["hidden_size"] // config["num_attention_heads"]
    return config | {
        "query_pre_attn_scalar": scalar,
        "attn_logit_softcapping": keys.number("attn_logit_softcapping", 50.0),
        "final_logit_softcapping": keys.number("final_logit_softcapping", 30.0),
        "sliding_window": keys.whole("attention.sliding_window", 4096),
    }


def _gemma3(keys: Keys) -> dict[str, Any]:
    config = _gemma(keys)
    n_layers = config["num_hidden_layers"]
    scalar = config["head_dim"]
    if n_layers == 62:  # the 27B
        scalar = config["hidden_size"] // config["num_attention_heads"]
    kinds = ["full_attention" if (i + 1) % 6 == 0 else "sliding_attention" for i in range(n_layers)]
    return config | {
        "rope_theta": keys.number("rope.freq_base", 1_000_000.0),
        "rope_local_base_freq": 10_000.0,
        "query_pre_attn_scalar": scalar,
        "final_logit_softcapping": None,
        "sliding_window": keys.whole("attention.sliding_window", 1024),
        "layer_types": kinds,
    }


def _phi3(keys: Keys) -> dict[str, Any]:
    config = _llama_like(keys)
    del config["attention_bias"], config["mlp_bias"]
    d_head = config["hidden_size"] // config["num_attention_heads"]
    config["partial_rotary_factor"] = keys.whole("rope.dimension_count", d_head) / d_head
    window = keys.whole("attention.sliding_window", 0)
    config["sliding_window"] = window or None
    original = keys.whole("rope.scaling.original_context_length", 0)
    config["original_max_position_embeddings"] = original or config["max_position_embeddings"]
    if keys.has("rope_factors_long.weight"):
        config["rope_scaling"] = {
            "type": "longrope",
            "long_factor": keys.numbers("rope_factors_long.weight"),
            "short_factor": keys.numbers("rope_factors_short.weight"),
        }
    return config


def _granite(keys: Keys) -> dict[str, Any]:
    return _llama_like(keys) | {
        "attention_multiplier": keys.number("attention.scale", 1.0),
        "embedding_multiplier": keys.number("embedding_scale", 1.0),
        "residual_multiplier": keys.number("residual_scale", 1.0),
        "logits_scaling": keys.number("logit_scale", 1.0),
    }


def _olmo2(keys: Keys) -> dict[str, Any]:
    config = _llama_like(keys)
    del config["mlp_bias"]
    return config


def _smollm3(keys: Keys) -> dict[str, Any]:
    # llama.cpp has the interval in its code: every fourth layer is without rotary positions.
    return _llama_like(keys) | {"no_rope_layer_interval": 4, "use_sliding_window": False}


def _phi(keys: Keys) -> dict[str, Any]:
    config = _common(keys) | _rope(keys)
    d_head = config["hidden_size"] // config["num_attention_heads"]
    return config | {
        "layer_norm_eps": keys.number("attention.layer_norm_epsilon", 1e-5),
        "hidden_act": "gelu_new",
        "partial_rotary_factor": keys.whole("rope.dimension_count", d_head) / d_head,
        "qk_layernorm": False,
    }


def _stablelm(keys: Keys) -> dict[str, Any]:
    config = _common(keys) | _rope(keys)
    d_head = config["hidden_size"] // config["num_attention_heads"]
    return config | {
        "layer_norm_eps": keys.number("attention.layer_norm_epsilon", 1e-5),
        "hidden_act": "silu",
        "partial_rotary_factor": keys.whole("rope.dimension_count", d_head) / d_head,
        "use_qkv_bias": keys.has("blk.0.attn_q.bias"),
        "use_parallel_residual": keys.flag("use_parallel_residual", False),
        "qk_layernorm": keys.has("blk.0.attn_q_norm.weight"),
    }


def _starcoder2(keys: Keys) -> dict[str, Any]:
    return (
        _common(keys)
        | _rope(keys)
        | {
            "norm_epsilon": keys.number("attention.layer_norm_epsilon", 1e-5),
            "hidden_act": "gelu_pytorch_tanh",
            "use_bias": keys.has("blk.0.attn_q.bias"),
            "sliding_window": None,
        }
    )


def _gptneox(keys: Keys) -> dict[str, Any]:
    config = _common(keys)
    del config["num_key_value_heads"]
    d_head = config["hidden_size"] // config["num_attention_heads"]
    return config | {
        "layer_norm_eps": keys.number("attention.layer_norm_epsilon", 1e-5),
        "hidden_act": "gelu",
        "rotary_pct": keys.whole("rope.dimension_count", d_head) / d_head,
        "rotary_emb_base": keys.number("rope.freq_base", 10_000.0),
        "use_parallel_residual": keys.flag("use_parallel_residual", True),
        "attention_bias": True,
    }


def _falcon(keys: Keys) -> dict[str, Any]:
    n_kv = keys.whole("attention.head_count_kv", 1)
    return {
        "hidden_size": keys.whole("embedding_length"),
        "num_hidden_layers": keys.whole("block_count"),
        "num_attention_heads": keys.whole("attention.head_count"),
        "num_kv_heads": n_kv,
        "ffn_hidden_size": keys.whole("feed_forward_length"),
        "vocab_size": keys.d_vocab,
        "max_position_embeddings": keys.whole("context_length", 2048),
        "layer_norm_epsilon": keys.number("attention.layer_norm_epsilon", 1e-5),
        "rope_theta": keys.number("rope.freq_base", 10_000.0),
        "multi_query": n_kv == 1,
        "new_decoder_architecture": keys.has("blk.0.attn_norm_2.weight"),
        "parallel_attn": True,
        "bias": False,
        "alibi": False,
        "tie_word_embeddings": not keys.has("output.weight"),
    }


def _bloom(keys: Keys) -> dict[str, Any]:
    return {
        "hidden_size": keys.whole("embedding_length"),
        "n_layer": keys.whole("block_count"),
        "n_head": keys.whole("attention.head_count"),
        "vocab_size": keys.d_vocab,
        "seq_length": keys.whole("context_length", 2048),
        "layer_norm_epsilon": keys.number("attention.layer_norm_epsilon", 1e-5),
        "tie_word_embeddings": not keys.has("output.weight"),
    }


def _mpt(keys: Keys) -> dict[str, Any]:
    d_model = keys.whole("embedding_length")
    bias = keys.number("attention.max_alibi_bias", 0.0)
    clip = keys.number("attention.clamp_kqv", 0.0)
    return {
        "d_model": d_model,
        "n_layers": keys.whole("block_count"),
        "n_heads": keys.whole("attention.head_count"),
        "expansion_ratio": keys.whole("feed_forward_length", 4 * d_model) // d_model,
        "max_seq_len": keys.whole("context_length"),
        "vocab_size": keys.d_vocab,
        "layer_norm_epsilon": keys.number("attention.layer_norm_epsilon", 1e-5),
        "no_bias": True,
        "attn_config": {
            "alibi": bias > 0,
            "alibi_bias_max": round(bias) or 8,
            "clip_qkv": clip or None,
            "qk_ln": keys.has("blk.0.attn_q_norm.weight"),
        },
        "tie_word_embeddings": not keys.has("output.weight"),
    }


def _gpt2(keys: Keys) -> dict[str, Any]:
    return {
        "n_embd": keys.whole("embedding_length"),
        "n_layer": keys.whole("block_count"),
        "n_head": keys.whole("attention.head_count"),
        "n_inner": keys.whole("feed_forward_length"),
        "n_positions": keys.whole("context_length"),
        "vocab_size": keys.d_vocab,
        "layer_norm_epsilon": keys.number("attention.layer_norm_epsilon", 1e-5),
        "activation_function": "gelu_new",
        "tie_word_embeddings": not keys.has("output.weight"),
    }


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
    _mixtral,
    _LLAMA_ATTENTION | _LLAMA_NORMS | {"ffn_gate_inp": "block_sparse_moe.gate"},
    adapt=_LLAMA_ROTARY,
    split={
        "ffn_gate_exps": "block_sparse_moe.experts.{}.w1",
        "ffn_down_exps": "block_sparse_moe.experts.{}.w2",
        "ffn_up_exps": "block_sparse_moe.experts.{}.w3",
    },
)

LAYOUTS: dict[str, Layout] = {
    "llama": _decoder("llama", _llama, _LLAMA_BLOCK, adapt=_LLAMA_ROTARY),
    "qwen2": _decoder("qwen2", _qwen, _LLAMA_BLOCK),
    "qwen3": _decoder("qwen3", _qwen, _LLAMA_BLOCK | _QK_NORMS),
    "gemma": _decoder(
        "gemma", _gemma, _LLAMA_BLOCK, adapt=_norms_less_one("attn_norm", "ffn_norm")
    ),
    "gemma2": _decoder(
        "gemma2",
        _gemma2,
        _LLAMA_ATTENTION | _LLAMA_MLP | _GEMMA2_NORMS,
        adapt=_norms_less_one(*_GEMMA2_NORMS),
    ),
    "gemma3": _decoder(
        "gemma3_text",
        _gemma3,
        _LLAMA_ATTENTION | _LLAMA_MLP | _GEMMA2_NORMS | _QK_NORMS,
        adapt=_norms_less_one(*_GEMMA2_NORMS, *_QK_NORMS),
    ),
    "phi3": _decoder(
        "phi3",
        _phi3,
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
        _phi,
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
    "smollm3": _decoder("smollm3", _smollm3, _LLAMA_BLOCK, adapt=_LLAMA_ROTARY),
    "granite": _decoder("granite", _granite, _LLAMA_BLOCK, adapt=_LLAMA_ROTARY),
    "olmo2": _decoder(
        "olmo2",
        _olmo2,
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
        _stablelm,
        _LLAMA_BLOCK,
        split={
            "attn_q_norm": "self_attn.q_layernorm.norms.{}",
            "attn_k_norm": "self_attn.k_layernorm.norms.{}",
        },
    ),
    "starcoder2": _decoder(
        "starcoder2",
        _starcoder2,
        _LLAMA_ATTENTION | _LLAMA_NORMS | {"ffn_up": "mlp.c_fc", "ffn_down": "mlp.c_proj"},
        notes=(
            "StarCoder2's window of attention is not written to GGUF files: every token sees all "
            "before it.",
        ),
    ),
    "gpt2": Layout(
        "gpt2",
        _gpt2,
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
        _gptneox,
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
        _falcon,
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
        _bloom,
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
        _mpt,
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
