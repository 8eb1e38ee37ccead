"""Who loads what: the model without a window, the start without torch, the window without torch.

import-linter reads the source for who may import whom; these tests watch a fresh interpreter.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import main
import model
from gui.window.arrangements import PERSPECTIVES

ROOT = Path(__file__).resolve().parent.parent
WINDOW = ["PySide6", "shiboken6", "pyqtgraph", "OpenGL"]
HEAVY = [*WINDOW, "torch", "transformers"]

# As if the window's packages were not installed: found before any real finder, and in no cache.
WITHOUT_WINDOW = f"""
import importlib.abc, sys

class NotInstalled(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {WINDOW}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, NotInstalled())
"""


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def modules_under(package: str) -> list[str]:
    """Names every module of a package, as the files say, sorted."""
    names = []
    for file in sorted((ROOT / package).rglob("*.py")):
        parts = list(file.relative_to(ROOT).with_suffix("").parts)
        names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return [name for name in names if not name.endswith("__main__")]


def loaded_after(code: str) -> set[str]:
    """Returns the top-level names in sys.modules of a fresh interpreter that ran `code`."""
    done = python(code + "\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))")
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def test_the_blocker_blocks():
    for package in WINDOW:
        done = python(WITHOUT_WINDOW + f"import {package}")
        assert done.returncode == 1
        assert "ModuleNotFoundError" in done.stderr


def test_all_of_model_imports_where_no_window_package_is_installed():
    names = modules_under("model")
    assert "model.transformer" in names
    done = python(
        WITHOUT_WINDOW + "import importlib\n" + f"for name in {names}:\n"
        "    importlib.import_module(name)\n"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", [[], ["info"], ["trace"], ["generate"], ["train"], ["score"]])
def test_the_command_line_answers_where_no_window_package_is_installed(command: list[str]):
    code = "import runpy\nrunpy.run_module('model', run_name='__main__', alter_sys=True)"
    done = python(WITHOUT_WINDOW + code, *command, "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


@pytest.mark.parametrize("name", ["config", "operations", "messages", "sampling"])
def test_what_the_window_shares_with_the_model_does_not_load_torch(name: str):
    assert "torch" not in loaded_after(f"import model, model.{name}")


@pytest.mark.skipif(sys.platform == "win32", reason="on Windows torch has to come before Qt")
def test_no_module_of_the_window_loads_torch():
    code = (
        f"import importlib\nfor name in {modules_under('gui')}:\n    importlib.import_module(name)"
    )
    loaded = loaded_after(code)
    assert "PySide6" in loaded
    assert "torch" not in loaded


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_main_answers_without_loading_torch_or_qt(option: str):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "main.py", option],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # importtime writes "import time: self | cumulative | name" for each module.
    rows = [row for row in done.stderr.splitlines() if row.startswith("import time:")]
    loaded = {row.rpartition("|")[2].strip().partition(".")[0] for row in rows}
    assert "argparse" in loaded or "typer" in loaded
    assert loaded.isdisjoint(HEAVY)
    assert (model.__version__ if option == "--version" else "--pictures") in done.stdout


def test_every_perspective_can_be_asked_for_on_the_command_line():
    for name in PERSPECTIVES:
        assert main.parser().parse_args(["--perspective", name.lower()]).perspective.title() == name


def test_every_folder_of_modules_is_a_package():
    # One without __init__.py is invisible to import-linter, and missing from a wheel.
    for package in ("gui", "model", "resources"):
        for folder in {file.parent for file in (ROOT / package).rglob("*.py")}:
            assert (folder / "__init__.py").is_file(), folder
