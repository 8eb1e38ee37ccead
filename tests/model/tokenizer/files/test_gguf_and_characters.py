"""Tokenizers from GGUF metadata and from nanoGPT's table: the ids of what they were made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from model.tokenizer.files import gguf, sentence_piece, word_pieces
from model.tokenizer.files.sentence_piece import Kind, Piece, SentencePiece
from model.tokenizer.tokenizer import Tokenizer, TokenizerError
from tests.model.conftest import TEXT

any_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="<"))


@pytest.fixture(scope="module")
def gpt2_metadata(bpe: Tokenizer) -> dict[str, Any]:
    """What a converter writes of a byte-level BPE."""
    spec = json.loads(bpe.to_json())
    vocab = sorted(spec["model"]["vocab"], key=spec["model"]["vocab"].get)
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": vocab,
        "tokenizer.ggml.token_type": np.array([3] + [1] * (len(vocab) - 1), dtype=np.int32),
        "tokenizer.ggml.merges": [" ".join(merge) for merge in spec["model"]["merges"]],
        "tokenizer.ggml.eos_token_id": np.uint32(0),
    }


@pytest.fixture(scope="module")
def from_gpt2(gpt2_metadata: dict[str, Any]) -> Tokenizer:
    tokenizer = Tokenizer.from_gguf(gpt2_metadata, "a.gguf")
    assert tokenizer is not None
    return tokenizer


@given(text=any_text)
def test_byte_level_ids_are_those_of_the_original(text: str, bpe: Tokenizer, from_gpt2: Tokenizer):
    assert from_gpt2.encode(text).ids == bpe.encode(text).ids


def test_byte_level_metadata_is_all_used(bpe: Tokenizer, from_gpt2: Tokenizer):
    assert from_gpt2.kind == bpe.kind == "byte-level BPE"
    assert from_gpt2.vocabulary == bpe.vocabulary
    assert from_gpt2.special_ids == {0}
    assert from_gpt2.end_of_text == 0
    assert from_gpt2.notes == ()
    assert from_gpt2.encode("<|endoftext|>").ids == [0]


def test_an_unknown_pre_tokenizer_is_told(gpt2_metadata: dict[str, Any]):
    other = Tokenizer.from_gguf(gpt2_metadata | {"tokenizer.ggml.pre": "dream"}, "a.gguf")
    assert other is not None
    assert "pre-tokenizer 'dream', which is not known here; GPT-2's is used" in other.notes[0]
    silent = {k: v for k, v in gpt2_metadata.items() if k != "tokenizer.ggml.pre"}
    other = Tokenizer.from_gguf(silent, "a.gguf")
    assert other is not None
    assert "does not say how a text is cut" in other.notes[0]


@pytest.mark.parametrize("pre", sorted(gguf._CUTS))
def test_every_known_pre_tokenizer_keeps_every_byte(pre: str, gpt2_metadata: dict[str, Any]):
    tokenizer = Tokenizer.from_gguf(gpt2_metadata | {"tokenizer.ggml.pre": pre}, "a.gguf")
    assert tokenizer is not None
    text = "The king's 12345 crowns:\n\n  naïve HTMLParser, 日本 don't!?\t`x` $5+5"
    encoding = tokenizer.encode(text, add_special=False)
    assert b"".join(token.bytes for token in encoding.tokens) == text.encode()
    assert tokenizer.notes == ()


@pytest.mark.parametrize(
    ("pre", "text", "parts"),
    [
        ("gpt-2", "x12345", ["x", "12345"]),
        ("llama-bpe", "x12345", ["x", "123", "45"]),
        ("qwen2", "x123", ["x", "1", "2", "3"]),
        ("llama-bpe", "DON'T", ["DON", "'T"]),
        ("gpt-2", "DON'T", ["DON", "'", "T"]),
        ("starcoder", "x 12", ["x", "Ġ", "1", "2"]),
        ("tekken", "parserHTML", ["parser", "HTML"]),
        ("gpt-4o", "don't", ["don't"]),
        ("falcon", "a+b12345", ["a", "+", "b", "123", "45"]),
    ],
)
def test_texts_are_cut_as_the_family_does(
    pre: str, text: str, parts: list[str], gpt2_metadata: dict[str, Any]
):
    found = gguf.read(gpt2_metadata | {"tokenizer.ggml.pre": pre}, "a.gguf")
    assert found is not None
    cut = found.inner.pre_tokenizer
    assert cut is not None
    assert [part for part, _ in cut.pre_tokenize_str(text)] == parts


def test_llama_3_takes_whole_words_before_it_merges(gpt2_metadata: dict[str, Any]):
    tokens = [*gpt2_metadata["tokenizer.ggml.tokens"], "zzqx"]
    word = {"tokenizer.ggml.tokens": tokens, "tokenizer.ggml.token_type": [1] * len(tokens)}
    for pre, whole in (("llama-bpe", True), ("gpt-2", False)):
        metadata = gpt2_metadata | word | {"tokenizer.ggml.pre": pre}
        tokenizer = Tokenizer.from_gguf(metadata, "a.gguf")
        assert tokenizer is not None
        ids = tokenizer.encode("zzqx", add_special=False).ids
        assert (ids == [len(tokens) - 1]) is whole


def test_sentencepiece_metadata_gives_the_models_ids(tmp_path: Path):
    spm = pytest.importorskip("sentencepiece")
    (tmp_path / "t.txt").write_text(TEXT)
    spm.SentencePieceTrainer.train(
        input=str(tmp_path / "t.txt"),
        model_prefix=str(tmp_path / "m"),
        model_type="bpe",
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        vocab_size=340,
        minloglevel=2,
        num_threads=1,
    )
    theirs = spm.SentencePieceProcessor(model_file=str(tmp_path / "m.model"))
    pieces = sentence_piece.parse((tmp_path / "m.model").read_bytes()).pieces
    metadata = {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": [piece.text for piece in pieces],
        "tokenizer.ggml.scores": np.array([piece.score for piece in pieces], dtype=np.float32),
        "tokenizer.ggml.token_type": [piece.kind for piece in pieces],
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
    }
    for prefix in (True, False):
        tokenizer = Tokenizer.from_gguf(
            metadata | {"tokenizer.ggml.add_space_prefix": prefix}, "a.gguf"
        )
        assert tokenizer is not None
        for text in ("The king lost", " two  spaces", "é😀\n", "crownqueen"):
            expected = theirs.encode(text)
            ids = tokenizer.encode(text).ids
            assert ids[0] == 1
            assert (ids[1:] == expected) is prefix
            assert tokenizer.decode(ids[1:]) == text
    assert Tokenizer.describe_gguf(metadata) == "sentencepiece BPE"


def test_word_pieces_come_back_to_berts_spelling():
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "king", "##s"]
    spelled = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "▁the", "▁king", "s"]
    roles = {"unknown": 1, "cls": 2, "seperator": 3, "mask": 4}
    metadata = {
        "tokenizer.ggml.model": "bert",
        "tokenizer.ggml.tokens": spelled,
        "tokenizer.ggml.token_type": [3, 3, 3, 3, 3, 1, 1, 1],
    } | {f"tokenizer.ggml.{role}_token_id": id for role, id in roles.items()}
    tokenizer = Tokenizer.from_gguf(metadata, "a.gguf")
    assert tokenizer is not None
    found = word_pieces.from_tokens(words, {}, "vocab.txt")
    original = Tokenizer(found.inner, found.settings)
    assert tokenizer.encode("the Kings").ids == original.encode("the Kings").ids == [2, 5, 6, 7, 3]
    assert tokenizer.mask_id == 4


def test_no_tokenizer_is_none():
    for model in ({}, {"tokenizer.ggml.model": "none"}, {"tokenizer.ggml.model": "no_vocab"}):
        assert Tokenizer.from_gguf(model, "a.gguf") is None
        assert Tokenizer.describe_gguf(model) == "none: type token ids"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model": "rwkv"}, r"of the kind 'rwkv'; known are gpt2, llama, t5, bert"),
        ({"tokens": None}, r"holds no tokenizer\.ggml\.tokens"),
        ({"tokens": "king"}, r"tokens is no list"),
        ({"tokens": ["a", 3]}, r"holds something that is no text"),
        ({"token_type": [1, 2]}, r"does not hold one number for each token"),
        ({"merges": ["ab"]}, r"'ab' in tokenizer\.ggml\.merges is no pair"),
        ({"merges": ["zz yy"]}, r"a\.gguf holds no readable BPE"),
    ],
)
def test_damaged_metadata_is_named(
    change: dict[str, Any], says: str, gpt2_metadata: dict[str, Any]
):
    damaged = gpt2_metadata | {f"tokenizer.ggml.{key}": value for key, value in change.items()}
    with pytest.raises(TokenizerError, match=says):
        Tokenizer.from_gguf(damaged, "a.gguf")


# ------------------------------------------------------------------------------ characters


def test_a_table_of_characters_keeps_its_ids():
    tokenizer = Tokenizer.from_characters({"a": 3, "b": 0, "\n": 7, "é": 1}, "meta.pkl")
    assert tokenizer.kind == "characters"
    encoding = tokenizer.encode("baé\nb")
    assert encoding.ids == [0, 3, 1, 7, 0]
    assert encoding.notes == ()
    assert [t.bytes for t in encoding.tokens] == [b"b", b"a", "é".encode(), b"\n", b"b"]
    assert tokenizer.decode(encoding.ids) == "baé\nb"
    assert tokenizer.n_tokens == 8
    assert tokenizer.token_bytes(5) == b""


def test_characters_without_a_token_are_left_out_and_told():
    tokenizer = Tokenizer.from_characters({"a": 0, "b": 1}, "meta.pkl")
    encoding = tokenizer.encode("axb😀a")
    assert encoding.ids == [0, 1, 0]
    assert [(t.char_start, t.char_end) for t in encoding.tokens] == [(0, 1), (2, 3), (4, 5)]
    assert encoding.notes == ("Not in the model's alphabet and left out: 'x', '😀'.",)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({}, "is empty"),
        ({"ab": 0}, "'ab' -> 0 is no character"),
        ({"a": -1}, "'a' -> -1 is no character"),
        ({"a": True}, "no character with an id"),
        ({"a": 10**12}, "no character with an id"),
        ({"a": 0, "b": 0}, "several characters the same id"),
        ({3: 0}, "no character with an id"),
    ],
)
def test_no_table_of_characters_is_refused(table: Any, says: str):
    with pytest.raises(TokenizerError, match=says):
        Tokenizer.from_characters(table, "meta.pkl")


def test_a_saved_table_is_the_same_in_transformers(tmp_path: Path):
    from transformers import AutoTokenizer

    ours = Tokenizer.from_characters({"a": 0, "b": 1, " ": 2}, "meta.pkl")
    ours.save(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    assert AutoTokenizer.from_pretrained(tmp_path)("ab a")["input_ids"] == [0, 1, 2, 0]
    again = Tokenizer.from_folder(tmp_path)
    assert again.kind == "characters"
    assert again.encode("ab a").ids == [0, 1, 2, 0]


def test_pieces_are_written_as_the_file_writes_them(bpe: Tokenizer):
    assert bpe.piece(bpe.encode(" king").ids[0]) == "Ġking"
    assert bpe.piece(99_999) == ""
    assert bpe.piece(-1) == ""


def test_unknown_pieces_of_a_unigram_model():
    model = SentencePiece(
        pieces=[Piece("<unk>", 0.0, Kind.UNKNOWN), Piece("▁a", -1.0), Piece("b", -2.0)],
        roles={"unk": 0},
    )
    found = sentence_piece.convert(model, {}, "m")
    tokenizer = Tokenizer(found.inner, found.settings)
    assert tokenizer.unknown_id == 0
    assert tokenizer.encode("ax b", add_special=False).ids == [1, 0, 2]
    assert isinstance(found.inner, tokenizers.Tokenizer)
