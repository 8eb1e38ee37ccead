"""What any canvas does when what it draws fails."""

from __future__ import annotations

import subprocess
import sys

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
