"""The scaling pane on a real trainer: its buttons, what it draws, and what leads to a run."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.scaling.curves_view import end_point
from gui.panes.scaling.frame import size_color
from gui.panes.scaling.pane import ScalingPane
from gui.panes.training.pane import TrainingPane
from gui.session import runs_folder
from gui.window.pane_menu import script_of
from model.slices import finish
from model.train import PRESETS
from model.train.scaling.folder import Expected, begin, reading_queue
from model.train.scaling.plan import ScalingPlan
from model.train.scaling.queue import Queue
from tests.gui.desk import Desk

TEXT = "The king lost his crown, the queen found it; nobody knew where the cat had slept. " * 40


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> ScalingPlan:
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text(TEXT)
    shared = replace(ScalingPlan().recipe, data=str(path), n_ctx=8, batch_size=2, eval_batches=2)
    return ScalingPlan(widths=(8, 16, 24, 32, 40), tokens=(16 * 30,), recipe=shared)


@pytest.fixture(scope="module")
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
    return shown(desk, qtbot, 1100, 760)


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
    assert [cell(pane, row, "width") for row in (0, 5)] == ["16 × 1", "64 × 4"]
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
    assert not pane.controls.start.isEnabled()
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


def test_curves_and_points_are_drawn_where_their_numbers_are(
    pane: ScalingPane, desk: Desk, trained: Path
) -> None:
    opened(pane, desk, trained)
    sizes = pane.store.scaling.record.sizes
    for at, size in enumerate(sizes):
        end = end_point(pane.content.curves, at)
        assert end is not None
        assert pane.content.curves.frame is not None
        assert pane.content.curves.frame.y.value(end.y()) == pytest.approx(size.val_loss, rel=1e-6)
        assert pane.content.curves.frame.x.value(end.x()) == pytest.approx(size.tokens, rel=1e-6)
        point = pane.content.law.point(at)
        assert point is not None
        assert color_at(pane.content.law, point) == size_color(at, len(sizes))
        assert pane.content.law.frame is not None
        assert pane.content.law.frame.x.value(point.x()) == pytest.approx(size.parameters("blocks"))
    pane.controls.along.buttons["compute"].click()
    pane.refresh_now()
    end, flops = end_point(pane.content.curves, 2), sizes[2].flops
    assert end is not None
    assert pane.content.curves.frame is not None
    assert pane.content.curves.frame.x.value(end.x()) == pytest.approx(flops, rel=1e-6)


def test_the_law_is_said_with_its_interval_and_beside_the_published_ones(
    pane: ScalingPane, desk: Desk, trained: Path
) -> None:
    opened(pane, desk, trained)
    fit = pane.store.scaling.fit
    assert fit is not None
    assert fit.alpha.value == pytest.approx(0.3, rel=1e-3)
    assert "α = 0.300" in pane.content.sentence.text()
    assert "1.000 nats are left however large" in pane.content.sentence.text()
    assert "parameters without embeddings" in pane.content.sentence.text()
    assert "compare how steep" in pane.content.note.text()
    assert [round(row.value, 4) for row in pane.content.exponents.rows()] == [
        0.3,
        0.076,
        0.34,
        0.3478,
    ]
    assert "Kaplan et al. 2020 0.076" in pane.content.exponents.accessibleDescription()
    assert pane.header_note() == "α = 0.300"
    line = fit.predict(np.array([2e4]))[0]
    assert pane.content.law.frame is not None
    at = pane.content.law.frame.point(2e4, line)
    near = [color_at(pane.content.law, at + QPointF(0, dy)) for dy in (-1, 0, 1)]
    assert max(color.lightness() for color in near) > 170, "the law is drawn there"
    tip = pane.content.law.tooltip(pane.content.law.frame.point(4e5, 2.0).toPoint())
    assert "the law says" in tip
    assert "a guess" in tip
    pane.controls.count.buttons["all"].click()
    drawn(pane, desk)
    assert pane.store.scaling.fit is not None
    assert pane.store.scaling.fit.N_P[0] == pane.store.scaling.record.sizes[0].parameters("all")
    assert "all parameters" in pane.content.sentence.text()


def test_hovering_reads_a_run_in_all_pictures_and_a_click_opens_it(
    pane: ScalingPane, desk: Desk, trained: Path, qtbot: QtBot
) -> None:
    opened(pane, desk, trained)
    point = pane.content.law.point(3)
    assert point is not None
    pane.content.law.hover(point.toPoint())
    assert pane.content.curves.lit == pane.content.law.lit == 3
    assert [index.row() for index in pane.content.table.selectionModel().selectedRows()] == [3]
    size = pane.store.scaling.record.sizes[3]
    tip = pane.content.law.tooltip(point.toPoint())
    assert f"{size.parameters('blocks'):,} parameters without embeddings" in tip
    assert f"validation loss {size.val_loss:.4f}" in tip
    assert f"6ND {size.six_nd('blocks'):.3g}" in tip
    end = end_point(pane.content.curves, 1)
    assert end is not None
    assert pane.content.curves.near(QPoint(round(end.x()), round(end.y()))) == 1
    pane.content.law.hover(None)
    assert pane.content.curves.lit == -1
    qtbot.mouseClick(pane.content.law.viewport(), Qt.MouseButton.LeftButton, pos=point.toPoint())
    while desk.store.opening.going:
        desk.advance()
    assert desk.store.model is not None
    assert desk.store.model.config.d_model == size.width
    assert desk.store.model.run_dir == size.run_dir
    index = pane.content.table.rows.index(0, 0)
    pane.content.table.setCurrentIndex(index)
    pane.content.table.setFocus()
    QTest.keyClick(pane.content.table, Qt.Key.Key_Return)
    while desk.store.opening.going:
        desk.advance()
    assert desk.store.model.config.d_model == 8


def test_a_size_that_has_not_begun_can_not_be_opened(pane: ScalingPane, desk: Desk) -> None:
    said: list[str] = []
    desk.store.notice_posted.connect(lambda notice: said.append(notice.message))
    pane.open_run(2)
    assert said == ["This size has not begun: there is no network to open."]
    assert not desk.store.opening.going


@pytest.mark.parametrize(
    ("size", "views", "table"),
    [((1500, 900), "all", True), ((550, 640), "one", True), ((620, 430), "one", False)],
)
def test_what_has_no_room_is_a_click_away(
    desk: Desk, qtbot: QtBot, trained: Path, size: tuple[int, int], views: str, table: bool
) -> None:
    pane = opened(shown(desk, qtbot, *size), desk, trained)
    for key, picture in (("curves", pane.content.curves), ("law", pane.content.law)):
        if views == "one":
            qtbot.mouseClick(pane.controls.views.buttons[key], Qt.MouseButton.LeftButton)
            pane.refresh_now()
        assert picture.isVisible()
        assert picture.height() > 0.28 * pane.height()
        assert picture.frame is not None
        other = pane.content.law if picture is pane.content.curves else pane.content.curves
        assert other.isVisible() == (views == "all")
        assert pane.content.table.isVisible() == table
    if not table:
        qtbot.mouseClick(pane.controls.views.buttons["sizes"], Qt.MouseButton.LeftButton)
        assert pane.content.table.isVisible()


def test_its_numbers_leave_it_as_arrays_and_as_lines(
    pane: ScalingPane, desk: Desk, trained: Path
) -> None:
    opened(pane, desk, trained)
    record, fit = pane.store.scaling.record, pane.store.scaling.fit
    assert fit is not None
    found = pane.export_data()
    losses = [size.val_loss for size in record.sizes]
    assert np.asarray(found["val_loss"].values).tolist() == losses  # type: ignore[union-attr]
    residual = found["residual"].values  # type: ignore[union-attr]
    assert np.allclose(residual, fit.residuals_P)
    space: dict[str, Any] = {}
    exec(compile(script_of(pane, desk.store), "<clipboard>", "exec"), space)
    assert space["val_loss"] == losses
    assert space["law"].alpha.value == fit.alpha.value


def test_another_process_that_trains_it_is_named_and_followed(
    pane: ScalingPane, desk: Desk, plan: ScalingPlan, tmp_path: Path, monkeypatch: Any
) -> None:
    begin(tmp_path / "other", plan)
    who = "process 4711 on elsewhere"
    monkeypatch.setattr("model.train.scaling.folder.holder", lambda folder: who)
    opened(pane, desk, tmp_path / "other")
    assert f"trained by {who}: stop it there" in pane.status.text()
    assert not pane.controls.start.isEnabled()
    assert desk.store.scaling._timer.isActive()
    monkeypatch.undo()
    list(Queue(tmp_path / "other").events())
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
    desk.advance(10)
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


def test_a_light_theme_is_taken(pane: ScalingPane, desk: Desk, trained: Path, qapp: Any) -> None:
    opened(pane, desk, trained)
    theme.apply(qapp, "light")
    try:
        pane.apply_theme()
        point = pane.content.law.point(0)
        assert point is not None
        assert color_at(pane.content.law, point) == size_color(0, 5)
    finally:
        theme.apply(qapp, "dark")


def test_points_come_before_the_law_and_tokens_get_their_term(
    pane: ScalingPane, desk: Desk, plan: ScalingPlan, tmp_path: Path
) -> None:
    """Of what is done so far: some points, then one number of tokens, then all."""
    from model.messages import QueueRead, ReadQueue
    from model.train.scaling.folder import of_plan

    scaling = desk.store.scaling
    several = replace(plan, tokens=(16 * 30, 16 * 60, 16 * 120))
    empty = of_plan(several)

    def show(n_done: int) -> None:
        sizes = tuple(
            replace(
                size,
                state="done",
                d_vocab=20,
                config=replace(size.config, d_vocab=20),
                val_loss=1 + 20 / (size.parameters("blocks") or 1) ** 0.3 + 30 / size.tokens**0.4,
                val_tokens_V=np.array([size.tokens / 2, size.tokens]),
                val_loss_V=np.array([4.0, 3.0]),
            )
            if at < n_done
            else size
            for at, size in enumerate(empty.sizes)
        )
        request = ReadQueue(folder=str(tmp_path))
        scaling._reading = request
        record = replace(empty, folder=str(tmp_path / "q"), sizes=sizes)
        desk.store.receive(QueueRead(request_id=request.id, record=record))
        drawn(pane, desk)

    show(3)
    assert scaling.fit is None
    assert pane.content.law.isVisible()
    assert pane.content.law.point(2) is not None
    assert "3 sizes of 15 done" in pane.content.sentence.text()
    assert not pane.content.exponents.isVisible()
    show(7)
    assert scaling.fit is not None
    assert len(scaling.fit.N_P) == 5, "two numbers of tokens are too few for a term"
    assert [pane.content.law.row(at) for at in (0, 4, 5)] == [0, 4, None]
    show(15)
    assert scaling.fit.beta is not None
    assert scaling.fit.alpha.value == pytest.approx(0.3, rel=0.02)
    assert scaling.fit.beta.value == pytest.approx(0.4, rel=0.05)
    assert "/ D^0.4" in pane.content.sentence.text()
    assert all(abs(residual) < 0.01 for residual in scaling.fit.residuals_P)
    residual = pane.export_data()["residual"]
    assert len(residual.values) == 15  # type: ignore[union-attr]
