"""The curves pane on a real trainer: what is drawn was measured; watching, waiting, marks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.curves.ink import layer_color
from gui.panes.curves.pane import CurvesPane, picture_in
from gui.panes.curves.series import LOSS, Line, RunSeries
from gui.panes.curves.words import sentence
from gui.panes.training.pane import TrainingPane
from gui.session.store import Store
from gui.session.training_run import Run
from model.slices import finish
from model.train.curves_file import reading_curves
from model.train.events import Measured
from model.train.presets import preset
from model.train.run_folder import read_recipe
from tests.gui.desk import Desk

QUICK = replace(
    preset("tiny"),
    steps=20,
    eval_every=5,
    sample_every=0,
    snapshot_every=5,
    curves_every=5,
    data_tokens=4_000,
    eval_batches=2,
)


@pytest.fixture(autouse=True)
def dark() -> Iterator[None]:
    theme.set_current("dark")
    yield
    theme.set_current("dark")


@pytest.fixture
def pane(desk: Desk, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> CurvesPane:
    monkeypatch.setattr("model.engine.training.FLUSH_SECONDS", 0.0)
    pane = CurvesPane(desk.store)
    qtbot.addWidget(pane)
    pane.resize(900, 700)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.refresh_now()
    return pane


def begin(desk: Desk, folder: Path) -> Run:
    """A run that goes on, before its first step."""
    desk.store.run.start(desk.store.watches.added_to(QUICK), str(folder))
    while not desk.store.run.running:
        desk.advance()
    run = desk.store.run.current
    assert run is not None
    return run


def go_on(desk: Desk, pane: CurvesPane, until_step: int = 1000) -> Run:
    run = desk.store.run.current
    assert run is not None
    while desk.engine.busy and run.step < until_step and not run.paused:
        desk.advance()
    desk.settle()
    shown(pane)
    return run


def shown(pane: CurvesPane) -> None:
    pane.invalidate()
    pane.refresh_now()
    QApplication.processEvents()
    pane.grid.finish()


def type_into(line: QWidget, text: str) -> None:
    QTest.keyClicks(line, text)
    QTest.keyClick(line, Qt.Key.Key_Return)


def test_without_a_run_it_says_what_to_do(pane: CurvesPane) -> None:
    assert pane.empty.isVisible()
    assert "Press Start" in pane.empty.text()
    assert pane.export_data() == {}
    assert pane.code() == ""


def test_what_is_drawn_is_what_the_run_folder_has(
    pane: CurvesPane, desk: Desk, tmp_path: Path
) -> None:
    begin(desk, tmp_path / "run")
    run = go_on(desk, pane)
    charts = {chart.key: chart for chart in pane.grid.drawn.charts}
    assert [*charts][:5] == [LOSS, "grad_norm", "update_ratio", "entropy", "induction"]
    kept = finish(reading_curves(tmp_path / "run", 20))
    rows = {
        (place, measure, event.step): value
        for event in kept
        for place, measure, value in event.values
    }
    n = 0
    for chart in charts.values():
        for line in chart.lines if chart.key != LOSS else ():
            for step, value in zip(line.steps.tolist(), line.values.tolist(), strict=True):
                assert rows[line.place, chart.key, step] == value
                n += 1
    assert n == sum(measure != "induction_head" for _, measure, _ in rows)
    places = [line.place for line in charts["grad_norm"].lines]
    assert places == ["embed", "blocks.0", "blocks.1", "unembed"]
    assert [line.layer for line in charts["entropy"].lines] == [0, 1]
    # The same numbers leave the window.
    data = pane.export_data()
    named = data["grad_norm"]
    assert named.at["place"].tolist() == places
    column = named.at["step"].tolist().index(10)
    assert named.values[1, column] == rows["blocks.0", "grad_norm", 10]
    space: dict[str, object] = {}
    exec(compile(pane.code(), "<clipboard>", "exec"), space)
    curves = space["curves"]
    assert isinstance(curves, dict)
    assert (10, rows["blocks.0", "grad_norm", 10]) in curves["blocks.0", "grad_norm"]
    assert run.measured


def test_a_curve_passes_where_its_numbers_are_in_its_layers_colour(
    pane: CurvesPane, desk: Desk, tmp_path: Path
) -> None:
    begin(desk, tmp_path / "run")
    go_on(desk, pane)
    image = pane.grid.viewport().grab().toImage()
    [chart] = [chart for chart in pane.grid.drawn.charts if chart.key == "entropy"]
    for line in chart.lines:
        assert line.layer is not None
        color = layer_color(line.layer, 2)
        found = 0
        for at in range(len(line.steps)):
            point = pane.grid.point("entropy", line.place, at).toPoint()
            near = [
                image.pixelColor(point.x() + dx, point.y() + dy)
                for dx in (-1, 0, 1)
                for dy in (-1, 0, 1)
            ]
            off = min(
                abs(c.red() - color.red())
                + abs(c.green() - color.green())
                + abs(c.blue() - color.blue())
                for c in near
            )
            found += off < 90
        # Of five points the last one lies under the line of the step in view; where two layers lie
        # over each other the later one is on top.
        assert found >= (4 if line.layer == 1 else 1)


def test_hovering_reads_every_chart_at_that_step(
    pane: CurvesPane, desk: Desk, tmp_path: Path
) -> None:
    begin(desk, tmp_path / "run")
    run = go_on(desk, pane)
    grid = pane.grid
    [index] = [i for i, chart in enumerate(grid.drawn.charts) if chart.key == "grad_norm"]
    at = grid.point("grad_norm", "blocks.1", 1).toPoint()  # of step 10
    grid.hover(QPoint(at.x(), at.y()))
    series = RunSeries(run)
    series.update()
    for chart in grid.drawn.charts:
        for line, said in grid.values(chart):
            if chart.key in ("grad_norm", "entropy"):
                value = series.value_at(line.place, chart.key, 10)
                assert said == format(value, chart.quantity.spec)
    tip = grid.tooltip(at)
    assert "blocks.1: " in tip
    assert "at step 10" in tip
    assert "before clipping" in tip
    grid.hover(None)
    assert grid.hovered is None
    assert grid.words_of(index).startswith("Gradient norm at step 20: embed ")


def test_a_tensor_is_watched_by_its_name_and_seen_as_a_picture(
    pane: CurvesPane, desk: Desk, tmp_path: Path
) -> None:
    begin(desk, tmp_path / "run")
    type_into(pane.form.watch, "blocks.0.mlp.W_in.grad")
    assert pane.form.watch.text() == ""
    assert desk.store.watches.watched == ("blocks.0.mlp.W_in.grad norm",)
    go_on(desk, pane, until_step=6)
    [chart] = [chart for chart in pane.grid.drawn.charts if chart.watched]
    assert chart.title == "blocks.0.mlp.W_in.grad · norm"
    assert not pane.picture.isVisible()
    index = pane.grid.drawn.charts.index(chart)
    place = pane.grid.plot(index).center().toPoint()
    QTest.mouseClick(pane.grid.viewport(), Qt.MouseButton.LeftButton, pos=place)
    shown(pane)
    assert pane.picture.isVisible()
    assert pane.picture.picture is None
    assert "next measurement" in pane.picture.why_none
    run = go_on(desk, pane, until_step=11)
    picture = picture_in(run, "blocks.0.mlp.W_in.grad")
    assert picture is not None
    assert pane.picture.picture is picture
    assert picture.values_RC.shape == (32, 128)
    # Its norm is the curve's point of that step.
    [line] = next(chart for chart in pane.grid.drawn.charts if chart.watched).lines
    norm = float(np.linalg.norm(picture.values_RC.astype(np.float64)))
    assert line.values[line.steps.tolist().index(picture.step)] == pytest.approx(norm, rel=1e-5)
    cell = pane.picture.area.center().toPoint()
    row, column = pane.picture.cell_at(cell) or (0, 0)
    assert f"d_model {row}, neuron {column}" in pane.picture.tooltip(cell)
    assert f"{picture.values_RC[row, column]:.6g}" in pane.picture.tooltip(cell)
    # A click on its line in the list, and it is gone.
    QTest.mouseClick(pane.form.buttons[0], Qt.MouseButton.LeftButton)
    shown(pane)
    assert desk.store.watches.watched == ()
    assert not pane.picture.isVisible()


def test_a_wrong_name_gets_a_sentence_in_its_place(pane: CurvesPane, live_store: Store) -> None:
    type_into(pane.form.watch, "blocks.0.mlp.W_inn")
    assert pane.form.problem.isVisible()
    assert "Near it: blocks.0.mlp.W_in" in pane.form.problem.text()
    assert pane.form.watch.text() == "blocks.0.mlp.W_inn"  # to be mended
    type_into(pane.form.condition, "loss is low")
    assert "is no condition" in pane.form.problem.text()
    QTest.keyClicks(pane.form.condition, "x")
    assert not pane.form.problem.isVisible()


def test_names_of_the_network_are_offered(pane: CurvesPane, live_store: Store) -> None:
    shown(pane)
    completer = pane.form.watch.completer()
    completer.setCompletionPrefix("3.attn.w_q")
    names = {completer.currentCompletion()}
    assert names & {"blocks.3.attn.W_Q", "blocks.3.attn.W_Q.grad"}


def test_a_run_waits_where_its_condition_holds_and_says_why(
    pane: CurvesPane, desk: Desk, tmp_path: Path, qtbot: QtBot
) -> None:
    training = TrainingPane(desk.store)
    qtbot.addWidget(training)
    training.show()
    begin(desk, tmp_path / "run")
    notices: list[str] = []
    desk.store.notice_posted.connect(lambda notice: notices.append(notice.message))
    type_into(pane.form.condition, "blocks.1 update_ratio > 0")
    run = go_on(desk, pane)
    assert run.paused
    assert run.step == 5  # the first measurement
    assert run.met is not None
    assert "update_ratio of blocks.1" in run.met.message
    assert notices == [f"The run {run.name} waits. {run.met.message}"]
    training.invalidate()
    training.refresh_now()
    assert training.status.text() == f"Paused. {run.met.message}"
    desk.store.run.resume()
    assert run.met is None
    run = go_on(desk, pane)
    assert run.finished is not None  # it goes on holding, and is not told again
    assert run.step == 20


def test_the_moment_of_an_induction_head_is_marked_in_both_panes(
    pane: CurvesPane, desk: Desk, tmp_path: Path, qtbot: QtBot
) -> None:
    training = TrainingPane(desk.store)
    qtbot.addWidget(training)
    training.resize(900, 500)
    training.show()
    begin(desk, tmp_path / "run")
    run = go_on(desk, pane, until_step=11)
    shown(pane)
    assert pane.grid.drawn.moment is None
    for step, score in ((12, 0.2), (14, 0.7)):
        values = (("blocks.1.attn", "induction", score), ("blocks.1.attn", "induction_head", 1.0))
        run.add(Measured(step, values))
    shown(pane)
    moment = pane.grid.drawn.moment
    assert moment is not None
    assert (moment.step, moment.layer, moment.head) == (14, 1, 1)
    assert "By step 14 head 1 of layer 1 puts 70%" in pane.sentence.text()
    assert pane.header_note().endswith("induction head at step 14")
    training.invalidate()
    training.refresh_now()
    mark = training.plots.loss.marks.formed
    assert mark.isVisible()
    assert mark.value() == 14
    assert mark.label.toPlainText() == "induction head: layer 1, head 1"


def test_the_step_in_view_is_a_line_through_all_plots_and_a_click_goes_there(
    pane: CurvesPane, desk: Desk, tmp_path: Path, qtbot: QtBot
) -> None:
    training = TrainingPane(desk.store)
    qtbot.addWidget(training)
    training.resize(900, 500)
    training.show()
    begin(desk, tmp_path / "run")
    go_on(desk, pane)
    timeline = desk.store.timeline
    assert timeline.step == 20
    [index] = [i for i, chart in enumerate(pane.grid.drawn.charts) if chart.key == "entropy"]
    area = pane.grid.plot(index)
    place = QPoint(round(area.left() + area.width() * 9 / 20), round(area.center().y()))
    QTest.mouseClick(pane.grid.viewport(), Qt.MouseButton.LeftButton, pos=place)
    go_on(desk, pane)
    assert timeline.step == 10  # the kept step nearest to 9
    shown(pane)
    assert pane.grid.drawn.at == 10
    assert pane.grid.read_at == 10
    training.invalidate()
    training.refresh_now()
    for plot in (training.plots.loss, training.plots.analogies):
        assert plot.marks.here.isVisible()
        assert plot.marks.here.value() == 10
    pane.grid.setFocus()
    QTest.keyClick(pane.grid, Qt.Key.Key_Right)
    go_on(desk, pane)
    assert timeline.step == 15


def test_lists_are_remembered_and_the_next_run_has_them(
    pane: CurvesPane, desk: Desk, tmp_path: Path, qtbot: QtBot
) -> None:
    pane.recall({"watched": ["W_E rank"], "stop_when": ["nan"]})
    assert pane.remember() == {"watched": ["W_E rank"], "stop_when": ["nan"], "every": 0}
    run = begin(desk, tmp_path / "run")
    assert run.recipe.watched == ("W_E rank",)
    assert run.recipe.stop_when == ("nan",)
    pane.recall({"watched": [], "stop_when": []})  # the lists of a run are newer
    assert desk.store.watches.watched == ("W_E rank",)


def test_what_another_version_remembered_is_passed_over(pane: CurvesPane) -> None:
    pane.recall({"watched": "W_E", "stop_when": [1], "every": -3})
    assert pane.remember() == {"watched": [], "stop_when": [], "every": 0}


def test_a_recipe_that_watches_brings_its_list(desk: Desk, qtbot: QtBot) -> None:
    training = TrainingPane(desk.store)
    qtbot.addWidget(training)
    recipe = replace(QUICK, watched=("W_E rank",), stop_when=("nan",))
    desk.store.run.proposed.emit(recipe)
    assert desk.store.watches.watched == ("W_E rank",)
    assert desk.store.watches.added_to(training.form.recipe()).stop_when == ("nan",)
    desk.store.watches.drop("W_E rank")  # and what is dropped is not in the next run
    assert desk.store.watches.added_to(training.form.recipe()).watched == ()


def test_how_often_is_measured_can_change_while_it_runs(
    pane: CurvesPane, desk: Desk, tmp_path: Path
) -> None:
    begin(desk, tmp_path / "run")
    go_on(desk, pane, until_step=11)
    pane.form.every.setValue(2)
    run = go_on(desk, pane)
    steps = sorted({event.step for event in run.measured})
    assert steps == [0, 5, 10, 12, 14, 16, 18, 20]
    assert read_recipe(tmp_path / "run").curves_every == 2
    assert pane.form.every.text() == "every 2"


def test_what_the_next_network_lacks_is_said_at_start(
    desk: Desk, tmp_path: Path, qtbot: QtBot
) -> None:
    training = TrainingPane(desk.store)
    qtbot.addWidget(training)
    training.runs_dir = tmp_path
    training.form.set_recipe(QUICK)
    training.resize(900, 500)
    training.show()
    desk.store.watches.set_lists(("blocks.3.attn.W_Q norm",), ())
    training.start()
    training.refresh_now()
    assert "nothing called 'blocks.3.attn.W_Q'" in training.status.text()
    assert "Take it off the list" in training.status.text()
    assert not desk.store.run.going


def test_at_a_step_in_view_a_curve_is_worth_what_was_measured_by_then() -> None:
    line = Line("validation", np.array([0, 50, 100]), np.array([7.0, 3.0, 2.0]))
    assert [line.up_to(step) for step in (-1, 0, 49, 50, 99, 900)] == [-1, 0, 0, 1, 1, 2]
    assert line.at(99) == 2, "under the mouse it is the nearest"


def test_at_a_rate_of_nothing_it_says_that_nothing_moves() -> None:
    values = {"grad_norm": 0.5, "update_ratio": 0.0}
    series = SimpleNamespace(
        run=SimpleNamespace(measured=[1]), value_at=lambda _place, what, _step: values.get(what)
    )
    said = sentence(series, None, 170, 2)  # type: ignore[arg-type]
    assert said == "At step 170 no weight moves: the learning rate has come to 0."
    values["update_ratio"] = 2e-3
    assert "moves most, 0.20% of its own length" in sentence(series, None, 170, 2)  # type: ignore[arg-type]
