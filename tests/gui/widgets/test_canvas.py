"""What any canvas does when what it draws fails."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT

FAILING = """
import sys
from PySide6.QtCore import QRectF
from gui.app import make_application
from gui.widgets.canvas import Canvas

class Failing(Canvas):
    def paint_ground(self, painter):
        painter.setClipRect(QRectF(0, 0, 10, 10))
        ("a",)[5]

    def lay_out(self):
        pass

told = []
app = make_application("dark")
sys.excepthook = lambda kind, error, traceback: told.append(kind.__name__)
canvas = Failing()
canvas.show()
for _ in range(20):
    canvas.redraw()
    app.processEvents()
assert told[:1] == ["IndexError"], told
print("alive")
"""


def test_an_error_in_a_picture_is_told_and_the_program_goes_on() -> None:
    """In a process of its own: a painter that outlived its pixmap used to end it."""
    done = subprocess.run(
        [sys.executable, "-c", FAILING], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "alive" in done.stdout
