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


def bloom(d_model: int, layers: int, heads: int) -> dict[str, Any]:
    return {
        "n_embed": d_model,
        "n_layer": layers,
        "num_attention_heads": heads,
        "vocab_size": 250880,
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
    "GPT-Neo 125M": (
        "gpt_neo",
        {
            "hidden_size": 768,
            "num_layers": 12,
            "num_heads": 12,
            "attention_types": [[["global", "local"], 6]],
        },
        125_198_592,
    ),
    "GPT-J 6B": ("gptj", {}, 6_050_882_784),
    "Pythia 70M": ("gpt_neox", sizes(512, 2048, 6, 8, 8, 50304), 70_426_624),
    "Pythia 12B": ("gpt_neox", sizes(5120, 20480, 36, 40, 40, 50688), 11_846_072_320),
    "OPT 125M": ("opt", {}, 125_239_296),
    "OPT 350M": (
        "opt",
        {
            "hidden_size": 1024,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
            "ffn_dim": 4096,
            "word_embed_proj_dim": 512,
            "do_layer_norm_before": False,
        },
        331_196_416,
    ),
    "BLOOM 560M": ("bloom", bloom(1024, 24, 16), 559_214_592),
    "BLOOM": ("bloom", bloom(14336, 70, 112), 176_247_271_424),
    "Falcon 7B": ("falcon", {}, 6_921_720_704),
    "Falcon 40B": (
        "falcon",
        {
            "hidden_size": 8192,
            "num_hidden_layers": 60,
            "num_attention_heads": 128,
            "num_kv_heads": 8,
            "new_decoder_architecture": True,
        },
        41_303_293_952,
    ),
    "Falcon RW 1B": (
        "falcon",
        {
            "hidden_size": 2048,
            "num_hidden_layers": 24,
            "num_attention_heads": 32,
            "vocab_size": 50304,
            "alibi": True,
            "multi_query": False,
            "parallel_attn": False,
            "bias": True,
        },
        1_311_625_216,
    ),
    "MPT 7B": (
        "mpt",
        {"d_model": 4096, "n_heads": 32, "n_layers": 32, "vocab_size": 50432},
        6_649_286_656,
    ),
    "Phi 1.5": ("phi", sizes(2048, 8192, 24, 32, 32, 51200), 1_418_270_720),
    "Phi 2": ("phi", sizes(2560, 10240, 32, 32, 32, 51200), 2_779_683_840),
    "StableLM 3B": ("stablelm", sizes(2560, 6912, 32, 32, 32, 50304), 2_795_443_200),
    "StableLM 2 1.6B": (
        "stablelm",
        sizes(2048, 5632, 24, 32, 32, 100352, use_qkv_bias=True),
        1_644_515_328,
    ),
    "StarCoder 2 3B": ("starcoder2", sizes(3072, 12288, 30, 24, 2, 49152), 3_030_371_328),
    "StarCoder 2 15B": (
        "starcoder2",
        sizes(6144, 24576, 40, 48, 4, 49152, tie_word_embeddings=False),
        15_957_889_024,
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_config_counts_the_published_parameters(name: str):
    family, hf, n_params = PUBLISHED[name]
    assert FAMILIES[family].config_from_hf(hf).n_params == n_params
