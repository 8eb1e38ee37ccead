"""What config.json would say, from the keys of a GGUF file: one function an architecture.

Where llama.cpp has a number in its code and not in the file, so has this; after its conversion
scripts. Reads no weight.
"""

from __future__ import annotations

from typing import Any

from model.checkpoint.sources.gguf_keys import Keys


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


def llama_like_config(keys: Keys) -> dict[str, Any]:
    """What Llama and its descendants share."""
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


def llama_config(keys: Keys) -> dict[str, Any]:
    """Llama 1 to 3.x, and Mistral, which llama.cpp does not tell apart."""
    config = llama_like_config(keys)
    d_head = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    if keys.has("rope_freqs.weight"):
        config["rope_scaling"] = keys.llama3_scaling(config["rope_theta"], d_head)
    return config


def mixtral_config(keys: Keys) -> dict[str, Any]:
    """Mixtral: an arch ``llama`` that has experts."""
    return llama_like_config(keys) | {
        "num_local_experts": keys.whole("expert_count"),
        "num_experts_per_tok": keys.whole("expert_used_count"),
        "sliding_window": None,
    }


def qwen_config(keys: Keys) -> dict[str, Any]:
    """Qwen 2 and 3."""
    config = llama_like_config(keys)
    del config["mlp_bias"]
    return config | {"use_sliding_window": False}


def gemma_config(keys: Keys) -> dict[str, Any]:
    """Gemma."""
    config = llama_like_config(keys) | {"hidden_activation": "gelu_pytorch_tanh"}
    del config["hidden_act"], config["mlp_bias"]
    return config


def gemma2_config(keys: Keys) -> dict[str, Any]:
    """Gemma 2."""
    config = gemma_config(keys)
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


def gemma3_config(keys: Keys) -> dict[str, Any]:
    """Gemma 3, its text part."""
    config = gemma_config(keys)
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


def phi3_config(keys: Keys) -> dict[str, Any]:
    """Phi-3."""
    config = llama_like_config(keys)
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


def granite_config(keys: Keys) -> dict[str, Any]:
    """Granite."""
    return llama_like_config(keys) | {
        "attention_multiplier": keys.number("attention.scale", 1.0),
        "embedding_multiplier": keys.number("embedding_scale", 1.0),
        "residual_multiplier": keys.number("residual_scale", 1.0),
        "logits_scaling": keys.number("logit_scale", 1.0),
    }


def olmo2_config(keys: Keys) -> dict[str, Any]:
    """OLMo 2."""
    config = llama_like_config(keys)
    del config["mlp_bias"]
    return config


def smollm3_config(keys: Keys) -> dict[str, Any]:
    """SmolLM3."""
    # llama.cpp has the interval in its code: every fourth layer is without rotary positions.
    return llama_like_config(keys) | {"no_rope_layer_interval": 4, "use_sliding_window": False}


def phi_config(keys: Keys) -> dict[str, Any]:
    """Phi-2."""
    config = _common(keys) | _rope(keys)
    d_head = config["hidden_size"] // config["num_attention_heads"]
    return config | {
        "layer_norm_eps": keys.number("attention.layer_norm_epsilon", 1e-5),
        "hidden_act": "gelu_new",
        "partial_rotary_factor": keys.whole("rope.dimension_count", d_head) / d_head,
        "qk_layernorm": False,
    }


def stablelm_config(keys: Keys) -> dict[str, Any]:
    """StableLM."""
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


def starcoder2_config(keys: Keys) -> dict[str, Any]:
    """StarCoder2."""
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


def gptneox_config(keys: Keys) -> dict[str, Any]:
    """GPT-NeoX and Pythia."""
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


def falcon_config(keys: Keys) -> dict[str, Any]:
    """Falcon 7B and 40B."""
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


def bloom_config(keys: Keys) -> dict[str, Any]:
    """BLOOM."""
    return {
        "hidden_size": keys.whole("embedding_length"),
        "n_layer": keys.whole("block_count"),
        "n_head": keys.whole("attention.head_count"),
        "vocab_size": keys.d_vocab,
        "seq_length": keys.whole("context_length", 2048),
        "layer_norm_epsilon": keys.number("attention.layer_norm_epsilon", 1e-5),
        "tie_word_embeddings": not keys.has("output.weight"),
    }


def mpt_config(keys: Keys) -> dict[str, Any]:
    """MPT."""
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


def gpt2_config(keys: Keys) -> dict[str, Any]:
    """GPT-2."""
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
