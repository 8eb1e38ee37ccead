"""A field for long texts gives back exactly what was typed and pasted."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QTextCursor
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.widgets.long_text_edit import PART, LongTextEdit

TEXTS = {
    "one line": "Lorem ipsum dolor sit amet, großes 你好 🙂 " * 600,
    "one word": "x" * 20_001,
    "lines": "short\n\n" + "a long one " * 900 + "\n" + "last",
    "just a part": "y" * PART + "\n" + "z" * PART,
    "nothing": "",
}


@pytest.fixture
def field(qtbot: QtBot) -> LongTextEdit:
    field = LongTextEdit()
    qtbot.addWidget(field)
    field.resize(600, 100)
    field.show()
    return field


def longest(field: LongTextEdit) -> int:
    document = field.document()
    blocks = (document.findBlockByNumber(n) for n in range(document.blockCount()))
    return max(block.length() for block in blocks)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_is_pasted_comes_back_as_it_was(field: LongTextEdit, text: str):
    QGuiApplication.clipboard().setText(text)
    field.paste()
    assert field.whole_text() == text
    assert longest(field) <= 2 * PART + 4, "no paragraph is so long that a key would take a second"
    field.selectAll()
    field.copy()
    assert QGuiApplication.clipboard().text() == (text or QGuiApplication.clipboard().text())
    field.setPlainText(text)
    assert field.whole_text() == text


def test_it_is_edited_taken_back_and_done_again(field: LongTextEdit):
    text = TEXTS["one line"]
    QGuiApplication.clipboard().setText(text)
    field.paste()
    field.moveCursor(QTextCursor.MoveOperation.Start)
    QTest.keyClicks(field, "ab")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert field.whole_text() == f"ab\n{text}"
    field.undo()
    field.undo()
    field.undo()
    assert field.whole_text() in ("", text)
    while field.document().isRedoAvailable():
        field.redo()
    assert field.whole_text() == f"ab\n{text}"


def test_a_break_between_parts_is_no_character_of_the_text(field: LongTextEdit):
    text = TEXTS["one word"]
    field.setPlainText(text)
    cursor = QTextCursor(field.document().findBlockByNumber(1))
    field.setTextCursor(cursor)
    QTest.keyClick(field, Qt.Key.Key_Backspace)  # takes the break alone
    assert field.whole_text() == text
