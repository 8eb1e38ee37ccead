"""While a model learns the window tells of one step at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gui.session.backend import Backend
from gui.session.store import Store
from gui.settings import Settings
from gui.window.main_window import MainWindow
from model.train.presets import preset
from tests.gui.desk import Desk


@pytest.fixture
def window(live_store: Store, qtbot: QtBot) -> Iterator[MainWindow]:
    """In which Layers, Inspector, the embedding space and the run are seen: all tell the step."""
    window = MainWindow(live_store, Backend(), Settings(perspective="Explore"))
    window.resize(1600, 900)
    window.show()
    qtbot.waitExposed(window)
    qtbot.waitUntil(lambda: window.host.complete, timeout=20_000)
    window.layouts.show_pane("space")
    window.layouts.show_pane("training")
    yield window
    window.close()
    window.deleteLater()
    qtbot.wait(1)


def steps(window: MainWindow) -> list[int]:
    notes = [dock.header.note for dock in window.docks.values() if dock.isVisible()]
    found = [re.search(r"step ([\d,]+)", note) for note in notes]
    return [int(hit[1].replace(",", "")) for hit in found if hit]


def test_all_headers_tell_the_same_step(
    window: MainWindow,
    desk: Desk,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name, value in (("LIVE_SECONDS", 0.0), ("LIVE_SHARE", 1e9), ("FLUSH_SECONDS", 0.0)):
        monkeypatch.setattr(f"model.engine.training.{name}", value)
    recipe = replace(preset("tiny"), steps=200, eval_every=0, sample_every=0, data_tokens=4_000)
    desk.store.run.start(recipe, str(tmp_path / "run"))
    while desk.store.run.current is None or desk.store.run.current.step < 1:
        desk.advance()
    qtbot.waitUntil(lambda: len(steps(window)) == 4, timeout=20_000)
    desk.store.asked._overdue.setInterval(60_000)  # this worker is slower than any
    seen: set[int] = set()
    run = desk.store.run.current
    assert run is not None
    for _ in range(3):
        desk.hold()  # the worker is asked about the next step, and answers one after the other
        was = run.step
        while run.step == was:
            desk.advance()
        held, desk.held = desk.held or [], None
        for request in held:
            desk._submit(request)
            qtbot.wait(130)
            told = steps(window)
            assert len(set(told)) == 1, told
            seen |= set(told)
        assert desk.store.activity.what == "training", "no other number beside it"
    assert len(seen) > 1, "and it goes on"
    desk.store.run.stop()
    while desk.engine.busy:
        desk.advance()
