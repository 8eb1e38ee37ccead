"""How soon the window stands and an edit is seen; what window and training cost each other.

Each figure comes from a process of its own that drives the real window with the real
worker; on Linux without a display, under Xvfb (`make bench` sees to it).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import sqrt
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import TYPE_CHECKING

from benchmarks.rows import Row

if TYPE_CHECKING:
    from PySide6.QtCore import QObject
    from PySide6.QtWidgets import QApplication, QMainWindow

    from gui.panes.base import Pane
    from gui.program.program import Program
    from model.train import Recipe

SENTENCE = "The old king gave a red rose to the queen of the north and she lost her crown"
STARTS = 5
EDITS = 40
TRAIN_SECONDS = 12.0
SCRUBS = 60
PAIRS = 4
"""Rounds of without, with, with, without a window: a shared machine may change its speed by a tenth
from one minute to the next, and in this order a steady drift cancels out."""


def run() -> list[Row]:
    """Start, edit and training, each several times."""
    starts = [_child("start") for _ in range(STARTS + 1)][1:]
    window = median(start["window"][0] for start in starts)
    bare = median(_child("bare")["window"][0] for _ in range(STARTS))
    ready = median(start["ready"][0] for start in starts)
    edits = _child("edit")
    first, stage, whole = (median(edits[name]) for name in ("first", "stage", "whole"))
    scrubs = _child("scrub")["whole"]
    scrub, slow = median(scrubs), quantiles(scrubs, n=10)[8]
    alone: list[float] = []
    beside: list[float] = []
    late: list[float] = []
    for what in ("train_alone", "train_in_window", "train_in_window", "train_alone") * PAIRS:
        figures = _child(what)
        late += figures.get("late_ms", [])
        into = alone if what == "train_alone" else beside
        into += figures["tokens_per_second"]
    # A round's ratio is that of the geometric means of its two runs each.
    ratios = [
        sqrt(beside[i] * beside[i + 1] / (alone[i] * alone[i + 1])) for i in range(0, 2 * PAIRS, 2)
    ]
    p99 = quantiles(late, n=100)[98]
    return [
        Row("first window, from process start", window, bare, window / 0.8, "s", "≤ 0.8 s"),
        Row("model ready, from process start", ready, None, ready / 3, "s", "≤ 3 s"),
        Row("prompt edit to the first picture, median", first, None, first / 20, "ms", "≤ 20 ms"),
        Row("prompt edit to stage and Inspector, median", stage, None, stage / 20, "ms", ""),
        Row("prompt edit to all that panes ask, median", whole, None, whole / 20, "ms", ""),
        Row(
            "a step of `minute` scrubbed to, all panes, median", scrub, None, scrub / 100, "ms", ""
        ),
        Row("the same, nine of ten", slow, None, slow / 100, "ms", "≤ 100 ms"),
        Row("GUI timer lateness while training, p99", p99, None, p99 / 5, "ms", "≤ 5 ms"),
        Row(
            "training in the window against without one",
            median(beside),
            median(alone),
            median(ratios),
            "tokens/s",
            "≥ 0.98 × without",
        ),
    ]


Figures = dict[str, list[float]]


def _child(what: str) -> Figures:
    # A person's second start has its bytecode; some build machines forbid writing it.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.window", what, repr(began)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=environment,
    )
    if done.returncode:
        raise RuntimeError(f"the benchmark {what!r} failed:\n{done.stderr}")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


# ------------------------------------------------------------------- in the child process


def _measure(what: str, began: float) -> Figures:
    match what:
        case "bare":
            return _bare_window(began)
        case "start":
            return _start(began)
        case "edit":
            return _edit()
        case "scrub":
            return _scrub()
        case "train_alone":
            return _train_alone()
        case "train_in_window":
            return _train_in_window()
    raise ValueError(what)


def _bare_window(began: float) -> Figures:
    """An empty Qt window: what no Qt program can be faster than."""
    from PySide6.QtWidgets import QApplication, QMainWindow

    app = QApplication([])
    window = QMainWindow()
    window.resize(1440, 900)
    seen = _when_painted(window, began)
    window.show()
    _spin(app, lambda: bool(seen))
    return {"window": seen}


def _program(perspective: str = "Explore") -> tuple[QApplication, Program]:
    from gui.program.imports import read_no_sources

    read_no_sources()  # as main.py does
    from gui import theme
    from gui.app import make_application
    from gui.program.program import Program
    from gui.settings import Settings

    app = make_application("dark")
    theme.set_motion(True)
    return app, Program(Settings(perspective=perspective))


def _start(began: float) -> Figures:
    app, program = _program()
    seen = _when_painted(program.window, began)
    program.window.show()
    program.start()
    _spin(app, lambda: program.store.ran is not None)
    ready = time.monotonic() - began
    _end(app, program)
    return {"window": seen, "ready": [ready]}


def _edit() -> Figures:
    """Texts that were not read before: what is known of one would be drawn at once.

    The first picture is there when every pane of it has drawn what it asks for at once (the strips
    of Layers, the matrix and the routes, the next token), and it is on the screen; the stage and
    the Inspector follow in the next turn; the rest (lens, mosaic, parts of the logit, surprisal)
    comes after. The chips of the tokens are drawn with their surprisals, after the first picture.
    """
    from gui.panes.prompt.pane import PromptPane

    app, program = _program()
    program.window.show()
    program.start()
    store = program.store
    _spin(app, lambda: store.read is not None and store.vocabulary is not None)
    _pause(app, 2.0)
    panes = [pane for pane in program.window.host.panes if pane.isVisible()]
    editor = program.window.host.get(PromptPane).editor
    random = Random(1)
    text = ""
    at_once = {pane.key for pane in panes if _at_once(pane)}
    in_first = {pane.key for pane in panes if _at_once(pane) and not pane.draws_next}
    drawn: set[str] = set()

    def note(pane: Pane) -> None:
        if store.read is not None and store.read.text == text and pane.key in at_once:
            drawn.add(pane.key)

    for pane in panes:
        pane.drawn.connect(partial(note, pane))

    def followed() -> bool:
        if store.read is None or store.read.text != text or store.asked.is_waiting:
            return False
        return not any(pane.dirty for pane in panes)

    moments: dict[str, Callable[[], bool]] = {
        "first": lambda: in_first <= drawn,
        "stage": lambda: at_once <= drawn,
        "whole": followed,
    }
    figures: Figures = {name: [] for name in moments}
    began = 0.0
    there: list[str] = []  # the moments that have come, in their order

    def note_moments() -> None:
        for name, has_come in moments.items():
            if name not in there and has_come():
                there.append(name)
                figures[name].append(1000 * (time.perf_counter() - began))

    def all_there() -> bool:
        if followed():  # also where nothing was left to paint
            app.sendPostedEvents()
            note_moments()
        return len(there) == len(moments)

    # On the screen: what panes asked to update has been painted.
    frames = _call_after_frames(program.window, note_moments)
    for _ in range(EDITS):
        text = " ".join(random.choices(SENTENCE.split(), k=random.randint(3, 15)))
        drawn.clear()
        there.clear()
        began = time.perf_counter()
        editor.replace_text(text)
        _spin(app, all_there, every_ms=2)
        _pause(app, 0.05)
    program.window.removeEventFilter(frames)
    _end(app, program)
    return figures


def _scrub() -> Figures:
    """From one kept step of a run to another until all that every pane asks is there and painted.

    The run is `minute` for some seconds, opened from its folder; steps come in random order.
    """
    from model.train import Training

    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder, "run")
        for _ in Training(_recipe(), run_dir).events():
            pass
        app, program = _program()
        program.window.resize(1500, 900)
        program.window.show()
        program.start()
        store = program.store
        _spin(app, lambda: store.read is not None)
        program.window.files.open_path(str(run_dir))
        _spin(app, lambda: len(store.timeline.steps) > 5 and store.read is not None)
        _pause(app, 2.0)
        panes = [pane for pane in program.window.host.panes if pane.isVisible()]
        kept = [step.step for step in store.timeline.steps]
        random = Random(1)
        here = kept[-1]

        def there() -> bool:
            subject = store.subject
            if subject is None or subject.step != here or store.asked.is_waiting:
                return False
            return not any(pane.dirty for pane in panes)

        took: list[float] = []
        for _ in range(SCRUBS):
            here = random.choice([step for step in kept if step != here])
            began = time.perf_counter()
            store.timeline.go_to(here)
            _spin(app, there, every_ms=1)
            app.sendPostedEvents()
            app.processEvents()
            took.append(1000 * (time.perf_counter() - began))
            _pause(app, 0.05)
        _end(app, program)
    return {"whole": took}


def _at_once(pane: Pane) -> bool:
    """Whether a pane shows something at once, and all of that is about what is wanted now."""
    slots = [pane.slot(name) for name in pane.questions()]
    current = [slot.is_current for slot in slots if slot and not slot.question.later]
    return bool(current) and all(current)


def _recipe() -> Recipe:
    from model.train import PRESETS

    return replace(PRESETS["minute"], max_seconds=TRAIN_SECONDS, steps=100_000, data_tokens=200_000)


def _train_alone() -> Figures:
    from model.device import default_threads, set_threads
    from model.train import Training

    set_threads(default_threads())
    with tempfile.TemporaryDirectory() as folder:
        training = Training(_recipe(), Path(folder, "run"))
        for _ in training.events():
            pass
        return {"tokens_per_second": [_overall(Path(folder, "run"))]}


def _train_in_window() -> Figures:
    from PySide6.QtCore import Qt, QTimer

    app, program = _program("Train")
    program.window.show()
    program.start()
    store = program.store
    _spin(app, lambda: store.read is not None)
    _pause(app, 1.0)
    late: list[float] = []
    last = [0.0]

    def tick() -> None:
        now = time.perf_counter()
        if last[0]:
            late.append(max(0.0, 1000 * (now - last[0]) - 10))
        last[0] = now

    with tempfile.TemporaryDirectory() as folder:
        store.run.start(_recipe(), str(Path(folder, "run")), follow=True)
        _spin(app, lambda: store.run.current is not None and len(store.run.current.steps) > 0, 120)
        timer = QTimer()
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.timeout.connect(tick)
        timer.start(10)
        run = store.run.current
        assert run is not None
        # Looking 500 times a second would itself take the interpreter from the training.
        _spin(app, lambda: not run.running, TRAIN_SECONDS + 120, every_ms=200)
        timer.stop()
        speed = _overall(Path(folder, "run"))
        _end(app, program)
    return {"tokens_per_second": [speed], "late_ms": late}


def _overall(run_dir: Path) -> float:
    """Tokens per second of wall time between the first and the last training step."""
    from model.train import read_metrics

    metrics = read_metrics(run_dir)
    seconds, tokens = metrics["seconds"], metrics["tokens"]
    # The first steps pay for what torch does only once.
    first = len(seconds) // 10
    return float((tokens[-1] - tokens[first]) / (seconds[-1] - seconds[first]))


def _call_after_frames(window: QMainWindow, call: Callable[[], None]) -> QObject:
    """Calls whenever the window has painted all that was out of date; gives the filter."""
    from PySide6.QtCore import QEvent, QObject

    class Watcher(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() != QEvent.Type.UpdateRequest:
                return False
            watched.event(event)
            call()
            return True

    watcher = Watcher(window)
    window.installEventFilter(watcher)
    return watcher


def _when_painted(window: QMainWindow, began: float) -> list[float]:
    from PySide6.QtCore import QEvent, QObject

    seen: list[float] = []

    class Watcher(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint and not seen:
                seen.append(time.monotonic() - began)
            return False

    watcher = Watcher(window)
    window.installEventFilter(watcher)
    return seen


def _spin(
    app: QApplication, done: Callable[[], bool], seconds: float = 60, every_ms: int = 2
) -> None:
    from PySide6.QtCore import QEventLoop, Qt, QTimer

    # A real event loop that sleeps: polling without pause would take the worker's processor.
    loop = QEventLoop()
    end = time.monotonic() + seconds

    def look() -> None:
        if done() or time.monotonic() > end:
            loop.quit()

    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(look)
    timer.start(every_ms)
    loop.exec()
    if not done():
        raise TimeoutError("what was waited for did not come")


def _pause(app: QApplication, seconds: float) -> None:
    end = time.monotonic() + seconds
    _spin(app, lambda: time.monotonic() > end, seconds + 5)


def _end(app: QApplication, program: Program) -> None:
    program.backend.stop()
    program.backend.wait(30)
    program.window.close()
    app.processEvents()


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1], float(sys.argv[2]))))
