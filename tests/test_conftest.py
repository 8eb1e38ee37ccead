"""The rules that hold for every test, tried on tests that break them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

CONFTEST = Path(__file__).with_name("conftest.py")
OFFENDERS = """
import threading
import pytest

def test_skips():
    pytest.skip("no reason that anyone expects")

@pytest.mark.skipif(True, reason="nor this one")
def test_is_skipped_by_a_mark(): ...

def test_leaves_a_thread():
    threading.Thread(target=threading.Event().wait, args=(3,)).start()

def test_is_good(own_settings):
    assert not own_settings.exists()
"""


def outcome(folder: Path, ci: str) -> str:
    """Returns the closing line of a pytest run over the offenders."""
    shutil.copy(CONFTEST, folder)
    (folder / "test_offenders.py").write_text(OFFENDERS, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:pytest-qt", "--rootdir", "."],
        cwd=folder,
        env=os.environ | {"CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.splitlines()[-1]


def test_in_ci_a_skip_that_nobody_expects_fails(tmp_path: Path):
    assert "1 failed, 2 passed, 2 errors" in outcome(tmp_path, ci="true")


def test_a_person_may_skip_but_not_leave_a_thread_behind(tmp_path: Path):
    assert "2 passed, 2 skipped, 1 error" in outcome(tmp_path, ci="")
