"""Which thread does what: classes of Qt are made in the GUI thread alone.

Watched in a process of its own, because what is imported is imported once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

LIFE = """
import json, sys, threading, time

WINDOW = ("PySide6", "shiboken6", "pyqtgraph", "OpenGL", "gui")
elsewhere = set()

def watch(event, arguments):
    if event == "import" and threading.current_thread() is not threading.main_thread():
        if arguments[0].partition(".")[0] in WINDOW:
            elsewhere.add(arguments[0])

sys.addaudithook(watch)

from PySide6.QtCore import QTimer
from gui.app import Program, make_application
from gui.settings import Settings

app = make_application("dark")
program = Program(Settings(perspective="Train", device="cpu", threads=1))
program.window.show()
program.start()
end = time.monotonic() + 60
ready = []

def look():
    if program.store.trace is not None and "pyqtgraph" in sys.modules:
        ready.append(True)
    if ready or time.monotonic() > end:
        timer.stop()
        program.window.close()

timer = QTimer()
timer.timeout.connect(look)
timer.start(50)
app.exec()
program.backend.stop()
ended = program.backend.wait(20)
print(json.dumps({"ready": bool(ready), "elsewhere": sorted(elsewhere), "ended": ended}))
"""


def test_plots_are_imported_ahead_and_no_class_of_qt_is_made_outside_the_gui_thread(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIFE],
        cwd=ROOT,
        env=os.environ | {"GLASSFORMER_SETTINGS_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "ready": True,
        "elsewhere": [],
        "ended": True,
    }
