"""Sentencepiece models give sentencepiece's own ids, for any text."""

from __future__ import annotations

import random
import struct
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.tokenizer.files import sentence_piece
from model.tokenizer.tokenizer import Tokenizer, TokenizerError

sentencepiece = pytest.importorskip("sentencepiece")

TEXT = (
    "The king lost his crown, and the queen found it again.\n"
    "Anna went to the river. The river was cold, but Anna was glad to be there.\n"
    "naïve café, déjà vu; 1234 56 7 (so it goes) — he said: “no”.\n"
) * 30

MODELS: dict[str, dict[str, Any]] = {
    "like Llama": {
        "model_type": "bpe",
        "byte_fallback": True,
        "normalization_rule_name": "identity",
        "remove_extra_whitespaces": False,
        "character_coverage": 0.98,
        "vocab_size": 420,
    },
    "like Gemma": {
        "model_type": "bpe",
        "byte_fallback": True,
        "normalization_rule_name": "identity",
        "remove_extra_whitespaces": False,
        "add_dummy_prefix": False,
        "user_defined_symbols": ["▁▁", "▁▁▁", "\n", "\n\n", "<table>"],
        "vocab_size": 420,
    },
    "like T5": {
        "model_type": "unigram",
        "vocab_size": 110,
        "hard_vocab_limit": False,
        "pad_id": 0,
        "eos_id": 1,
        "unk_id": 2,
        "bos_id": -1,
    },
    "unigram with bytes": {
        "model_type": "unigram",
        "byte_fallback": True,
        "user_defined_symbols": ["<sep>", "king"],
        "hard_vocab_limit": False,
        "vocab_size": 380,
    },
    "characters": {"model_type": "char", "vocab_size": 60},
}

# What begins with "<" may be a special token's name: transformers finds those in a text,
# sentencepiece never does.
plain_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="<"))
likely_text = st.text("abcdeghiknortuwKTA .,\n  ▁éï1")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sentencepiece")
    (folder / "text.txt").write_text(TEXT, encoding="utf-8")
    paths = {}
    for name, options in MODELS.items():
        prefix = folder / name.replace(" ", "_")
        sentencepiece.SentencePieceTrainer.train(
            input=str(folder / "text.txt"),
            model_prefix=str(prefix),
            minloglevel=2,
            num_threads=1,
            **options,
        )
        paths[name] = prefix.with_suffix(".model")
    return paths


@pytest.fixture(scope="module")
def pairs(trained: dict[str, Path]) -> dict[str, tuple[Tokenizer, Any]]:
    """Our tokenizer and sentencepiece's processor of each model."""
    found = {}
    for name, path in trained.items():
        read = sentence_piece.read_model(path, {})
        ours = Tokenizer(read.inner, read.settings, read.notes)
        found[name] = (ours, sentencepiece.SentencePieceProcessor(model_file=str(path)))
    return found


@pytest.mark.parametrize("name", MODELS)
@given(text=plain_text | likely_text)
def test_ids_are_sentencepieces(name: str, text: str, pairs: dict[str, tuple[Tokenizer, Any]]):
    ours, theirs = pairs[name]
    assert ours.encode(text, add_special=False).ids == theirs.encode(text)


@pytest.mark.parametrize("name", ["like Llama", "like Gemma", "unigram with bytes"])
@given(text=plain_text | likely_text)
def test_text_comes_back_as_from_sentencepiece(
    name: str, text: str, pairs: dict[str, tuple[Tokenizer, Any]]
):
    ours, theirs = pairs[name]
    ids = theirs.encode(text)
    assert ours.decode(ids) == theirs.decode(ids)


@given(text=plain_text | likely_text)
def test_bytes_of_a_llama_like_model_are_the_texts(
    text: str, pairs: dict[str, tuple[Tokenizer, Any]]
):
    encoding = pairs["like Llama"][0].encode(text, add_special=False)
    joined = b"".join(token.bytes for token in encoding.tokens)
    # ▁ itself can't be told from a space: that is how the family writes one.
    assert joined == ((" " + text) if text else "").replace("▁", " ").encode()
    for token in encoding.tokens:
        assert 0 <= token.char_start <= token.char_end <= len(text)


def test_user_defined_symbols_are_found_whole(pairs: dict[str, tuple[Tokenizer, Any]]):
    # Four spaces are ▁▁▁ and ▁: the longest first, where merging would give ▁▁ twice.
    for name, text in (
        ("like Gemma", "a<table>b\n\n    c"),
        ("unigram with bytes", "kingking <sep>"),
    ):
        ours, theirs = pairs[name]
        assert ours.encode(text, add_special=False).ids == theirs.encode(text)


def test_the_settings_say_whether_a_text_gets_a_space_in_front(
    trained: dict[str, Path], tmp_path: Path
):
    (tmp_path / "tokenizer.model").write_bytes(trained["like Llama"].read_bytes())
    settings = tmp_path / "tokenizer_config.json"
    begins = {}
    for said in ("{}", '{"add_prefix_space": true}', '{"add_prefix_space": false}'):
        settings.write_text(said)
        tokens = Tokenizer.from_folder(tmp_path).encode("king", add_special=False).tokens
        begins[said] = tokens[0].bytes[:1]
    assert list(begins.values()) == [b" ", b" ", b"k"]


