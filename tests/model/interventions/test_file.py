"""A list of interventions comes back from its file as it was, and what is none says why."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from model.interventions import file
from model.whole_file import WriteError
from tests.model.interventions.test_interventions import EXAMPLES


def test_a_list_comes_back_as_it_was(tmp_path: Path):
    entries = tuple((one, index % 2 == 0) for index, one in enumerate(EXAMPLES.values()))
    path = tmp_path / "cuts.toml"
    file.write(path, entries)
    assert file.read(path) == entries
    assert [each.name for each in tmp_path.iterdir()] == ["cuts.toml"]
    first = tomllib.loads(path.read_text())["intervention"][0]
    assert first == {"on": True, "kind": "ablate_head", "layer": 1, "head": 2, "mean": False}


def test_texts_of_any_kind_come_back(tmp_path: Path):
    from model.interventions import PatchActivation

    text = 'a "quote"\n[[intervention]] \x7f \u2028 日本'
    one = PatchActivation("hook_embed", (1,), text=text)
    file.write(tmp_path / "a.toml", [(one, True)])
    assert file.read(tmp_path / "a.toml") == ((one, True),)


def test_an_empty_list_is_a_list(tmp_path: Path):
    file.write(tmp_path / "none.toml", ())
    assert file.read(tmp_path / "none.toml") == ()


def test_a_link_stays_and_its_file_is_replaced_and_a_device_is_refused(tmp_path: Path):
    (tmp_path / "kept.toml").write_text("old")
    (tmp_path / "link.toml").symlink_to("kept.toml")
    file.write(tmp_path / "link.toml", ())
    assert (tmp_path / "link.toml").is_symlink()
    assert file.read(tmp_path / "kept.toml") == ()
    with pytest.raises(WriteError, match=f"{os.devnull} can't be written: it is a pipe or"):
        file.write(os.devnull, ())
    assert not Path(os.devnull).is_file()


def test_a_file_that_a_person_wrote_may_leave_out_what_has_a_default(tmp_path: Path):
    path = tmp_path / "mine.toml"
    path.write_text('version = 1\n[[intervention]]\nkind = "scale_head"\nlayer = 0\nhead = 1\n')
    ((one, on),) = file.read(path)
    assert (one.words, on) == ("cut head 0.1", True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version = ", "bad.toml is no TOML file"),
        ("name = 'x'", "holds no interventions: it lacks version = 1"),
        ("version = 2", "of a newer version"),
        ("version = 1\nintervention = 3", r"each intervention begins with \[\[intervention\]\]"),
        ("version = 1\nintervention = [3]", "intervention 1: it is no table"),
        ("version = 1\n[[intervention]]\nkind = 'cut'", "intervention 1: There is no intervention"),
        ("version = 1\n[[intervention]]\nkind = 'remove_mask'\non = 1", "on is true or false"),
        ("version = 1\n[[intervention]]\nkind = 'remove_mask'\nlayer = 1.5", "a whole number"),
    ],
)
def test_a_file_that_is_none_says_why(tmp_path: Path, text: str, says: str):
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=says):
        file.read(path)


def test_bytes_that_are_no_text_say_so(tmp_path: Path):
    path = tmp_path / "weights.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"weights.toml is no TOML file"):
        file.read(path)
