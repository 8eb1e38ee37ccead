"""What a name on a hub shows before it is opened: the cache's, and nothing over the network."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest

from model import messages as m
from model.engine import Engine
from resources import STORY_WORLD


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a preview went over the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.file_download.HF_HUB_CACHE", str(tmp_path), raising=False)
    return tmp_path


def previewed(path: str) -> m.ModelPreviewed:
    results = list(Engine("cpu", threads=1).handle(m.PreviewModel(path=path)))
    assert len(results) == 1
    assert isinstance(results[0], m.ModelPreviewed)
    return results[0]


def test_a_name_that_was_never_fetched_can_be_opened_and_says_when_it_is_fetched(
    cache: Path,
) -> None:
    found = previewed("ada/never-fetched").preview
    assert found.problem is None
    assert found.path == "ada/never-fetched"
    assert "when you open it" in found.notes[0]


def test_a_name_in_the_cache_is_previewed_from_there(cache: Path) -> None:
    repo = cache / "models--ada--story-world"
    commit = "0123456789abcdef0123456789abcdef01234567"
    shutil.copytree(STORY_WORLD, repo / "snapshots" / commit)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(commit)
    found = previewed("ada/story-world").preview
    assert found.problem is None
    assert found.path == "ada/story-world"
    assert found.n_params == 1_137_408
    assert str(repo) in found.notes[-1]
    (repo / "snapshots" / commit / "model.safetensors").unlink()
    assert "when you open it" in previewed("ada/story-world").preview.notes[0]


def test_a_path_is_a_path(cache: Path, tmp_path: Path) -> None:
    assert "does not exist" in (previewed(str(tmp_path / "none")).preview.problem or "")
