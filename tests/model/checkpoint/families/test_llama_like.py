"""The decoders that vary Llama, each held to transformers.

No two sizes are alike, heads are grouped, windows are shorter than the text.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import transformers as hf
from transformers import PreTrainedConfig, PreTrainedModel

from tests.model.checkpoint.families.harness import check

SIZES: dict[str, Any] = {
    "vocab_size": 61,
    "hidden_size": 36,
    "intermediate_size": 52,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "max_position_embeddings": 32,
    "rms_norm_eps": 2e-5,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
WIDE = {**SIZES, "head_dim": 8}
PLAIN: dict[str, Any] = {"rope_type": "default", "rope_theta": 700.0}
LONGROPE: dict[str, Any] = {
    "rope_type": "longrope",
    "rope_theta": 700.0,
    "short_factor": [1.0, 1.3],
    "long_factor": [2.0, 3.5],
}
GEMMA3_ROPE: dict[str, Any] = {
    "full_attention": {"rope_type": "linear", "rope_theta": 900.0, "factor": 3.0},
    "sliding_attention": {"rope_type": "default", "rope_theta": 50.0},
}
YARN: dict[str, Any] = {
    "rope_type": "yarn",
    "rope_theta": 700.0,
    "factor": 4.0,
    "original_max_position_embeddings": 8,
}

Case = tuple[type[PreTrainedModel], PreTrainedConfig]


def granite() -> PreTrainedConfig:
    return hf.GraniteConfig(
        **SIZES,
        rope_parameters=PLAIN,
        attention_bias=True,
        mlp_bias=True,
        embedding_multiplier=3.5,
        residual_multiplier=0.6,
        attention_multiplier=0.3,
        logits_scaling=1.7,
    )


CASES: dict[str, Case] = {
    "mistral": (
        hf.MistralForCausalLM,
        hf.MistralConfig(**WIDE, rope_parameters=PLAIN, sliding_window=7),
    ),
    "mistral without a window": (
        hf.MistralForCausalLM,
        hf.MistralConfig(**SIZES, sliding_window=None, tie_word_embeddings=True),
    ),
    "mixtral": (
        hf.MixtralForCausalLM,
        hf.MixtralConfig(**WIDE, rope_parameters=PLAIN, num_local_experts=5, num_experts_per_tok=2),
    ),
    "nanochat": (
        hf.NanoChatForCausalLM,
        hf.NanoChatConfig(**SIZES, rope_parameters=PLAIN, final_logit_softcapping=3.0),
    ),
    "nanochat with biases, tied and without a cap": (
        hf.NanoChatForCausalLM,
        hf.NanoChatConfig(
            **SIZES, attention_bias=True, tie_word_embeddings=True, final_logit_softcapping=None
        ),
    ),
    "qwen2": (hf.Qwen2ForCausalLM, hf.Qwen2Config(**SIZES, rope_parameters=YARN)),
    "qwen2 whose heads turn as a whole, whatever the file says": (
        hf.Qwen2ForCausalLM,
        hf.Qwen2Config(**SIZES, rope_parameters={**PLAIN, "partial_rotary_factor": 0.5}),
    ),
    "qwen2 with windows": (
        hf.Qwen2ForCausalLM,
        hf.Qwen2Config(
            **SIZES,
            rope_parameters=PLAIN,
            use_sliding_window=True,
            sliding_window=6,
            max_window_layers=1,
            tie_word_embeddings=True,
        ),
    ),
    "qwen3": (hf.Qwen3ForCausalLM, hf.Qwen3Config(**WIDE, rope_parameters=PLAIN)),
    "qwen3 with biases": (
        hf.Qwen3ForCausalLM,
        hf.Qwen3Config(**WIDE, rope_parameters=PLAIN, attention_bias=True),
    ),
    "gemma": (hf.GemmaForCausalLM, hf.GemmaConfig(**WIDE, rope_parameters=PLAIN)),
    "gemma2": (
        hf.Gemma2ForCausalLM,
        hf.Gemma2Config(
            **WIDE,
            rope_parameters=PLAIN,
            sliding_window=6,
            query_pre_attn_scalar=11,
            attn_logit_softcapping=2.5,
            final_logit_softcapping=4.0,
        ),
    ),
    "gemma2 without caps": (
        hf.Gemma2ForCausalLM,
        hf.Gemma2Config(
            **WIDE,
            attn_logit_softcapping=None,
            final_logit_softcapping=None,
            layer_types=["full_attention", "full_attention", "sliding_attention"],
            sliding_window=5,
        ),
    ),
    "gemma3": (
        hf.Gemma3ForCausalLM,
        hf.Gemma3TextConfig(
            **WIDE,
            rope_parameters=GEMMA3_ROPE,
            sliding_window=6,
            query_pre_attn_scalar=11,
            layer_types=["sliding_attention", "sliding_attention", "full_attention"],
        ),
    ),
    "phi3": (
        hf.Phi3ForCausalLM,
        hf.Phi3Config(**SIZES, rope_parameters=PLAIN, sliding_window=9),
    ),
    "phi3 short": (
        hf.Phi3ForCausalLM,
        hf.Phi3Config(
            **SIZES,
            rope_parameters={**LONGROPE, "partial_rotary_factor": 0.7},
            original_max_position_embeddings=20,
        ),
    ),
    "phi3 long": (
        hf.Phi3ForCausalLM,
        hf.Phi3Config(
            **SIZES,
            rope_parameters={**LONGROPE, "partial_rotary_factor": 0.7},
            original_max_position_embeddings=12,
        ),
    ),
    "olmo2": (hf.Olmo2ForCausalLM, hf.Olmo2Config(**SIZES, rope_parameters=PLAIN)),
    "granite": (hf.GraniteForCausalLM, granite()),
    "smollm3": (
        hf.SmolLM3ForCausalLM,
        hf.SmolLM3Config(**SIZES, rope_parameters=PLAIN, no_rope_layer_interval=2),
    ),
    "smollm3 with windows": (
        hf.SmolLM3ForCausalLM,
        hf.SmolLM3Config(
            **SIZES, no_rope_layers=[0, 1, 0], use_sliding_window=True, sliding_window=5
        ),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_family_equals_transformers(name: str, tmp_path: Path):
    check(*CASES[name], tmp_path)
