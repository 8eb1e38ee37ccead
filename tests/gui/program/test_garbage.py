"""When garbage is collected in the window's thread, on a clock that runs faster."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from gui.program import garbage
from gui.program.garbage import GarbageCollector


@pytest.fixture
def collector(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[GarbageCollector]:
    monkeypatch.setattr(garbage, "INTERVAL_MS", 5)
    monkeypatch.setattr(garbage, "LATEST_MS", 100)
    collector = GarbageCollector()
    yield collector
    collector.stop()
    gc.unfreeze()


def make_cycles() -> None:
    for _ in range(2 * gc.get_threshold()[0]):
        cycle: list[object] = []
        cycle.append(cycle)


def n_young() -> int:
    return gc.get_count()[0]


def test_nothing_is_collected_before_it_is_told_to_begin(
    qtbot: QtBot, collector: GarbageCollector
) -> None:
    collector.start()
    make_cycles()
    before = n_young()
    qtbot.wait(30)
    assert n_young() >= before
    collector.begin()
    qtbot.waitUntil(lambda: n_young() < before / 2, timeout=2000)


def test_it_begins_by_itself_where_the_worker_is_never_idle(
    qtbot: QtBot, collector: GarbageCollector
) -> None:
    collector.start()
    make_cycles()
    before = n_young()
    qtbot.waitUntil(lambda: n_young() < before / 2, timeout=2000)


def test_stopped_it_collects_no_more(qtbot: QtBot, collector: GarbageCollector) -> None:
    collector.start()
    collector.stop()
    make_cycles()
    before = n_young()
    qtbot.wait(200)
    assert n_young() >= before
