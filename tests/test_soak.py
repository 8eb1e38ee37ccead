"""Random actions in the real window, as `make soak` does them: a short run of each kind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import cast

import pytest
from PySide6.QtCore import QMessageLogContext, QtMsgType
from PySide6.QtWidgets import QApplication, QCompleter, QLineEdit, QScrollBar, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from gui.program.program import Program
from model import messages as m
from model.engine import Engine
from tools.soak.actions import Hand
from tools.soak.driver import growth
from tools.soak.watching import Watcher

ROOT = Path(__file__).resolve().parent.parent


def soak(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.soak", "--log", str(tmp_path / "log"), *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


def test_a_thousand_random_actions_break_nothing(tmp_path: Path):
    done = soak(tmp_path, "--actions", "1000", "--seed", "11", "--calm")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing went wrong" in done.stdout
    actions = re.findall(r"^\d+ (\w+)$", (tmp_path / "log").read_text("utf-8"), re.MULTILINE)
    assert len(actions) >= 1000
    assert {"click", "drag", "press_keys", "write_a_prompt", "open_bad", "open_good"} <= {*actions}


def test_what_is_weighed_waits_until_the_worker_has_given_back(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Engine, "rest", Engine.rest)  # it is changed below
    watcher, engine = Watcher(), Engine("cpu", threads=1)
    assert not watcher.gives_back
    for _ in range(2):
        watcher.give_back()
        assert watcher.gives_back
        engine.rest()
        assert not watcher.gives_back
        assert not engine.place.has_let_go


def test_what_is_picked_from_a_completers_popup_is_still_there(tmp_path: Path, qtbot: QtBot):
    field = QLineEdit()
    qtbot.addWidget(field)
    completer = QCompleter(["loss", "lr"], field)
    field.setCompleter(completer)
    with qtbot.waitExposed(field):
        field.show()
    field.setText("l")
    completer.complete()
    qtbot.waitUntil(lambda: QApplication.activePopupWidget() is not None)
    hand = Hand(Random(1), cast("Program", None), tmp_path, [], [])
    picked = hand.pick(QScrollBar) or hand.pick(QWidget)
    assert picked is not None
    assert isValid(picked)
    hand.point(picked)
    picked.window().hide()


def test_the_watcher_hears_what_must_not_happen():
    watcher = Watcher()
    context = QMessageLogContext()
    watcher.heard_qt(QtMsgType.QtDebugMsg, context, "nothing of note")
    watcher.heard_result(m.Failed(request_id=1, message="There is no file a.txt."))
    assert watcher.faults == []
    watcher.heard_qt(QtMsgType.QtWarningMsg, context, "Negative sizes (0,-5)")
    watcher.heard_result(m.Failed(request_id=2, message="RuntimeError: shapes", details=""))
    error = ValueError("of a slot")
    watcher.heard_exception(ValueError, error, None)
    assert [fault.splitlines()[0] for fault in watcher.faults] == [
        "Qt: Negative sizes (0,-5)",
        "RuntimeError: shapes",
        "ValueError: of a slot",
    ]


def test_a_stall_is_one_of_the_window_alone(monkeypatch: pytest.MonkeyPatch):
    watcher = Watcher()
    clock, waited = [0.0], [0.0]
    monkeypatch.setattr("tools.soak.watching.time.monotonic", lambda: clock[0])
    monkeypatch.setattr("tools.soak.watching._seconds_kept_waiting", lambda: waited[0])
    watcher.beat()
    clock[0], waited[0] = 3.0, 2.5  # others had the processor most of the time
    watcher.beat()
    assert watcher.faults == []
    watcher.doing = "12, click"
    clock[0] = 5.5
    watcher.beat()
    (fault,) = watcher.faults
    assert fault.startswith("the window stood still for 2.5 s (12, click), seen at\n")
    assert watcher.longest_turn == "longest turn 2.50 s (12, click)"


def test_a_stall_says_where_the_window_stood(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tools.soak.watching.LOOK_SECONDS", 0.01)
    monkeypatch.setattr("tools.soak.watching.STALL_SECONDS", 0.05)
    watcher = Watcher()
    watcher.beat()

    def rest_too_long() -> None:
        time.sleep(0.3)

    rest_too_long()
    watcher.beat()
    (fault,) = watcher.faults
    head, *seen = fault.splitlines()
    assert head.endswith("seen at")
    assert any(way.endswith("rest_too_long") for way in seen)
    watcher.beat()
    assert len(watcher.faults) == 1


def test_growth_leaves_the_beginning_out():
    # The first tenth fills caches; one high value in between is no leak.
    steady = [100, 200, 202, *[201] * 8, 400, *[202] * 8]
    assert growth(steady) == pytest.approx(0.0, abs=0.02)
    leak = growth([*range(100, 2100, 100)])
    assert leak is not None
    assert leak > 1
    assert growth([1, 2]) is None
