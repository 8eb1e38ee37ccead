"""What any canvas does when what it draws fails, and when it isn't seen."""

from __future__ import annotations

import subprocess
import sys

from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QStackedWidget
from pytestqt.qtbot import QtBot

from gui.widgets.canvas import Canvas
from tests.conftest import ROOT

FAILING = """
import sys
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from gui.app import make_application
from gui.widgets.canvas import Canvas

class Failing(Canvas):
    def paint_ground(self, painter):
        painter.setClipRect(QRectF(0, 0, 10, 10))
        ("a",)[5]

    def press(self, at, modifiers):
        int("x")

LEFT = Qt.MouseButton.LeftButton
told = []
app = make_application("dark")
sys.excepthook = lambda kind, error, traceback: told.append(kind.__name__)
canvas = Failing()
canvas.show()
turns = iter(range(20))

def turn():
    if next(turns, None) is None:
        app.quit()
    canvas.redraw()
    at = QPointF(5, 5)
    press = QMouseEvent(QEvent.Type.MouseButtonPress, at, at, LEFT, LEFT, Qt.KeyboardModifier(0))
    app.postEvent(canvas.viewport(), press)

timer = QTimer()
timer.timeout.connect(turn)
timer.start(5)
app.exec()
assert set(told) == {"IndexError", "ValueError"}, told
print("alive")
"""


def test_an_error_in_a_picture_is_told_and_the_program_goes_on() -> None:
    """In a process of its own: an error in a handler, or in a picture, used to end it."""
    done = subprocess.run(
        [sys.executable, "-c", FAILING], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "alive" in done.stdout


class Red(Canvas):
    """Counts how often its data are painted."""

    painted = 0

    def paint_ground(self, painter: QPainter) -> None:
        self.painted += 1
        painter.fillRect(self.viewport().rect(), QColor("red"))


def test_a_view_that_is_hidden_keeps_no_picture_and_paints_it_when_it_is_seen(
    qtbot: QtBot,
) -> None:
    """Dozens of views lie behind others: their pictures were a tenth of what the program held."""
    stack = QStackedWidget()
    qtbot.addWidget(stack)
    canvas, other = Red(), Red()
    for one in (canvas, other):
        stack.addWidget(one)
    stack.resize(300, 200)
    with qtbot.waitExposed(stack):
        stack.show()
    qtbot.waitUntil(lambda: canvas.painted == 1)
    assert canvas._ground is not None
    canvas.viewport().update()
    qtbot.wait(30)
    assert canvas.painted == 1, "what is seen is kept"
    stack.setCurrentWidget(other)
    qtbot.waitUntil(lambda: other.painted == 1)
    assert canvas._ground is None
    stack.setCurrentWidget(canvas)
    qtbot.waitUntil(lambda: canvas.painted == 2)
    image = canvas.grab().toImage()
    assert image.pixelColor(QPoint(150, 100)) == QColor("red")
