"""A queue of five networks that was trained in a second, and the pane that shows it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gui.panes.scaling.pane import ScalingPane
from gui.session import runs_folder
from model.slices import finish
from model.train.scaling.folder import begin, reading_queue
from model.train.scaling.plan import ScalingPlan
from model.train.scaling.queue import Queue
from tests.gui.desk import Desk

TEXT = "The king lost his crown, the queen found it; nobody knew where the cat had slept. " * 40


@pytest.fixture(scope="session")
def plan(tmp_path_factory: pytest.TempPathFactory) -> ScalingPlan:
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text(TEXT)
    shared = replace(ScalingPlan().recipe, data=str(path), n_ctx=8, batch_size=2, eval_batches=2)
    return ScalingPlan(widths=(8, 16, 24, 32, 40), tokens=(16 * 30,), recipe=shared)


@pytest.fixture(scope="session")
def trained(plan: ScalingPlan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A queue whose losses follow a law: that of real ones on so little is noise."""
    folder = tmp_path_factory.mktemp("queues") / "trained"
    begin(folder, plan)
    list(Queue(folder).events())
    for size in finish(reading_queue(folder)).sizes:
        path = Path(size.run_dir) / "metrics.csv"
        header, *rows = path.read_text().splitlines()
        at = header.split(",").index("val_loss")
        cells = rows[-1].split(",")
        cells[at] = repr(1.0 + 20 / (size.parameters("blocks") or 1) ** 0.3)
        path.write_text("\n".join((header, *rows[:-1], ",".join(cells))) + "\n")
    return folder


@pytest.fixture
def pane(desk: Desk, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ScalingPane:
    monkeypatch.setattr("model.engine.scaling.TELL_SECONDS", 0.0)
    monkeypatch.setattr("model.engine.scaling.TELL_SHARE", 1e9)
    monkeypatch.setattr("model.train.scaling.expected.PROBE_SECONDS", 0.0)
    monkeypatch.setattr(runs_folder, "proposed", lambda: tmp_path / "runs")
    from tests.gui.panes.scaling.test_scaling_pane import shown

    return shown(desk, qtbot, 1100, 760)
