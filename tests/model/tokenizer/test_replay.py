"""A replay ends with the library's ids, for every algorithm and its settings."""

from __future__ import annotations

import json
import random
from itertools import pairwise

import pytest
import tokenizers
from tokenizers import AddedToken, Regex, models, normalizers, pre_tokenizers, trainers

from model.slices import finish
from model.tokenizer.bpe_history import BpeSettings
from model.tokenizer.bpe_training import learn_bpe
from model.tokenizer.client import building
from model.tokenizer.replay import LONGEST, Replay
from model.tokenizer.tokenizer import Tokenizer
from tests.model.conftest import CARROLL

SAMPLES = (
    "tokenization",
    "sister was reading, 12 naïve 🍰 bats",
    "日本語  x\n\ta",
    "aaaaaaaaaaa",
    "Alice" * 30,
    " ",
    "",
    "half\ud800",
)


def bpe(**options: object) -> Tokenizer:
    learnt = learn_bpe(CARROLL * 3, BpeSettings(420)).tokenizer()
    model = models.BPE(*_tables(learnt), **options)  # type: ignore[arg-type]
    learnt._inner.model = model
    return Tokenizer(learnt._inner)


def _tables(tokenizer: Tokenizer) -> tuple[dict[str, int], list[tuple[str, str]]]:
    model = json.loads(tokenizer.to_json())["model"]
    return model["vocab"], [tuple(pair) for pair in model["merges"]]


def character_bpe(**options: object) -> Tokenizer:
    """As sentencepiece's: characters of the text, bytes for those that it doesn't know."""
    inner = tokenizers.Tokenizer(models.BPE(unk_token="<unk>"))
    inner.normalizer = normalizers.Replace(" ", "▁")
    trainer = trainers.BpeTrainer(
        vocab_size=120, special_tokens=["<unk>"], show_progress=False, max_token_length=8
    )
    inner.pre_tokenizer = pre_tokenizers.Split(Regex("▁[^▁]*"), "isolated")
    inner.train_from_iterator([CARROLL], trainer)
    vocab, merges = _tables(Tokenizer(inner))
    for byte in range(256):
        vocab[f"<0x{byte:02X}>"] = len(vocab)
    inner.model = models.BPE(vocab, merges, unk_token="<unk>", **options)
    return Tokenizer(inner)


def suffixed_bpe() -> Tokenizer:
    """As CLIP's and XLM's: the end of a word is part of its last symbol."""
    inner = tokenizers.Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(
        vocab_size=200,
        special_tokens=["<unk>"],
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    inner.train_from_iterator([CARROLL], trainer)
    return Tokenizer(inner)


def word_piece() -> Tokenizer:
    inner = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=20))
    inner.normalizer = normalizers.BertNormalizer()
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=200, special_tokens=["[UNK]"], show_progress=False
    )
    inner.train_from_iterator([CARROLL], trainer)
    return Tokenizer(inner)


def unigram(*, byte_fallback: bool = False) -> Tokenizer:
    dice = random.Random(0)
    text = CARROLL.replace(" ", "▁")
    parts = {text[at : at + n] for at in range(0, 400, 3) for n in (1, 2, 3, 5)}
    parts |= {c for c in set(text) if c not in "zqx"}
    vocab = [("<unk>", 0.0)] + [(part, -dice.uniform(1, 12)) for part in sorted(parts)]
    if byte_fallback:
        vocab += [(f"<0x{byte:02X}>", -20.0) for byte in range(256)]
    inner = tokenizers.Tokenizer(models.Unigram(vocab, 0, byte_fallback))
    inner.normalizer = normalizers.Replace(" ", "▁")
    return Tokenizer(inner)


KINDS = {
    "bpe": bpe,
    "bpe without merges where a token is the whole": lambda: bpe(ignore_merges=True),
    "characters, unknown": character_bpe,
    "characters, fused": lambda: character_bpe(fuse_unk=True),
    "characters, bytes": lambda: character_bpe(byte_fallback=True),
    "suffix": suffixed_bpe,
    "word piece": word_piece,
    "unigram": unigram,
    "unigram, bytes": lambda: unigram(byte_fallback=True),
    "words": lambda: Tokenizer.train_char(CARROLL),
}


