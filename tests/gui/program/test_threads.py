"""Which thread does what, watched in processes of their own: imports happen once, as ends do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

IMPORTS = """
import json, sys, threading, time

WINDOW = ("PySide6", "shiboken6", "pyqtgraph", "OpenGL", "gui")
elsewhere = set()

def watch(event, arguments):
    if event == "import" and threading.current_thread() is not threading.main_thread():
        if arguments[0].partition(".")[0] in WINDOW:
            elsewhere.add(arguments[0])

sys.addaudithook(watch)

from PySide6.QtCore import QTimer
from gui.app import make_application
from gui.program.program import Program
from gui.settings import Settings

app = make_application("dark")
program = Program(Settings(perspective="Train", device="cpu", threads=1))
program.window.show()
program.start()
end = time.monotonic() + 60
ready = []

def look():
    if program.store.read is not None and "pyqtgraph" in sys.modules:
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


BUSY_END = """
import sys, time

from PySide6.QtCore import QTimer

import main
from gui.program.program import Program
from gui.session.backend import Backend
from model.engine import Engine

entered = []

def compute(engine):
    import torch

    entered.append(True)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        torch.ones(50, 50) @ torch.ones(50, 50)

def wait_shortly(backend, seconds):
    return wait(backend, 0.2)

def start_and_leave(program):
    start(program)

    def look():
        if entered:
            program.timer.stop()
            program.window.close()
            program.window.close()

    program.timer = QTimer()
    program.timer.timeout.connect(look)
    program.timer.start(20)

Engine.warm_up = compute
wait, Backend.wait = Backend.wait, wait_shortly
start, Program.start = Program.start, start_and_leave
sys.exit(main.main(["--device", "cpu", "--threads", "1"]))
"""

SLOW_DISK = """
import time

from PySide6.QtWidgets import QApplication, QWidget

from gui.opening import folder_listing

def entries(folder):
    time.sleep(60)
    return []

folder_listing.entries = entries
app = QApplication([])
window = QWidget()
folder_listing.FolderListing(window).ask("/")
time.sleep(0.1)
"""


def live(code: str, settings: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"GLASSFORMER_SETTINGS_DIR": str(settings)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_plots_are_imported_ahead_and_no_class_of_qt_is_made_outside_the_gui_thread(
    tmp_path: Path,
) -> None:
    done = live(IMPORTS, tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "ready": True,
        "elsewhere": [],
        "ended": True,
    }


def test_triton_is_not_loaded_beside_mesa(tmp_path: Path) -> None:
    package = tmp_path / "triton"
    package.mkdir()
    (package / "__init__.py").write_text("import os\nos._exit(99)\n", encoding="utf-8")
    done = live(f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{IMPORTS}", tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["ready"]


def test_a_folder_that_does_not_answer_does_not_hold_the_end(tmp_path: Path) -> None:
    began = time.monotonic()
    assert live(SLOW_DISK, tmp_path).returncode == 0
    assert time.monotonic() - began < 30


def test_a_second_close_ends_the_program_whatever_the_worker_does(tmp_path: Path) -> None:
    done = live(BUSY_END, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "the worker did not stop in time" in done.stderr
