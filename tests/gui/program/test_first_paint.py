"""The worker begins behind a window that is painted, not in its way."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from gui.program.program import FirstPaint


class _Heard(QObject):
    def __init__(self, into: list[str]) -> None:
        super().__init__()
        self._into = into

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self._into.append("paint")
        return False


def test_what_follows_comes_after_the_first_paint_and_once(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    happened: list[str] = []
    heard = _Heard(happened)
    window.installEventFilter(heard)
    window.show()
    FirstPaint(window, lambda: happened.append("then"))
    assert happened == []
    qtbot.waitUntil(lambda: "then" in happened)
    assert happened.index("paint") < happened.index("then")
    window.update()
    qtbot.waitUntil(lambda: happened[-1] == "paint")
    qtbot.wait(20)
    assert happened.count("then") == 1


def test_a_window_that_never_paints_does_not_keep_the_worker(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    happened: list[str] = []
    FirstPaint(window, lambda: happened.append("then"))
    qtbot.waitUntil(lambda: happened == ["then"], timeout=2000)
