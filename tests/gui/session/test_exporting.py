"""Files are written beside the window: told when they are there, given up when asked to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from gui.session.conditions import can_cancel
from gui.session.exporting import Writing
from gui.session.state import Notice
from gui.session.store import Store
from gui.window.export import ExportError, writing_data
from gui.window.status_bar import StatusBar
from model.probe.question import Named

SOON = 20_000


@pytest.fixture
def store(qapp: object) -> Iterator[Store]:
    store = Store(lambda request: None)
    yield store
    store.exporting.finish()


@pytest.fixture
def notices(store: Store) -> list[Notice]:
    found: list[Notice] = []
    store.notice_posted.connect(found.append)
    return found


def held(path: Path, go_on: threading.Event, ran_in: list[object]) -> Writing:
    """A file that is half written until it may go on."""
    path.with_suffix(".part").write_text("half")
    try:
        ran_in.append(threading.current_thread())
        yield 0.5
        while not go_on.wait(0.01):
            yield 0.5
        path.write_text("whole")
        yield 1.0
    finally:
        path.with_suffix(".part").unlink()


def test_a_file_is_written_in_a_thread_of_its_own_and_then_told(
    store: Store, notices: list[Notice], qtbot: QtBot, tmp_path: Path
) -> None:
    bar = StatusBar(store)
    qtbot.addWidget(bar)
    go_on, ran_in = threading.Event(), []  # type: ignore[var-annotated]
    path = tmp_path / "a.csv"
    store.exporting.start(path, held(path, go_on, ran_in))
    qtbot.waitUntil(lambda: store.exporting.share == 0.5, timeout=SOON)
    assert ran_in != [threading.main_thread()]
    assert can_cancel(store)
    bar.refresh()
    assert bar.activity.toolTip() == "writing a.csv"
    assert not notices
    go_on.set()
    qtbot.waitUntil(lambda: bool(notices), timeout=SOON)
    assert (notices[0].message, notices[0].level) == (f"Wrote {path}.", "info")
    assert path.read_text() == "whole"
    assert not can_cancel(store)


def test_cancelled_it_leaves_nothing_and_the_next_one_begins(
    store: Store, notices: list[Notice], qtbot: QtBot, tmp_path: Path
) -> None:
    bar = StatusBar(store)
    qtbot.addWidget(bar)
    path = tmp_path / "a.csv"
    store.exporting.start(path, held(path, threading.Event(), []))
    qtbot.waitUntil(lambda: store.exporting.share == 0.5, timeout=SOON)
    bar.cancel()
    qtbot.waitUntil(lambda: not store.exporting.going, timeout=SOON)
    assert list(tmp_path.iterdir()) == []
    assert not notices, "who cancels needs no word about it"
    go_on = threading.Event()
    go_on.set()
    for name in ("b.csv", "c.csv"):
        store.exporting.start(tmp_path / name, held(tmp_path / name, go_on, []))
    qtbot.waitUntil(lambda: len(notices) == 2, timeout=SOON)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["b.csv", "c.csv"]


def failing(error: Exception) -> Writing:
    yield 0.1
    raise error


def test_a_failure_is_its_sentence_and_a_bug_has_its_details(
    store: Store, notices: list[Notice], qtbot: QtBot
) -> None:
    store.exporting.start(Path("a.csv"), failing(ExportError("The disk is full.")))
    store.exporting.start(Path("b.csv"), failing(ZeroDivisionError("by zero")))
    qtbot.waitUntil(lambda: len(notices) == 2, timeout=SOON)
    assert [notice.level for notice in notices] == ["error", "error"]
    assert (notices[0].message, notices[0].details) == ("The disk is full.", "")
    assert "b.csv can't be written" in notices[1].message
    assert "Traceback" in notices[1].details


def test_the_end_of_the_program_waits_for_a_file(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    data = {"weight": Named(np.zeros((100, 100)), ("query", "key"))}
    store.exporting.start(path, writing_data(data, path, {}))
    store.exporting.finish()
    assert len(path.read_text().splitlines()) == 10_001


def test_a_million_numbers_keep_no_key_waiting(
    store: Store, notices: list[Notice], qtbot: QtBot, tmp_path: Path
) -> None:
    """It is written a thousand rows at a time, between which other threads have their turn."""
    data = {"weight": Named(np.random.default_rng(0).random((1000, 1000)), ("query", "key"))}
    writing = writing_data(data, tmp_path / "a.csv", {})
    shares: list[float] = []
    each: Callable[[float], None] = shares.append
    store.exporting.start(tmp_path / "a.csv", _watched(writing, each))
    qtbot.waitUntil(lambda: bool(notices), timeout=60_000)
    assert notices[0].level == "info"
    assert len(shares) >= 1000
    with (tmp_path / "a.csv").open() as file:
        assert sum(1 for _ in file) == 1_000_001


def _watched(writing: Writing, each: Callable[[float], None]) -> Writing:
    for share in writing:
        each(share)
        yield share
