"""The line of all places: what is drawn, clicked, dragged and reached by keys."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui import theme
from gui.widgets.progress_line import ProgressLine
from tests.gui.pixels import pixels


@pytest.fixture
def line(qtbot: QtBot) -> ProgressLine:
    line = ProgressLine("All operations")
    line.describe = lambda index: f"place {index}"
    qtbot.addWidget(line)
    line.resize(416, 24)
    line.show_place(20, 81, (10, 40))
    with qtbot.waitExposed(line):
        line.show()
    return line


def test_it_is_filled_up_to_the_place_and_marks_the_borders(line: ProgressLine) -> None:
    picture = pixels(line).astype(int)
    accent = theme.current().color("accent")
    blue = np.abs(picture[12] - [accent.red(), accent.green(), accent.blue()]).max(axis=1) < 8
    assert blue[int(line.x_of(1)) : int(line.x_of(20))].all()
    assert not blue[int(line.x_of(22)) :].any()
    faint = theme.current().color("faint")
    above = np.abs(picture[7] - [faint.red(), faint.green(), faint.blue()]).max(axis=1) < 24
    marks = np.flatnonzero(above)
    assert len(marks) == 2
    assert marks[0] == pytest.approx(line.x_of(9.5), abs=1.5)
    assert marks[1] == pytest.approx(line.x_of(39.5), abs=1.5)


def test_a_click_and_a_drag_go_there(line: ProgressLine, qtbot: QtBot) -> None:
    sought: list[int] = []
    line.sought.connect(sought.append)
    QTest.mousePress(line, Qt.MouseButton.LeftButton, pos=QPoint(round(line.x_of(30)), 12))
    for place in (35, 50, 80):
        QTest.mouseMove(line, QPoint(round(line.x_of(place)), 12))
    qtbot.waitUntil(lambda: sought[-1:] == [80])
    QTest.mouseRelease(line, Qt.MouseButton.LeftButton, pos=QPoint(round(line.x_of(80)), 12))
    assert sought[0] == 30
    n = len(sought)
    QTest.mouseMove(line, QPoint(20, 12))
    assert len(sought) == n


def test_keys_step_and_go_to_the_ends(line: ProgressLine) -> None:
    sought: list[int] = []
    line.sought.connect(sought.append)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Home, Qt.Key.Key_End):
        QTest.keyClick(line, key)
    assert sought == [21, 19, 0, 80]


def test_it_says_where_it_is(line: ProgressLine) -> None:
    assert line.accessibleName() == "All operations"
    assert line.accessibleDescription() == "place 20"
    assert line.index_at(line.x_of(33)) == 33
    assert line.index_at(-50) == 0
    assert line.index_at(9_000) == 80
