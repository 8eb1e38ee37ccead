"""What is remembered between starts comes back, whatever has become of the file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from gui import settings as settings_file
from gui.settings import Settings
from tests.full_disk import FULL, room_for


def write(text: str) -> Path:
    path = settings_file.settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_broken_settings_are_set_aside() -> None:
    path = write("{broken")
    assert settings_file.load() == Settings()
    assert path.with_suffix(".broken.json").exists()


def test_settings_round_trip() -> None:
    panes: dict[str, dict[str, object]] = {"prompt": {"history": ["\ud800", "שלום"]}}
    settings = Settings(theme="light", panes=panes, recent=["/a", "owner/name"])
    settings_file.save(settings)
    again = settings_file.load()
    assert again == settings
    assert again.left_out == ""


def test_what_version_one_kept_for_a_pane_is_found_where_the_pane_looks() -> None:
    write(json.dumps({"version": 1, "history": ["one", "two"], "runs_dir": "/r", "theme": "light"}))
    settings = settings_file.load()
    assert settings.version == settings_file.VERSION
    assert settings.theme == "light"
    assert settings.panes["prompt"]["history"] == ["one", "two"]
    assert settings.panes["training"]["runs_dir"] == "/r"
    assert settings.left_out == "", "an older file is no broken one"
    settings.panes["prompt"]["history"] = []
    settings_file.save(settings)
    assert settings_file.load().panes["prompt"]["history"] == [], "and is carried over only once"


@pytest.mark.parametrize("panes", [7, [1], {"prompt": 3}, {"prompt": None}])
def test_what_a_pane_could_not_read_is_passed_over(panes: object) -> None:
    write(json.dumps({"version": 2, "theme": "light", "panes": panes}))
    settings = settings_file.load()
    assert settings.panes == {}
    assert settings.theme == "light"


# ------------------------------------------------------------------- whatever stands in the file

BROKEN_FILES = {
    "empty": b"",
    "no JSON": b"{broken",
    "no UTF-8": b'{"theme": "\xff\xfe"}',
    "UTF-16": '{"theme": "light"}'.encode("utf-16"),
    "a list": b"[1, 2]",
    "a number": b"NaN",
    "nested": b"[" * 100_000 + b"]" * 100_000,
    "nested objects": b'{"panes":' * 50_000 + b"1" + b"}" * 50_000,
    "too many digits": b'{"threads": ' + b"9" * 10_000 + b"}",
}


@pytest.mark.parametrize("content", BROKEN_FILES.values(), ids=BROKEN_FILES.keys())
def test_a_file_that_means_nothing_gives_the_defaults_is_named_and_kept(content: bytes) -> None:
    path = settings_file.settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    settings = settings_file.load()
    assert settings == Settings()
    beside = path.with_name("settings.broken.json")
    assert beside.read_bytes() == content
    assert str(path) in settings.left_out
    assert beside.name in settings.left_out
    settings_file.save(settings)
    assert settings_file.load().left_out == "", "said once"


DEEP: Any = {}
for _ in range(200):
    DEEP = {"a": DEEP}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("theme", "pink"),
        ("theme", None),
        ("theme", ["dark"]),
        ("theme", "\ud800"),
        ("perspective", "Nowhere"),
        ("perspective", {}),
        ("geometry", "no base 64!"),
        ("geometry", 3),
        ("layouts", {"Explore": "ä"}),
        ("layouts", {"Explore": [1]}),
        ("layouts", "x"),
        ("layout_version", float("nan")),
        ("recent", ["/a", 3, "", "/b\0c", "x" * 5000]),
        ("recent", "/a"),
        ("recent_lines", {"/a": 1e999}),
        ("recent_lines", [["/a", "b"]]),
        ("device", "tpu"),
        ("threads", float("nan")),
        ("threads", float("inf")),
        ("threads", 10**30),
        ("threads", -1),
        ("threads", True),
        ("threads", 2.5),
        ("motion", "yes"),
        ("motion", 1),
        ("text_size", 7),
        ("text_size", True),
        ("budget_mb", -1),
        ("budget_mb", "x"),
        ("restore", "no"),
        ("last_model", 3),
        ("last_prompt", ["x"]),
        ("panes", {"prompt": DEEP}),
        ("panes", {"prompt": 3}),
        ("panes", {"circuit": {"edges": 10**30}}),
        ("panes", {"space": {"maps": [["cosine", 15, -(10**12)]]}}),
        ("version", "two"),
    ],
)
def test_one_value_that_is_none_is_left_out_named_and_the_rest_is_taken(
    name: str, value: object
) -> None:
    other = {"motion": False} if name != "motion" else {"threads": 3}
    path = write(json.dumps({"version": 3, **other, name: value}))
    before = path.read_bytes()
    settings = settings_file.load()
    for key, kept in other.items():
        assert getattr(settings, key) == kept
    assert name in settings.left_out
    assert path.with_name("settings.broken.json").read_bytes() == before
    defaults = getattr(Settings(), name)
    assert getattr(settings, name) in (defaults, ["/a"])
    settings_file.save(settings)
    assert settings_file.load().left_out == ""


def test_a_mark_in_front_that_editors_write_is_no_fault() -> None:
    write("\ufeff" + json.dumps({"version": 3, "theme": "light"}))
    settings = settings_file.load()
    assert (settings.theme, settings.left_out) == ("light", "")


def test_every_broken_file_is_kept() -> None:
    for n in range(3):
        path = write(f'{{"theme": "pink {n}"}}')
        settings_file.load()
    kept = sorted(path.parent.glob("settings.broken*.json"))
    assert [json.loads(one.read_text())["theme"] for one in kept] == ["pink 1", "pink 2", "pink 0"]


@pytest.mark.parametrize("what", ["folder", "pipe", "link that leads nowhere", "large"])
def test_what_is_no_file_to_read_is_set_aside(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = settings_file.settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    match what:
        case "folder":
            (path / "inside").mkdir(parents=True)
        case "pipe":
            os.mkfifo(path)
        case "large":
            monkeypatch.setattr(settings_file, "LARGEST", 5)
            path.write_text('{"theme": "light"}', encoding="utf-8")
        case _:
            path.symlink_to(path.parent / "nowhere")
    settings = settings_file.load()
    assert settings == Settings()
    assert "settings.broken.json" in settings.left_out
    assert os.path.lexists(path.with_name("settings.broken.json"))
    settings_file.save(settings)
    assert path.is_file()


def test_a_settings_folder_that_is_none_keeps_nothing_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("GLASSFORMER_SETTINGS_DIR", str(tmp_path / "file"))
    settings = settings_file.load()
    assert settings == Settings()
    with pytest.raises(OSError, match="file"):
        settings_file.save(settings)


# ------------------------------------------------------------------------ paths of older versions


def test_what_was_remembered_by_a_relative_path_is_a_whole_one_and_no_name_on_a_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models" / "here").mkdir(parents=True)
    lines = {"runs/minute": "GPT-2", "/a": "BERT"}
    recent = ["runs/minute", "models/here", "/a", "gpt2.gguf"]
    write(json.dumps({"version": 2, "recent": recent, "recent_lines": lines}))
    settings = settings_file.load()
    whole = [str(tmp_path / "runs/minute"), str(tmp_path / "models/here"), "/a"]
    assert settings.recent == [*whole, str(tmp_path / "gpt2.gguf")]
    assert settings.recent_lines == {whole[0]: "GPT-2", "/a": "BERT"}
    assert settings.left_out == ""


def test_a_name_on_a_hub_stays_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("model.hub.known.cached_folder", lambda name: tmp_path)
    write(json.dumps({"version": 2, "recent": ["openai-community/gpt2"]}))
    settings = settings_file.load()
    assert settings.recent == ["openai-community/gpt2"]
    settings_file.save(settings)
    monkeypatch.setattr("model.hub.known.cached_folder", lambda name: None)
    assert settings_file.load().recent == ["openai-community/gpt2"]


# ---------------------------------------------------------------------------------- two windows


def test_what_two_windows_remember_is_added_up() -> None:
    settings_file.save(Settings(recent=["/old", "/older"], theme="dark"))
    one, two = settings_file.load(), settings_file.load()
    one.remember("/one")
    one.recent_lines["/one"] = "GPT-2"
    one.theme = "light"
    one.layouts["Explore"] = "AAAA"
    one.panes["prompt"] = {"history": ["a", "b"]}
    two.remember("/two")
    two.remember("/older")
    two.threads = 3
    two.layouts["Train"] = "BBBB"
    two.panes["prompt"] = {"history": ["c"]}
    two.panes["training"] = {"runs_dir": "/runs"}
    settings_file.save(one)
    settings_file.save(two)
    both = settings_file.load()
    assert both.recent == ["/older", "/two", "/one", "/old"]
    assert both.recent_lines == {"/one": "GPT-2"}
    assert (both.theme, both.threads) == ("light", 3)
    assert both.layouts == {"Explore": "AAAA", "Train": "BBBB"}
    assert sorted(both.panes["prompt"]["history"]) == ["a", "b", "c"]
    assert both.panes["training"] == {"runs_dir": "/runs"}


def test_what_one_window_forgot_the_other_does_not_bring_back() -> None:
    settings_file.save(Settings(recent=["/a", "/b"], layouts={"Explore": "AAAA"}))
    one, two = settings_file.load(), settings_file.load()
    one.forget("/b")
    del one.layouts["Explore"]
    two.remember("/c")
    settings_file.save(one)
    settings_file.save(two)
    both = settings_file.load()
    assert both.recent == ["/c", "/a"]
    assert both.layouts == {}


def test_the_prompts_of_two_windows_stay_in_their_order() -> None:
    settings_file.save(Settings(panes={"prompt": {"history": ["a", "b"]}}))
    one, two = settings_file.load(), settings_file.load()
    one.panes["prompt"]["history"] += ["one"]
    two.panes["prompt"]["history"] += ["two"]
    settings_file.save(one)
    settings_file.save(two)
    assert settings_file.load().panes["prompt"]["history"] == ["a", "b", "one", "two"]


def test_what_a_newer_version_keeps_is_not_lost() -> None:
    write(json.dumps({"version": 9, "later": {"a": 1}, "theme": "light"}))
    settings = settings_file.load()
    settings_file.save(settings)
    assert json.loads(settings_file.settings_path().read_text())["later"] == {"a": 1}


def test_pictures_leave_a_persons_settings_as_they_are() -> None:
    settings_file.save(Settings(theme="light"))
    settings_file.save(Settings(written=False))
    assert settings_file.load().theme == "light"
    assert "written" not in settings_file.settings_path().read_text(encoding="utf-8")


def test_settings_that_are_linked_from_elsewhere_stay_linked(tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles" / "glassformer.json"
    kept.parent.mkdir()
    kept.write_text('{"theme": "light", "version": 2}', encoding="utf-8")
    path = settings_file.settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(kept)
    settings = settings_file.load()
    settings.theme = "dark"
    settings_file.save(settings)
    assert path.is_symlink()
    assert json.loads(kept.read_text(encoding="utf-8"))["theme"] == "dark"
    assert [file.name for file in kept.parent.iterdir()] == [kept.name]


def test_a_full_disk_leaves_the_old_settings() -> None:
    path = write('{"theme": "light"}')
    with room_for(64), pytest.raises(OSError, match=FULL):
        settings_file.save(Settings())
    assert path.read_text(encoding="utf-8") == '{"theme": "light"}'
    assert [file.name for file in path.parent.iterdir()] == [path.name]
