"""Explore is about the sentence, and what is looked at has the room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from gui.session.backend import Backend
from gui.session.store import Store
from gui.settings import Settings
from gui.window.arrangements import PERSPECTIVES, Pixels, Split, keys
from gui.window.main_window import MainWindow


@pytest.fixture
def window(live_store: Store, qtbot: QtBot) -> Iterator[MainWindow]:
    window = MainWindow(live_store, Backend(), Settings())
    yield window
    window.close()
    window.deleteLater()
    qtbot.wait(1)


def test_pixels_are_kept_and_shares_divide_the_rest() -> None:
    split = Split("row", ("a", "b", "c"), (Pixels(200), 1, 3))
    assert split.sizes(1000) == [200, 200, 600]
    assert split.sizes(2000) == [200, 450, 1350]
    assert split.sizes(300) == [150, 37, 112], "half of little room is for the shares"
    assert Split("row", ("a", "b"), (25, 75)).sizes(400) == [100, 300]


def test_explore_is_about_the_sentence() -> None:
    assert "training" not in keys(PERSPECTIVES["Explore"])
    assert "training" in keys(PERSPECTIVES["Train"])


@pytest.mark.parametrize("size", [(1366, 768), (1440, 900), (1920, 1080)])
def test_in_explore_text_takes_the_room_it_needs_and_attention_the_rest(
    window: MainWindow, qtbot: QtBot, size: tuple[int, int]
) -> None:
    window.resize(*size)
    window.show()
    qtbot.waitExposed(window)
    window.layouts.reset()
    docks = window.docks
    qtbot.waitUntil(lambda: abs(docks["tokens"].height() - 164) <= 6, timeout=5000)
    assert docks["prompt"].height() == docks["tokens"].height()
    assert docks["attention"].height() > 0.6 * size[1]
    assert docks["attention"].width() > 0.58 * size[0]
    assert 225 <= docks["layers"].width() <= 340
    if size[0] == 1920:
        assert docks["layers"].width() >= 320, "there is room for strips"
    for key in keys(PERSPECTIVES["Explore"]):
        assert docks[key].isVisible()
