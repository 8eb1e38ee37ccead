"""The merges are those of the library, ties included, and the history says how they came about."""

from __future__ import annotations

import json
import random
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from model.tokenizer.bpe_history import LEADERS, BpeHistory, BpeSettings, Recut
from model.tokenizer.bpe_training import Learning, learn_bpe, learning, words_of
from model.tokenizer.tokenizer import Tokenizer, TokenizerError
from model.world import write
from tests.model.conftest import CARROLL

ROOT = Path(__file__).resolve().parents[3]
TEXTBOOK = "low\nlower\nlowest"
TEXTS = {
    "prose": CARROLL * 3,
    "story world": write(30_000, 0),
    "code": (ROOT / "model/tokenizer/bpe_training.py").read_text(encoding="utf-8"),
    "unicode": "naïve café 日本語日本語 🍰🍰👩‍👩‍👧 "
    "e\u0301e\u0301 ﷽﷽ Ω≈ç√ привет привет\t\t\r\n\u00a0\u2028" * 4,
    "tabs and ends": "a\n\n\n  b\t\tc  \n" * 40 + "   ",
    "one letter": "a" * 3000,
    "two pairs, one token": "aaab aab ab aaaab " * 50 + "aa" * 77,
    "half characters": "a\ud800b a\ud800b a\ud800b",
    "no pair twice": "abcdefg",
}


def library(text: str, vocab_size: int, special: tuple[str, ...] = ("<|endoftext|>",)) -> Tokenizer:
    return Tokenizer.train_bpe(text, vocab_size, special)


def same_as_library(text: str, vocab_size: int) -> BpeHistory:
    ours, theirs = learn_bpe(text, BpeSettings(vocab_size)), library(text, vocab_size)
    made, wanted = ours.tokenizer().to_json(), theirs.to_json()
    assert json.loads(made)["model"]["merges"] == json.loads(wanted)["model"]["merges"]
    assert made == wanted  # ids, special tokens, all stages
    return ours


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("vocab_size", [258, 300, 700])
def test_merges_and_ids_are_those_of_the_library(name: str, vocab_size: int):
    history = same_as_library(TEXTS[name], vocab_size)
    text = TEXTS[name].replace("\ud800", "\ufffd")
    assert history.n_tokens[-1] == len(history.tokenizer().encode(text))
    assert history.n_tokens[0] == history.n_bytes == len(text.encode())


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**9))
def test_few_letters_make_every_kind_of_tie(seed: int):
    dice = random.Random(seed)
    letters = dice.choice(["ab", "abc", "aab ", "ab cd", "xyz \n", "日本 é"])
    text = "".join(dice.choice(letters) for _ in range(dice.choice([3, 20, 100, 1000])))
    same_as_library(text, dice.choice([258, 270, 300, 400]))


def test_shakespeare_to_two_thousand_merges(shared_data: Path):
    same_as_library((shared_data / "tinyshakespeare.txt").read_text(encoding="utf-8"), 2257)


def test_the_saved_file_opens_in_the_library_and_cuts_alike(tmp_path: Path):
    text = TEXTS["prose"]
    file = tmp_path / "tokenizer.json"
    file.write_text(learn_bpe(text, BpeSettings(320)).tokenizer().to_json(), encoding="utf-8")
    opened = tokenizers.Tokenizer.from_file(str(file))
    for part in (text, TEXTS["unicode"], "<|endoftext|>x"):
        assert opened.encode(part).ids == library(text, 320).encode(part).ids


def test_each_state_is_what_a_count_by_hand_gives():
    text = TEXTS["prose"] + TEXTS["two pairs, one token"][:60]
    history = learn_bpe(text, BpeSettings(290))
    words = Counter(words_of(text))
    cut = Recut(history).cut
    for k in range(history.n_merges + 1):
        counted: Counter[tuple[int, int]] = Counter()
        length = 0
        for word, n in words.items():
            ids = cut(word, k)
            length += n * len(ids)
            for pair in pairwise(ids):
                counted[pair] += n
        assert history.n_tokens[k] == length
        best = sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:LEADERS]
        shown = [
            ((int(left), int(right)), int(n))
            for (left, right), n in zip(history.leaders[k], history.leader_counts[k], strict=True)
            if n
        ]
        assert shown == best
        if k < history.n_merges:
            assert (tuple(history.pairs[k].tolist()), history.counts[k]) == best[0]