@pytest.mark.parametrize("kind", KINDS)
def test_it_ends_with_the_librarys_ids(kind: str):
    tokenizer = KINDS[kind]()
    for text in (*SAMPLES, CARROLL[:LONGEST]):
        found = tokenizer.replay(text)
        assert found.agrees, text
        assert list(found.ids) == tokenizer.encode(text, add_special=False).ids
        assert not found.notes


def test_each_merge_is_the_first_of_all_that_could_be_done():
    tokenizer = bpe()
    _, merges = _tables(tokenizer)
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    found = tokenizer.replay("sister reading conversations")
    assert sum(len(piece.steps) - 1 for piece in found.pieces) > 8
    for piece in found.pieces:
        for before, after in pairwise(piece.steps):
            names = [found.names[span.id] for span in before.spans]
            could = {pair: ranks[pair] for pair in pairwise(names) if pair in ranks}
            assert after.rank == min(could.values())
            left, right = merges[after.rank]
            assert found.names[after.spans[after.made].id] == left + right


def test_a_whole_token_is_taken_without_a_merge_where_the_file_says_so():
    merged, whole = (bpe(ignore_merges=on).replay("Alice") for on in (False, True))
    assert merged.ids == whole.ids
    assert len(merged.pieces[0].steps) == 5
    assert [piece.whole for piece in whole.pieces] == [True]


def test_word_pieces_are_the_longest_that_fit():
    tokenizer = word_piece()
    found = tokenizer.replay("sisters")
    (piece,) = found.pieces
    for step in piece.steps:
        tried = step.spans[-1]
        name = ("##" if tried.start else "") + "sisters"[tried.start : tried.end]
        known = tokenizer._inner.token_to_id(name)
        assert (known is not None) == (step.made >= 0)
    assert [step.spans[-1].end for step in piece.steps][:2] == [7, 6]


def test_the_lattice_has_every_piece_and_the_best_path():
    tokenizer = unigram()
    found = tokenizer.replay("her sister")
    (piece,) = found.pieces
    text = "her▁sister"
    scores = dict(json.loads(tokenizer._inner.model.__getstate__())["vocab"])
    wanted = {
        (a, b): scores[text[a:b]]
        for a in range(len(text))
        for b in range(a + 1, len(text) + 1)
        if text[a:b] in scores
    }
    assert {(s.start, s.end): s.score for s in piece.lattice} == wanted

    def best_from(at: int) -> float:  # by trying every path
        if at == len(text):
            return 0.0
        return max((n + best_from(b) for (a, b), n in wanted.items() if a == at), default=-1e9)

    assert sum(span.score for span in piece.cut) == pytest.approx(best_from(0))


def test_special_tokens_are_said_to_be_cut_otherwise():
    tokenizer = bpe()
    tokenizer._inner.add_special_tokens([AddedToken("<|endoftext|>", special=True)])
    found = tokenizer.replay("a<|endoftext|>b")
    assert not found.agrees
    assert "special token" in found.notes[0]


def test_a_tokenizer_in_its_own_process_replays_alike(tmp_path):
    here = bpe()
    here.save(tmp_path)
    apart = finish(building("from_folder", (tmp_path,)))
    assert apart is not None
    found = apart.replay("sister")
    assert isinstance(found, Replay)
    assert found == here.replay("sister")


def test_of_equal_ranks_the_left_one_is_merged_first():
    tokenizer = learn_bpe("aaaa aaaa aaaa", BpeSettings(300)).tokenizer()
    for n in (3, 5, 7):
        found = tokenizer.replay("a" * n)
        assert found.agrees
        first = found.pieces[0].steps[1]
        assert (first.spans[first.made].start, first.spans[first.made].end) == (0, 2)
