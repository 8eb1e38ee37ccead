"""Small random checkpoints of several families with a real tokenizer, as files on disk.

Random weights are enough where a window must show what is there; what families compute is held to
transformers elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import tokenizers
import transformers
from tokenizers import models, normalizers, pre_tokenizers, processors

from tests.model.checkpoint.families.harness import make

TEXT = "the king lost his [MASK] and the queen sings"
WORDS = """
the king queen lost his her crown and a sing ##s ##ing ##ed duke river in of paris is it ##ly low
high . , one two three
"""
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
VOCABULARY = (*SPECIAL, *WORDS.split())


def word_pieces(folder: Path) -> None:
    """A WordPiece tokenizer as BERT has it, in a folder that exists."""
    vocabulary = {word: id for id, word in enumerate(VOCABULARY)}
    inner = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    inner.normalizer = normalizers.BertNormalizer(lowercase=True)
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    inner.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )
    inner.add_special_tokens(list(SPECIAL))
    inner.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "BertTokenizer",
        "mask_token": "[MASK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def small_bert(folder: Path, head: str = "BertForMaskedLM", **changes: Any) -> Path:
    """A BERT of two layers, three heads each.

    Args:
        folder: to be written.
        head: name of transformers' class.
        changes: of its config.
    """
    sizes: dict[str, Any] = {
        "vocab_size": len(VOCABULARY),
        "hidden_size": 36,
        "intermediate_size": 52,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "max_position_embeddings": 32,
    }
    make(getattr(transformers, head), transformers.BertConfig(**sizes | changes), folder)
    word_pieces(folder)
    return folder


def small_mixtral(folder: Path) -> Path:
    """A mixture of five experts, two of them active, with a window of four keys."""
    config = transformers.MixtralConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=36,
        intermediate_size=20,
        num_hidden_layers=2,
        num_attention_heads=6,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=32,
        num_local_experts=5,
        num_experts_per_tok=2,
        sliding_window=4,
    )
    make(transformers.MixtralForCausalLM, config, folder)
    word_pieces(folder)
    return folder


def small_llama(folder: Path) -> Path:
    """Grouped heads, RMSNorm, rotary positions, a gated MLP."""
    config = transformers.LlamaConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=36,
        intermediate_size=52,
        num_hidden_layers=2,
        num_attention_heads=6,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=32,
    )
    make(transformers.LlamaForCausalLM, config, folder)
    word_pieces(folder)
    return folder


def small_nanochat(folder: Path) -> Path:
    """Norms without weights, normed queries and keys, ReLU²."""
    config = transformers.NanoChatConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=36,
        intermediate_size=52,
        num_hidden_layers=2,
        num_attention_heads=6,
        num_key_value_heads=6,
        max_position_embeddings=32,
        attention_bias=True,
    )
    make(transformers.NanoChatForCausalLM, config, folder)
    word_pieces(folder)
    return folder


def small_bloom(folder: Path) -> Path:
    """Linear biases in place of positions."""
    config = transformers.BloomConfig(
        vocab_size=len(VOCABULARY), hidden_size=48, n_layer=2, n_head=6
    )
    make(transformers.BloomForCausalLM, config, folder)
    word_pieces(folder)
    return folder


def small_gemma(folder: Path) -> Path:
    """Norms before and after, soft caps, a window in every other layer."""
    config = transformers.Gemma2Config(
        vocab_size=len(VOCABULARY),
        hidden_size=36,
        intermediate_size=52,
        num_hidden_layers=4,
        num_attention_heads=6,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=32,
        sliding_window=4,
        query_pre_attn_scalar=8,
    )
    make(transformers.Gemma2ForCausalLM, config, folder)
    word_pieces(folder)
    return folder


def small_modernbert(folder: Path) -> Path:
    """Rotary positions, gated MLPs, and a window in the second and third layer."""
    config = transformers.ModernBertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=30,
        intermediate_size=26,
        num_hidden_layers=3,
        num_attention_heads=5,
        max_position_embeddings=32,
        local_attention=5,
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=3,
        cls_token_id=2,
        sep_token_id=3,
    )
    make(transformers.ModernBertForMaskedLM, config, folder)
    word_pieces(folder)
    return folder


def small_opt(folder: Path) -> Path:
    """Token vectors narrower than the stream, norms after the sums, positions from an offset."""
    config = transformers.OPTConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=36,
        ffn_dim=52,
        num_hidden_layers=2,
        num_attention_heads=3,
        max_position_embeddings=32,
        word_embed_proj_dim=20,
        do_layer_norm_before=False,
    )
    make(transformers.OPTForCausalLM, config, folder)
    word_pieces(folder)
    return folder


MAKERS: dict[str, Callable[[Path], Path]] = {
    "bert": small_bert,
    "headless": partial(small_bert, head="BertModel"),
    "modernbert": small_modernbert,
    "mixtral": small_mixtral,
    "llama": small_llama,
    "nanochat": small_nanochat,
    "bloom": small_bloom,
    "gemma": small_gemma,
    "opt": small_opt,
}
"""What can be made, by a short name."""
