"""The window stands before its panes are made, and none is missing afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QMainWindow
from pytestqt.qtbot import QtBot

from gui.pace import Turns
from gui.panes import PANES
from gui.panes.base import Pane
from gui.panes.inspector.pane import InspectorPane
from gui.panes.prompt.pane import PromptPane
from gui.panes.training.pane import TrainingPane
from gui.session.run import CurrentRun
from gui.session.state import Notice
from gui.session.store import Store
from gui.settings import Settings
from gui.window.pane_host import PaneHost

KEYS = [entry.key for entry in PANES]


@pytest.fixture
def settings() -> Settings:
    kept: dict[str, dict[str, object]] = {
        "prompt": {"history": ["earlier", 7, "later"]},
        "training": {"runs_dir": "/elsewhere"},
        "a pane of another version": {"choice": 3},
    }
    return Settings(panes=kept)


@pytest.fixture
def host(live_store: Store, settings: Settings, qtbot: QtBot) -> Iterator[PaneHost]:
    window = QMainWindow()
    qtbot.addWidget(window)
    yield PaneHost(PANES, live_store, settings, window)
    window.close()  # and is held until here


def test_docks_have_their_titles_before_a_pane_is_made(host: PaneHost) -> None:
    assert host.panes == ()
    assert [dock.windowTitle() for dock in host.docks.values()] == [entry.title for entry in PANES]


def test_panes_come_one_a_turn_until_all_are_there(host: PaneHost, qtbot: QtBot) -> None:
    made: list[str] = []
    host.pane_made.connect(lambda pane: made.append(pane.key))
    host.begin()
    assert made == []
    qtbot.waitUntil(lambda: host.complete, timeout=10_000)
    assert sorted(made) == sorted(KEYS)
    for key, dock in host.docks.items():
        assert dock.pane is host.pane(key)
        assert dock.pane.parent() is dock.widget()


def test_a_pane_that_is_asked_for_is_made_at_once_and_only_once(host: PaneHost) -> None:
    pane = host.get(PromptPane)
    assert pane.key == "prompt"
    assert host.has("prompt")
    host.make_all()
    assert host.get(PromptPane) is host.pane("prompt") is pane


def test_a_pane_recalls_what_it_gave_to_be_remembered(host: PaneHost, settings: Settings) -> None:
    prompt = host.get(PromptPane)
    assert prompt.history == ("earlier", "later"), "what is no text in the file is passed over"
    assert str(host.get(TrainingPane).runs_dir) == "/elsewhere"
    prompt.set_text("The prince")
    prompt.commit()
    host.remember()
    assert settings.panes["prompt"] == {"history": ["earlier", "later", "The prince"]}
    assert settings.panes["training"]["runs_dir"] == "/elsewhere"


@pytest.mark.parametrize("restore", [True, False])
def test_the_last_recipe_comes_back_where_that_is_wanted(
    live_store: Store, qtbot: QtBot, restore: bool
) -> None:
    window = QMainWindow()
    qtbot.addWidget(window)
    settings = Settings(restore=restore)
    form = PaneHost(PANES, live_store, settings, window).get(TrainingPane).form
    usual = form.steps.value()
    form.steps.setValue(123)
    form.name.setText("mine")
    before = PaneHost(PANES, live_store, settings, window)
    settings.panes["training"] = {"runs_dir": "/here", "last": {"recipe": form.recipe().to_toml()}}
    pane = before.get(TrainingPane)
    assert (pane.form.steps.value(), pane.form.name.text()) == (
        (123, "mine") if restore else (usual, "minute")
    )
    assert str(pane.runs_dir) == "/here"
    assert pane.remember()["last"]["recipe"] == pane.form.recipe().to_toml()


@pytest.mark.parametrize("last", [7, {"recipe": 3}, {"recipe": "no [toml"}, {"recipe": "x = 1"}])
def test_a_recipe_that_cannot_be_read_is_passed_over(
    live_store: Store, qtbot: QtBot, last: object
) -> None:
    window = QMainWindow()
    qtbot.addWidget(window)
    settings = Settings(panes={"training": {"last": last}})
    pane = PaneHost(PANES, live_store, settings, window).get(TrainingPane)
    assert pane.form.trouble() == ""


def test_what_a_pane_kept_that_is_not_made_stays(host: PaneHost, settings: Settings) -> None:
    host.remember()
    assert settings.panes["prompt"]["history"] == ["earlier", 7, "later"]
    assert settings.panes["a pane of another version"] == {"choice": 3}


def test_before_any_pane_had_the_focus_the_largest_in_sight_is_meant(
    host: PaneHost, qtbot: QtBot
) -> None:
    assert host.in_focus is None
    for key, size in (("inspector", 300), ("prompt", 600)):
        host.pane(key)
        host.docks[key].setFloating(True)
        host.docks[key].resize(size, 400)
        host.docks[key].show()
    host.pane("attention")  # large, and hidden
    qtbot.waitUntil(lambda: host.pane("prompt").width() > 500, timeout=5_000)
    assert host.in_focus is host.pane("prompt")
    host.docks["inspector"].activateWindow()
    host.pane("inspector").setFocusPolicy(host.get(PromptPane).editor.focusPolicy())
    host.pane("inspector").setFocus()
    qtbot.waitUntil(lambda: host.in_focus is host.pane("inspector"), timeout=5_000)
    for key in ("inspector", "prompt"):
        host.docks[key].hide()


def test_panes_draw_one_after_the_other_only_while_a_model_learns(
    host: PaneHost, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    learns = False
    monkeypatch.setattr(CurrentRun, "learns", property(lambda run: learns))
    monkeypatch.setattr(host, "_turns", Turns(500))
    panes: list[Pane] = [host.get(InspectorPane), host.get(PromptPane)]
    drawn: list[float] = []
    for pane in panes:
        dock = host.docks[pane.key]
        dock.setFloating(True)
        dock.show()
        pane.drawn.connect(lambda: drawn.append(time.monotonic()))
    for learns, least in ((True, 0.45), (False, 0.0)):
        qtbot.waitUntil(lambda: all(pane.isVisible() and not pane.dirty for pane in panes))
        qtbot.wait(600)  # the turn before is over
        drawn.clear()
        for pane in panes:
            pane.invalidate()
        qtbot.waitUntil(lambda: len(drawn) == 2)
        assert drawn[1] - drawn[0] >= least
        assert (drawn[1] - drawn[0] < 0.45) != learns
    for pane in panes:
        host.docks[pane.key].hide()


def test_a_pane_that_breaks_on_what_it_remembered_is_made_all_the_same(
    host: PaneHost, live_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def recall(pane: PromptPane, kept: object) -> None:
        raise OverflowError("too large")

    monkeypatch.setattr(PromptPane, "recall", recall)
    said: list[Notice] = []
    live_store.notice_posted.connect(said.append)
    assert host.get(PromptPane).history == ()
    assert ["Prompt remembered can't be used" in notice.message for notice in said] == [True]
