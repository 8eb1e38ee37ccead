"""What is remembered between starts comes back, whatever has become of the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gui import settings as settings_file
from gui import theme
from gui.settings import Settings


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
    settings = Settings(theme="light", panes=panes, recent=["a", "b"])
    settings_file.save(settings)
    assert settings_file.load() == settings


def test_what_version_one_kept_for_a_pane_is_found_where_the_pane_looks() -> None:
    write(json.dumps({"version": 1, "history": ["one", "two"], "runs_dir": "/r", "theme": "light"}))
    settings = settings_file.load()
    assert settings.version == settings_file.VERSION
    assert settings.theme == "light"
    assert settings.panes["prompt"]["history"] == ["one", "two"]
    assert settings.panes["training"]["runs_dir"] == "/r"
    settings.panes["prompt"]["history"] = []
    settings_file.save(settings)
    assert settings_file.load().panes["prompt"]["history"] == [], "and is carried over only once"


@pytest.mark.parametrize("panes", [7, [1], {"prompt": 3}, {"prompt": None}])
def test_what_a_pane_could_not_read_is_passed_over(panes: object) -> None:
    write(json.dumps({"version": 2, "theme": "light", "panes": panes}))
    settings = settings_file.load()
    assert settings.panes == {}
    assert settings.theme == "light"


@pytest.mark.parametrize(
    "raw",
    [
        {"theme": "blue", "device": "tpu", "text_size": 7, "budget_mb": -1, "threads": -3},
        {"theme": 7, "device": None, "text_size": True, "budget_mb": "x", "threads": 1.5},
        {"last_model": 3, "last_prompt": ["x"], "restore": "no", "written": False},
    ],
)
def test_a_hand_in_the_file_keeps_no_window_from_opening(raw: dict[str, object]) -> None:
    write(json.dumps({"version": 2, **raw}))
    settings = settings_file.load()
    assert settings.theme in theme.THEMES
    assert settings.device == "auto"
    assert settings.text_size == 100
    assert settings.budget_mb >= 64
    assert settings.threads == 0
    assert (settings.last_model, settings.last_prompt, settings.restore) == ("", "", True)
    assert settings.written


def test_pictures_leave_a_persons_settings_as_they_are() -> None:
    settings_file.save(Settings(theme="light"))
    settings_file.save(Settings(written=False))
    assert settings_file.load().theme == "light"
    assert "written" not in settings_file.settings_path().read_text(encoding="utf-8")
