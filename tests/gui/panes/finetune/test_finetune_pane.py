"""The Fine-tune pane on a real trainer: what it begins, says of the run, and compares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

import model
from gui.panes.finetune.pane import FinetunePane, losses
from gui.session import runs_folder
from gui.session.store import Store
from gui.widgets.paste_dialog import PasteDialog
from model.slices import finish
from model.train.moved import moving
from model.train.run_folder import read_recipe
from tests.gui.desk import Desk

TEXT = "The fox and the hen met at the river and they spoke of rain . " * 80


@pytest.fixture
def pane(
    desk: Desk, live_store: Store, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> FinetunePane:
    monkeypatch.setattr(runs_folder, "proposed", lambda: tmp_path / "runs")
    (tmp_path / "new.txt").write_text(TEXT)
    pane = FinetunePane(live_store)
    qtbot.addWidget(pane)
    pane.resize(620, 430)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.refresh_now()
    pane.form.choose_file("text", str(tmp_path / "new.txt"))
    pane.form.n_ctx.setValue(8)
    pane.form.batch_size.setValue(2)
    pane.form.steps.setValue(3)
    return pane


def ended(desk: Desk, pane: FinetunePane) -> None:
    for _ in range(4000):
        if desk.store.run.current is not None and not desk.store.run.running:
            break
        desk.advance()
    pane.refresh_now()  # what can be seen asks what was changed
    for _ in range(4000):
        if desk.store.tuning.found is not None:
            break
        desk.advance()
    pane.refresh_now()


def test_it_tunes_the_model_in_view_and_says_which_weights_moved(
    desk: Desk, pane: FinetunePane
) -> None:
    store = desk.store
    assert store.model is not None
    weights = store.model.path
    pane.form.old.setCurrentIndex(1)
    pane.form._choose_old(1)
    pane.start_button.click()
    ended(desk, pane)
    run = store.run.current
    assert run is not None
    recipe = read_recipe(Path(run.run_dir))
    assert (recipe.tuning, recipe.weights, recipe.steps) == ("lora", weights, 3)
    before = model.open(f"{run.run_dir}/snapshots/step-000000", "cpu", "float32")
    after = model.open(run.run_dir, "cpu", "float32")
    expected = finish(moving(before.transformer, after.transformer))
    assert pane.moved.rows == expected
    assert {row.name for row in expected if not row.norm} >= {"embed.weight", "ln_final.w"}
    assert pane.moved.rows[0].name in pane.words.text()
    first, last = run.evaluations[0], run.evaluations[-1]
    assert f"{first.val_loss:.3f} → {last.val_loss:.3f}" in pane.words.text()
    assert f"older text {first.old_loss:.3f} → {last.old_loss:.3f}" in losses(run)
    drawn = pane.export_data()["relative"].values
    np.testing.assert_array_equal(drawn, [row.relative for row in expected])
    found: dict[str, object] = {}
    exec(pane.code(), found)
    assert found["moved"] == expected


def test_the_prompt_is_compared_before_and_after(desk: Desk, pane: FinetunePane) -> None:
    pane.start()
    ended(desk, pane)
    assert pane.compare_button.isEnabled()
    pane.compare_button.click()
    comparing, timeline = desk.store.comparing, desk.store.timeline
    assert (comparing.kind, comparing.at_step, comparing.view) == ("step", 3, "difference")
    assert timeline.wanted == 0  # A is the model before


def test_a_model_that_is_tuned_keeps_what_was_chosen_in_the_form(
    desk: Desk, pane: FinetunePane
) -> None:
    pane.start()
    ended(desk, pane)
    assert pane.form.steps.value() == 3
    pane.form.kind.buttons["full"].click()
    pane.refresh_now()
    recipe = pane._recipe()
    assert recipe is not None
    assert (recipe.tuning, recipe.lr) == ("full", 1e-4)
    assert not pane.form.rank.isEnabled()
    assert "all of its weights learn" in pane.subject.text()


def test_a_text_that_is_too_short_is_said_in_the_pane_and_the_form_stays(
    desk: Desk, pane: FinetunePane, tmp_path: Path
) -> None:
    assert pane.empty.isVisible()
    (tmp_path / "short.txt").write_text("hi")
    pane.form.choose_file("text", str(tmp_path / "short.txt"))
    pane.start_button.click()
    for _ in range(200):
        desk.advance()
    pane.refresh_now()
    assert "too short" in pane.status.text()
    assert pane.start_button.isEnabled(), "the file may be another one by now"
    assert pane.form.steps.value() == 3
    pane.form.choose_file("text", str(tmp_path / "new.txt"))
    pane.refresh_now()
    assert pane.status.text() == ""


def test_a_run_of_a_snapshot_is_named_after_its_run_and_is_looked_at_often(
    desk: Desk, pane: FinetunePane
) -> None:
    pane.form.steps.setValue(40)
    recipe = pane._recipe()
    assert recipe is not None
    assert (recipe.curves_every, recipe.snapshot_every, recipe.eval_every) == (2, 5, 5)
    pane.form.steps.setValue(3)
    pane.start()
    ended(desk, pane)
    run = desk.store.run.current
    assert run is not None
    desk.store.timeline.go_to(0)
    while desk.engine.busy:
        desk.advance()
    assert Path(desk.store.tuning.weights).name == "step-000000"
    recipe = pane._recipe()
    assert recipe is not None
    assert recipe.name == f"{run.name}-lora"


def test_a_pasted_text_is_kept_in_a_file_and_learned_from(
    desk: Desk, pane: FinetunePane, tmp_path: Path
) -> None:
    at = pane.form.text.findText("paste a text…")
    pane.form._choose_text(at)
    dialog = pane.findChild(PasteDialog)
    assert dialog is not None
    assert not dialog.use_button.isEnabled(), "there is nothing yet"
    assert pane.form.data == str(tmp_path / "new.txt"), "all stays until a text is there"
    dialog.editor.setPlainText("Überall: the pirate said arr.\n" * 40)
    dialog.use_button.click()
    kept = Path(pane.form.data)
    assert kept.parent == tmp_path / "runs" / "texts"
    assert kept.name.startswith("überall-the-pirate-")
    assert kept.read_text("utf-8") == "Überall: the pirate said arr.\n" * 40
    assert pane.form.text.currentText() == kept.name
    recipe = pane._recipe()
    assert recipe is not None
    assert recipe.data == str(kept)
