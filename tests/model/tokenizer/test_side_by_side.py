"""Tokenizers side by side: boundaries, counts, and what is one character together."""

from __future__ import annotations

import pytest

from model.tokenizer.bpe_history import BpeSettings
from model.tokenizer.bpe_training import learn_bpe
from model.tokenizer.side_by_side import built_in, cut_by
from model.tokenizer.tokenizer import Tokenizer, TokenizerError

TEXT = "naïve 🍰 low lower"


def test_bytes_and_characters_need_no_file():
    bytes_ = cut_by("bytes", built_in("bytes", TEXT), TEXT)
    assert [t.bytes for t in bytes_.tokens] == [bytes([b]) for b in TEXT.encode()]
    assert bytes_.bytes_per_token == 1.0
    assert bytes_.attention_pairs == len(TEXT.encode()) ** 2
    characters = cut_by("char", built_in("char", TEXT), TEXT)
    assert [t.bytes.decode() for t in characters.tokens] == list(TEXT)
    assert bytes_.same_text
    assert characters.same_text
    with pytest.raises(TokenizerError, match="char or bytes"):
        built_in("words", TEXT)


def test_tokens_of_one_character_are_told():
    cut = cut_by("bytes", built_in("bytes", TEXT), TEXT)
    runs = [TEXT.encode()[first : last + 1].decode() for first, last in cut.together]
    assert runs == ["ï", "🍰"]


def test_boundaries_lie_in_the_same_text():
    learnt = learn_bpe("low lower lowest " * 5, BpeSettings(262)).tokenizer()
    cut = cut_by("learnt", learnt, "low lower")
    assert "".join("low lower"[t.char_start : t.char_end] for t in cut.tokens) == "low lower"
    assert cut.n_tokens < 9
    assert cut.as_json()["tokens"][0]["start"] == 0


def test_what_has_no_token_is_said():
    known = Tokenizer.train_char("abc")
    cut = cut_by("abc", known, "abxc")
    assert cut.unknown == (2,)
    assert not cut.same_text
    assert "Not in the model's alphabet" in cut.notes[0]
