"""Configs as they were published give the published numbers of parameters."""

from __future__ import annotations

from typing import Any

import pytest

from model.checkpoint.families import FAMILIES


def sizes(
    d_model: int, d_mlp: int, layers: int, heads: int, kv: int, vocab: int, **more: Any
) -> dict[str, Any]:
    return {
        "hidden_size": d_model,
        "intermediate_size": d_mlp,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv,
        "vocab_size": vocab,
        **more,
    }


PUBLISHED: dict[str, tuple[str, dict[str, Any], int]] = {
    "Llama 2 7B": ("llama", sizes(4096, 11008, 32, 32, 32, 32000), 6_738_415_616),
    "Llama 3 8B": ("llama", sizes(4096, 14336, 32, 32, 8, 128256), 8_030_261_248),
    "Llama 3.2 1B": (
        "llama",
        sizes(2048, 8192, 16, 32, 8, 128256, tie_word_embeddings=True),
        1_235_814_400,
    ),
    "Mistral 7B": ("mistral", sizes(4096, 14336, 32, 32, 8, 32000), 7_241_732_096),
    "Mixtral 8x7B": ("mixtral", sizes(4096, 14336, 32, 32, 8, 32000), 46_702_792_704),
    "Qwen 2.5 0.5B": (
        "qwen2",
        sizes(896, 4864, 24, 14, 2, 151936, tie_word_embeddings=True),
        494_032_768,
    ),
    "Qwen 3 0.6B": (
        "qwen3",
        sizes(1024, 3072, 28, 16, 8, 151936, head_dim=128, tie_word_embeddings=True),
        596_049_920,
    ),
    "Gemma 2B": ("gemma", sizes(2048, 16384, 18, 8, 1, 256000, head_dim=256), 2_506_172_416),
    "Gemma 7B": ("gemma", sizes(3072, 24576, 28, 16, 16, 256000, head_dim=256), 8_537_680_896),
    "Gemma 2 2B": ("gemma2", sizes(2304, 9216, 26, 8, 4, 256000, head_dim=256), 2_614_341_888),
    "Gemma 3 1B": (
        "gemma3_text",
        sizes(1152, 6912, 26, 4, 1, 262144, head_dim=256),
        999_885_952,
    ),
    "Phi-3 mini": ("phi3", sizes(3072, 8192, 32, 32, 32, 32064), 3_821_079_552),
    "OLMo 2 1B": ("olmo2", sizes(2048, 8192, 16, 16, 16, 100352), 1_484_916_736),
    "SmolLM 3 3B": ("smollm3", sizes(2048, 11008, 36, 16, 4, 128256), 3_075_098_624),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_config_counts_the_published_parameters(name: str):
    family, hf, n_params = PUBLISHED[name]
    assert FAMILIES[family].config_from_hf(hf).n_params == n_params
