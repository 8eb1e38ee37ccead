"""The start: what the command line offers, and what happens where no window can be shown."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gui.program.display import has_display

ROOT = Path(__file__).resolve().parent.parent
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="others have a display")


def start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return subprocess.run(
        [sys.executable, "main.py", *arguments],
        cwd=ROOT,
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@linux
def test_a_display_is_one_that_answers(tmp_path: Path):
    assert not has_display({})
    assert not has_display({"DISPLAY": ":987"})
    assert not has_display({"DISPLAY": "localhost:987.0"})
    assert not has_display({"DISPLAY": ":987", "QT_QPA_PLATFORM": "xcb"})
    assert has_display({"QT_QPA_PLATFORM": "offscreen"})
    there = {"WAYLAND_DISPLAY": "wayland-0", "XDG_RUNTIME_DIR": str(tmp_path)}
    assert not has_display(there)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "wayland-0"))
        server.listen()
        assert has_display(there)
        assert not has_display(there | {"QT_QPA_PLATFORM": "xcb"})


@linux
@pytest.mark.skipif(not os.environ.get("DISPLAY"), reason="needs a display, as make test has one")
def test_the_display_of_the_tests_is_one():
    assert has_display({"DISPLAY": os.environ["DISPLAY"]})


@linux
def test_without_a_display_that_answers_it_says_so_and_writes_pictures(tmp_path: Path):
    done = start(
        "--pictures", str(tmp_path / "taken" / "no"), DISPLAY=":987", QT_QPA_PLATFORM="xcb"
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "taken" / "no" / "window-explore-dark.png").is_file()


@linux
def test_a_folder_for_pictures_that_cannot_be_made_is_one_sentence(tmp_path: Path):
    (tmp_path / "taken").write_text("a file")
    done = start("--pictures", str(tmp_path / "taken" / "no"), QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 1
    assert done.stderr == f"{tmp_path}/taken/no can't be made: Not a directory.\n"
