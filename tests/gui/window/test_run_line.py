"""A run that is out of sight is told of in one line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gui.session.backend import Backend
from gui.session.store import Store
from gui.settings import Settings
from gui.window.main_window import MainWindow
from gui.window.run_line import MOST_POINTS, RunLine, Sparkline
from model.train.events import StepDone
from model.train.presets import preset
from tests.gui.desk import Desk
from tests.gui.pixels import color_named, pixels

QUICK = replace(preset("tiny"), steps=30, eval_every=0, sample_every=0, data_tokens=4_000)


@pytest.fixture
def window(
    live_store: Store, desk: Desk, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MainWindow]:
    """A window whose worker does not run: what is asked is answered by the desk."""
    monkeypatch.setattr("model.engine.training.FLUSH_SECONDS", 0.0)
    window = MainWindow(live_store, Backend(), Settings())
    window.resize(1366, 768)
    window.show()
    qtbot.waitExposed(window)
    yield window
    while desk.engine.busy:
        if live_store.run.going:
            live_store.run.stop()
        desk.advance()
    window.close()
    window.deleteLater()
    qtbot.wait(1)


def line_of(window: MainWindow) -> RunLine:
    return window.top_bar.run_line


def begin(window: MainWindow, desk: Desk, folder: Path, steps: int = 5) -> None:
    window.store.run.start(QUICK, str(folder))
    while window.store.run.current is None or window.store.run.current.step < steps:
        desk.advance()
    line_of(window).refresh()


def test_without_a_run_there_is_no_line(window: MainWindow) -> None:
    assert not line_of(window).isVisible()


def test_it_says_name_step_and_loss_of_the_run(
    window: MainWindow, desk: Desk, tmp_path: Path
) -> None:
    begin(window, desk, tmp_path / "run")
    line, run = line_of(window), window.store.run.current
    assert run is not None
    assert line.isVisible()
    assert line.name.text() == "run", "as its folder: another one of the recipe has another"
    assert not line.name.isVisible(), "the switch beside it names it"
    assert window.top_bar.view_switch.segments.buttons["run"].text() == "run run"
    assert line.figures.text == f"step {run.step} / 30 · train {run.steps[-1].train_loss:.4f}"
    assert line.curve.losses == tuple(step.train_loss for step in run.steps)
    boxes = [part.geometry() for part in (line.figures, line.curve, line.pause)]
    assert not any(a.intersects(b) for i, a in enumerate(boxes) for b in boxes[:i])
    bar = window.top_bar
    assert bar.rect().contains(line.geometry())
    assert bar.model_button.geometry().right() < line.geometry().left()
    room = line.figures.fontMetrics().horizontalAdvance(line.figures.text)
    assert room <= line.figures.width(), "no digit is cut at 1366 pixels"


def test_it_holds_the_run_and_lets_it_go_on(
    window: MainWindow, desk: Desk, qtbot: QtBot, tmp_path: Path
) -> None:
    begin(window, desk, tmp_path / "run")
    line, run = line_of(window), window.store.run.current
    assert run is not None
    qtbot.mouseClick(line.pause, Qt.MouseButton.LeftButton)
    assert run.paused
    qtbot.waitUntil(lambda: line.pause.text() == "Resume", timeout=5000)
    qtbot.mouseClick(line.pause, Qt.MouseButton.LeftButton)
    assert not run.paused


def test_show_brings_the_curves_and_the_line_is_gone_until_they_are(
    window: MainWindow, desk: Desk, qtbot: QtBot, tmp_path: Path
) -> None:
    begin(window, desk, tmp_path / "run")
    line, dock = line_of(window), window.docks["training"]
    assert not dock.isVisible(), "Explore is about the sentence"
    qtbot.mouseClick(line.show_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(dock.isVisible, timeout=5000)
    assert window.layouts.perspective == "Train"
    assert not line.isVisible()
    window.layouts.set_perspective("Explore")
    assert line.isVisible()
    window.layouts.set_perspective("Train")
    dock.close()
    assert line.isVisible(), "closed, it is out of sight as well"
    qtbot.mouseClick(line.show_button, Qt.MouseButton.LeftButton)
    assert dock.isVisible()


def test_when_the_run_has_ended_the_line_is_gone(
    window: MainWindow, desk: Desk, tmp_path: Path
) -> None:
    begin(window, desk, tmp_path / "run")
    window.store.run.stop()
    while desk.engine.busy:
        desk.advance()
    assert not line_of(window).isVisible()


def test_the_curve_passes_through_its_losses(qtbot: QtBot) -> None:
    curve = Sparkline()
    qtbot.addWidget(curve)
    curve.resize(90, 20)
    many = [StepDone(i, i, i, 5 - i / 100, 1e-3, 1.0, 9.0) for i in range(1, 301)]
    curve.show_losses(many)
    assert len(curve.losses) <= MOST_POINTS + 1
    assert curve.losses[0] == many[0].train_loss
    assert curve.losses[-1] == many[-1].train_loss
    lit = np.abs(pixels(curve) - np.array(color_named("accent"))).sum(axis=2) < 300
    for index in (1, len(curve.losses) // 2, len(curve.losses) - 2):
        at = curve.place(index)
        x, y = round(at.x()), round(at.y())
        assert lit[y - 1 : y + 2, x - 1 : x + 2].any()
    assert not lit[:6, 60:].any(), "it falls"
