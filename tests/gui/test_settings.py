"""What is remembered between starts comes back, whatever has become of the file."""

from __future__ import annotations

import json
from pathlib import Path

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
