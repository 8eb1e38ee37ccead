"""Explore is about the sentence, and what is looked at has the room."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.session.backend import Backend
from gui.session.store import Store
from gui.settings import Settings
from gui.window.arrangements import LOW, PERSPECTIVES, Least, Pixels, Split, keys
from gui.window.main_window import MainWindow
from gui.window.perspectives import measured, shape


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


def test_a_share_has_its_least_while_there_is_room_for_that() -> None:
    split = Split("row", ("a", "b", "c"), (Least(20, 150), 60, Least(20, 200)))
    assert split.sizes(2000) == [400, 1200, 400]
    assert split.sizes(900) == [175, 525, 200]
    assert split.sizes(600) == [150, 250, 200]
    assert split.sizes(200) == [40, 120, 40], "too little for anybody's least"


def test_explore_is_about_the_sentence() -> None:
    assert "training" not in keys(PERSPECTIVES["Explore"])
    assert "training" in keys(PERSPECTIVES["Train"])


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)])
def test_in_train_the_loss_its_curves_and_the_cloud_are_seen_at_once(
    window: MainWindow, qtbot: QtBot, size: tuple[int, int]
) -> None:
    window.resize(*size)
    window.show()
    qtbot.waitExposed(window)
    window.layouts.set_perspective("Train")
    docks = window.docks
    seen = ("training", "curves", "space", "prediction")
    qtbot.waitUntil(lambda: all(docks[key].pane is not None for key in seen), timeout=30_000)
    qtbot.waitUntil(
        lambda: not any(docks[key].visibleRegion().isEmpty() for key in seen), timeout=30_000
    )
    assert docks["space"].height() > 0.35 * size[1]
    assert docks["attention"] in window.tabifiedDockWidgets(docks["space"])


@pytest.mark.parametrize("size", [(1366, 768), (1440, 900), (1920, 1080)])
def test_in_explore_text_takes_the_room_it_needs_and_stage_and_attention_the_rest(
    window: MainWindow, qtbot: QtBot, size: tuple[int, int]
) -> None:
    window.resize(*size)
    window.show()
    qtbot.waitExposed(window)
    window.layouts.reset()
    docks = window.docks
    qtbot.waitUntil(lambda: abs(docks["tokens"].height() - 164) <= 6, timeout=5000)
    assert docks["prompt"].height() == docks["tokens"].height()
    stage, attention = docks["stage"], docks["attention"]
    low = size[1] < LOW
    assert stage.height() + (0 if low else attention.height()) > 0.6 * size[1]
    assert stage.width() > 0.58 * size[0]
    if low:  # one behind the other, each with all of the room
        assert attention in window.tabifiedDockWidgets(stage)
        window.layouts.show_pane("attention")
        qtbot.waitUntil(lambda: attention.height() > 0.6 * size[1], timeout=5000)
        window.layouts.show_pane("stage")
    else:
        assert attention.geometry().top() > stage.geometry().bottom()
    assert 225 <= docks["layers"].width() <= 340
    if size[0] == 1920:
        assert docks["layers"].width() >= 320, "there is room for strips"
    for key in keys(PERSPECTIVES["Explore"]):
        assert not docks[key].isHidden()


def test_a_window_that_becomes_higher_has_room_for_stage_and_attention(
    window: MainWindow, qtbot: QtBot
) -> None:
    window.resize(1366, LOW - 60)
    window.show()
    qtbot.waitExposed(window)
    stage, attention = window.docks["stage"], window.docks["attention"]
    qtbot.waitUntil(lambda: window.tabifiedDockWidgets(stage) == [attention], timeout=5000)
    window.resize(1366, LOW + 60)
    qtbot.waitUntil(lambda: window.tabifiedDockWidgets(stage) == [], timeout=5000)
    qtbot.waitUntil(lambda: abs(window.docks["tokens"].height() - 164) <= 6, timeout=5000)
    assert attention.geometry().top() > stage.geometry().bottom()


def sizes(window: MainWindow) -> dict[str, tuple[int, int]]:
    return {
        key: (dock.width(), dock.height())
        for key, dock in window.docks.items()
        if not dock.isHidden()
    }


def near(a: dict[str, tuple[int, int]], b: dict[str, tuple[int, int]]) -> bool:
    pairs = [(x, y) for key in a for x, y in zip(a[key], b.get(key, (0, 0)), strict=True)]
    return a.keys() == b.keys() and all(abs(x - y) <= 4 for x, y in pairs)


def drag_separator(qtbot: QtBot, window: MainWindow, left_of: str, by: int) -> None:
    box = window.docks[left_of].geometry()
    at = QPoint(box.right() + 2, box.center().y())
    for kind, buttons, x in (
        (QEvent.Type.MouseButtonPress, Qt.MouseButton.LeftButton, at.x()),
        (QEvent.Type.MouseMove, Qt.MouseButton.LeftButton, at.x() + by // 2),
        (QEvent.Type.MouseMove, Qt.MouseButton.LeftButton, at.x() + by),
        (QEvent.Type.MouseButtonRelease, Qt.MouseButton.NoButton, at.x() + by),
    ):
        place = QPointF(x, at.y())
        moves = kind == QEvent.Type.MouseMove
        button = Qt.MouseButton.NoButton if moves else Qt.MouseButton.LeftButton
        none = Qt.KeyboardModifier.NoModifier
        event = QMouseEvent(kind, place, window.mapToGlobal(place), button, buttons, none)
        QApplication.sendEvent(window, event)
        qtbot.wait(10)  # Qt moves the docks in a turn of its own


def test_proportions_come_back_after_the_window_was_small(window: MainWindow, qtbot: QtBot) -> None:
    window.resize(1700, 1000)
    window.show()
    qtbot.waitExposed(window)
    qtbot.waitUntil(lambda: abs(window.docks["tokens"].height() - 164) <= 6, timeout=5000)
    large = sizes(window)
    window.resize(640, 420)
    qtbot.waitUntil(lambda: window.docks["attention"].width() < 400, timeout=5000)
    window.resize(1700, 1000)
    qtbot.waitUntil(lambda: near(sizes(window), large), timeout=5000)
    window.layouts.remember()
    assert "Explore" not in window.settings.layouts, "nobody has arranged anything"


def test_so_do_those_that_a_person_has_made(window: MainWindow, qtbot: QtBot) -> None:
    window.resize(1700, 1000)
    window.show()
    qtbot.waitExposed(window)
    qtbot.waitUntil(lambda: abs(window.docks["tokens"].height() - 164) <= 6, timeout=5000)
    before = window.docks["layers"].width()
    drag_separator(qtbot, window, "layers", 160)
    qtbot.waitUntil(lambda: window.docks["layers"].width() >= before + 120, timeout=5000)
    for below in ("inspector", "interventions"):
        window.docks[below].close()
    qtbot.waitUntil(lambda: window.docks["prediction"].height() > 700, timeout=5000)
    qtbot.wait(1)
    large = sizes(window)
    window.resize(640, 420)
    qtbot.waitUntil(lambda: window.docks["attention"].width() < 400, timeout=5000)
    window.resize(1700, 1000)
    qtbot.waitUntil(lambda: near(sizes(window), large), timeout=5000)
    window.layouts.remember()
    assert "Explore" in window.settings.layouts
    window.layouts.reset()
    qtbot.waitUntil(lambda: abs(window.docks["layers"].width() - before) <= 6, timeout=5000)


def test_where_docks_stand_is_found_out(window: MainWindow, qtbot: QtBot) -> None:
    window.resize(1700, 1000)
    window.show()
    qtbot.waitExposed(window)
    for name, split in PERSPECTIVES.items():
        window.layouts.set_perspective(name)
        qtbot.waitUntil(partial(all_placed, window, split), timeout=5000)


def all_placed(window: MainWindow, split: Split) -> bool:
    found = measured(window.docks)
    return found is not None and shape(found) == shape(split)


def test_a_pane_that_is_added_may_be_gone_before_it_is_widened(
    window: MainWindow, qtbot: QtBot
) -> None:
    window.show()
    qtbot.waitExposed(window)
    window.docks["layers"].close()
    window.layouts.set_perspective("Model")
    window.layouts.show_pane("layers")
    window.layouts.set_perspective("Space")  # at once; Qt would warn of a dock that has no place
    qtbot.waitUntil(lambda: window.layouts._added is None, timeout=5000)
    assert not window.docks["layers"].isVisible()
