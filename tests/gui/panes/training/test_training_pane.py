"""The training pane on a real trainer: buttons, curves read back from pixels, every ending."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

import model
from gui import theme
from gui.panes.training.figures import duration
from gui.panes.training.pane import TrainingPane
from gui.panes.training.recipe_summary import short
from gui.panes.training.sample_view import SampleView
from gui.session import runs_folder
from gui.session.growing_table import GrowingTable
from gui.session.store import Store
from gui.session.training_run import Run
from gui.window.table import table_of
from model import messages as m
from model.train import Training, metrics, read_metrics
from model.train.events import Evaluated, Finished, Sampled, StepDone
from model.train.metrics import measure
from model.train.presets import PRESETS, preset
from model.train.recipe import Recipe
from model.train.run_folder import RunError
from model.train.run_writing import RunFolder
from resources import STORY_WORLD
from tests.gui.desk import Desk

QUICK = replace(
    preset("tiny"), steps=20, eval_every=5, sample_every=10, data_tokens=4_000, eval_batches=2
)


@pytest.fixture(autouse=True)
def dark() -> Iterator[None]:
    theme.set_current("dark")
    yield
    theme.set_current("dark")


@pytest.fixture
def pane(desk: Desk, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainingPane:
    # The store hears of every event at once, however fast the machine is.
    monkeypatch.setattr("model.engine.training.FLUSH_SECONDS", 0.0)
    pane = TrainingPane(desk.store)
    qtbot.addWidget(pane)
    pane.runs_dir = tmp_path / "runs"
    pane.form.set_recipe(QUICK)
    pane.resize(1000, 420)
    pane.show()
    qtbot.waitExposed(pane)
    pane.refresh_now()
    return pane


def click(qtbot: QtBot, button: QWidget) -> None:
    assert button.isEnabled()
    assert button.isVisible()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def begin(pane: TrainingPane, desk: Desk, qtbot: QtBot) -> Run:
    """Start by the button, and go on until the first step is done."""
    click(qtbot, pane.controls.start)
    while desk.store.run.starting is not None or not run_of(desk.store).steps:
        assert desk.engine.busy
        desk.advance()
    pane.invalidate()
    pane.refresh_now()
    return run_of(desk.store)


def finish(pane: TrainingPane, desk: Desk) -> None:
    while desk.engine.busy:
        desk.advance()
    pane.invalidate()
    pane.refresh_now()
    QApplication.processEvents()


def run_of(store: Store) -> Run:
    assert store.run.current is not None
    return store.run.current


def picture(pane: TrainingPane) -> QImage:
    return pane.plots.loss.plot.viewport().grab().toImage()


def is_near(image: QImage, at: QPointF, color: QColor, reach: int = 1) -> bool:
    """Whether a pixel of (about) a colour lies at most ``reach`` pixels away from a point."""
    for x in range(round(at.x()) - reach, round(at.x()) + reach + 1):
        for y in range(round(at.y()) - reach, round(at.y()) + reach + 1):
            if not image.rect().contains(x, y):
                continue
            there = image.pixelColor(x, y)
            off = abs(there.red() - color.red()) + abs(there.green() - color.green())
            if off + abs(there.blue() - color.blue()) < 90:
                return True
    return False


# ------------------------------------------------------------------------------ the form


def test_without_a_run_the_recipe_stands_open(pane: TrainingPane) -> None:
    assert pane.form.isVisible()
    assert not pane.plots.made
    assert pane.controls.start.isEnabled()
    assert not pane.controls.stop.isEnabled()
    assert pane.header_note() == ""
    assert pane.export_data() == {}


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_shown_and_given_back_unchanged(pane: TrainingPane, name: str) -> None:
    pane.form.set_recipe(QUICK)
    pane.form.preset.setCurrentText(name)
    pane.form.preset.activated.emit(pane.form.preset.currentIndex())
    assert pane.form.recipe() == PRESETS[name]
    needs_text = not PRESETS[name].data
    assert ("Choose a Text" in pane.form.trouble()) == needs_text
    pane.refresh_now()
    assert pane.controls.start.isEnabled() != needs_text


def test_typed_numbers_are_in_the_recipe(pane: TrainingPane, qtbot: QtBot) -> None:
    for box, text in ((pane.form.n_layers, "3"), (pane.form.lr, "2e-3"), (pane.form.steps, "10")):
        box.selectAll()
        qtbot.keyClicks(box, text)
        qtbot.keyClick(box, Qt.Key.Key_Tab)
    recipe = pane.form.recipe()
    assert (recipe.n_layers, recipe.lr, recipe.steps) == (3, 2e-3, 10)
    assert recipe.min_lr == pytest.approx(QUICK.min_lr * 2e-3 / QUICK.lr)
    # Half as many steps, and it looks at itself as often.
    assert recipe.eval_every == round(QUICK.eval_every / 2)
    recipe.validate()


def test_a_switch_is_turned_off_to_see_what_it_gives(pane: TrainingPane, qtbot: QtBot) -> None:
    fast = replace(PRESETS["fast"], data="world")
    pane.form.set_recipe(fast)
    fields: dict[str, Any] = {
        field.editor.accessibleName(): field.editor for field in pane.form.switches.fields
    }
    fields["Optimiser"].setCurrentText("adamw")
    fields["Outputs at zero"].setCurrentText("off")
    offsets = fields["Heads look back"]
    offsets.selectAll()
    qtbot.keyClicks(offsets, "2,4")
    expected = replace(fast, optimiser="adamw", zero_outputs=False, head_offsets="2,4")
    assert pane.form.recipe() == expected.validate()
    assert pane.form.trouble() == ""
    # What doesn't go together is said in place.
    fields["QK norm"].setCurrentText("off")
    assert "need rotary Positions" in pane.form.problem.text()
    offsets.clear()
    fields["Optimiser"].setCurrentText("muon")
    assert pane.form.recipe().optimiser == "muon"


def test_what_cannot_be_run_is_said_in_place(pane: TrainingPane, qtbot: QtBot) -> None:
    pane.form.d_model.setValue(33)
    pane.refresh_now()
    # As the form calls them, and with what would fit.
    says = "Width 33 does not divide into 2 heads: make Width a multiple of Heads, for example 32."
    assert pane.form.problem.text() == says
    assert pane.form.problem.isVisible()
    marked = [field.title.text() for field in pane.form.fields if field.in_trouble]
    assert marked == ["Heads", "Width"], "the fields that the sentence names"
    assert not pane.controls.start.isEnabled()
    assert pane.controls.start.toolTip() == says, "also where the form is folded away"
    pane.start()
    assert pane.store.run.starting is None
    pane.form.d_model.setValue(32)
    pane.refresh_now()
    assert not pane.form.problem.isVisible()
    assert not any(field.in_trouble for field in pane.form.fields)
    pane.form.name.clear()
    assert "name" in pane.form.trouble()


def test_the_parameter_count_is_the_configs(pane: TrainingPane) -> None:
    recipe = Recipe(tokenizer="bpe:700", n_layers=3, n_heads=2, d_model=64, n_ctx=32)
    pane.form.set_recipe(recipe)
    assert short(recipe.config(700).n_params) in pane.form.summary.text()
    pane.form.n_layers.setValue(5)
    larger = replace(recipe, n_layers=5)
    assert short(larger.config(700).n_params) in pane.form.summary.text()
    # With characters the vocabulary is not known yet: what is, plus so much for each.
    pane.form.set_recipe(replace(recipe, tokenizer="char"))
    text = pane.form.summary.text()
    per_token = recipe.config(2).n_params - recipe.config(1).n_params
    assert f"{short(recipe.config(1).n_params - per_token)} parameters + {per_token}" in text


def test_a_text_file_is_chosen_in_a_dialog_that_does_not_block(
    pane: TrainingPane, qtbot: QtBot, tmp_path: Path
) -> None:
    text = tmp_path / "my poems.txt"
    text.write_text("roses are red\n" * 200, encoding="utf-8")
    form = pane.form
    form.data.setCurrentIndex(form.data.count() - 1)
    form.data.activated.emit(form.data.count() - 1)
    dialog = pane.findChild(QFileDialog, "training_text_dialog")
    assert isinstance(dialog, QFileDialog)
    assert dialog.isVisible()
    assert form.recipe().data == "world", "nothing changes before a file is chosen"
    dialog.selectFile(str(text))
    dialog.done(1)
    dialog.fileSelected.emit(str(text))
    assert form.recipe().data == str(text)
    assert form.data.currentText() == "my poems.txt"
    assert form.trouble() == ""


def test_a_text_that_is_not_there_is_a_sentence_and_the_form_comes_back(
    pane: TrainingPane, desk: Desk, qtbot: QtBot, tmp_path: Path
) -> None:
    pane.form.choose_file(str(tmp_path / "gone.txt"))
    pane.refresh_now()
    click(qtbot, pane.controls.start)
    finish(pane, desk)
    assert "gone.txt" in pane.status.text()
    assert pane.status.isVisible()
    assert pane.form.isVisible()
    assert pane.controls.start.isEnabled()


# ------------------------------------------------------------------------------- a run


def test_a_run_from_start_to_end_draws_each_of_its_points(
    pane: TrainingPane, desk: Desk, qtbot: QtBot
) -> None:
    run = begin(pane, desk, qtbot)
    assert not pane.form.isVisible(), "the form folds away"
    assert pane.controls.pause.isEnabled()
    finish(pane, desk)
    assert len(run.steps) == 20
    x, y = pane.plots.loss.train.getOriginalDataset()
    np.testing.assert_array_equal(x, [event.step for event in run.steps])
    np.testing.assert_array_equal(y, [event.train_loss for event in run.steps])
    x, y = pane.plots.loss.validation.getOriginalDataset()
    np.testing.assert_array_equal(x, [event.step for event in run.evaluations])
    np.testing.assert_array_equal(y, [event.val_loss for event in run.evaluations])
    data = pane.export_data()
    np.testing.assert_array_equal(
        data["train_loss"].values, [event.train_loss for event in run.steps]
    )
    np.testing.assert_array_equal(data["val_loss"].values, [e.val_loss for e in run.evaluations])
    np.testing.assert_array_equal(data["val_loss"].at["step"], [e.step for e in run.evaluations])
    assert data["tokens"].values[-1] == 20 * QUICK.batch_size * QUICK.n_ctx
    assert {"lr", "grad_norm", "seconds", "bits_per_byte", "tokens_per_second"} <= set(data)
    assert pane.header_note() == "tiny · step 20 / 20", "and whose it is"
    assert run.finished is not None
    assert pane.status.text() == run.finished.message
    assert Path(run.started.run_dir, "metrics.csv").is_file()
    figures = {figure.label: figure.value for figure in pane.figures.figures}
    assert figures["train"] == f"{run.steps[-1].train_loss:.4f}"
    assert figures["validation"] == f"{run.evaluations[-1].val_loss:.4f}"
    assert figures["step"] == "20 / 20"
    assert figures["parameters"] == f"{run.started.info.n_params:,}"


def test_the_table_of_a_run_has_a_line_a_step_as_its_folder_has(
    pane: TrainingPane, desk: Desk, qtbot: QtBot
) -> None:
    begin(pane, desk, qtbot)
    finish(pane, desk)
    table = table_of(pane.export_data())
    rows = [dict(zip(table.columns, row)) for row in table.rows()]
    assert [row["step"] for row in rows] == list(range(21))
    kept = read_metrics(Path(run_of(desk.store).started.run_dir))
    for name, values in kept.items():
        for row, value in zip(rows, values):
            # Of a step's seconds the folder keeps those after its evaluation.
            if not np.isnan(value) and name != "seconds":
                assert row[name] == pytest.approx(value, rel=1e-6), name


def test_any_measure_of_the_run_can_be_drawn_instead_of_the_losses(
    pane: TrainingPane, desk: Desk, qtbot: QtBot
) -> None:
    begin(pane, desk, qtbot)
    finish(pane, desk)
    run = run_of(desk.store)
    pane.controls.unit_actions["bits"].trigger()
    for name in ("grad_norm", "lr", "bits_per_byte"):
        pane.controls.what_actions[name].trigger()
        pane.refresh_now()
        events = run.evaluations if name == "bits_per_byte" else run.steps
        x, y = pane.plots.loss.items[name].getOriginalDataset()
        np.testing.assert_array_equal(x, [event.step for event in events])
        np.testing.assert_array_equal(y, [getattr(event, name) for event in events])
        visible = [key for key, item in pane.plots.loss.items.items() if item.isVisible()]
        assert visible == [name], "a learning rate has no bits and shares no axis with a loss"
        [entry] = pane.plots.loss.legend.entries
        assert entry.label == measure(name).title
        assert entry.value == measure(name).text(getattr(events[-1], name))
    QApplication.processEvents()
    at = pane.plots.loss.point(run.evaluations[1].step, run.evaluations[1].bits_per_byte)
    assert is_near(picture(pane), at, theme.current().color("text"), 3)
    pane.controls.what_actions["loss"].trigger()
    pane.refresh_now()
    assert len(pane.plots.loss.legend.entries) == 2


def test_a_further_measure_appears_by_its_line(
    desk: Desk, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if evaluations carried another loss: an attribute, and a line in the list.
    monkeypatch.setattr(Evaluated, "world_loss", property(lambda e: 2 * e.val_loss), raising=False)
    line = replace(measure("val_loss"), name="world_loss", title="facts", kept=False, spec=".2f")
    monkeypatch.setattr(metrics, "MEASURES", (*metrics.MEASURES, line))
    monkeypatch.setattr("model.engine.training.FLUSH_SECONDS", 0.0)
    pane = TrainingPane(desk.store)
    qtbot.addWidget(pane)
    pane.runs_dir = tmp_path / "runs"
    pane.form.set_recipe(QUICK)
    pane.resize(1000, 420)
    pane.show()
    qtbot.waitExposed(pane)
    pane.refresh_now()
    begin(pane, desk, qtbot)
    finish(pane, desk)
    expected = [2 * event.val_loss for event in run_of(desk.store).evaluations]
    figures = {figure.label: figure.value for figure in pane.figures.figures}
    assert figures["facts"] == f"{expected[-1]:.2f}"
    _, y = pane.plots.loss.items["world_loss"].getOriginalDataset()
    np.testing.assert_array_equal(y, expected)
    assert pane.plots.loss.legend.entries[-1].label == "facts"
    np.testing.assert_array_equal(pane.export_data()["world_loss"].values, expected)


@pytest.mark.parametrize("name", ["dark", "light"])
@pytest.mark.parametrize("log", [False, True])
def test_the_curve_passes_where_its_values_say(
    pane: TrainingPane, desk: Desk, qtbot: QtBot, name: str, log: bool
) -> None:
    theme.set_current(name)
    pane.apply_theme()
    begin(pane, desk, qtbot)
    finish(pane, desk)
    if log:
        pane.controls.log_action.trigger()
        pane.refresh_now()
    QApplication.processEvents()
    run = run_of(desk.store)
    t = theme.current()
    pane.plots.loss.validation.hide()
    image = picture(pane)
    missed = 0
    for event in run.steps:
        at = pane.plots.loss.point(event.step, event.train_loss)
        assert is_near(image, at, t.color("accent")), f"step {event.step} is not on the curve"
        missed += not is_near(image, at - QPointF(0, 25), t.color("accent"))
    assert missed > 15, "the colour is everywhere"
    pane.plots.loss.train.hide()
    pane.plots.loss.validation.show()
    image = picture(pane)
    for check in run.evaluations[1:]:
        at = pane.plots.loss.point(check.step, check.val_loss)
        assert is_near(image, at, t.color("text"), 3), f"validation at {check.step} is missing"
        assert not is_near(image, at - QPointF(0, 25), t.color("text"), 3)


def test_one_high_value_among_fifty_thousand_is_seen(
    pane: TrainingPane, desk: Desk, qtbot: QtBot
) -> None:
    run = begin(pane, desk, qtbot)
    finish(pane, desk)
    run.finished = None
    many = [
        StepDone(i, i, i * 0.01, 9.0 if i == 31_337 else 3.0, 1e-3, 1.0, 100.0)
        for i in range(21, 50_000)
    ]
    progress = m.TrainingProgressed(
        request_id=run.started.request_id, events=tuple(many), paused=False
    )
    desk.store.receive(progress)
    pane.refresh_now()
    QApplication.processEvents()
    x, _ = pane.plots.loss.train.getOriginalDataset()
    assert len(x) == 49_999
    pane.plots.loss.validation.hide()
    image = picture(pane)
    color = theme.current().color("accent")
    assert is_near(image, pane.plots.loss.point(31_337, 8.9), color)
    assert not is_near(image, pane.plots.loss.point(25_000, 8.9), color)


def test_the_axis_can_be_tokens_or_seconds_and_the_unit_bits(
    pane: TrainingPane, desk: Desk, qtbot: QtBot
) -> None:
    begin(pane, desk, qtbot)
    finish(pane, desk)
    run = run_of(desk.store)
    pane.controls.along_actions["tokens"].trigger()
    pane.controls.unit_actions["bits"].trigger()
    pane.refresh_now()
    x, y = pane.plots.loss.train.getOriginalDataset()
    np.testing.assert_array_equal(x, [event.tokens for event in run.steps])
    np.testing.assert_allclose(y, [event.train_loss / math.log(2) for event in run.steps])
    pane.controls.along_actions["seconds"].trigger()
    pane.controls.unit_actions["bits_per_byte"].trigger()
    pane.refresh_now()
    x, y = pane.plots.loss.validation.getOriginalDataset()
    np.testing.assert_allclose(y, [event.bits_per_byte for event in run.evaluations])
    assert x[0] == 0
    assert x[-1] == run.steps[-1].seconds
    assert "bits per byte over seconds" in pane.plots.loss.legend.note


def test_the_legend_reads_the_step_under_the_mouse(
    pane: TrainingPane, desk: Desk, qtbot: QtBot
) -> None:
    begin(pane, desk, qtbot)
    finish(pane, desk)
    run = run_of(desk.store)
    at = pane.plots.loss.point(7, run.steps[6].train_loss)
    QTest.mouseMove(pane.plots.loss.plot.viewport(), QPoint(round(at.x()), round(at.y())))
    qtbot.waitUntil(lambda: pane.plots.loss.legend.note == "step 7")
    values = {entry.label: entry.value for entry in pane.plots.loss.legend.entries}
    assert values["train"] == f"{run.steps[6].train_loss:.4f}"
    assert values["validation"] == f"{run.evaluations[1].val_loss:.4f} (step 5)"
    QTest.mouseMove(pane.controls.start)
    qtbot.waitUntil(lambda: "nats" in pane.plots.loss.legend.note)


def test_what_stands_above_the_curves_is_of_one_height(
    pane: TrainingPane, desk: Desk, qtbot: QtBot
) -> None:
    begin(pane, desk, qtbot)
    controls = pane.controls
    buttons = (controls.recipe, controls.start, controls.pause, controls.step, controls.stop)
    [height] = {button.height() for button in buttons}
    assert controls.axes.height() <= height


def test_pause_step_and_resume(pane: TrainingPane, desk: Desk, qtbot: QtBot) -> None:
    run = begin(pane, desk, qtbot)
    click(qtbot, pane.controls.pause)
    pane.refresh_now()
    assert run.paused
    assert not desk.engine.busy
    before = len(run.steps)
    assert pane.status.text() == f"Paused at step {before}"
    assert pane.controls.pause.text() == "Resume"
    click(qtbot, pane.controls.step)
    desk.finish()
    assert len(run.steps) == before + 1
    assert run.paused
    pane.invalidate()
    pane.refresh_now()
    click(qtbot, pane.controls.pause)
    assert not run.paused
    finish(pane, desk)
    assert len(run.steps) == 20


def test_step_without_a_run_begins_one_and_does_one_step(
    pane: TrainingPane, desk: Desk, qtbot: QtBot
) -> None:
    click(qtbot, pane.controls.step)

    def stepped() -> bool:
        desk.finish()
        return desk.store.run.current is not None and bool(desk.store.run.current.steps)

    qtbot.waitUntil(stepped)
    desk.finish()
    run = run_of(desk.store)
    assert len(run.steps) == 1
    assert run.paused


def test_stop_ends_the_run_and_keeps_it(pane: TrainingPane, desk: Desk, qtbot: QtBot) -> None:
    run = begin(pane, desk, qtbot)
    done = len(run.steps)
    click(qtbot, pane.controls.stop)
    finish(pane, desk)
    assert run.finished is not None
    assert run.finished.reason == "stopped"
    assert len(run.steps) <= done + 1
    assert "saved" in pane.status.text()
    assert pane.controls.start.isEnabled()
    assert len(pane.plots.loss.train.getOriginalDataset()[0]) == len(run.steps)


def test_stop_while_getting_ready_leaves_nothing_behind(
    pane: TrainingPane, desk: Desk, qtbot: QtBot
) -> None:
    click(qtbot, pane.controls.start)
    desk.advance()
    pane.refresh_now()
    assert pane.status.isVisible()
    assert pane.progress.isVisible()
    click(qtbot, pane.controls.stop)
    finish(pane, desk)
    assert desk.store.run.starting is None
    assert "Stopped before the first step" in pane.status.text()
    assert pane.controls.start.isEnabled()
    assert not list(pane.runs_dir.glob("*"))


def test_a_run_never_writes_over_another(pane: TrainingPane, desk: Desk, qtbot: QtBot) -> None:
    folders = []
    for _ in range(2):
        begin(pane, desk, qtbot)
        click(qtbot, pane.controls.stop)
        finish(pane, desk)
        folders.append(run_of(desk.store).started.run_dir)
    assert folders[0] != folders[1]
    assert all(Path(folder).is_dir() for folder in folders)


def test_a_loss_that_is_no_number_ends_the_run_and_the_curve_stays(
    pane: TrainingPane, desk: Desk, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Panes look at the model after every step, the broken one too.
    monkeypatch.setattr("model.engine.training.LIVE_SECONDS", 0.0)
    monkeypatch.setattr("model.engine.training.LIVE_SHARE", 1e9)
    run = begin(pane, desk, qtbot)
    desk.advance(8)
    n = len(run.steps)
    network = desk.lm.transformer
    for parameter in network.parameters():
        parameter.data.mul_(float("nan"))
    finish(pane, desk)
    assert run.finished is not None
    assert run.finished.reason == "diverged"
    assert "finite" in pane.status.text()
    assert theme.current().bad in pane.status.styleSheet()
    x, y = pane.plots.loss.train.getOriginalDataset()
    assert len(x) >= n
    assert np.isfinite(y[:n]).all()
    assert pane.plots.loss.isVisible()


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on no snapshot finds room."""

    def refuse(folder: RunFolder, *arguments: object) -> Path:
        raise RunError(f"The snapshot in {folder.path} can't be written: No space left on device.")

    monkeypatch.setattr(RunFolder, "save_snapshot", refuse)


