"""Imports ahead, in slices; that they happen, and in which thread, is seen in test_threads."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from gui.program import preloading
from gui.program.preloading import SLICE_SECONDS, Preloading
from gui.program.program import Program
from gui.settings import Settings


@pytest.fixture
def slices(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Ten slices, each as long as a turn may be, and which of them were done."""
    done: list[int] = []

    def work() -> Iterator[None]:
        for i in range(10):
            time.sleep(SLICE_SECONDS)
            done.append(i)
            yield

    monkeypatch.setattr(preloading, "_slices", work)
    return done


def test_a_turn_of_the_event_loop_gets_one_slice(qtbot: QtBot, slices: list[int]) -> None:
    work = Preloading()
    turns = []
    work._timer.timeout.connect(lambda: turns.append(len(slices)))
    with qtbot.waitSignal(work.done, timeout=5000):
        work.start()
    assert slices == list(range(10))
    assert turns[:10] == list(range(1, 11))


def test_stopped_it_leaves_the_rest(qtbot: QtBot, slices: list[int]) -> None:
    work = Preloading()
    work.start()
    qtbot.waitUntil(lambda: len(slices) >= 2, timeout=5000)
    work.stop()
    done = len(slices)
    qtbot.wait(3 * preloading.GAP_MS)
    assert len(slices) == done < 10


@pytest.fixture
def program(qtbot: QtBot) -> Iterator[Program]:
    """All of it, with a worker that was never started."""
    program = Program(Settings())
    yield program
    program.backend.stopped.emit()
    program.let_go()
    gc.unfreeze()


def test_nothing_is_imported_once_the_worker_has_stopped(
    qtbot: QtBot, slices: list[int], program: Program
) -> None:
    program.backend.warmed_up.emit()
    qtbot.waitUntil(lambda: len(slices) >= 2, timeout=5000)
    program.backend.stopped.emit()
    done = len(slices)
    qtbot.wait(3 * preloading.GAP_MS)
    assert len(slices) == done < 10
