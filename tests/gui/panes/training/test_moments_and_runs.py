"""What Training says at the step in view, and how one run lies over another of the same folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.runs.pane import RunsPane
from gui.panes.training.content import TO_COME, TO_START
from gui.panes.training.live_plot import LEFT, RIGHT
from gui.panes.training.pane import TrainingPane
from gui.session.store import Store
from model.train import preset
from model.train.loop import train
from tests.gui.desk import Desk
from tests.gui.panes.training.test_training_pane import begin, click, finish, is_near, picture

QUICK = replace(
    preset("tiny"),
    name="quick",
    steps=12,
    eval_every=4,
    sample_every=4,
    snapshot_every=4,
    data_tokens=4_000,
    eval_batches=1,
    n_layers=1,
)


@pytest.fixture
def pane(desk: Desk, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainingPane:
    monkeypatch.setattr("model.engine.training.FLUSH_SECONDS", 0.0)
    theme.set_current("dark")
    pane = TrainingPane(desk.store)
    qtbot.addWidget(pane)
    pane.runs_dir = tmp_path / "runs"
    pane.form.set_recipe(QUICK)
    pane.resize(1000, 520)
    pane.show()
    qtbot.waitExposed(pane)
    pane.refresh_now()
    return pane


@pytest.fixture
def runs(desk: Desk, qtbot: QtBot) -> RunsPane:
    runs = RunsPane(desk.store)
    qtbot.addWidget(runs)
    runs.resize(620, 430)
    runs.show()
    qtbot.waitExposed(runs)
    return runs


def said(pane: TrainingPane) -> dict[str, str]:
    return {figure.label: figure.value for figure in pane.figures.figures}


def drawn(pane: TrainingPane) -> list[str]:
    return [node.name for node in pane.plots.loss.others.drawn]


def test_figures_legend_and_header_are_those_of_the_step_in_view(
    desk: Desk, pane: TrainingPane, tmp_path: Path
) -> None:
    list(train(QUICK, tmp_path / "runs" / "quick"))
    desk.store.opening.open(str(tmp_path / "runs" / "quick"))
    finish(pane, desk)
    run = desk.store.run.shown
    assert run is not None
    assert said(pane)["train"] == f"{run.steps[11].train_loss:.4f}"
    desk.store.timeline.go_to(8)
    finish(pane, desk)
    assert pane.header_note() == "quick · step 8 / 12"
    figures = said(pane)
    assert figures["step"] == "8 / 12"
    assert figures["train"] == f"{run.steps[7].train_loss:.4f}"
    assert figures["tokens"] == f"{run.steps[7].tokens:,}"
    checked = next(check for check in run.evaluations if check.step == 8)
    assert figures["validation"] == f"{checked.val_loss:.4f}"
    legend = pane.plots.loss.legend
    assert legend.note == "at step 8 · nats per token"
    assert [entry.value for entry in legend.entries] == [figures["train"], figures["validation"]]
    marks = pane.plots.loss.marks
    assert not marks.compared.isVisible()
    desk.store.comparing.compare_step(4)
    finish(pane, desk)
    assert marks.compared.isVisible()
    assert (marks.here.value(), marks.compared.value()) == (8, 4)
    desk.store.comparing.close()
    desk.store.timeline.go_to(12)
    finish(pane, desk)
    assert not marks.compared.isVisible()
    assert said(pane)["step"] == "12 / 12"
    assert legend.note == "nats per token over steps"


def test_while_the_run_goes_on_an_earlier_step_in_view_is_told_from_it(
    desk: Desk, pane: TrainingPane, live_store: Store, qtbot: QtBot
) -> None:
    run = begin(pane, desk, qtbot)
    while run.step < 6:
        desk.advance()
    pane.invalidate()
    pane.refresh_now()
    assert pane.plots.loss.legend.note == "nats per token over steps", "the newest needs no words"
    desk.store.timeline.go_to(4)
    desk.advance(3)
    pane.invalidate()
    pane.refresh_now()
    assert f"goes on at step {run.step:,}; the panes show step 4" in pane.status.text()
    assert said(pane)["train"] == f"{run.steps[3].train_loss:.4f}"
    finish(pane, desk)


def test_a_run_that_gets_ready_is_not_asked_to_be_started(
    desk: Desk, pane: TrainingPane, qtbot: QtBot
) -> None:
    assert pane.content._hint.text() == TO_START
    desk.hold()
    click(qtbot, pane.controls.start)
    pane.refresh_now()
    assert pane.content._hint.isVisible()
    assert pane.content._hint.text() == TO_COME
    desk.release()
    finish(pane, desk)
    assert not pane.content._hint.isVisible()


def test_a_second_run_on_the_same_text_lies_over_the_first(
    desk: Desk, pane: TrainingPane, runs: RunsPane, qtbot: QtBot
) -> None:
    begin(pane, desk, qtbot)
    finish(pane, desk)
    pane.form.set_recipe(replace(QUICK, name="wide", d_model=48))
    begin(pane, desk, qtbot)
    finish(pane, desk)
    runs.refresh_now()
    assert drawn(pane) == ["quick"]
    y = pane.plots.loss.others._items[0][1].getOriginalDataset()[1]
    at = pane.plots.loss.point(8, y[2])
    assert is_near(picture(pane), at, QColor(theme.current().series[1]), reach=3)
    settings = runs.settings
    assert [settings.item(0, column).text() for column in range(3)] == ["d_model", "32", "48"]  # type: ignore[union-attr]


def test_a_run_keeps_its_colour_whatever_else_is_drawn(
    desk: Desk, pane: TrainingPane, runs: RunsPane, tmp_path: Path
) -> None:
    folder = tmp_path / "runs"
    for name, width in (("a", 16), ("b", 32), ("c", 48)):
        list(train(replace(QUICK, name=name, d_model=width, steps=4), folder / name))
    desk.store.opening.open(str(folder / "c"))
    finish(pane, desk)
    runs.refresh_now()
    assert drawn(pane) == []
    assert "Tick a run" in runs.differ.text()
    states = [runs.tree.item(row, 0).checkState() for row in range(2)]  # type: ignore[union-attr]
    assert states == [Qt.CheckState.Unchecked] * 2
    for row in range(2):
        runs.tree.item(row, 0).setCheckState(Qt.CheckState.Checked)  # type: ignore[union-attr]
        runs.refresh_now()
    pane.refresh_now()
    assert drawn(pane) == ["a", "b"]
    color = pane.plots.loss.others.color(1)
    runs.tree.item(0, 0).setCheckState(Qt.CheckState.Unchecked)  # type: ignore[union-attr]
    runs.refresh_now()
    pane.refresh_now()
    assert drawn(pane) == ["b"]
    assert pane.plots.loss.others.color(0) == color
    legend = {entry.label: entry.color for entry in pane.plots.loss.legend.entries}
    assert legend["b"] == color.name()


def test_a_run_that_diverged_says_so_in_the_colour_of_the_theme(
    desk: Desk, pane: TrainingPane, runs: RunsPane, tmp_path: Path
) -> None:
    folder = tmp_path / "runs"
    list(train(replace(QUICK, name="a", steps=4), folder / "a"))
    wild = replace(QUICK, name="b", lr=1e30, min_lr=0.0, warmup_steps=0, grad_clip=0.0)
    list(train(wild, folder / "b"))
    desk.store.opening.open(str(folder / "a"))
    finish(pane, desk)
    runs.refresh_now()
    ended, wild_loss = (runs.tree.item(row, 3) for row in range(2))
    assert ended is not None
    assert wild_loss is not None
    assert float(ended.text()) > 0
    step = desk.store.branching.runs[1].step
    assert step < QUICK.steps
    assert wild_loss.text() == "diverged"
    assert f"at step {step}" in wild_loss.toolTip()
    assert wild_loss.foreground().color() == theme.current().color("bad")
    assert "lowest validation loss: a," in runs.said.text()
    runs.tree.setCurrentCell(1, 0)
    assert f"diverged at step {step}" in runs.about.text()
    theme.set_current("light")
    desk.store.theme_changed.emit()
    runs.refresh_now()
    again = runs.tree.item(1, 3)
    assert again is not None
    assert again.foreground().color() == theme.current().color("bad")


def test_plots_below_each_other_have_a_step_at_the_same_place(qtbot: QtBot) -> None:
    from gui.panes.training.plots import RunPlots

    plots = RunPlots()
    qtbot.addWidget(plots)
    plots.loss.plot.plot([0, 800], [7, 1])
    plots.analogies.plot.plot([0, 700], [0, 1])
    plots.arrange(across=False, analogies=True)
    plots.resize(480, 300)
    plots.show()
    qtbot.waitExposed(plots)
    one, other = plots.loss, plots.analogies
    qtbot.waitUntil(lambda: one.point(800, 1).x() < one.plot.width() - RIGHT)
    for step in (0, 400, 800):
        assert abs(one.point(step, 1).x() - other.point(step, 1).x()) < 1.5
    assert one.point(0, 1).x() > LEFT
    # Rank 1 is at the top, with half of its figure above.
    assert other.point(400, 1).y() >= 5
