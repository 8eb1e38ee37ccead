"""Text to ids: what is read, cut, split and drawn, and what a bad file is told."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.slices import finish
from model.tokenizer import long_text
from model.tokenizer.tokenizer import Tokenizer
from model.train.batches import Batches, validation_batches
from model.train.data import DataError, TextData, prepare, read_text
from model.train.presets import PRESETS
from model.train.recipe import Recipe
from tests.model.conftest import CARROLL


def prepared(recipe: Recipe) -> TextData:
    return finish(prepare(recipe))


def test_the_two_parts_are_the_text_and_the_last_tenth_is_for_validation(recipe: Recipe) -> None:
    text = read_text(Path(recipe.data))
    ready = prepared(recipe)
    train = ready.tokenizer.decode(ready.train_ids.tolist())
    val = ready.tokenizer.decode(ready.val_ids.tolist())
    assert train + val == text
    assert len(val) == pytest.approx(len(text) / 10, abs=1)
    assert ready.train_ids.dtype == np.uint16


@pytest.mark.parametrize("tokenizer", ["char", "bpe:300"])
def test_bytes_per_token_are_those_of_the_validation_text(recipe: Recipe, tokenizer: str) -> None:
    ready = prepared(replace(recipe, tokenizer=tokenizer))
    n_bytes = len(ready.tokenizer.decode(ready.val_ids.tolist()).encode())
    assert ready.val_tokens_per_byte == len(ready.val_ids) / n_bytes


def test_the_ids_are_those_of_the_two_parts_as_wholes(
    recipe: Recipe, text_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_text, "WINDOW", 200)
    monkeypatch.setattr(long_text, "OVERLAP", 40)
    text_file.write_text((CARROLL + "\n\n  indented\n \n\tend\r\n") * 5, encoding="utf-8")
    ready = prepared(replace(recipe, tokenizer="bpe:400"))
    text = read_text(text_file)
    cut = round(len(text) * 0.9)
    assert ready.train_ids.tolist() == ready.tokenizer.encode(text[:cut]).ids
    assert ready.val_ids.tolist() == ready.tokenizer.encode(text[cut:]).ids


def test_characters_are_cut_as_by_their_tokenizer(recipe: Recipe, text_file: Path) -> None:
    tokenizer = Tokenizer.train_char(CARROLL)
    odd = CARROLL + "\u4e16\U0001f600 an <unk>nown one, too <unk><unk>"
    text_file.write_text(odd * 4, encoding="utf-8")
    ready = finish(prepare(replace(recipe, tokenizer="char"), tokenizer))
    cut = round(len(odd) * 4 * 0.9)
    assert ready.train_ids.tolist() == tokenizer.encode((odd * 4)[:cut]).ids
    assert ready.val_ids.tolist() == tokenizer.encode((odd * 4)[cut:]).ids


def test_learning_a_tokenizer_shows_progress_and_can_be_given_up(
    recipe: Recipe, text_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.tokenizer.client._LEARNT_HERE", 1000)
    text_file.write_text("the king lost his crown " * 40_000, encoding="utf-8")
    recipe = replace(recipe, tokenizer="bpe:300")
    preparing = prepare(recipe)
    making = (sign for sign in preparing if sign.what == "Making the tokenizer")
    assert 0 < next(sign for sign in making if sign.fraction > 0).fraction <= 1
    began = time.perf_counter()
    preparing.close()
    assert time.perf_counter() - began < 5
    # And as a whole it learns what it learns in one go.
    ready = prepared(recipe)
    text = read_text(text_file)
    whole = Tokenizer.train_bpe(text[: round(len(text) * 0.9)], 300)
    assert ready.tokenizer.to_json() == whole.to_json()


def test_a_saved_tokenizer_is_used_as_it_is(recipe: Recipe, tmp_path: Path) -> None:
    own = Tokenizer.train_bpe(CARROLL, 300)
    own.save(tmp_path)
    for path in (tmp_path, tmp_path / "tokenizer.json"):
        ready = prepared(replace(recipe, tokenizer=str(path)))
        assert ready.tokenizer.n_tokens == own.n_tokens
        assert ready.val_ids.tolist() == own.encode(CARROLL * 4).ids[-len(ready.val_ids) :]


def test_the_world_is_validated_on_text_of_another_seed() -> None:
    recipe = replace(PRESETS["tiny"], data_tokens=3000)
    ready = prepared(recipe)
    train = ready.tokenizer.decode(ready.train_ids.tolist())
    val = ready.tokenizer.decode(ready.val_ids.tolist())
    assert val[:200] not in train
    assert len(val) == pytest.approx(len(train) / 10, rel=0.3)
    assert prepared(recipe).sha256 == ready.sha256
    assert prepared(replace(recipe, seed=1)).sha256 != ready.sha256


def test_progress_never_falls_and_names_what_is_done(recipe: Recipe) -> None:
    signs = list(prepare(replace(recipe, tokenizer="bpe:300")))
    for what in dict.fromkeys(sign.what for sign in signs):
        fractions = [sign.fraction for sign in signs if sign.what == what]
        assert fractions == sorted(fractions)
        assert 0 <= fractions[0] <= fractions[-1] <= 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "zero byte at position 8"),
        (b"caf\xe9 au lait", r"not UTF-8 text: byte 0xE9 at position 3\. Save it as UTF-8"),
    ],
)
def test_a_file_that_is_no_text_says_why(text_file: Path, content: bytes, says: str) -> None:
    text_file.write_bytes(content)
    with pytest.raises(DataError, match=says):
        read_text(text_file)


def test_a_missing_file_and_a_folder_without_a_text_say_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"There is no file .* Give a text file, a folder of them"):
        read_text(tmp_path / "nowhere.txt")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0")
    with pytest.raises(DataError, match=r"is a folder without a text file\. Give one that has"):
        read_text(tmp_path)


def test_a_byte_order_mark_is_no_character(text_file: Path) -> None:
    text_file.write_bytes(b"\xef\xbb\xbfHello")
    assert read_text(text_file) == "Hello"


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("order", ["", "-le", "-be"])
def test_a_text_with_a_mark_is_the_text_in_utf_8(
    recipe: Recipe, text_file: Path, codec: str, order: str
) -> None:
    before = prepared(recipe)
    text = text_file.read_text(encoding="utf-8")
    if codec == "utf-8-sig" or not order:
        raw = text.encode(codec)
    else:
        raw = ("\ufeff" + text).encode(codec + order)
    text_file.write_bytes(raw)
    assert read_text(text_file) == text
    assert prepared(recipe).sha256 == before.sha256


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("Hi".encode("utf-16-le"), "zero byte at position 1. If it is UTF-16 or UTF-32, save it"),
        (b"\xff\xfeH\0i", "is not UTF-16 text: byte 0x69 at position 4. Save it as UTF-8"),
        (b"\xff\xfe\0\xd8a\0", "is not UTF-16 text: byte 0x00 at position 2"),
        (b"\0\0\xfe\xff\0\0\0a\0", "is not UTF-32 text: byte 0x00 at position 8"),
        (b"\xfe\xff\0a\0\0", "has a zero character at position 1"),
        (b"\xff\xfe", "is empty"),
        (b"\xef\xbb\xbf\n", "is empty"),
    ],
)
def test_a_damaged_text_in_another_encoding_says_where(
    text_file: Path, raw: bytes, says: str
) -> None:
    text_file.write_bytes(raw)
    with pytest.raises(DataError, match=re.escape(says)):
        read_text(text_file)


def test_a_text_that_is_too_short_says_how_much_is_needed(recipe: Recipe, text_file: Path) -> None:
    text_file.write_text("Too short to learn from.", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"gives 22 tokens .* and 2 for validation, .* at least 170"
    ):
        prepared(recipe)
    text_file.write_text("x" * 170, encoding="utf-8")
    assert len(prepared(recipe).val_ids) == 17


def test_a_batch_is_a_function_of_seed_and_step() -> None:
    ids = np.arange(1000, dtype=np.uint16)
    batches = Batches(ids, batch_size=8, n_ctx=10, seed=3)
    batch = batches.at(5)
    assert batch.shape == (8, 11)
    assert batch.dtype == np.int64
    assert (np.diff(batch, axis=1) == 1).all()  # every row is a window of the text
    assert (Batches(ids, 8, 10, 3).at(5) == batch).all()
    assert (batches.at(6) != batch).any()
    assert (Batches(ids, 8, 10, 4).at(5) != batch).any()


def test_every_place_of_the_text_is_drawn() -> None:
    batches = Batches(np.arange(12, dtype=np.uint16), batch_size=64, n_ctx=10, seed=0)
    assert set(batches.at(1)[:, 0]) == {0, 1}


def test_validation_windows_are_spread_over_the_text_and_do_not_overlap() -> None:
    ids = np.arange(1001, dtype=np.uint16)
    batches = validation_batches(ids, batch_size=4, n_ctx=10, n_batches=3)
    starts = np.concatenate(batches)[:, 0]
    assert [len(batch) for batch in batches] == [4, 4, 4]
    assert starts[0] == 0
    assert starts[-1] == 990
    assert (np.diff(starts) >= 10).all()


def test_validation_takes_each_window_once_where_the_text_is_short() -> None:
    ids = np.arange(36, dtype=np.uint16)
    for n_batches in (0, 50):
        batches = validation_batches(ids, batch_size=2, n_ctx=10, n_batches=n_batches)
        assert [batch[:, 0].tolist() for batch in batches] == [[0, 10], [20]]