def test_special_tokens_surround_a_text_as_the_settings_say(
    trained: dict[str, Path], tmp_path: Path
):
    (tmp_path / "tokenizer.model").write_bytes(trained["like Llama"].read_bytes())
    assert Tokenizer.in_folder(tmp_path)
    assert Tokenizer.describe(tmp_path) == "sentencepiece"
    tokenizer = Tokenizer.from_folder(tmp_path)
    assert tokenizer.kind == "BPE"
    encoding = tokenizer.encode("The king")
    assert encoding.ids[0] == 1
    first = encoding.tokens[0]
    assert (first.bytes, first.special, first.char_start, first.char_end) == (b"<s>", True, 0, 0)
    assert tokenizer.end_of_text == 2
    assert tokenizer.special_ids == {0, 1, 2}
    assert tokenizer.encode("The king", add_special=False).ids == encoding.ids[1:]
    settings = tmp_path / "tokenizer_config.json"
    settings.write_text('{"add_bos_token": false, "add_eos_token": true}')
    assert Tokenizer.from_folder(tmp_path).encode("The king").ids == [*encoding.ids[1:], 2]
    settings.write_text('{"tokenizer_class": "T5Tokenizer"}')
    assert Tokenizer.from_folder(tmp_path).encode("The king").ids == [*encoding.ids[1:], 2]


@pytest.mark.parametrize("name", MODELS)
def test_a_saved_one_is_the_same(
    name: str, pairs: dict[str, tuple[Tokenizer, Any]], tmp_path: Path
):
    from transformers import AutoTokenizer

    ours, _ = pairs[name]
    ours.save(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    again = Tokenizer.from_folder(tmp_path)
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    for text in ("The king lost", " two  spaces", "é😀", "", "\n\n"):
        ids = ours.encode(text).ids
        assert again.encode(text).ids == ids
        assert theirs(text)["input_ids"] == ids
    assert again.special_ids == ours.special_ids
    assert again.vocabulary == ours.vocabulary
    assert again.kind == ours.kind


def test_the_continuation_keeps_the_space_between(pairs: dict[str, tuple[Tokenizer, Any]]):
    ours, _ = pairs["like Llama"]
    before = ours.encode("The king").ids
    both = ours.encode("The king lost", add_special=False).ids
    new = both[len(before) - 1 :]
    assert ours.decode(new) == "lost"
    assert ours.decode_after(before, new) == " lost"


# ------------------------------------------------------------------- files that are damaged


def test_damaged_models_are_refused_or_harmless_and_quick(trained: dict[str, Path], tmp_path: Path):
    path = tmp_path / "tokenizer.model"
    rng = random.Random(7)
    refused = 0
    for name in ("like Llama", "like T5"):
        raw = trained[name].read_bytes()
        for _ in range(150):
            damaged = bytearray(raw)
            match rng.randrange(3):
                case 0:
                    del damaged[rng.randrange(len(damaged)) :]
                case 1:
                    for _ in range(rng.randrange(1, 20)):
                        damaged[rng.randrange(len(damaged))] = rng.randrange(256)
                case 2:
                    at = rng.randrange(len(damaged))
                    damaged[at:at] = rng.randbytes(rng.randrange(1, 9))
            path.write_bytes(bytes(damaged))
            began = time.perf_counter()
            try:
                tokenizer = Tokenizer.from_folder(tmp_path)
                tokenizer.encode("The king lost his crown")
            except TokenizerError as error:
                refused += 1
                said = str(error)
                assert "tokenizer.model" in said or "fails on this text" in said
            assert time.perf_counter() - began < 2
    assert refused > 100


def field(number: int, payload: bytes) -> bytes:
    assert len(payload) < 128
    return bytes([number << 3 | 2, len(payload)]) + payload


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "it has no pieces"),
        (b"\xff" * 40, "has no end"),
        (b"\x0a\xff\xff\xff\xff\x0f", "ends inside field 1"),
        (field(1, b""), "piece 0 is empty"),
        (field(1, b"\x0a\x01\xff"), "codec"),
        (field(1, b"\x0a\x01a\x15" + struct.pack("<f", float("nan"))), "score of piece 0 is nan"),
        (field(1, b"\x0a\x01a") + field(2, b"\x18\x09"), "model type is 9"),
    ],
)
def test_nonsense_is_named(raw: bytes, says: str, tmp_path: Path):
    (tmp_path / "tokenizer.model").write_bytes(raw)
    with pytest.raises(TokenizerError, match=says):
        Tokenizer.from_folder(tmp_path)


def test_what_cannot_be_rebuilt_says_what_to_do(trained: dict[str, Path], tmp_path: Path):
    path = tmp_path / "tokenizer.model"
    piece = field(1, b"\x0a\x01a")
    for raw, says in (
        (piece + field(2, b"\x18\x03"), "whole words"),
        (piece + field(2, b"\xc0\x01\x01"), "spaces at the ends of words"),
    ):
        path.write_bytes(raw)
        with pytest.raises(TokenizerError, match=f"{says}.*copy tokenizer.json"):
            Tokenizer.from_folder(tmp_path)
    path.write_bytes(trained["like T5"].read_bytes())
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "XLMRobertaTokenizer"}')
    with pytest.raises(TokenizerError, match="ids in another order"):
        Tokenizer.from_folder(tmp_path)
