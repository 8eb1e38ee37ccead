"""Ctrl+C, `kill` and a closing session end the program as its close button does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gui.program.signals import EndSignals
from model.end_signals import END_SIGNALS
from model.train import read_metrics

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="only POSIX sends signals so")

LIFE = """
import sys
from dataclasses import replace

from PySide6.QtCore import QTimer

import main
from gui.program.program import Program
from model.train import PRESETS

start, run_dir = Program.start, sys.argv[1]

def start_and_train(program):
    start(program)
    store = program.store
    said = []

    def look():
        if store.read is not None and store.run.starting is None and store.run.current is None:
            recipe = replace(PRESETS["tiny"], steps=1_000_000, snapshot_every=0)
            store.run.start(recipe, run_dir, follow=False)
        if store.run.current is not None and len(store.run.current.steps) > 3 and not said:
            said.append(True)
            print("training", flush=True)

    program.timer = QTimer()
    program.timer.timeout.connect(look)
    program.timer.start(20)

Program.start = start_and_train
sys.exit(main.main(["--device", "cpu", "--threads", "1"]))
"""


@pytest.fixture
def signals(qtbot: QtBot, heard_signals: None) -> Iterator[EndSignals]:
    signals = EndSignals()
    signals.install()
    yield signals
    signals.remove()


@pytest.mark.parametrize("number", END_SIGNALS, ids=lambda n: signal.Signals(n).name)
def test_a_signal_is_heard_in_the_event_loop(
    qtbot: QtBot, signals: EndSignals, number: signal.Signals
) -> None:
    with qtbot.waitSignal(signals.received, timeout=5000):
        os.kill(os.getpid(), number)


@pytest.mark.usefixtures("heard_signals")
def test_handlers_are_as_before_once_nobody_listens(qtbot: QtBot) -> None:
    before = [signal.getsignal(number) for number in END_SIGNALS]
    signals = EndSignals()
    signals.install()
    assert [signal.getsignal(number) for number in END_SIGNALS] != before
    signals.remove()
    assert [signal.getsignal(number) for number in END_SIGNALS] == before


def test_what_was_ignored_before_stays_ignored(qtbot: QtBot) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as under nohup
    try:
        signals = EndSignals()
        signals.install()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        signals.remove()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_run_is_saved_when_the_program_is_terminated(tmp_path: Path) -> None:
    run = tmp_path / "run"
    program = subprocess.Popen(
        [sys.executable, "-c", LIFE, str(run)],
        cwd=ROOT,
        env=os.environ | {"GLASSFORMER_SETTINGS_DIR": str(tmp_path / "settings")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert program.stdout is not None
        said = program.stdout.readline()
        program.terminate()
        _, errors = program.communicate(timeout=30)
    finally:
        program.kill()
    assert said == "training\n", errors
    assert program.returncode == 0, errors
    step = int(read_metrics(run)["step"][-1])
    assert step > 3
    assert (run / "snapshots" / f"step-{step:06d}" / "model.safetensors").is_file()
