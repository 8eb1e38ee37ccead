"""Long texts are cut into files once: the ids, the key, what is left by whom, and what is told."""

from __future__ import annotations

import json
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.slices import finish
from model.tokenizer import long_text
from model.tokenizer.tokenizer import Tokenizer
from model.train import cutting, data, text_files, token_cache
from model.train.batches import batches_of
from model.train.data import DataError, TextData, prepare
from model.train.events import Prepared
from model.train.recipe import Recipe
from tests.model.conftest import CARROLL


@pytest.fixture(autouse=True)
def long_texts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text_file: Path) -> None:
    """Every text counts as a long one, read and cut in small pieces."""
    monkeypatch.setenv(token_cache.PLACE, str(tmp_path / "cache"))
    monkeypatch.setattr(data, "MOST_HELD", 100)
    monkeypatch.setattr(text_files, "PIECE", 1000)
    monkeypatch.setattr(cutting, "_PART", 777)
    monkeypatch.setattr(long_text, "WINDOW", 600)
    monkeypatch.setattr(long_text, "OVERLAP", 80)
    text_file.write_text((CARROLL + "\n\n <unk>nown\n") * 5, encoding="utf-8")


def held(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> TextData:
    with monkeypatch.context() as patch:
        patch.setattr(data, "MOST_HELD", 1 << 20)
        return finish(prepare(recipe))


@pytest.mark.parametrize("kind", ["char", "bpe:300", "saved"])
def test_a_long_text_has_the_ids_that_it_has_in_memory(
    recipe: Recipe, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "saved":
        (tmp_path / "own").mkdir()
        Tokenizer.train_bpe(CARROLL, 280).save(tmp_path / "own")
        kind = str(tmp_path / "own")
    recipe = replace(recipe, tokenizer=kind)
    in_memory, mapped = held(recipe, monkeypatch), finish(prepare(recipe))
    assert mapped.train_ids.tolist() == in_memory.train_ids.tolist()
    assert mapped.val_ids.tolist() == in_memory.val_ids.tolist()
    assert mapped.tokenizer.to_json() == in_memory.tokenizer.to_json()
    assert mapped.sha256 == in_memory.sha256
    assert mapped.n_bytes == in_memory.n_bytes
    assert mapped.val_tokens_per_byte == in_memory.val_tokens_per_byte
    assert not mapped.train_ids.flags.writeable
    batches = batches_of(mapped, recipe), batches_of(in_memory, recipe)
    assert (batches[0].at(3) == batches[1].at(3)).all()


def test_a_text_is_cut_once(recipe: Recipe, text_file: Path) -> None:
    first = finish(prepare(recipe))
    signs: list[Prepared] = []
    again = finish(prepare(recipe), signs.append)
    assert {sign.what for sign in signs} == {f"Reading {text_file.name}"}
    assert again.train_ids.tolist() == first.train_ids.tolist()
    assert len(token_cache.kept()) == 1
    # A run that goes on brings its tokenizer, which was made of the same text.
    resumed = finish(prepare(recipe, first.tokenizer))
    assert resumed.train_ids.tolist() == first.train_ids.tolist()
    assert len(token_cache.kept()) == 1
    # Another place of the same text is the same entry; another tokenizer or text is another.
    moved = text_file.rename(text_file.with_name("moved.txt"))
    finish(prepare(replace(recipe, data=str(moved))))
    assert len(token_cache.kept()) == 1
    finish(prepare(replace(recipe, data=str(moved), tokenizer="bpe:300")))
    moved.write_text(CARROLL * 6, encoding="utf-8")
    finish(prepare(replace(recipe, data=str(moved))))
    assert len(token_cache.kept()) == 3


@pytest.mark.parametrize("at", ["Making the tokenizer", "Cutting the text into tokens"])
def test_what_is_given_up_leaves_nothing(recipe: Recipe, at: str) -> None:
    preparing = prepare(replace(recipe, tokenizer="bpe:300"))
    assert next(sign for sign in preparing if sign.what == at)
    preparing.close()
    assert token_cache.kept() == []


def test_a_damaged_entry_is_cut_anew(recipe: Recipe) -> None:
    first = finish(prepare(recipe)).train_ids.tolist()
    [entry] = token_cache.kept()
    (entry.path / "train.ids").write_bytes(b"\0")
    assert finish(prepare(recipe)).train_ids.tolist() == first
    (entry.path / "facts.json").write_text("{", encoding="utf-8")
    assert finish(prepare(recipe)).train_ids.tolist() == first
    assert [one.path for one in token_cache.kept()] == [entry.path]


def test_what_is_kept_is_listed_and_deleted(recipe: Recipe, text_file: Path) -> None:
    ready = finish(prepare(recipe))
    (token_cache.cache_dir() / ".killed.part").mkdir()
    whole, left = sorted(token_cache.kept(), key=lambda one: -one.n_bytes)
    assert (whole.text, whole.tokenizer) == (str(text_file), recipe.tokenizer)
    assert whole.n_tokens == len(ready.train_ids) + len(ready.val_ids)
    assert whole.n_bytes > 2 * whole.n_tokens
    assert left.text == "not whole"
    assert token_cache.delete([whole, left]) == []
    assert token_cache.kept() == []


def test_a_disk_without_room_is_said_before_anything_is_cut(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("model.train.token_cache.shutil.disk_usage", lambda _: usage(10, 9, 1))
    with pytest.raises(DataError, match=r"needs up to [\d.]+ kB, with 1 byte free\. Make room"):
        finish(prepare(recipe))
    assert token_cache.kept() == []


def test_a_long_texts_tokenizer_learns_from_all_over_it(
    recipe: Recipe, text_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cutting, "LEARNT_FROM", 2 * 777)
    text_file.write_text("abab " * 400 + "xyxy " * 400 + "mnmn " * 400, encoding="utf-8")
    ready = finish(prepare(replace(recipe, tokenizer="bpe:300")))
    pieces = {ready.tokenizer.piece(id) for id in range(ready.tokenizer.n_tokens)}
    assert any("ab" in piece for piece in pieces)
    assert any("xy" in piece for piece in pieces)
    assert "spread over" in ready.notes[-1]


def test_facts_are_plain(recipe: Recipe) -> None:
    finish(prepare(recipe))
    [entry] = token_cache.kept()
    facts = json.loads((entry.path / "facts.json").read_text(encoding="utf-8"))
    assert facts["dtype"] == np.dtype("<u2").str
