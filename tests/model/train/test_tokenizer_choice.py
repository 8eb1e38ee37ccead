"""A recipe's tokenizer by a path: any file of one, or of a model that has one; else a sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import sentencepiece

from model.slices import finish
from model.tokenizer.tokenizer import Tokenizer, TokenizerError
from model.train.data import prepare
from model.train.recipe import Recipe
from model.train.tokenizer_choice import tokenizer_at
from tests.model.conftest import CARROLL, make_gpt2


def ids(path: Path) -> list[int]:
    return tokenizer_at(str(path)).encode("Alice was beginning", add_special=False).ids


def test_every_file_of_a_byte_level_tokenizer_gives_the_same_one(
    tmp_path: Path, bpe: Tokenizer
) -> None:
    bpe.save(tmp_path)
    spec = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    (tmp_path / "vocab.json").write_text(json.dumps(spec["vocab"]), encoding="utf-8")
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in spec["merges"]]
    (tmp_path / "merges.txt").write_text("\n".join(merges), encoding="utf-8")
    expected = bpe.encode("Alice was beginning").ids
    (tmp_path / "tokenizer.json").rename(tmp_path / "mine.json")
    for name in ("mine.json", "vocab.json", "merges.txt", "tokenizer_config.json", "."):
        assert ids(tmp_path / name) == expected, name
    for name in ("vocab.json", "merges.txt"):
        (tmp_path / name).rename(tmp_path / f"gpt2-{name}")
    assert ids(tmp_path / "gpt2-merges.txt") == expected
    (tmp_path / "gpt2-merges.txt").unlink()
    with pytest.raises(TokenizerError, match=r"gpt2-merges\.txt is missing"):
        tokenizer_at(str(tmp_path / "gpt2-vocab.json"))


@pytest.mark.parametrize("name", ["tokenizer.model", "stories.model", "stories.spm"])
def test_a_sentencepiece_model_is_one_under_any_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "text.txt").write_text(CARROLL, encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(tmp_path / "text.txt"),
        model_prefix=str(tmp_path / "m"),
        vocab_size=120,
        model_type="bpe",
        minloglevel=5,
    )
    (tmp_path / "m.model").rename(tmp_path / name)
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / name))
    assert ids(tmp_path / name) == theirs.encode("Alice was beginning")


def test_a_word_list_is_a_tokenizer(tmp_path: Path) -> None:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "alice", "was", "begin", "##ning"]
    (tmp_path / "bert-words.txt").write_text("\n".join(words), encoding="utf-8")
    assert ids(tmp_path / "bert-words.txt") == [5, 6, 7, 8]


def test_a_model_gives_its_tokenizer(tmp_path: Path, bpe: Tokenizer) -> None:
    folder = make_gpt2(tmp_path / "gpt2", bpe)
    expected = bpe.encode("Alice was beginning").ids
    assert ids(folder / "model.safetensors") == ids(folder / "config.json") == expected


def test_a_gguf_file_gives_its_tokenizer(tmp_path: Path, bpe: Tokenizer) -> None:
    import gguf

    # Of an architecture that doesn't open here, and without weights: a tokenizer it has.
    path = tmp_path / "vocabulary.gguf"
    writer = gguf.GGUFWriter(path, "unheard-of")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    by_id = json.loads(bpe.to_json())["model"]
    tokens = sorted(by_id["vocab"], key=by_id["vocab"].get)
    writer.add_token_list(tokens)
    writer.add_token_types([1] * len(tokens))
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in by_id["merges"]]
    writer.add_token_merges(merges)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert ids(path) == bpe.encode("Alice was beginning").ids


@pytest.mark.parametrize("word", ["bogus", "bpe", "Char", "gpt2", "no/such/tokenizer.json"])
def test_a_word_that_is_nothing_is_answered_by_what_there_is(recipe: Recipe, word: str) -> None:
    # Before the text is read, which may take long.
    recipe = replace(recipe, tokenizer=word, data="nowhere.txt")
    with pytest.raises(TokenizerError, match=rf"no tokenizer '{word}': give char, bpe:SIZE"):
        finish(prepare(recipe))


def test_what_is_no_tokenizer_says_so(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=r"is a text, no tokenizer's file\. Give char or bpe"):
        tokenizer_at(recipe.data)
    (tmp_path / "empty").mkdir()
    with pytest.raises(TokenizerError, match="has no tokenizer: neither"):
        tokenizer_at(str(tmp_path / "empty"))
