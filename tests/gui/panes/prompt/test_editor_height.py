"""The editor takes the height of its lines, also where bar and lines never agree."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gui.panes.prompt.editor import MAX_LINES, PromptEditor

ENOUGH = 100
"""Questions for its lines after which the editor is let off, so that a test can say so."""


class Undecided(PromptEditor):
    """Has many lines without a scroll bar, and few beside one."""

    asked = 0

    @property
    def _n_lines(self) -> int:
        self.asked += 1
        if self.asked > ENOUGH:
            return 1
        return 1 if self.verticalScrollBar().isVisible() else MAX_LINES + 5


@pytest.mark.parametrize("width", [90, 200, 600])
def test_lines_that_wrap_anew_because_of_the_bar_come_to_an_end(qtbot: QtBot, width: int) -> None:
    window = QWidget()
    layout = QVBoxLayout(window)
    editor = Undecided(window)
    layout.addWidget(editor)
    qtbot.addWidget(window)
    window.resize(width, 120)
    with qtbot.waitExposed(window):
        window.show()
    for n in (60, 90, 70, 80):
        editor.asked = 0
        editor.replace_text("a queen and a king " * n)
        window.resize(width + n, 90 + n)
        qtbot.wait(10)
        assert 0 < editor.asked < ENOUGH


def test_a_text_that_grows_and_shrinks_ends_with_the_height_of_its_lines(qtbot: QtBot) -> None:
    window = QWidget()
    layout = QVBoxLayout(window)
    editor = PromptEditor(window)
    layout.addWidget(editor)
    layout.addStretch(1)
    qtbot.addWidget(window)
    window.resize(300, 400)
    with qtbot.waitExposed(window):
        window.show()
    heights = []
    for n in (1, 3, 200, 3, 1):
        editor.replace_text("\n".join(["a rose"] * n))
        qtbot.wait(10)
        heights.append(editor.height())
    assert heights[0] == heights[-1]
    assert heights[1] == heights[-2]
    assert heights[0] < heights[1] < heights[2]
    bar = editor.verticalScrollBar()
    assert not bar.isVisible()
