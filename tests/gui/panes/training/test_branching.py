"""A branch from the window, another rate while a run goes, and the curves of a family."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QTableWidget, QTableWidgetItem
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.runs.pane import RunsPane
from gui.panes.training.pane import TrainingPane
from model import messages as m
from model.interventions import RemoveMask
from model.slices import finish as finish_slices
from model.train import preset, read_metrics
from model.train.branching.making import making_branch
from model.train.branching.record import Departure, branch_of
from model.train.loop import train
from model.train.run_folder import read_recipe, read_run
from tests.gui.desk import Desk
from tests.gui.panes.training.test_training_pane import begin, click, finish, is_near, picture

QUICK = replace(
    preset("tiny"),
    name="quick",
    steps=12,
    eval_every=4,
    sample_every=0,
    snapshot_every=4,
    data_tokens=4_000,
    eval_batches=1,
    n_layers=1,
)


@pytest.fixture(autouse=True)
def dark() -> Iterator[None]:
    theme.set_current("dark")
    yield
    theme.set_current("dark")


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    list(train(QUICK, tmp_path / "runs" / "quick"))
    return tmp_path / "runs" / "quick"


@pytest.fixture
def pane(desk: Desk, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainingPane:
    monkeypatch.setattr("model.engine.training.FLUSH_SECONDS", 0.0)
    pane = TrainingPane(desk.store)
    qtbot.addWidget(pane)
    pane.runs_dir = tmp_path / "elsewhere"
    pane.form.set_recipe(QUICK)
    pane.resize(1000, 520)
    pane.show()
    qtbot.waitExposed(pane)
    pane.refresh_now()
    return pane


def opened_at(desk: Desk, pane: TrainingPane, run: Path, step: int) -> None:
    """The run in view at one of its steps."""
    desk.store.opening.open(str(run))
    finish(pane, desk)
    desk.store.timeline.go_to(step)
    finish(pane, desk)
    assert desk.store.timeline.step == step


def branched(parent: Path, step: int, name: str, *, lr: float) -> Path:
    out = parent.parent / name
    recipe = replace(read_recipe(parent), name=name, lr=lr)
    finish_slices(making_branch(Departure(str(parent), step), recipe, out))
    list(train(None, out, resume=True))
    return out


def test_a_branch_begins_at_the_step_in_view_beside_its_parent(
    desk: Desk, pane: TrainingPane, quick: Path, qtbot: QtBot
) -> None:
    opened_at(desk, pane, quick, 8)
    click(qtbot, pane.heading.branch)
    pane.refresh_now()
    line = pane.form.branch_line
    assert line.isVisibleTo(pane)
    assert line.title.text() == "Branch of quick at step 8"
    assert "nothing is changed yet" in line.words.text()
    pane.form.lr.setValue(0.01)
    assert "lr 0.003 → 0.01" in line.words.text()
    pane.form.steps.setValue(8)
    assert "give it more steps" in pane.form.trouble()
    pane.form.steps.setValue(12)
    run = begin(pane, desk, qtbot)
    finish(pane, desk)
    branch = quick.parent / "quick-branch"
    assert run.run_dir == str(branch)
    assert [step.step for step in run.steps] == list(range(1, 13)), "its parent's, then its own"
    assert run.finished is not None
    record = branch_of(read_run(branch), branch)
    assert record is not None
    assert (record.found, record.step, record.optimiser) == (quick, 8, "kept")
    mine, its = read_metrics(branch)["train_loss"], read_metrics(quick)["train_loss"]
    assert np.array_equal(mine[1:10], its[1:10])
    assert not np.isclose(mine[10], its[10], atol=1e-6)
    assert pane.form.departure is None, "the next run begins anew"
    assert not line.isVisibleTo(pane)


def test_a_run_that_tunes_a_model_is_branched_as_any_other(
    desk: Desk, pane: TrainingPane, quick: Path, qtbot: QtBot
) -> None:
    weights = str(quick / "snapshots" / "step-000012")
    tuned = quick.parent / "tuned"
    how = {"tuning": "lora", "weights": weights, "tokenizer": weights, "lora_rank": 2, "steps": 8}
    list(train(replace(QUICK, name="tuned", **how), tuned))  # type: ignore[arg-type]
    opened_at(desk, pane, tuned, 4)
    click(qtbot, pane.heading.branch)
    pane.refresh_now()
    assert pane.form.summary.text().startswith("a low-rank change learns")
    pane.form.lr.setValue(0.01)
    assert pane.form.trouble() == ""
    run = begin(pane, desk, qtbot)
    finish(pane, desk)
    branch = tuned.parent / "tuned-branch"
    assert run.run_dir == str(branch)
    assert run.finished is not None
    assert run.finished.step == 8
    mine, its = read_metrics(branch)["train_loss"], read_metrics(tuned)["train_loss"]
    assert np.array_equal(mine[1:6], its[1:6])
    assert mine[8] != its[8]
    assert (branch / "adapters" / "step-000008").is_dir()


def test_a_branch_can_be_given_up(
    desk: Desk, pane: TrainingPane, quick: Path, qtbot: QtBot
) -> None:
    opened_at(desk, pane, quick, 4)
    pane.branch_here()
    pane.refresh_now()
    assert pane.form.folder == quick.parent
    click(qtbot, pane.form.branch_line.give_up)
    assert pane.form.departure is None
    assert pane.form.folder == pane.runs_dir
    assert desk.store.branching.departure is None


def test_at_a_runs_end_a_branch_has_as_many_steps_again(
    desk: Desk, pane: TrainingPane, quick: Path
) -> None:
    opened_at(desk, pane, quick, 12)
    pane.branch_here()
    assert pane.form.recipe().steps == 24
    assert pane.form.trouble() == ""


def test_stopped_while_it_is_made_a_branch_leaves_nothing(
    desk: Desk, pane: TrainingPane, quick: Path, qtbot: QtBot
) -> None:
    opened_at(desk, pane, quick, 8)
    pane.branch_here()
    click(qtbot, pane.controls.start)
    desk.advance(2)
    assert desk.store.run.starting is not None
    desk.store.run.stop()
    finish(pane, desk)
    assert desk.store.run.starting is None
    assert [entry.name for entry in quick.parent.iterdir()] == ["quick"]


def test_what_learned_without_a_mask_is_read_without_one(
    desk: Desk, pane: TrainingPane, quick: Path, qtbot: QtBot
) -> None:
    opened_at(desk, pane, quick, 8)
    desk.store.set_prompt("the king")
    assert not desk.store.interventions
    pane.branch_here()
    pane.form._take_setting("mask", "false")
    assert "mask True → False" in pane.form.branch_line.words.text()
    pane.refresh_now()
    begin(pane, desk, qtbot)
    finish(pane, desk)
    assert desk.store.interventions == (RemoveMask(),)
    desk.store.intervening.clear()
    desk.store.opening.open(str(quick))
    finish(pane, desk)
    assert not desk.store.interventions
    desk.store.opening.open(str(quick.parent / "quick-branch"))
    finish(pane, desk)
    assert desk.store.interventions == (RemoveMask(),)


def test_a_rate_that_is_typed_is_the_next_steps(
    desk: Desk, pane: TrainingPane, qtbot: QtBot
) -> None:
    run = begin(pane, desk, qtbot)
    box = pane.controls.rate.box
    assert box.isVisible()
    assert box.value() == pytest.approx(run.steps[-1].lr, rel=1e-6)
    desk.store.run.pause()
    at = run.step
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert run.recipe.lr_changes == "", "Enter in what stands there changes nothing"
    box.selectAll()
    QTest.keyClicks(box, "2e-4")
    pane.invalidate()
    pane.refresh_now()
    assert box.text() == "2e-4", "what is being typed stays"
    QTest.keyClick(box, Qt.Key.Key_Return)
    desk.store.run.resume()
    finish(pane, desk)
    assert run.steps[at].lr == pytest.approx(2e-4)
    assert run.steps[at - 1].lr != pytest.approx(2e-4)
    assert run.recipe.lr_changes == read_recipe(Path(run.run_dir)).lr_changes != ""
    assert not box.isVisible(), "a run that has ended has no next step"


def test_relatives_lie_over_the_runs_own_curve(desk: Desk, pane: TrainingPane, quick: Path) -> None:
    branch = branched(quick, 4, "fast", lr=0.02)
    opened_at(desk, pane, quick, 12)
    others = pane.plots.loss.others
    assert [node.name for node in others.drawn] == ["fast"]
    train_item, validation, name = others._items[0]
    metrics = read_metrics(branch)
    x, y = validation.getOriginalDataset()
    assert list(x) == [4, 8, 12], "from its departure on: what is before is its parent's"
    measured = metrics["val_loss"][~np.isnan(metrics["val_loss"])]
    assert list(y) == list(measured[-3:])
    assert list(train_item.getOriginalDataset()[1]) == list(metrics["train_loss"][4:])
    assert name.isVisible()
    at = pane.plots.loss.point(8, y[1])
    assert is_near(picture(pane), at, QColor(theme.current().series[1]), reach=3)
    assert [entry.label for entry in pane.plots.loss.legend.entries][-1] == "fast"
    desk.store.branching.show(str(branch), shown=False)
    pane.refresh_now()
    assert others.drawn == ()


def test_in_bits_relatives_are_in_bits_too(desk: Desk, pane: TrainingPane, quick: Path) -> None:
    branched(quick, 4, "fast", lr=0.02)
    opened_at(desk, pane, quick, 12)
    others = pane.plots.loss.others
    nats = others._items[0][1].getOriginalDataset()[1]
    pane.controls.unit_actions["bits"].trigger()
    pane.refresh_now()
    bits = others._items[0][1].getOriginalDataset()[1]
    assert bits == pytest.approx(nats / np.log(2))


# ------------------------------------------------------------------------------- the tree


@pytest.fixture
def runs(desk: Desk, qtbot: QtBot) -> RunsPane:
    runs = RunsPane(desk.store)
    qtbot.addWidget(runs)
    runs.resize(620, 430)
    runs.show()
    qtbot.waitExposed(runs)
    runs.refresh_now()
    return runs


def item(table: QTableWidget, row: int) -> QTableWidgetItem:
    found = table.item(row, 0)
    assert found is not None
    return found


def cells(table: object, row: int) -> list[str]:
    return [table.item(row, column).text() for column in range(table.columnCount())]  # type: ignore[attr-defined]


def test_the_tree_and_what_differs(
    desk: Desk, pane: TrainingPane, runs: RunsPane, quick: Path, qtbot: QtBot
) -> None:
    assert "Start a run, or open one" in runs.empty.text()
    fast = branched(quick, 4, "fast", lr=0.02)
    branched(fast, 8, "faster", lr=0.05)
    opened_at(desk, pane, quick, 12)
    runs.refresh_now()
    assert [cells(runs.tree, row)[0].strip() for row in range(3)] == ["quick", "└ fast", "└ faster"]
    assert cells(runs.tree, 2)[0].startswith("    ")
    mine, its = (float(read_metrics(path)["val_loss"][-1]) for path in (fast, quick))
    row = cells(runs.tree, 1)
    assert row[1:] == ["4", "12", f"{mine:.4f}", f"{mine - its:+.4f}", "lr 0.003 → 0.02"]
    assert [cells(runs.settings, row) for row in range(runs.settings.rowCount())] == [
        ["lr", "0.003", "0.02", "0.05"]
    ]
    runs.tree.setCurrentCell(2, 0)
    assert "leaves fast at step 8 with lr 0.02 → 0.05" in runs.about.text()
    item(runs.tree, 2).setCheckState(Qt.CheckState.Unchecked)
    runs.refresh_now()
    pane.refresh_now()
    assert [node.name for node in pane.plots.loss.others.drawn] == ["fast"]
    assert runs.settings.columnCount() == 3
    found = runs.export_data()["val_loss"]
    assert list(found.at["run"]) == ["quick", "fast", "faster"]
    assert found.values[1, -1] == mine
    assert runs.header_note() == "3 runs · 2 branches"


def test_enter_opens_the_run_that_is_chosen(
    desk: Desk, pane: TrainingPane, runs: RunsPane, quick: Path
) -> None:
    fast = branched(quick, 4, "fast", lr=0.02)
    opened_at(desk, pane, quick, 12)
    runs.refresh_now()
    assert runs.header_note() == "2 runs · 1 branch"
    runs.tree.setCurrentCell(1, 0)
    QTest.keyClick(runs.tree, Qt.Key.Key_Return)
    finish(pane, desk)
    assert desk.store.model is not None
    assert desk.store.model.run_dir == str(fast)
    runs.refresh_now()
    assert item(runs.tree, 1).font().bold(), "it is the run that is shown now"


def test_what_it_copies_gives_its_numbers(
    desk: Desk, pane: TrainingPane, runs: RunsPane, quick: Path
) -> None:
    branched(quick, 4, "fast", lr=0.02)
    opened_at(desk, pane, quick, 12)
    runs.refresh_now()
    space: dict[str, object] = {}
    exec(runs.code(), space)
    found = runs.export_data()["val_loss"]
    assert list(space["val_loss"]["fast"].values()) == list(found.values[1])  # type: ignore[index]
    assert space["settings"] == {"lr": (0.003, 0.02)}


def test_the_numbers_are_written_for_tensorboard(
    desk: Desk, pane: TrainingPane, runs: RunsPane, quick: Path, tmp_path: Path
) -> None:
    opened_at(desk, pane, quick, 12)
    told: list[str] = []
    desk.store.notice_posted.connect(lambda notice: told.append(notice.message))
    runs.ask_export_events()
    dialog = runs.findChild(QFileDialog, "events_dialog")
    assert dialog is not None
    dialog.fileSelected.emit(str(tmp_path))
    dialog.close()
    finish(pane, desk)
    assert list((tmp_path / "quick").glob("events*"))
    assert told == [
        f"Written for TensorBoard; to look at it: tensorboard --logdir {tmp_path / 'quick'}"
    ]


def test_only_panes_in_view_have_the_folder_read(
    desk: Desk, pane: TrainingPane, runs: RunsPane, quick: Path
) -> None:
    runs.hide()
    pane.hide()
    desk.store.opening.open(str(quick))
    finish(pane, desk)
    assert not [r for r in desk.results if isinstance(r, m.RunsRead)]
    runs.show()
    finish(pane, desk)
    assert [r for r in desk.results if isinstance(r, m.RunsRead)]
