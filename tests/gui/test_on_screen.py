"""Windows are no larger than their screen has room for, and lie in that room."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QDialog, QDockWidget, QFileDialog, QMainWindow, QWidget
from pytestqt.qtbot import QtBot

from gui import on_screen
from gui.on_screen import keep_on_screen, room_for
from gui.program.program import Program
from gui.settings import Settings
from gui.window.layouts import _to_text
from tests.gui.window.test_main_window import close_program, open_program

LAPTOP, SMALL, TWICE = QRect(0, 0, 1366, 740), QRect(0, 27, 800, 453), QRect(0, 0, 683, 384)
"""What is left of a screen; the last is 1366 × 768 at a scale factor of 2."""


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Callable[[QRect], None]:
    """Makes the screen smaller than the one that tests run on."""

    def leave(rect: QRect) -> None:
        monkeypatch.setattr(on_screen, "available", lambda window: rect)

    return leave


def lies_in(window: QWidget, rect: QRect) -> bool:
    return rect.contains(window.frameGeometry())


@pytest.mark.parametrize("left", [LAPTOP, SMALL, TWICE], ids=["laptop", "small", "twice"])
def test_the_first_window_has_room_on_its_screen(
    qtbot: QtBot, screen: Callable[[QRect], None], left: QRect
) -> None:
    screen(left)
    program = open_program(qtbot, Settings())
    try:
        window = program.window
        qtbot.waitUntil(lambda: lies_in(window, left), timeout=5000)
        room = room_for(window)
        assert window.width() >= min(1440, room.width())
        assert window.height() >= min(900, room.height())
        for name in ("Space", "Train", "Model", "Explore"):
            window.layouts.set_perspective(name)
            qtbot.waitUntil(lambda: not window.top_bar.isHidden(), timeout=5000)
            least = window.minimumSizeHint()
            assert least.width() <= room.width(), name
            assert least.height() <= room.height(), name
            assert lies_in(window, left), name
    finally:
        close_program(qtbot, program)


def test_what_was_left_on_a_larger_screen_comes_back_on_this_one(
    qtbot: QtBot, screen: Callable[[QRect], None]
) -> None:
    before = QMainWindow()
    qtbot.addWidget(before)
    before.setGeometry(QRect(400, 90, 1500, 1000))
    settings = Settings(geometry=_to_text(before.saveGeometry()))
    screen(LAPTOP)
    program = open_program(qtbot, settings)
    try:
        qtbot.waitUntil(lambda: lies_in(program.window, LAPTOP), timeout=5000)
    finally:
        close_program(qtbot, program)


def test_every_dialog_and_a_floated_pane_have_room(
    qtbot: QtBot, screen: Callable[[QRect], None]
) -> None:
    screen(SMALL)
    program = open_program(qtbot, Settings())
    try:
        opened = every_dialog(program, qtbot)
        assert {"open", "shortcuts", "settings", "about", "save_run"} <= set(opened)
        dock = program.window.docks["attention"]
        dock.resize(1200, 900)
        dock.toggle_floating()
        assert isinstance(dock, QDockWidget)
        qtbot.waitUntil(lambda: lies_in(dock, SMALL), timeout=5000)
        dock.toggle_floating()
    finally:
        close_program(qtbot, program)


def every_dialog(program: Program, qtbot: QtBot) -> list[str]:
    """Open what every command that opens something opens, and close it again."""
    found: list[str] = []
    for name, action in program.window.actions_by_id.items():
        asks = action.text().endswith("…") or name in ("shortcuts", "about")
        if not asks or not action.isEnabled():
            continue
        action.trigger()
        if name == "palette":  # it lies within the window
            program.window.show_palette()
            continue
        for dialog in shown_dialogs():
            qtbot.waitUntil(lambda dialog=dialog: lies_in(dialog, SMALL), timeout=5000)  # type: ignore[misc]
            found.append(name)
            dialog.close()
        qtbot.waitUntil(lambda: not shown_dialogs(), timeout=5000)
    return found


def shown_dialogs() -> list[QDialog]:
    return [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible()]


def test_a_window_comes_back_when_its_screen_becomes_smaller(
    qtbot: QtBot, screen: Callable[[QRect], None]
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.setGeometry(QRect(500, 200, 1200, 900))
    keep_on_screen(window)
    with qtbot.waitExposed(window):
        window.show()
    qtbot.wait(on_screen.SETTLING_MS + 100)
    assert window.size() == QSize(1200, 900)
    screen(SMALL)
    QGuiApplication.primaryScreen().availableGeometryChanged.emit(SMALL)
    qtbot.waitUntil(lambda: lies_in(window, SMALL), timeout=5000)


def test_a_person_may_move_a_window_as_they_like(
    qtbot: QtBot, screen: Callable[[QRect], None]
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    screen(LAPTOP)
    window.resize(300, 200)
    kept = keep_on_screen(window)
    with qtbot.waitExposed(window):
        window.show()
    qtbot.waitUntil(lambda: not kept._settling.isActive(), timeout=5000)
    window.move(QPoint(1300, 700))
    window.resize(500, 400)
    qtbot.wait(50)
    assert window.pos() == QPoint(1300, 700)
    assert window.size() == QSize(500, 400)


def test_a_dialog_that_fits_is_left_where_it_was_put(qtbot: QtBot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    parent.setGeometry(QRect(200, 150, 900, 700))
    with qtbot.waitExposed(parent):
        parent.show()
    dialog = QFileDialog(parent)
    keep_on_screen(dialog)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()
    middle = parent.frameGeometry().center() - dialog.frameGeometry().center()
    assert abs(middle.x()) < 40
    assert abs(middle.y()) < 60
    dialog.close()
