"""Text to tokens and back, byte by byte."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import decoders, models

from model.tokenizer.tokenizer import END_OF_TEXT, Tokenizer, TokenizerError
from tests.model.conftest import TEXT
from tools.soak.watching import memory_bytes

# Everything that UTF-8 can write: NUL, controls, right-to-left, emoji, unassigned.
any_text = st.text(st.characters(exclude_categories=["Cs"]))

AWKWARD = [
    "",
    "\0",
    "a\0b",
    "שלום king עולם",
    "👩‍👩‍👧‍👦 the crown 🏳️‍🌈",
    "é e\u0301 ﬁ",
    " \t\n\r\n  \u3000",
    "<|endoftext|>The king<|endoftext|>",
    "\ufeffx\u200d\u202e",
]


@pytest.fixture(scope="module")
def gpt2(shared_data: Path) -> Tokenizer:
    return Tokenizer.from_gpt2_files(
        shared_data / "gpt2-vocab.json", shared_data / "gpt2-merges.txt"
    )


def assert_exact(tokenizer: Tokenizer, text: str) -> None:
    """Decoding gives the text back, tokens their bytes, and places the characters touched."""
    encoding = tokenizer.encode(text)
    assert tokenizer.decode(encoding.ids) == text
    assert b"".join(token.bytes for token in encoding.tokens) == text.encode()
    assert [token.id for token in encoding.tokens] == encoding.ids
    at = 0
    for token in encoding.tokens:
        touched = text[token.char_start : token.char_end]
        begin, end = len(text[: token.char_start].encode()), at + len(token.bytes)
        assert begin <= at
        assert end <= begin + len(touched.encode())
        assert token.bytes in touched.encode()
        assert tokenizer.token_bytes(token.id) == token.bytes
        at = end
    assert not encoding.notes


@given(any_text)
def test_byte_level_tokens_give_any_text_back(bpe: Tokenizer, text: str):
    assert_exact(bpe, text)


@given(any_text)
def test_gpt2s_tokens_give_any_text_back(gpt2: Tokenizer, text: str):
    assert_exact(gpt2, text)


@pytest.mark.parametrize("text", AWKWARD)
def test_awkward_text_comes_back_exactly(bpe: Tokenizer, gpt2: Tokenizer, text: str):
    assert_exact(bpe, text)
    assert_exact(gpt2, text)


def test_gpt2s_files_give_gpt2s_ids(gpt2: Tokenizer):
    assert gpt2.encode("Hello world").ids == [15496, 995]
    assert gpt2.encode("<|endoftext|>").ids == [50256]
    assert gpt2.n_tokens == len(gpt2.vocabulary) == 50257
    assert gpt2.end_of_text == 50256
    assert gpt2.special_ids == {50256}
    assert gpt2.kind == "byte-level BPE"
    assert gpt2.vocabulary[995] == b" world"
    assert len(set(gpt2.vocabulary)) == 50257


def test_tokens_that_share_a_character_overlap(gpt2: Tokenizer):
    tokens = gpt2.encode("a😀").tokens
    assert [token.bytes for token in tokens] == [b"a", b"\xf0\x9f\x98", b"\x80"]
    assert [(token.char_start, token.char_end) for token in tokens] == [(0, 1), (1, 2), (1, 2)]
    assert [token.partial for token in tokens] == [False, True, True]


def test_a_leading_space_belongs_to_its_token(gpt2: Tokenizer):
    tokens = gpt2.encode("Hello world").tokens
    assert [(t.char_start, t.char_end) for t in tokens] == [(0, 5), (5, 11)]


@given(st.text(st.characters()))
def test_lone_surrogates_are_replaced_and_told(bpe: Tokenizer, text: str):
    encoding = bpe.encode(text)
    lone = [c for c in text if "\ud800" <= c <= "\udfff"]
    assert bool(encoding.notes) == bool(lone)
    assert len(encoding.text) == len(text)
    assert bpe.decode(encoding.ids) == encoding.text
    assert encoding.text.count("\ufffd") == len(lone) + text.count("\ufffd")


def test_the_note_on_surrogates_counts_them(bpe: Tokenizer):
    assert bpe.encode("a\ud800").notes == (
        "1 lone surrogate (half a character) was replaced by U+FFFD.",
    )
    assert bpe.encode("\udc00a\ud800").notes[0].startswith("2 lone surrogates")


def test_training_learns_frequent_words(bpe: Tokenizer):
    assert bpe.n_tokens <= 300
    assert len(bpe.encode(" king").ids) == 1
    assert len(bpe.encode(" zebra").ids) > 2
    assert bpe.end_of_text == bpe.encode(END_OF_TEXT).ids[0] == 0
    again = Tokenizer.train_bpe(TEXT, 300)
    assert again.to_json() == bpe.to_json()
    # All bytes are there, whatever the text holds.
    assert {bytes([byte]) for byte in range(256)} <= set(bpe.vocabulary)


def test_training_on_several_texts_reads_them_all():
    one = Tokenizer.train_bpe(["king king king", "queen queen queen"], 280)
    assert len(one.encode("king").ids) == len(one.encode("queen").ids) == 1


def test_a_vocabulary_without_room_for_the_bytes_is_refused():
    with pytest.raises(TokenizerError, match=r"vocabulary of 100 is too small: .* need 257"):
        Tokenizer.train_bpe("text", 100)


@given(st.text(st.sampled_from(TEXT)))
def test_characters_come_back_exactly(text: str):
    tokenizer = Tokenizer.train_char(TEXT)
    assert_exact(tokenizer, text)
    assert len(tokenizer.encode(text).ids) == len(text)


def test_characters_say_which_they_do_not_know():
    tokenizer = Tokenizer.train_char("abc\n")
    assert tokenizer.kind == "characters"
    assert tokenizer.n_tokens == 5
    assert tokenizer.end_of_text is None
    encoding = tokenizer.encode("aéb😀é")
    assert encoding.notes == ("Not in the model's alphabet: 'é', '😀'.",)
    unknown = tokenizer.unknown_id
    assert [token.id == unknown for token in encoding.tokens] == [False, True, False, True, True]
    assert tokenizer.decode(encoding.ids) == "a<unk>b<unk><unk>"
    assert [(t.char_start, t.char_end) for t in encoding.tokens] == [(i, i + 1) for i in range(5)]
    with pytest.raises(TokenizerError, match="text is empty"):
        Tokenizer.train_char("")


def test_ids_without_a_token_have_no_bytes(bpe: Tokenizer):
    assert bpe.token_bytes(10_000) == b""
    assert bpe.decode([10_000]) == ""
    with pytest.raises(ValueError, match="Token id -1 is negative"):
        bpe.decode([5, -1])


@pytest.mark.parametrize("kind", ["bpe", "characters", "gpt2"])
def test_a_saved_tokenizer_is_the_same_here_and_in_transformers(
    kind: str, bpe: Tokenizer, gpt2: Tokenizer, tmp_path: Path
):
    from transformers import AutoTokenizer

    ours = {"bpe": bpe, "characters": Tokenizer.train_char(TEXT), "gpt2": gpt2}[kind]
    ours.save(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    text = "The queen lost\n a crown"
    ids = ours.encode(text).ids
    again = Tokenizer.from_folder(tmp_path)
    assert again.to_json() == ours.to_json()
    assert again.end_of_text == ours.end_of_text
    assert again.encode(text).ids == ids
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    assert theirs(text)["input_ids"] == ids
    assert theirs.decode(ids) == text
    assert theirs.eos_token_id == ours.end_of_text


def test_vocab_and_merges_files_are_a_tokenizer(shared_data: Path, tmp_path: Path):
    for ours, theirs in (("vocab.json", "gpt2-vocab.json"), ("merges.txt", "gpt2-merges.txt")):
        (tmp_path / ours).symlink_to(shared_data / theirs)
    assert Tokenizer.from_folder(tmp_path).encode("Hello world").ids == [15496, 995]
    (tmp_path / "merges.txt").unlink()
    with pytest.raises(TokenizerError, match=r"has vocab\.json, but merges\.txt is missing"):
        Tokenizer.from_folder(tmp_path)
    (tmp_path / "merges.txt").write_text("not merges at all")
    with pytest.raises(TokenizerError, match=r"merges\.txt are no readable BPE"):
        Tokenizer.from_folder(tmp_path)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"version": "1.0"}', "\0\0", '{"model": {"type": "Dream"}}']
)
def test_a_damaged_file_is_refused_with_its_name(content: str, tmp_path: Path):
    path = tmp_path / "tokenizer.json"
    path.write_text(content)
    with pytest.raises(TokenizerError, match=r"tokenizer\.json is no readable tokenizer"):
        Tokenizer.from_file(path)
    with pytest.raises(TokenizerError, match="can't be read: No such file"):
        Tokenizer.from_file(tmp_path / "other.json")


def test_padding_and_cutting_in_a_file_do_not_change_a_text(bpe: Tokenizer, tmp_path: Path):
    spec = json.loads(bpe.to_json())
    spec["truncation"] = {
        "direction": "Right",
        "max_length": 2,
        "strategy": "LongestFirst",
        "stride": 0,
    }
    spec["padding"] = {
        "strategy": {"Fixed": 50},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": END_OF_TEXT,
    }
    (tmp_path / "tokenizer.json").write_text(json.dumps(spec))
    text = "The king lost his crown"
    assert Tokenizer.from_folder(tmp_path).encode(text).ids == bpe.encode(text).ids


def test_the_end_of_text_is_the_one_that_the_settings_name(bpe: Tokenizer, tmp_path: Path):
    bpe.save(tmp_path)
    other = bpe.encode("!").ids[0]
    settings = tmp_path / "tokenizer_config.json"
    for eos in ("!", {"content": "!", "special": True}):
        settings.write_text(json.dumps({"eos_token": eos}))
        assert Tokenizer.from_folder(tmp_path).end_of_text == other
    settings.write_text("{damaged")
    assert Tokenizer.from_folder(tmp_path).end_of_text == 0


def test_tokens_of_other_kinds_show_their_bytes_too():
    spaces = tokenizers.Tokenizer(
        models.BPE({"▁king": 0, "<0x0A>": 1, "s": 2}, [], byte_fallback=True)
    )
    spaces.decoder = decoders.Sequence(
        [decoders.Metaspace(), decoders.ByteFallback(), decoders.Fuse()]
    )
    assert Tokenizer(spaces).vocabulary == (b" king", b"\n", b"s")
    pieces = tokenizers.Tokenizer(models.WordPiece({"king": 0, "##s": 1}, unk_token="king"))
    assert Tokenizer(pieces).vocabulary == (b"king", b"s")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the system tells no memory")
def test_a_tokenizer_that_is_gone_holds_no_memory() -> None:
    words = ["".join(random.Random(i).choices("abcdefghijklmnop", k=6)) for i in range(4000)]
    text = " ".join(random.Random(1).choices(words, k=5_000))
    trained = Tokenizer.train_bpe(text, 600).to_json()
    sizes = []
    for _ in range(60):
        Tokenizer.from_json(trained).encode(text)
        sizes.append(memory_bytes())
    # 11 MB where the library keeps 500 words of each, 61 where it keeps all.
    assert sizes[-1] - sizes[9] < 2 * 2**20
