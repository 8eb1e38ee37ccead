"""Texts of files and folders, read piece by piece: what is read, and what a person is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from model.slices import finish
from model.train import text_files
from model.train.data import DataError, prepare, read_text
from model.train.encodings import decoded, decoding
from model.train.recipe import Recipe
from model.train.text_files import FileText, Survey, surveying
from tests.model.conftest import CARROLL


def surveyed(path: Path, most_held: int = 1 << 20) -> Survey:
    return finish(surveying(path, most_held))


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that characters and line ends lie on the borders of what is read at once."""
    monkeypatch.setattr(text_files, "PIECE", 7)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "books"
    (folder / "b").mkdir(parents=True)
    (folder / "b" / "two.md").write_text("Second.\n", encoding="utf-8")
    (folder / "a.txt").write_bytes("First, é.".encode("utf-16"))
    (folder / "z.txt").write_text("Last.", encoding="utf-8")
    (folder / "cover.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0")
    (folder / ".hidden").write_text("never", encoding="utf-8")
    return folder


def test_a_folder_is_its_text_files_by_their_paths(folder: Path) -> None:
    assert read_text(folder) == "First, é.\n\nSecond.\n\n\nLast."
    assert surveyed(folder).notes[0] == "books has 3 text files, 1 that are no text left out."


def test_a_folder_is_trained_on(recipe: Recipe, folder: Path) -> None:
    (folder / "long.txt").write_text(CARROLL * 4, encoding="utf-8")
    ready = finish(prepare(replace(recipe, data=str(folder))))
    both = [*ready.train_ids.tolist(), *ready.val_ids.tolist()]
    assert ready.tokenizer.decode(both) == read_text(folder)
    assert "4 text files" in ready.notes[0]


def test_a_damaged_file_in_a_folder_is_named(folder: Path) -> None:
    (folder / "c.txt").write_bytes(b"caf\xe9 au lait")
    with pytest.raises(DataError, match=r"c\.txt is not UTF-8 text: byte 0xE9 at position 3"):
        read_text(folder)


def test_lines_end_alike_whichever_system_wrote_them(
    recipe: Recipe, text_file: Path, small_pieces: None
) -> None:
    text = "The king\nlost his\r crown,\n" * 30
    text_file.write_bytes(text.encode())
    plain = surveyed(text_file)
    text_file.write_bytes(text.replace("\n", "\r\n").encode())
    windows = surveyed(text_file)
    assert windows.text == plain.text == text
    assert windows.sha256 == plain.sha256
    assert plain.notes == ()
    assert windows.notes == ("60 lines ended as on Windows (CR LF); read as ending in LF.",)
    assert finish(prepare(recipe)).notes == windows.notes


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_text_of_one_line_is_said_to_be_one(text_file: Path, end: str) -> None:
    text_file.write_text("All on one line." + end, encoding="utf-8")
    assert surveyed(text_file).notes == (f"The text is one line of {16 + len(end)} characters.",)


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_pieces_that_end_within_a_character_are_the_whole_text(codec: str) -> None:
    text = "aé世😀\r\n" * 9
    raw = text.encode(codec)
    for size in (4, 5, 7, len(raw)):
        pieces = [raw[i : i + size] for i in range(0, len(raw), size)]
        assert "".join(decoding(pieces)) == decoded(raw) == text


def test_damage_is_found_at_the_same_place_whatever_the_pieces() -> None:
    raw = "世界".encode() * 5 + b"\xe4\xb8" + b"x"
    said = []
    for size in (4, 5, 100):
        with pytest.raises(ValueError, match="not UTF-8") as caught:
            list(decoding(raw[i : i + size] for i in range(0, len(raw), size)))
        said.append(str(caught.value))
    assert (
        said
        == [
            "is not UTF-8 text: byte 0xE4 at position 30. Save it as UTF-8, or choose another file."
        ]
        * 3
    )


def test_a_text_is_read_forward_and_only_what_is_needed_is_kept(
    text_file: Path, small_pieces: None
) -> None:
    text_file.write_text(CARROLL, encoding="utf-8")
    survey = surveyed(text_file, most_held=10)
    assert survey.text is None
    assert survey.n_characters == len(CARROLL)
    text = FileText(survey, 5, 105)
    assert len(text) == 100
    assert text[10:20] == CARROLL[15:25]
    text.let_go(50)
    assert text[60] == CARROLL[65]
    assert text[90:500] == CARROLL[95:105]


def test_a_text_that_became_shorter_says_so(text_file: Path) -> None:
    text_file.write_text(CARROLL, encoding="utf-8")
    survey = surveyed(text_file)
    text_file.write_text("short", encoding="utf-8")
    with pytest.raises(DataError, match="has become shorter while it was read"):
        FileText(survey, 0, len(CARROLL))[0 : len(CARROLL)]
