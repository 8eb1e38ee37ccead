"""Small tokenizer.json files as families publish them, to change and to write beside settings."""

from __future__ import annotations

import json
from typing import Any

from model.tokenizer.tokenizer import Tokenizer
from tests.model.conftest import TEXT

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "king", "crown", "The", "King")
LETTERS = tuple("abcdefghijklmnopqrstuvwxyzéï0123456789<>/|日'")
FLAGS = {"lstrip": False, "rstrip": False, "single_word": False}
MADE = Tokenizer.train_bpe(TEXT, 290, special=("<s>", "</s>", "<unk>"))
N = MADE.n_tokens


def byte_level(**changes: Any) -> dict[str, Any]:
    """A small byte-level tokenizer.json with <s>, </s> and <unk>, and without a frame."""
    spec: dict[str, Any] = json.loads(MADE.to_json())
    return spec | changes


def bert(**changes: Any) -> dict[str, Any]:
    vocab = {word: i for i, word in enumerate((*WORDS, *LETTERS, *(f"##{c}" for c in LETTERS)))}
    normalizer = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True}
    normalizer |= {"strip_accents": None, "lowercase": True}
    special = [
        FLAGS | {"id": i, "content": WORDS[i], "normalized": False, "special": True}
        for i in range(5)
    ]
    model = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##"}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": normalizer,
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": None,
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {**model, "max_input_chars_per_word": 100, "vocab": vocab},
    } | changes


def metaspace(scheme: str = "first") -> dict[str, Any]:
    """Llama's kind: spaces are written into the tokens."""
    letters = ("<unk>", "<s>", "</s>", "\u2581", *LETTERS, *"TKCORWNS", *" \n")
    vocab = {c: i for i, c in enumerate(dict.fromkeys(letters))}
    vocab |= {f"<0x{byte:02X}>": len(vocab) + byte for byte in range(256)}
    step = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": scheme, "split": False}
    special = [
        FLAGS | {"id": i, "content": letters[i], "normalized": False, "special": True}
        for i in range(3)
    ]
    model = {"type": "BPE", "dropout": None, "unk_token": "<unk>", "fuse_unk": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": None,
        "pre_tokenizer": step,
        "post_processor": frame("<s>", 1),
        "decoder": {"type": "Fuse"},
        "model": {**model, "byte_fallback": True, "vocab": vocab, "merges": []},
    }


def frame(name: str, id: int) -> dict[str, Any]:
    first = {"SpecialToken": {"id": name, "type_id": 0}}
    text, second = ({"Sequence": {"id": which, "type_id": n}} for n, which in enumerate("AB"))
    return {
        "type": "TemplateProcessing",
        "single": [first, text],
        "pair": [first, text, second],
        "special_tokens": {name: {"id": name, "ids": [id], "tokens": [name]}},
    }


def token(name: str, **flags: Any) -> dict[str, Any]:
    return FLAGS | {"content": name, "normalized": False, "special": True} | flags
