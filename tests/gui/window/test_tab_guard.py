"""A tab is dragged, and one that went away under the mouse is not."""

from __future__ import annotations

import gc

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QDockWidget, QMainWindow, QTabBar, QTextEdit
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from gui.session.backend import Backend
from gui.session.store import Store
from gui.settings import Settings
from gui.window.main_window import MainWindow
from gui.window.tab_guard import TabGuard

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def window(qtbot: QtBot) -> QMainWindow:
    """Four docks over each other."""
    window = QMainWindow()
    qtbot.addWidget(window)
    TabGuard(window)
    docks = [QDockWidget(f"dock {number}", window) for number in range(4)]
    for dock in docks:
        dock.setWidget(QTextEdit())
        window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
    for dock in docks[1:]:
        window.tabifyDockWidget(docks[0], dock)
    window.resize(800, 400)
    with qtbot.waitExposed(window):
        window.show()
    qtbot.waitUntil(lambda: bar_of(window).count() == 4)
    return window


def bar_of(window: QMainWindow) -> QTabBar:
    return next(one for one in window.children() if isinstance(one, QTabBar) and one.isVisible())


def is_dragged(bar: QTabBar) -> bool:
    """Whether Qt has made a picture of the tab that is moved."""
    return any(one.metaObject().className() == "QWidget" for one in bar.children())


def drag(bar: QTabBar) -> None:
    """From the first tab to the last."""
    begin, end = bar.tabRect(0).center(), bar.tabRect(bar.count() - 1).center()
    QTest.mousePress(bar, LEFT, NONE, begin)
    for tenth in range(1, 11):
        QTest.mouseMove(bar, begin + (end - begin) * tenth / 10)
    QTest.mouseRelease(bar, LEFT, NONE, end)


def test_tab_bars_that_are_gone_are_not_held(window: QMainWindow, qtbot: QtBot) -> None:
    docks = [one for one in window.children() if isinstance(one, QDockWidget)]

    def seen() -> list[QTabBar]:
        bars = (one for one in window.children() if isinstance(one, QTabBar))
        return [bar for bar in bars if bar.isVisible()]

    def held() -> int:
        gc.collect()
        bars = (one for one in gc.get_objects() if isinstance(one, QTabBar))
        return sum(not isValid(bar) for bar in bars)

    before = held()  # by other tests
    made = 0
    for _ in range(5):
        (bar,) = seen()
        gone = QSignalSpy(bar.destroyed)
        QTest.mouseClick(bar, LEFT, NONE, bar.tabRect(1).center())
        del bar
        for dock in docks:
            window.removeDockWidget(dock)
        qtbot.wait(20)
        for dock in docks:
            window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
            dock.show()
        for dock in docks[1:]:
            window.tabifyDockWidget(docks[0], dock)
        qtbot.waitUntil(lambda: len(seen()) == 1 and seen()[0].count() == 4)
        made += gone.count()
    assert made
    assert held() == before


def test_a_tab_that_went_away_under_the_mouse_is_not_dragged(
    window: QMainWindow, qtbot: QtBot
) -> None:
    bar = bar_of(window)
    at = bar.tabRect(3).center()
    QTest.mousePress(bar, LEFT, NONE, at)
    for dock in window.findChildren(QDockWidget)[1:3]:
        dock.hide()
    qtbot.waitUntil(lambda: bar.count() == 2)
    for away in range(40, 200, 40):
        QTest.mouseMove(bar, at - QPoint(away, 0))
    assert not is_dragged(bar)
    QTest.mouseRelease(bar, LEFT, NONE, at)


def test_tabs_are_moved_by_dragging_as_ever(window: QMainWindow, qtbot: QtBot) -> None:
    bar = bar_of(window)
    begin, end = bar.tabRect(0).center(), bar.tabRect(3).center()
    QTest.mousePress(bar, LEFT, NONE, begin)
    for tenth in range(1, 11):
        QTest.mouseMove(bar, begin + (end - begin) * tenth / 10)
        qtbot.wait(10)
    assert is_dragged(bar)
    QTest.mouseRelease(bar, LEFT, NONE, end)
    qtbot.waitUntil(
        lambda: [bar.tabText(at) for at in range(4)] == ["dock 1", "dock 2", "dock 3", "dock 0"]
    )


def test_a_tab_that_another_stands_in_for_by_now_is_not_dragged(
    window: QMainWindow, qtbot: QtBot
) -> None:
    bar = bar_of(window)
    begin, end = bar.tabRect(0).center(), bar.tabRect(3).center()
    QTest.mousePress(bar, LEFT, NONE, begin)
    docks = window.findChildren(QDockWidget)
    docks[1].hide()
    another = QDockWidget("another", window)
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, another)
    window.tabifyDockWidget(docks[0], another)
    qtbot.waitUntil(lambda: "another" in [bar.tabText(at) for at in range(bar.count())])
    assert bar.count() == 4
    for tenth in range(1, 11):
        QTest.mouseMove(bar, begin + (end - begin) * tenth / 10)
    assert not is_dragged(bar)
    QTest.mouseRelease(bar, LEFT, NONE, end)


def astray(window: MainWindow) -> list[QTabBar]:
    """Those whose docks don't lie over each other any more."""
    docks = {dock.windowTitle(): dock for dock in window.docks.values()}
    found = []
    for bar in window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
        tabs = [bar.tabText(at) for at in range(bar.count())]
        if tabs:
            beside = window.tabifiedDockWidgets(docks[tabs[0]])
            if {tabs[0], *(dock.windowTitle() for dock in beside)} != set(tabs):
                found.append(bar)
    return found


def test_a_tab_of_a_perspective_that_is_gone_is_not_dragged(
    live_store: Store, qtbot: QtBot
) -> None:
    """Qt would look for the group of docks that the tab bar belongs to, and the program end."""
    window = MainWindow(live_store, Backend(), Settings(perspective="Explore"))
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    layouts = window.layouts
    layouts.set_perspective("Lab")
    qtbot.wait(50)
    bar = next(bar for bar in window.findChildren(QTabBar) if bar.isVisible() and bar.count() > 2)
    QTest.mouseClick(bar, LEFT, NONE, bar.tabRect(2).center())
    layouts.set_perspective("Space")
    qtbot.wait(50)
    layouts.set_perspective("Lab")  # as it was left: Qt restores it
    stray = [bar for bar in astray(window) if bar.isVisible()]
    assert stray, "Qt hides them at once: there is nothing to guard against any more"
    for bar in stray:
        drag(bar)
        assert not is_dragged(bar)


def test_a_perspective_that_changes_while_a_tab_is_held_ends_the_drag(
    live_store: Store, qtbot: QtBot
) -> None:
    window = MainWindow(live_store, Backend(), Settings(perspective="Lab"))
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    bar = next(bar for bar in window.findChildren(QTabBar) if bar.isVisible() and bar.count() > 2)
    begin, end = bar.tabRect(0).center(), bar.tabRect(bar.count() - 1).center()
    QTest.mousePress(bar, LEFT, NONE, begin)
    window.layouts.set_perspective("Space")
    window.layouts.set_perspective("Lab")
    for tenth in range(1, 11):
        QTest.mouseMove(bar, begin + (end - begin) * tenth / 10)
    assert not is_dragged(bar)
    QTest.mouseRelease(bar, LEFT, NONE, end)


def test_the_programs_window_is_guarded(live_store: Store, qtbot: QtBot) -> None:
    window = MainWindow(live_store, Backend(), Settings(perspective="Explore"))
    qtbot.addWidget(window)
    window.show()
    assert window.findChildren(TabGuard)
