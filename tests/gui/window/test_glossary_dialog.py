"""Help, Glossary: all terms, a search, and the palette that finds them."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.on_screen import room_for
from gui.reading.glossary import TERMS
from gui.window.glossary import GlossaryDialog
from gui.window.main_window import MainWindow
from tests.gui.window.test_palette import SOON, first, opened, window  # noqa: F401


def shown(window: MainWindow, qtbot: QtBot) -> GlossaryDialog:  # noqa: F811
    qtbot.waitUntil(lambda: bool(window.findChildren(GlossaryDialog)), timeout=SOON)
    (dialog,) = window.findChildren(GlossaryDialog)
    qtbot.waitUntil(lambda: QApplication.focusWidget() is dialog.field, timeout=SOON)
    return dialog


def test_help_lists_all_terms_and_searches_them(window: MainWindow, qtbot: QtBot) -> None:  # noqa: F811
    window.actions_by_id["glossary"].trigger()
    dialog = shown(window, qtbot)
    assert dialog.shown == TERMS
    room = room_for(dialog)
    assert dialog.height() <= room.height()
    assert dialog.width() <= room.width()
    QTest.keyClicks(dialog.field, "norm")
    assert [term.name for term in dialog.shown[:3]] == ["norm", "LayerNorm", "output norm"]
    dialog.field.setText("no such word")
    assert dialog.shown == ()
    assert dialog._none.isVisible()
    dialog.field.clear()
    assert dialog.shown == TERMS
    bar = dialog._scroll.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0, timeout=SOON)
    before = dialog._scroll.verticalScrollBar().value()
    QTest.keyClick(dialog.field, Qt.Key.Key_PageDown)
    assert dialog._scroll.verticalScrollBar().value() > before
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not window.findChildren(GlossaryDialog), timeout=SOON)


def test_the_palette_finds_a_term(window: MainWindow, qtbot: QtBot) -> None:  # noqa: F811
    palette = opened(window, qtbot)
    offer = first(palette, "surprisal", "glossary")
    assert offer.title == "surprisal"
    assert "bits" in offer.tip
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    dialog = shown(window, qtbot)
    assert dialog.field.text() == "surprisal"
    assert dialog.shown[0].name == "surprisal"
    dialog.close()
