"""What holds for every test of a window: no QThread and no window outlives it."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import QThread
from PySide6.QtWidgets import QApplication, QWidget


@pytest.fixture(scope="session", autouse=True)
def started_qthreads() -> Iterator[weakref.WeakSet[QThread]]:
    """Notes every QThread that is started: Qt has no list of them to ask afterwards."""
    started: weakref.WeakSet[QThread] = weakref.WeakSet()
    original = QThread.start

    def start(self: QThread, *args: Any) -> None:
        started.add(self)
        original(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(QThread, "start", start)
        yield started


@pytest.fixture(autouse=True)
def no_qthread_left_behind(started_qthreads: weakref.WeakSet[QThread]) -> Iterator[None]:
    """Fails a test after which a QThread still runs: at exit it would abort the process."""
    before = running(started_qthreads)
    yield
    left = [thread for thread in running(started_qthreads) - before if not thread.wait(2000)]
    assert not left, f"QThreads left behind: {left}"


@pytest.fixture(autouse=True)
def no_window_left_behind(no_qthread_left_behind: None) -> Iterator[None]:
    """Fails a test that leaves a window on the screen."""
    before = visible_windows()
    yield
    left = visible_windows() - before
    assert not left, f"windows left behind: {left}"


def running(threads: weakref.WeakSet[QThread]) -> set[QThread]:
    """Returns those that still run; Qt may have deleted some under their Python wrapper."""
    return {thread for thread in threads if shiboken6.isValid(thread) and thread.isRunning()}


def visible_windows() -> set[QWidget]:
    """Returns the windows on the screen."""
    if QApplication.instance() is None:
        return set()
    return {widget for widget in QApplication.topLevelWidgets() if widget.isVisible()}
