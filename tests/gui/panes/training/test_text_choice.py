"""What a recipe learns from, chosen in the form: tasks, folders, and the open model's tokenizer."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from gui.panes.training.pane import TrainingPane
from gui.widgets.paste_dialog import PasteDialog
from model.train.recipe import TASK_TOKENIZER, WORLD
from model.train.task_presets import TASK_PRESETS, recipe_of_task
from resources import STORY_WORLD
from tests.gui.desk import Desk


@pytest.fixture
def pane(desk: Desk, qtbot: QtBot, tmp_path: Path) -> TrainingPane:
    pane = TrainingPane(desk.store)
    qtbot.addWidget(pane)
    pane.runs_dir = tmp_path / "runs"
    pane.resize(620, 900)
    pane.show()
    qtbot.waitExposed(pane)
    return pane


def choose(pane: TrainingPane, words: str) -> None:
    data = pane.form.data
    at = data.findText(words)
    assert at >= 0, words
    data.setCurrentIndex(at)
    data.activated.emit(at)


def test_a_task_comes_with_its_own_recipe_and_a_text_takes_it_away(pane: TrainingPane) -> None:
    form = pane.form
    choose(pane, "task: modular addition")
    assert form.recipe() == TASK_PRESETS["modular-addition"]
    assert form.trouble() == ""
    assert form.preset.currentText() == "modular-addition"
    assert form.tokenizer.currentText() == "the task's own"
    assert not form.n_ctx.isEnabled()
    assert "per token" not in form.summary.text()  # its vocabulary is known
    choose(pane, "story world")
    assert form.recipe().data == WORLD
    assert form.recipe().tokenizer != TASK_TOKENIZER
    assert form.n_ctx.isEnabled()
    assert form.trouble() == ""


def test_a_task_of_another_size_is_shown_in_words(pane: TrainingPane) -> None:
    recipe = recipe_of_task("sorting:12")
    pane.form.set_recipe(recipe)
    assert pane.form.data.currentText() == "task: sorting, 12 digits"
    assert pane.form.recipe() == recipe


def test_a_folder_is_asked_for_and_trained_on(
    pane: TrainingPane, qtbot: QtBot, tmp_path: Path
) -> None:
    (tmp_path / "my books").mkdir()
    choose(pane, "task: sorting")
    choose(pane, "choose a folder…")
    assert pane.form.recipe().data == "task:sorting"  # until there is one
    (dialog,) = pane.form.findChildren(QFileDialog)
    assert dialog.fileMode() == QFileDialog.FileMode.Directory
    dialog.fileSelected.emit(str(tmp_path / "my books"))
    dialog.close()
    assert pane.form.data.currentText() == "my books"
    assert pane.form.recipe().data == str(tmp_path / "my books")
    assert pane.form.trouble() == ""


def test_the_open_models_tokenizer_is_offered(pane: TrainingPane, desk: Desk) -> None:
    desk.store.opening.open(str(STORY_WORLD))
    desk.finish()
    model = desk.store.model
    assert model is not None
    choice = pane.form.tokenizer
    at = choice.findText(f"of {model.name}")
    assert at >= 0
    choice.setCurrentIndex(at)
    assert pane.form.recipe().tokenizer == model.path
    # Another model is offered then, and the one that was chosen stays.
    choice.offer_open_model("other", "elsewhere")
    assert choice.findText("of other") >= 0
    assert pane.form.recipe().tokenizer == model.path
    choice.offer_open_model("", "")
    assert choice.findText("of other") < 0


def test_a_pasted_text_names_the_run_and_lies_beside_runs(
    pane: TrainingPane, tmp_path: Path
) -> None:
    choose(pane, "paste a text…")
    assert pane.form.recipe().data == WORLD
    dialog = pane.form.findChild(PasteDialog)
    assert dialog is not None
    dialog.editor.setPlainText("To be, or not to be. " * 50)
    dialog.use_button.click()
    recipe = pane.form.recipe()
    assert Path(recipe.data).parent == tmp_path / "runs" / "texts"
    assert recipe.name == Path(recipe.data).stem
    assert recipe.name.startswith("to-be-or-")
    assert pane.form.trouble() == ""
