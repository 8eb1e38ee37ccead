"""The scaling pane on a real trainer: its plan, its buttons, and what they lead to."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from gui.panes.scaling.pane import ScalingPane
from gui.panes.training.pane import TrainingPane
from model.train import PRESETS
from model.train.scaling.folder import Expected, begin
from model.train.scaling.plan import ScalingPlan
from tests.gui.desk import Desk


def shown(desk: Desk, qtbot: QtBot, width: int, height: int) -> ScalingPane:
    pane = ScalingPane(desk.store)
    qtbot.addWidget(pane)
    pane.resize(width, height)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.refresh_now()
    return pane


def drawn(pane: ScalingPane, desk: Desk) -> ScalingPane:
    """What was asked for has come, and is drawn."""
    desk.advance(10_000)
    pane.invalidate()
    pane.refresh_now()
    return pane


def opened(pane: ScalingPane, desk: Desk, folder: Path) -> ScalingPane:
    desk.store.scaling.open(str(folder))
    return drawn(pane, desk)


def cell(pane: ScalingPane, row: int, name: str) -> str:
    size = pane.store.scaling.record.sizes[row]
    return pane.content.table.rows.words(size, name)


def color_at(view: Any, at: QPointF) -> Any:
    return view.viewport().grab().toImage().pixelColor(at.toPoint())


def test_a_plan_is_a_table_before_anything_is_trained(pane: ScalingPane) -> None:
    rows = pane.content.table.rows
    assert rows.rowCount() == len(ScalingPlan().widths)
    assert [cell(pane, row, "width") for row in (0, 5)] == ["16 × 1", "96 × 6"]
    assert cell(pane, 0, "N") == "3.31k"
    assert cell(pane, 0, "all") == "–", "the vocabulary isn't known yet"
    assert {cell(pane, row, "state") for row in range(6)} == {"waiting"}
    assert "Measure says how long it takes here" in pane.status.text()
    assert "a layer for every 16 of width" in pane.content.rules.text()
    assert pane.content.no_curves.isVisible()
    assert "0 sizes of 6 done" in pane.content.no_law.text()
    assert not pane.export_data()
    assert not pane.code()


def test_what_is_typed_is_the_plan_or_says_why_not(pane: ScalingPane, qtbot: QtBot) -> None:
    pane.form.widths.setFocus()
    pane.form.widths.setText("8 16 24, 32 64")
    pane.form.tokens.setText("1.5M, 3000k 6M")
    QTest.keyClick(pane.form.tokens, Qt.Key.Key_Return)
    pane.refresh_now()
    record = pane.store.scaling.record
    assert record.plan.widths == (8, 16, 24, 32, 64)
    assert record.plan.tokens == (1_500_000, 3_000_000, 6_000_000)
    assert pane.content.table.rows.rowCount() == 15
    pane.form.widths.setText("8 16 24 32 63")
    QTest.keyClick(pane.form.widths, Qt.Key.Key_Return)
    pane.refresh_now()
    assert "Width 63 does not divide into heads of 8" in pane.status.text()
    assert pane.status.tone == "warning"
    pane.start()
    assert not pane.store.scaling.going
    assert pane.store.scaling.record.plan.widths[-1] == 64, "the last good one stays"


def test_measuring_says_how_long_it_takes(
    pane: ScalingPane, desk: Desk, plan: ScalingPlan, qtbot: QtBot
) -> None:
    pane.store.scaling.plan(plan)
    pane.form.set_plan(plan)
    pane.refresh_now()
    qtbot.mouseClick(pane.controls.measure, Qt.MouseButton.LeftButton)
    pane.refresh_now()
    assert pane.controls.measure.text() == "Stop measuring"
    assert not pane.controls.start.isEnabled()
    drawn(pane, desk)
    expected = pane.store.scaling.record.expected
    assert expected is not None
    assert "as measured here with 1 thread" in pane.status.text()
    assert all(cell(pane, row, "time").startswith("~") for row in range(5))
    assert pane.controls.measure.text() == "Measure"


def test_a_queue_is_trained_by_its_buttons(
    pane: ScalingPane, desk: Desk, plan: ScalingPlan, qtbot: QtBot, tmp_path: Path
) -> None:
    scaling = pane.store.scaling
    scaling.plan(plan)
    pane.form.set_plan(plan)
    pane.refresh_now()
    qtbot.mouseClick(pane.controls.start, Qt.MouseButton.LeftButton)
    while not scaling.record.sizes[1].step:
        desk.advance()
    pane.invalidate()
    pane.refresh_now()
    assert scaling.record.folder == str(tmp_path / "runs" / "scaling")
    assert not pane.form.isVisible()
    assert pane.content.curves.isVisible()
    assert "Width 16: step" in pane.status.text()
    assert "· 1 of 5 done" in pane.status.text()
    assert cell(pane, 0, "state") == "done"
    assert cell(pane, 1, "state").startswith("training ")
    assert pane.progress.isVisible()
    qtbot.mouseClick(pane.controls.pause, Qt.MouseButton.LeftButton)
    pane.refresh_now()
    assert pane.controls.pause.text() == "Resume"
    assert pane.status.text().startswith("Paused.")
    assert not desk.engine.busy
    qtbot.mouseClick(pane.controls.pause, Qt.MouseButton.LeftButton)
    assert desk.engine.busy
    qtbot.mouseClick(pane.controls.stop, Qt.MouseButton.LeftButton)
    drawn(pane, desk)
    assert not scaling.going
    assert [size.state for size in scaling.record.sizes] == [
        "done",
        "stopped",
        "waiting",
        "waiting",
        "waiting",
    ]
    assert "Stopped, 1 of 5 done" in pane.status.text()
    assert pane.controls.start.text() == "Go on"
    qtbot.mouseClick(pane.controls.start, Qt.MouseButton.LeftButton)
    drawn(pane, desk)
    assert scaling.record.is_done
    assert "All 5 sizes are done" in pane.status.text()
    assert not pane.controls.start.isVisible(), "nothing is left to go on with"
    assert pane.controls.anew.isVisible()
    law = pane.content.law
    if law.frame is not None:
        corner = law.free_corner(law.frame, 150.0, 60.0)
        places = [law.point(at) for at in range(5)]
        assert not any(place is not None and corner.contains(place) for place in places)
    assert scaling.fit is not None
    assert [round(loss, 6) for loss in scaling.fit.loss_P] == [
        round(size.val_loss, 6) for size in scaling.record.sizes
    ]


def test_one_training_at_a_time_is_said(
    pane: ScalingPane, desk: Desk, plan: ScalingPlan, qtbot: QtBot, tmp_path: Path
) -> None:
    training = TrainingPane(desk.store)
    qtbot.addWidget(training)
    training.resize(900, 500)
    training.show()
    training.refresh_now()
    assert training.controls.start.isEnabled()
    pane.store.scaling.plan(plan)
    pane.form.set_plan(plan)
    pane.start()
    training.invalidate()
    training.refresh_now()
    assert not training.controls.start.isEnabled()
    assert "A queue of sizes is trained" in training.status.text()
    pane.stop()
    drawn(pane, desk)
    recipe = replace(PRESETS["tiny"], steps=3, data_tokens=4_000)
    desk.store.run.start(recipe, str(tmp_path / "run"))
    pane.new_plan()
    pane.refresh_now()
    assert not pane.controls.start.isEnabled()
    assert "One training at a time" in pane.controls.start.toolTip()
    desk.advance(10_000)


def test_a_size_that_has_not_begun_can_not_be_opened(pane: ScalingPane, desk: Desk) -> None:
    said: list[str] = []
    desk.store.notice_posted.connect(lambda notice: said.append(notice.message))
    pane.open_run(2)
    assert said == ["This size has not begun: there is no network to open."]
    assert not desk.store.opening.going


def test_another_process_that_trains_it_is_named_and_followed(
    pane: ScalingPane,
    desk: Desk,
    plan: ScalingPlan,
    trained: Path,
    tmp_path: Path,
    monkeypatch: Any,
) -> None:
    begin(tmp_path / "other", plan)
    who = "process 4711 on elsewhere"
    monkeypatch.setattr("model.train.scaling.folder.holder", lambda folder: who)
    opened(pane, desk, tmp_path / "other")
    assert f"trained by {who}: stop it there" in pane.status.text()
    assert not pane.controls.start.isEnabled()
    assert desk.store.scaling._timer.isActive()
    monkeypatch.undo()
    for run in plan.runs():
        shutil.copytree(trained / run.name, tmp_path / "other" / run.name)
    desk.store.scaling._timer.timeout.emit()
    drawn(pane, desk)
    assert desk.store.scaling.record.is_done
    assert not desk.store.scaling._timer.isActive()


def test_a_queue_comes_back_at_the_next_start(
    pane: ScalingPane, desk: Desk, trained: Path, qtbot: QtBot
) -> None:
    opened(pane, desk, trained)
    pane.controls.count.buttons["all"].click()
    kept = pane.remember()
    pane.new_plan()
    assert not desk.store.scaling.record.folder
    other = shown(desk, qtbot, 1100, 760)
    other.recall(kept)
    drawn(other, desk)
    assert desk.store.scaling.record.folder == str(trained)
    assert desk.store.scaling.count == "all"
    assert other.controls.count.current == "all"
    other.recall({"view": 3, "last": {"folder": "relative", "plan": "[plan]\nwidths = 3"}})
    desk.finish()
    assert desk.store.scaling.record.folder == str(trained)


def test_what_can_not_be_read_is_said(pane: ScalingPane, desk: Desk, tmp_path: Path) -> None:
    opened(pane, desk, tmp_path)
    assert "holds no queue of sizes" in pane.status.text()
    assert pane.status.tone == "warning"


def test_a_text_file_is_chosen_in_a_dialog(
    pane: ScalingPane, plan: ScalingPlan, qtbot: QtBot
) -> None:
    pane.form.text.setCurrentIndex(1)
    pane.form.text.activated.emit(1)
    dialog = pane.findChild(QFileDialog)
    assert dialog is not None
    dialog.fileSelected.emit(plan.recipe.data)
    dialog.close()
    assert pane.store.scaling.record.plan.recipe.data == plan.recipe.data
    assert pane.form.text.currentText() == "text.txt"


def test_the_time_left_is_of_what_is_not_done(plan: ScalingPlan) -> None:
    from gui.session.scaling import expected_left
    from model.train.scaling.folder import of_plan

    seconds = {run.name: 10.0 * at for at, run in enumerate(plan.runs(), 1)}
    record = of_plan(plan, Expected(seconds=seconds, threads=1))
    assert expected_left(record) == 150.0
    sizes = list(record.sizes)
    sizes[4] = replace(sizes[4], state="done", step=sizes[4].steps)
    sizes[3] = replace(sizes[3], state="training", step=sizes[3].steps // 2, seconds=8.0)
    left = expected_left(replace(record, sizes=tuple(sizes)))
    assert left == pytest.approx(10 + 20 + 30 + 8)
    assert expected_left(of_plan(plan)) is None
    assert math.isnan(record.sizes[0].val_loss)
