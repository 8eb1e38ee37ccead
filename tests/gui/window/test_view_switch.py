"""Two models, the opened one and that of a run: one click, and it is plain which is in view."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gui.panes.training.pane import TrainingPane
from gui.session.backend import Backend
from gui.session.store import Store
from gui.settings import Settings
from gui.window.main_window import MainWindow
from gui.window.view_switch import OPENED, RUN
from model.train.presets import preset
from tests.gui.desk import Desk

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


def begin(window: MainWindow, desk: Desk, folder: Path, steps: int = 5) -> None:
    window.store.run.start(QUICK, str(folder))
    run = window.store.run
    while run.starting is not None or run.current is None or run.current.step < steps:
        assert desk.engine.busy
        desk.advance()


def end(desk: Desk) -> None:
    while desk.engine.busy:
        desk.advance()


def click(window: MainWindow, qtbot: QtBot, key: str) -> None:
    button = window.top_bar.view_switch.segments.buttons[key]
    assert button.isVisible()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def down(window: MainWindow) -> str:
    buttons = window.top_bar.view_switch.segments.buttons
    [key] = [key for key, button in buttons.items() if button.isChecked()]
    return key


def test_with_one_model_there_is_nothing_to_choose(window: MainWindow) -> None:
    assert not window.top_bar.view_switch.isVisible()
    assert window.top_bar.model_button.text().startswith("story-world")


def test_start_shows_the_run_and_the_opened_model_is_one_click_away(
    window: MainWindow, desk: Desk, qtbot: QtBot, tmp_path: Path
) -> None:
    opened, network = window.store.model, desk.lm.transformer
    assert opened is not None
    begin(window, desk, tmp_path / "minute-2")
    assert down(window) == RUN
    assert window.windowTitle().startswith("minute-2")
    buttons = window.top_bar.view_switch.segments.buttons
    assert (buttons[OPENED].text(), buttons[RUN].text()) == ("story-world", "run minute-2")
    assert str(tmp_path / "minute-2") in buttons[RUN].toolTip()
    click(window, qtbot, OPENED)
    assert window.store.model == opened
    assert down(window) == OPENED
    assert window.windowTitle().startswith("story-world")
    assert desk.lm.transformer is network, "not read again"
    assert window.store.run.running, "the run goes on"
    click(window, qtbot, RUN)
    assert window.store.model == window.store.run.model
    assert down(window) == RUN


def test_both_stay_once_the_run_has_ended_and_its_folder_is_gone(
    window: MainWindow, desk: Desk, qtbot: QtBot, tmp_path: Path
) -> None:
    begin(window, desk, tmp_path / "run")
    end(desk)
    learned = window.store.model
    assert learned is not None
    assert not learned.training
    assert down(window) == RUN, "what was in view stays"
    shutil.rmtree(tmp_path / "run")
    click(window, qtbot, OPENED)
    assert window.store.model is not None
    assert window.store.model.name == "story-world"
    window.show_run()
    pane = window.host.get(TrainingPane)
    pane.refresh_now()
    assert pane.heading.view.text() == "The panes show story-world"
    click(window, qtbot, RUN)
    assert window.store.model == learned
    pane.refresh_now()
    assert pane.heading.view.text() == "The panes show it"


def test_nothing_in_the_bar_covers_anything_with_long_names_at_1366_pixels(
    window: MainWindow, desk: Desk, qtbot: QtBot, tmp_path: Path
) -> None:
    begin(window, desk, tmp_path / "a-run-with-a-name-that-is-longer-than-any-other")
    bar = window.top_bar
    bar.run_line.refresh()
    qtbot.wait(1)
    assert not bar._brand.isVisible(), "its name gives way to the run"
    for key in (OPENED, RUN):
        click(window, qtbot, key)
        qtbot.wait(20)  # the bar is laid out anew
        parts = [bar.view_switch, bar.model_button, bar.run_line, bar.perspectives]
        boxes = [part.geometry() for part in parts if part.isVisible()]
        assert not any(a.intersects(b) for i, a in enumerate(boxes) for b in boxes[:i])
        assert all(bar.rect().contains(box) for box in boxes)
        line = bar.run_line
        room = line.figures.fontMetrics().horizontalAdvance(line.figures.text)
        assert room <= line.figures.width(), "no digit is cut"
        for button in bar.view_switch.segments.buttons.values():
            text = button.fontMetrics().horizontalAdvance(button.text())
            assert text <= button.width(), "no letter is cut"


def test_the_line_tells_of_a_run_whose_pane_shows_another_one(
    window: MainWindow, desk: Desk, qtbot: QtBot, tmp_path: Path
) -> None:
    begin(window, desk, tmp_path / "earlier")
    end(desk)
    begin(window, desk, tmp_path / "now")
    window.layouts.set_perspective("Train")
    qtbot.waitUntil(window.docks["training"].isVisible)
    assert not window.top_bar.run_line.isVisible()
    window.store.opening.open(str(tmp_path / "earlier"))
    while window.store.run.recorded is None:
        assert desk.engine.busy
        desk.advance()
    assert window.store.run.shown is window.store.run.recorded
    assert window.top_bar.run_line.isVisible(), "it still goes on"
    qtbot.mouseClick(window.top_bar.run_line.show_button, Qt.MouseButton.LeftButton)
    assert window.store.run.shown is window.store.run.current
    assert not window.top_bar.run_line.isVisible()


def test_a_run_is_in_recent_from_its_first_moment_by_its_whole_path(
    window: MainWindow, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    begin(window, desk, Path("runs/minute"), steps=1)
    assert window.settings.recent == [str(tmp_path / "runs" / "minute")]
    end(desk)
    assert window.settings.recent == [str(tmp_path / "runs" / "minute")], "once"
    assert window.settings.recent_lines[window.settings.recent[0]]


def test_a_recent_one_that_is_gone_says_so(window: MainWindow, desk: Desk, tmp_path: Path) -> None:
    gone = str(tmp_path / "runs" / "minute")
    window.settings.remember(gone)
    menu = window.files.recent_menu
    menu.aboutToShow.emit()
    menu.actions()[0].trigger()
    end(desk)
    assert window.notice_bar.message.startswith(f"{gone} is no longer there")
    assert window.store.model is not None
    assert window.store.model.name == "story-world"
