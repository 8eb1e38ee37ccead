"""The separator that the mouse is over is forgotten before docks are placed anew.

Qt goes the way that it has kept to it when the mouse moves on, and ends the program where that way
leads nowhere now.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QHoverEvent
from pytestqt.qtbot import QtBot

from gui.session.backend import Backend
from gui.session.store import Store
from gui.settings import Settings
from gui.window.main_window import MainWindow

ACROSS = (Qt.CursorShape.SplitHCursor, Qt.CursorShape.SplitVCursor)


@pytest.fixture
def window(live_store: Store, qtbot: QtBot) -> MainWindow:
    window = MainWindow(live_store, Backend(), Settings(perspective="Explore"))
    qtbot.addWidget(window)
    window.resize(1500, 900)
    with qtbot.waitExposed(window):
        window.show()
    qtbot.waitUntil(lambda: bool(separators(window)))
    return window


def separators(window: MainWindow) -> list[QPoint]:
    """Places between docks, where the mouse is the window's own."""
    lines = [QPoint(x, y) for y in (250, 450, 650) for x in range(4, window.width() - 4)]
    lines += [QPoint(x, y) for x in (200, 700, 1300) for y in range(4, window.height() - 4)]
    return [point for point in lines if window.childAt(point) is None]


def hover(window: MainWindow, kind: QEvent.Type, at: QPoint) -> None:
    place = QPointF(at)
    event = QHoverEvent(kind, place, window.mapToGlobal(place), place)
    QCoreApplication.sendEvent(window, event)


def hover_a_separator(window: MainWindow, random: Random) -> bool:
    """Whether one was found."""
    places = separators(window)
    for at in random.sample(places, min(30, len(places))):
        hover(window, QEvent.Type.HoverMove, at)
        if window.cursor().shape() in ACROSS:
            return True
    return False


def show_another(window: MainWindow) -> None:
    """A pane that has no place in this perspective."""
    docks = window.host.docks
    nowhere = Qt.DockWidgetArea.NoDockWidgetArea
    window.layouts.show_pane(
        next(key for key, dock in docks.items() if window.dockWidgetArea(dock) == nowhere)
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda window: window.layouts.set_perspective("Space"),
        lambda window: window.layouts.reset(),
        show_another,
    ],
    ids=["perspective", "reset", "another pane"],
)
def test_an_arrangement_that_changes_under_the_mouse_lets_go_of_the_separator(
    window: MainWindow, change: Callable[[MainWindow], None]
) -> None:
    assert hover_a_separator(window, Random(1))
    change(window)
    assert window.cursor().shape() not in ACROSS


def test_the_mouse_rests_on_a_separator_while_keys_change_all_that_there_is(
    window: MainWindow, qtbot: QtBot
) -> None:
    random = Random(2)
    n_found = 0
    for _ in range(25):
        n_found += hover_a_separator(window, random)
        match random.randrange(3):
            case 0:
                window.layouts.set_perspective(random.choice(["Explore", "Space", "Train", "Lab"]))
            case 1:
                window.layouts.show_pane(random.choice(list(window.host.docks)))
            case _:
                docks = [dock for dock in window.host.docks.values() if dock.isVisible()]
                if docks:
                    random.choice(docks).toggleViewAction().trigger()
        qtbot.wait(5)
        hover(window, QEvent.Type.HoverLeave, QPoint(-1, -1))
    assert n_found > 10