def test_a_run_that_cannot_be_saved_says_so_and_its_model_stays(
    pane: TrainingPane,
    desk: Desk,
    live_store: Store,
    qtbot: QtBot,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    run = begin(pane, desk, qtbot)
    desk.advance(8)
    n = len(run.steps)
    request.getfixturevalue("full_disk")
    click(qtbot, pane.controls.stop)
    finish(pane, desk)
    assert "No space left on device" in pane.status.text()
    assert len(run.steps) >= n
    assert not run.running
    assert live_store.model is not None
    assert live_store.model.path == run.started.run_dir
    assert not live_store.model.training
    live_store.set_prompt("She sang.")
    assert live_store.read is not None
    assert live_store.read.text == "She sang."
    # Saved elsewhere: what was learned, not what the run folder holds of it.
    network = desk.lm.transformer
    live_store.saving.save(str(tmp_path / "rescued"))
    desk.finish()
    rescued = model.open(tmp_path / "rescued").transformer
    assert torch.equal(rescued.embed.weight, network.embed.weight)


@pytest.mark.parametrize("diverged", [False, True])
def test_a_run_that_breaks_leaves_its_model_unless_that_is_no_numbers(
    pane: TrainingPane,
    desk: Desk,
    live_store: Store,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    diverged: bool,
) -> None:
    before = live_store.model
    assert before is not None
    run = begin(pane, desk, qtbot)
    if diverged:
        with torch.no_grad():
            desk.lm.transformer.embed.weight[3, 5] = float("nan")

    def break_off() -> None:
        raise MemoryError("no memory is left")

    monkeypatch.setattr(desk.engine.place.run, "next_event", break_off)
    finish(pane, desk)
    assert not run.running
    assert live_store.model is not None
    assert live_store.model.path == (before.path if diverged else run.started.run_dir)


def test_who_opens_another_model_while_one_learns_follows_it_no_more(
    pane: TrainingPane, desk: Desk, live_store: Store, qtbot: QtBot
) -> None:
    run = begin(pane, desk, qtbot)
    live_store.opening.open(str(STORY_WORLD))
    pane.refresh_now()
    assert live_store.model is not None
    assert live_store.model.name == "story-world"
    assert pane.heading.view.text() == "The panes show story-world"
    click(qtbot, pane.heading.show_button)
    assert live_store.model.path == run.started.run_dir
    pane.refresh_now()
    assert pane.heading.view.text() == "The panes show it"
    assert not pane.heading.show_button.isVisible()
    finish(pane, desk)


def test_the_finished_run_of_another_model_says_so_and_is_shown_by_one_click_from_memory(
    pane: TrainingPane, desk: Desk, live_store: Store, qtbot: QtBot
) -> None:
    bundled = live_store.model
    run = begin(pane, desk, qtbot)
    finish(pane, desk)
    learned = live_store.model
    assert learned is not None
    assert live_store.run.in_view(run)
    live_store.run.follow(False)
    assert live_store.model == bundled
    shutil.rmtree(run.run_dir)
    pane.refresh_now()
    assert pane.heading.isVisible()
    assert pane.heading.name.text() == "Run tiny"
    assert pane.heading.place.text() == run.run_dir
    assert pane.heading.view.text() == "The panes show story-world"
    click(qtbot, pane.heading.show_button)
    assert live_store.model == learned
    pane.refresh_now()
    assert pane.heading.view.text() == "The panes show it"


def test_a_low_pane_says_so_too(
    pane: TrainingPane, desk: Desk, live_store: Store, qtbot: QtBot
) -> None:
    begin(pane, desk, qtbot)
    finish(pane, desk)
    pane.resize(1000, 200)
    pane.invalidate()
    pane.refresh_now()
    assert not pane.heading.isVisible(), "the header names it"
    live_store.run.follow(False)
    pane.refresh_now()
    assert pane.heading.isVisible()


def test_analogies_are_drawn_by_rank_and_share(
    pane: TrainingPane, desk: Desk, qtbot: QtBot
) -> None:
    pane.form.set_recipe(
        replace(QUICK, tokenizer="bpe:1200", data_tokens=40_000, steps=4, eval_every=0)
    )
    pane.refresh_now()
    run = begin(pane, desk, qtbot)
    finish(pane, desk)
    assert run.analogies, "king, man, woman and queen should be tokens of the world's own BPE"
    x, y = pane.plots.analogies.rank.getOriginalDataset()
    np.testing.assert_array_equal(x, [event.step for event in run.analogies])
    n_words = run.started.info.config.d_vocab
    ranks = n_words ** (1 - y)
    np.testing.assert_allclose(ranks, [event.rank for event in run.analogies], rtol=1e-9)
    _, y = pane.plots.analogies.share.getOriginalDataset()
    np.testing.assert_array_equal(y, [event.share for event in run.analogies])
    assert run.analogies[-1].expression in pane.header_note()
    figures = {figure.label: figure.value for figure in pane.figures.figures}
    last = run.analogies[-1]
    assert figures["rank"] == f"{last.rank:,} ({last.rank_all_words:,})"


def test_samples_follow_and_earlier_ones_can_be_read(
    pane: TrainingPane, desk: Desk, qtbot: QtBot
) -> None:
    begin(pane, desk, qtbot)
    finish(pane, desk)
    run = run_of(desk.store)
    assert len(run.samples) == 2
    assert pane.samples.text.toPlainText() == run.samples[-1].text
    assert "step 20" in pane.samples.title.text()
    click(qtbot, pane.samples.earlier)
    assert pane.samples.text.toPlainText() == run.samples[0].text
    pane.samples.show_samples(run.samples, 20)
    assert pane.samples.at == 0, "who looks at an earlier one keeps it"
    run.samples.append(Sampled(30, "more"))
    pane.samples.show_samples(run.samples, 20)
    assert pane.samples.at == 0
    click(qtbot, pane.samples.later)
    click(qtbot, pane.samples.later)
    assert pane.samples.text.toPlainText() == "more"


def test_the_sample_is_that_of_the_step_in_view(qtbot: QtBot) -> None:
    view = SampleView()
    qtbot.addWidget(view)
    samples = [Sampled(step, f"at {step}") for step in (10, 20, 30)]
    for step, text in ((25, "at 20"), (20, "at 20"), (30, "at 30"), (5, "at 10"), (None, "at 30")):
        view.show_samples(samples, step)
        assert view.text.toPlainText() == text, step
    view.show_samples(samples, 30)
    samples.append(Sampled(40, "at 40"))
    view.show_samples(samples, 30)
    assert view.text.toPlainText() == "at 30", "a run that goes on moves no step in view"
    view.show_samples(samples)
    assert view.text.toPlainText() == "at 40"


# --------------------------------------------------------------------------- appearance


def test_nothing_overlaps_at_any_shape(pane: TrainingPane, desk: Desk, qtbot: QtBot) -> None:
    run = begin(pane, desk, qtbot)
    click(qtbot, pane.controls.pause)
    measured = m.AnalogyMeasured(
        request_id=run.started.request_id,
        step=1,
        expression="king − man + woman = queen",
        rank=5,
        rank_all_words=7,
        share=0.25,
        n=12,
    )
    desk.store.receive(measured)
    parts = [
        pane.content.form_area,
        pane.plots.loss,
        pane.plots.analogies,
        pane.figures,
        pane.samples,
    ]
    content = pane.content.inner
    for size in ((1000, 200), (855, 175), (300, 200), (420, 900), (1200, 800), (700, 420)):
        for form in (False, True):
            pane.controls.recipe.setChecked(form)
            pane.resize(*size)
            pane.invalidate()
            pane.refresh_now()
            QApplication.processEvents()
            shown = [part for part in parts if part.isVisible()]
            # In a wide pane of 200 pixels or less the samples make room for the figures.
            assert len(shown) == 4 + form - (size in ((1000, 200), (855, 175)))
            boxes = [part.rect().translated(part.mapTo(content, QPoint())) for part in shown]
            for i, box in enumerate(boxes):
                assert content.rect().contains(box), (size, shown[i])
                assert box.width() >= 80, (size, shown[i])
                assert box.height() >= 18, (size, shown[i])
                for j in range(i):
                    assert not box.intersects(boxes[j]), (size, shown[i], shown[j])
            assert content.width() <= pane.content.viewport().width(), size
            if size[0] > 800:
                room = pane.content.viewport().height()
                assert content.height() <= room, "a short dock need not scroll"


def test_a_theme_change_recolours_the_plot(pane: TrainingPane, desk: Desk, qtbot: QtBot) -> None:
    begin(pane, desk, qtbot)
    finish(pane, desk)
    theme.set_current("light")
    desk.store.theme_changed.emit()
    pane.refresh_now()
    assert picture(pane).pixelColor(2, 2) == theme.current().color("panel")


def test_every_control_has_a_name_and_a_tooltip(pane: TrainingPane) -> None:
    for control in (
        pane.controls.recipe,
        pane.controls.start,
        pane.controls.pause,
        pane.controls.step,
        pane.controls.stop,
        pane.heading.again,
        pane.controls.axes,
        pane.heading.show_button,
        pane.place_button,
        *(field.editor for field in pane.form.fields),
    ):
        assert control.accessibleName()
        assert control.toolTip()


# ------------------------------------------------------------------------------ figures


def test_a_growing_table_keeps_every_row() -> None:
    table = GrowingTable("a", "b")
    for i in range(1000):
        table.extend([(i, -i)])
    np.testing.assert_array_equal(table["a"], np.arange(1000))
    np.testing.assert_array_equal(table["b"], -np.arange(1000))


@pytest.mark.parametrize(
    ("seconds", "words"), [(8.24, "8.2 s"), (65, "1:05 min"), (7800, "2:10 h"), (59.99, "60.0 s")]
)
def test_time_spans(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_events_that_the_pane_draws_are_the_trainers() -> None:
    # The pane reads these by name: a rename must not pass unseen.
    assert {"step", "val_loss", "bits_per_byte"} <= set(Evaluated.__slots__)
    assert {"reason", "message"} <= set(Finished.__slots__)


def test_the_form_folds_away_whoever_starts_the_run(
    pane: TrainingPane, desk: Desk, tmp_path: Path
) -> None:
    assert pane.form.isVisible()
    desk.store.run.start(QUICK, str(tmp_path / "elsewhere"))
    while desk.store.run.current is None:
        assert desk.engine.busy
        desk.advance()
    pane.refresh_now()
    assert run_of(desk.store).running
    assert not pane.form.isVisible()
    pane.stop()
    finish(pane, desk)


def test_plots_have_the_axes_that_they_need(qtbot: QtBot) -> None:
    from gui.panes.training.analogy_plot import AnalogyPlot
    from gui.panes.training.loss_plot import LossPlot

    for plot, wanted in ((LossPlot(), {"left", "bottom"}), (AnalogyPlot(), {*SIDES[:3]})):
        qtbot.addWidget(plot)
        item = plot.plot.getPlotItem()
        assert {side for side in SIDES if item.getAxis(side).isVisible()} == wanted


SIDES = ("left", "bottom", "right", "top")


# ----------------------------------------------------------------------- a run that is reopened


def reopened(
    pane: TrainingPane, desk: Desk, qtbot: QtBot, *, stop_at: int = 0, path: str = ""
) -> Run:
    """A run of an earlier session, opened again in a window that knows nothing of it."""
    recipe, folder = replace(QUICK, lr=2e-3, snapshot_every=5), pane.runs_dir / "earlier"
    training = Training(recipe, folder)
    for event in training.events():
        if isinstance(event, StepDone) and event.step == stop_at:
            training.stop()
    desk.store.set_prompt("The king")
    desk.store.opening.open(str(folder / path))
    finish(pane, desk)
    run = desk.store.run.recorded
    assert run is not None
    return run


def test_a_run_folder_that_is_opened_shows_curve_recipe_and_samples(
    pane: TrainingPane, desk: Desk, qtbot: QtBot
) -> None:
    run = reopened(pane, desk, qtbot)
    kept = read_metrics(Path(run.run_dir))
    x, y = pane.plots.loss.train.getOriginalDataset()
    there = ~np.isnan(kept["train_loss"])
    np.testing.assert_array_equal(x, kept["step"][there])
    np.testing.assert_array_equal(y, kept["train_loss"][there])
    assert pane.plots.loss.isVisible()
    assert pane.form.recipe() == replace(QUICK, lr=2e-3, snapshot_every=5)
    assert pane.samples.text.toPlainText() == run.samples[-1].text
    assert "Sample 2/2 · step 20" in pane.samples.title.text()
    assert pane.heading.name.text() == "Run earlier"
    assert pane.heading.view.text() == "The panes show it"
    assert pane.status.text() == "All 20 steps are done."
    assert pane.header_note() == "earlier · step 20 / 20"
    assert pane.controls.unit_actions["bits_per_byte"].isEnabled()
    assert not pane.controls.pause.isEnabled()
    assert "All 20 steps" in pane.controls.pause.toolTip(), "why there is nothing to resume"
    assert pane.controls.start.isEnabled()


def test_resume_goes_on_from_the_saved_state_under_one_curve(
    pane: TrainingPane, desk: Desk, qtbot: QtBot
) -> None:
    run = reopened(pane, desk, qtbot, stop_at=7)
    snapshot = desk.store.model
    assert pane.status.text() == "Ended at step 7 of 20."
    assert pane.controls.pause.text() == "Resume"
    click(qtbot, pane.controls.pause)
    finish(pane, desk)
    current = run_of(desk.store)
    assert current.run_dir == run.run_dir
    assert [event.step for event in current.steps] == list(range(1, 21))
    x, _ = pane.plots.loss.train.getOriginalDataset()
    np.testing.assert_array_equal(x, range(1, 21))
    assert desk.store.opened == snapshot, "the snapshot that was open stays beside it"
    assert desk.store.run.following
    assert pane.controls.pause.text() == "Pause"


def test_a_run_that_was_stopped_here_can_be_resumed_here(
    pane: TrainingPane, desk: Desk, qtbot: QtBot
) -> None:
    first = begin(pane, desk, qtbot)
    click(qtbot, pane.controls.stop)
    finish(pane, desk)
    click(qtbot, pane.controls.pause)
    finish(pane, desk)
    run = run_of(desk.store)
    assert run is not first
    assert [event.step for event in run.steps] == list(range(1, 21))


def test_a_run_that_can_not_be_taken_up_says_why_beside_its_curve(
    pane: TrainingPane, desk: Desk, qtbot: QtBot
) -> None:
    run = reopened(pane, desk, qtbot, stop_at=7)
    shutil.rmtree(Path(run.run_dir, "state"))
    click(qtbot, pane.controls.pause)
    finish(pane, desk)
    assert "can't be resumed" in pane.status.text()
    assert theme.current().bad in pane.status.styleSheet()
    assert not pane.place_button.isVisible(), "no other place would help"
    assert desk.store.run.shown is run


@pytest.mark.parametrize(("path", "step"), [("", 20), ("snapshots/step-000010", 10)])
def test_start_again_begins_a_new_run_with_the_weights_of_the_open_snapshot(
    pane: TrainingPane, desk: Desk, qtbot: QtBot, path: str, step: int
) -> None:
    run = reopened(pane, desk, qtbot, path=path)
    learned = desk.lm.transformer.embed.weight.clone()
    assert f"step {step}" in pane.heading.again.toolTip()
    click(qtbot, pane.heading.again)
    while not desk.store.run.running:
        desk.advance()
    torch.testing.assert_close(desk.lm.transformer.embed.weight, learned, rtol=0, atol=0)
    finish(pane, desk)
    again = run_of(desk.store)
    assert again.run_dir != run.run_dir
    assert again.recipe.n_layers == run.recipe.n_layers
    assert again.recipe.weights == str(Path(run.run_dir, f"snapshots/step-{step:06d}"))
    assert [event.step for event in again.steps] == list(range(1, 21))
    assert len(list(pane.runs_dir.iterdir())) == 2


def test_beside_a_run_that_goes_on_the_buttons_of_a_reopened_one_say_where_its_are(
    pane: TrainingPane, desk: Desk, qtbot: QtBot
) -> None:
    begin(pane, desk, qtbot)
    click(qtbot, pane.controls.pause)
    shown = reopened(pane, desk, qtbot, stop_at=7)
    assert desk.store.run.shown is shown
    assert pane.heading.name.text() == "Run earlier"
    for button in (pane.controls.start, pane.controls.pause, pane.controls.stop):
        assert not button.isEnabled()
    assert "Run tiny is going" in pane.controls.pause.toolTip()
    assert not pane.heading.again.isVisible()
    assert not pane.progress.isVisible(), "no progress of another run above this curve"


def test_a_folder_that_says_nothing_of_its_run_says_why(
    pane: TrainingPane, desk: Desk, qtbot: QtBot
) -> None:
    run = reopened(pane, desk, qtbot)
    Path(run.run_dir, "run.toml").write_text("[recipe]\nlayers = 1\n")
    desk.store.opening.open(run.run_dir)
    finish(pane, desk)
    assert "no usable recipe" in pane.status.text()
    assert desk.store.run.shown is None


# ------------------------------------------------------------------------------ where runs are


def test_the_summary_says_the_whole_path_and_none_of_it_is_cut(
    pane: TrainingPane, tmp_path: Path
) -> None:
    deep = tmp_path / ("a-folder-with-a-long-name-" * 4) / "and-another"
    pane.runs_dir = deep
    pane.refresh_now()
    QApplication.processEvents()
    assert str(deep / QUICK.name) in pane.form.summary.text()
    for width in (250, 600, 1000):
        pane.resize(width, 600)
        QApplication.processEvents()
        summary = pane.form.summary
        assert summary.width() <= pane.content.viewport().width()
        assert summary.height() >= summary.heightForWidth(summary.width())


def test_a_folder_is_chosen_in_the_form_and_remembered(
    desk: Desk, qtbot: QtBot, tmp_path: Path
) -> None:
    pane = TrainingPane(desk.store)
    qtbot.addWidget(pane)
    assert pane.runs_dir.is_absolute()
    assert "runs_dir" not in pane.remember(), "what was only proposed is proposed anew elsewhere"
    pane.resize(1000, 420)
    pane.show()
    qtbot.waitExposed(pane)
    click(qtbot, pane.form.place)
    dialog = pane.findChild(QFileDialog, "runs_dir_dialog")
    assert dialog is not None
    dialog.fileSelected.emit(str(tmp_path / "mine"))
    dialog.close()
    assert pane.runs_dir == tmp_path / "mine"
    assert str(tmp_path / "mine") in pane.form.place.toolTip()
    again = TrainingPane(desk.store)
    qtbot.addWidget(again)
    again.recall(pane.remember())
    assert again.runs_dir == tmp_path / "mine"


@pytest.mark.parametrize("kept", [None, 3, "", "runs", "/a\0b", ["/a"], {"a": 1}, float("nan")])
def test_a_remembered_folder_that_is_none_is_passed_over(
    desk: Desk, qtbot: QtBot, kept: object
) -> None:
    pane = TrainingPane(desk.store)
    qtbot.addWidget(pane)
    pane.recall({"runs_dir": kept})
    assert pane.runs_dir == runs_folder.proposed()


def test_a_folder_that_can_not_be_made_is_said_with_a_button_that_chooses_another(
    pane: TrainingPane, desk: Desk, qtbot: QtBot, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    pane.runs_dir = tmp_path / "file" / "runs"
    pane.refresh_now()
    click(qtbot, pane.controls.start)
    finish(pane, desk)
    assert str(pane.runs_dir) in pane.status.text()
    click(qtbot, pane.place_button)
    dialog = pane.findChild(QFileDialog, "runs_dir_dialog")
    assert dialog is not None
    dialog.fileSelected.emit(str(tmp_path / "elsewhere"))
    dialog.close()
    pane.refresh_now()
    assert not pane.status.isVisible(), "it is no longer true"
    assert not pane.place_button.isVisible()
    begin(pane, desk, qtbot)
    finish(pane, desk)
    assert (tmp_path / "elsewhere" / QUICK.name / "run.toml").is_file()


def test_without_a_working_folder_that_can_be_written_runs_go_to_a_persons_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path)
    assert runs_folder.proposed() == tmp_path / "runs"
    refused = {tmp_path}
    real = os.access
    monkeypatch.setattr(os, "access", lambda p, mode: Path(p) not in refused and real(p, mode))
    own = runs_folder.proposed()
    assert own.is_relative_to(tmp_path / "home")
    refused.add(tmp_path / "home")
    (tmp_path / "data").mkdir()
    assert runs_folder.proposed() == tmp_path / "data" / "Glassformer" / "runs"
    monkeypatch.chdir("/")
    assert runs_folder.proposed() != Path("/runs")


def test_a_working_folder_that_was_removed_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert runs_folder.proposed().is_absolute()
    monkeypatch.chdir(tmp_path)


def test_a_long_curve_is_taken_in_bit_by_bit_to_its_end(
    pane: TrainingPane, desk: Desk, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gui.panes.training.pane.ROWS_A_FRAME", 3)
    reopened(pane, desk, qtbot)

    def drawn() -> list[float]:
        return list(pane.plots.loss.train.getOriginalDataset()[0])

    assert 0 < len(drawn()) < 20
    qtbot.waitUntil(lambda: len(drawn()) == 20, timeout=10_000)
    assert len(pane.export_data()["train_loss"].values) == 20


def test_a_recipe_that_is_proposed_stands_in_the_form(pane: TrainingPane) -> None:
    recipe = replace(PRESETS["minute"], name="own", tokenizer="/somewhere/own.json")
    pane.store.run.proposed.emit(recipe)
    assert pane.form.recipe().tokenizer == "/somewhere/own.json"
    assert pane.form.recipe().name == "own"
    assert pane.controls.recipe.isChecked()
    assert not pane.store.run.going


def test_switches_are_folded_until_a_fast_recipe_has_them(pane: TrainingPane) -> None:
    pane.form.set_recipe(PRESETS["minute"])
    matrix_rate = next(
        f for f in pane.form.switches.fields if "Matrix" in f.editor.accessibleName()
    )
    pane.controls.recipe.setChecked(True)
    pane.refresh_now()
    assert not matrix_rate.isVisible()
    pane.form.speed.click()
    assert matrix_rate.isVisible()
    pane.form.speed.click()
    assert not matrix_rate.isVisible()
    pane.form.set_recipe(replace(PRESETS["fast"], data="world"))
    assert matrix_rate.isVisible()
