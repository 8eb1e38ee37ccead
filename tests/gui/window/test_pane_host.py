"""The window stands before its panes are made, and none is missing afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QMainWindow
from pytestqt.qtbot import QtBot

from gui.panes.base import LIVE_GAP_MS, Pane
from gui.panes.catalogue import PANES
from gui.session.store import Store
from gui.window.pane_host import Furniture


@pytest.fixture
def furniture(live_store: Store, qtbot: QtBot) -> Iterator[Furniture]:
    window = QMainWindow()
    qtbot.addWidget(window)
    yield Furniture(live_store, window)
    window.close()  # and is held until here


def test_docks_have_their_titles_before_a_pane_is_made(furniture: Furniture) -> None:
    assert furniture.panes == ()
    assert [dock.windowTitle() for dock in furniture.docks.values()] == [
        entry.title for entry in PANES.values()
    ]


def test_panes_come_one_a_turn_until_all_are_there(furniture: Furniture, qtbot: QtBot) -> None:
    made: list[str] = []
    furniture.pane_made.connect(lambda pane: made.append(pane.key))
    furniture.begin()
    assert made == []
    qtbot.waitUntil(lambda: furniture.complete, timeout=10_000)
    assert sorted(made) == sorted(PANES)
    for key, dock in furniture.docks.items():
        assert dock.pane is furniture.pane(key)
        assert dock.pane.parent() is dock.widget()


def test_a_pane_that_is_asked_for_is_made_at_once_and_only_once(furniture: Furniture) -> None:
    pane = furniture.prompt
    assert pane.key == "prompt"
    assert furniture.has("prompt")
    furniture.make_all()
    assert furniture.prompt is pane


def test_panes_draw_one_after_the_other_only_while_a_model_learns(
    furniture: Furniture, qtbot: QtBot
) -> None:
    pane: Pane = furniture.inspector
    furniture.docks["inspector"].setFloating(True)
    furniture.docks["inspector"].show()
    qtbot.waitUntil(lambda: pane.isVisible() and not pane.dirty, timeout=5_000)
    turn = list(PANES).index("inspector")
    pane.store.hearing_live = True
    pane.invalidate()
    assert pane._timer.interval() >= turn * LIVE_GAP_MS
    pane.store.hearing_live = False
    pane.invalidate()  # a person's click does not wait for its turn
    assert pane._timer.interval() <= pane.frame_ms
    furniture.docks["inspector"].hide()