def test_words_are_cut_as_the_tokenizer_of_that_state_does():
    history = learn_bpe(TEXTS["story world"], BpeSettings(420))
    cut, text = Recut(history).cut, TEXTS["prose"][:300]
    for k in (0, 1, 17, history.n_merges):
        ids = [id for word in words_of(text) for id in cut(word, k)]
        assert ids == history.tokenizer(k).encode(text).ids


def test_the_textbook_is_merged_by_hand():
    history = learn_bpe(TEXTBOOK)
    assert [history.tokens[id] for id in history.made] == [b"lo", b"low", b"lowe"]
    assert history.counts.tolist() == [3, 3, 2]
    assert history.n_tokens.tolist() == [16, 13, 10, 8]
    assert history.ended == "rare"
    parts = [history.tokens[id] for id in Recut(history).cut(b"lowest", 2)]
    assert parts == [b"low", b"e", b"s", b"t"]


def test_states_and_sizes_of_the_vocabulary():
    history = learn_bpe(TEXTS["prose"], BpeSettings(300))
    assert (history.vocab_size(0), history.vocab_size(history.n_merges)) == (257, 300)
    sizes = (1, 257, 258, 270, 300, 9999)
    assert [history.state_of(size) for size in sizes] == [0, 0, 1, 13, 43, 43]
    assert history.bytes_per_token(43) == history.n_bytes / history.n_tokens[43]


def test_the_written_history_has_a_row_a_merge():
    history = learn_bpe(TEXTBOOK)
    rows = json.loads(history.to_json())
    assert [row["pair"] for row in rows] == [["l", "o"], ["lo", "w"], ["low", "e"]]
    assert [row["count"] for row in rows] == [3, 3, 2]
    assert [row["text_length"] for row in rows] == [13, 10, 8]
    assert json.loads(learn_bpe("abc").to_json()) == []


def test_it_tells_how_far_it_is_and_can_be_given_up():
    steps = learning(TEXTS["story world"], BpeSettings(2000))
    seen: list[Learning] = []
    for step in steps:
        seen.append(step)
        if step.what == "Merging pairs":
            break
    steps.close()
    assert seen[0].what == "Counting words"
    assert {"Counting words", "Counting pairs", "Merging pairs"} == {s.what for s in seen}
    assert all(0 <= s.share <= 1 for s in seen)


def test_arrays_are_read_only():
    history = learn_bpe(TEXTBOOK)
    for array in (history.pairs, history.counts, history.n_tokens, history.leaders):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    assert np.all(history.leaders[0][history.leader_counts[0] == 0] == -1)


@pytest.mark.parametrize(
    ("text", "made", "sentence"),
    [
        ("", BpeSettings(), "empty"),
        ("abc", BpeSettings(257), "need 257, and a merge one more"),
        ("abc", BpeSettings(10**9), "the most that is learnt here"),
        ("abc", BpeSettings(300, min_frequency=0), "at least once"),
        ("abc", BpeSettings(300, special=("x", "x")), "different"),
    ],
)
def test_what_cannot_be_learnt_is_refused_in_a_sentence(
    text: str, made: BpeSettings, sentence: str
):
    with pytest.raises(TokenizerError, match=sentence):
        learn_bpe(text, made)


def test_chosen_pairs_come_first_and_never_again():
    text = "low lower lowest slow slower " * 3
    free = learn_bpe(text, BpeSettings(300))
    pair = (b"e", b"r")
    history = learn_bpe(text, BpeSettings(300, chosen=(pair,)))
    made = [(history.tokens[left], history.tokens[right]) for left, right in history.pairs.tolist()]
    assert made[0] == pair
    assert made.count(pair) == 1
    assert history.counts[0] == text.count("er")
    assert history.n_tokens[1] == history.n_tokens[0] - text.count("er")
    # What was chosen as training would choose it changes nothing.
    first = tuple((free.tokens[a], free.tokens[b]) for a, b in free.pairs[:3].tolist())
    same = learn_bpe(text, BpeSettings(300, chosen=first))
    assert same.pairs.tolist() == free.pairs.tolist()
    assert same.leader_counts.tolist() == free.leader_counts.tolist()


def test_a_chosen_pair_that_is_nowhere_says_so():
    with pytest.raises(TokenizerError, match="“q” \\+ “z” stand nowhere beside each other"):
        learn_bpe("low lower", BpeSettings(300, chosen=((b"q", b"z"),)))
