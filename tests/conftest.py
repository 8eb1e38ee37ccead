"""What holds for every test: no screen settings shared, no thread left behind, no silent skip.

Knows nothing of Qt; tests/gui/conftest.py adds what only windows need.
"""

from __future__ import annotations

import os
import signal

# Before anything imports torch: two cores are shared by the tests and whatever else runs.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
# No test may reach for a model hub.
os.environ["HF_HUB_OFFLINE"] = "1"
# Text must be equally wide on every screen.
os.environ["QT_FONT_DPI"] = "96"
os.environ["QT_SCALE_FACTOR"] = "1"

import gc
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent
IN_CI = bool(os.environ.get("CI"))

# Skips that CI accepts: the start of a reason -> why it is right. Any other skip fails there.
EXPECTED_SKIPS: dict[str, str] = {
    "optional library not installed: ": "maps, clusters and turntables need the extra `space`",
}

# Examples are the same in every run, so that a red build stays red; a person's own runs explore.
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("dev", deadline=None)
hypothesis.settings.load_profile("ci" if IN_CI else "dev")


def fail_if_unexpected(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turns a skip that nobody expects into a failure, in CI only; an xfail is no skip."""
    if not IN_CI or report.outcome != "skipped" or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    if not reason.startswith(tuple(EXPECTED_SKIPS)):
        report.outcome = "failed"
        report.longrepr = f"unexpected skip: {reason}"


def pytest_sessionstart() -> None:
    """What is imported stays, so looking for cycles in it, again and again, finds none."""
    gc.disable()


def pytest_collection_finish() -> None:
    """A million objects of modules and tests are looked at no more by any collection."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    fail_if_unexpected(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    fail_if_unexpected(report)
    return report


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with GPT-2's vocabulary and a corpus, which the repository does not contain."""
    folder = Path(os.environ.get("GLASSFORMER_DATA") or ROOT.parent / "shared" / "data")
    if not (folder / "tinyshakespeare.txt").is_file():
        pytest.skip(f"no test data in {folder}; $GLASSFORMER_DATA names the folder that has them")
    return folder


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has its own, empty settings: none reads or writes those of the person."""
    folder = tmp_path / "settings"
    monkeypatch.setenv("GLASSFORMER_SETTINGS_DIR", str(folder))
    monkeypatch.setenv("GLASSFORMER_CACHE_DIR", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def heard_signals() -> Iterator[None]:
    """What ends a program is heard, also where the tests run under ``nohup`` or ``&``."""
    ends = [
        getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
    ]
    ignored = [number for number in ends if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture(autouse=True)
def no_thread_left_behind() -> Iterator[None]:
    """Fails a test whose threads outlive it. Set up first, so it looks after all the rest."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 2
    while (left := running_since(before)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not left, f"threads left behind: {[thread.name for thread in left]}"


def running_since(before: set[threading.Thread]) -> list[threading.Thread]:
    """Returns the threads that were not there before; a QThread is only a dummy here."""
    now = set(threading.enumerate()) - before
    return [thread for thread in now if not isinstance(thread, threading._DummyThread)]
