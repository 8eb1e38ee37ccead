"""The training pane on a run that another process writes while it is looked at."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gui.panes.training.figures import written_elsewhere
from gui.panes.training.pane import TrainingPane
from model.train import preset
from model.train.run_folder import snapshots
from tests.gui.desk import Desk

ROOT = Path(__file__).resolve().parents[4]
RECIPE = replace(
    preset("tiny"),
    data_tokens=4_000,
    steps=1_000_000,
    eval_every=50,
    eval_batches=2,
    sample_every=50,
    snapshot_every=50,
    threads=1,
)
WRITER = """
import sys, time
from pathlib import Path
from model.train.loop import Training
from model.train.recipe import Recipe

training = Training(Recipe.from_file(Path(sys.argv[1])), Path(sys.argv[2]))
import signal
signal.signal(signal.SIGTERM, lambda *_: training.stop())
for event in training.events():
    time.sleep(0.01)
"""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "far"


@pytest.fixture
def writer(run: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that trains; it has saved a snapshot."""
    (tmp_path / "recipe.toml").write_text(RECIPE.to_toml())
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "recipe.toml"), str(run)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        cwd=ROOT,
    )
    until = time.monotonic() + 60
    while not snapshots(run):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    yield process
    if process.poll() is None:
        process.terminate()
    process.wait()


def test_a_run_of_another_process_grows_in_the_pane_until_it_ends(
    desk: Desk, qtbot: QtBot, writer: subprocess.Popen[bytes], run: Path
) -> None:
    desk.store.watching._timer.setInterval(100)
    pane = TrainingPane(desk.store)
    qtbot.addWidget(pane)
    pane.resize(900, 500)
    pane.show()
    desk.store.opening.open(str(run))
    while desk.store.opening.going or desk.store.run.recorded is None:
        desk.advance()
    recorded, watching = desk.store.run.recorded, desk.store.watching
    qtbot.waitUntil(lambda: watching.grows and recorded.step > 20, timeout=30_000)
    qtbot.waitUntil(lambda: "Written elsewhere by process" in pane.status.text())
    assert str(writer.pid) in pane.status.text()
    assert re.search(r"last row \d s ago", pane.status.text())
    assert pane.progress.maximum() == RECIPE.steps
    assert not pane.controls.stop.isEnabled()
    assert not pane.controls.pause.isEnabled()
    assert "steered there" in pane.controls.pause.toolTip()
    # Curve, samples and snapshots are those of the folder.
    qtbot.waitUntil(lambda: len(recorded.snapshots) > 1 and bool(recorded.samples), timeout=30_000)
    assert pane.heading.follow.isVisibleTo(pane)
    pane.heading.follow.click()

    def newer_in_view() -> bool:
        desk.finish()
        model = desk.store.model
        return model is not None and model.path != str(snapshots(run)[0][1])

    qtbot.waitUntil(newer_in_view, timeout=30_000)
    assert desk.store.run.recorded is recorded, "its curve is known already"
    writer.send_signal(signal.SIGTERM)
    writer.wait(30)
    qtbot.waitUntil(lambda: not watching.grows, timeout=30_000)
    lines = (run / "metrics.csv").read_text().splitlines()[1:]
    assert recorded.step == int(lines[-1].partition(",")[0])
    steps = [line for line in lines if line.split(",")[3]]
    assert [event.step for event in recorded.steps] == [int(s.partition(",")[0]) for s in steps]
    qtbot.waitUntil(lambda: pane.status.text().startswith("Ended at step"))
    assert recorded.can_resume
    assert list(pane.export_data()["train_loss"].values[-5:]) == [
        float(line.split(",")[3]) for line in steps[-5:]
    ] or len(lines) != len(steps)


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (3.2, "Written elsewhere, last row 3 s ago."),
        (130.0, "Written elsewhere, last row 2:10 min ago."),
    ],
)
def test_how_lately_it_was_written_is_said(age: float, said: str) -> None:
    assert written_elsewhere("", age, "") == said
