"""The recipe before it runs: all its settings in a table, what it takes, and as a TOML file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QFileDialog, QLineEdit
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.training.estimate_line import said_of
from gui.panes.training.pane import TrainingPane
from gui.panes.training.settings_table import SettingsTable
from model import messages as m
from model.train import PRESETS, preset
from model.train.recipe import Recipe
from model.train.recipe_words import options, sections, sentence
from tests.gui.desk import Desk
from tests.gui.panes.training.test_training_pane import click, finish

TINY = replace(preset("tiny"), n_layers=1)


@pytest.fixture(autouse=True)
def dark() -> Iterator[None]:
    theme.set_current("dark")
    yield
    theme.set_current("dark")


@pytest.fixture
def pane(desk: Desk, qtbot: QtBot, tmp_path: Path) -> TrainingPane:
    pane = TrainingPane(desk.store)
    qtbot.addWidget(pane)
    pane.runs_dir = tmp_path / "runs"
    pane.form.set_recipe(TINY)
    pane.resize(620, 900)
    pane.show()
    qtbot.waitExposed(pane)
    pane.refresh_now()
    return pane


@pytest.fixture
def table(pane: TrainingPane, qtbot: QtBot) -> SettingsTable:
    click(qtbot, pane.form.files.all_button)
    return pane.form.settings


def cell(table: SettingsTable, name: str, column: int = 1) -> str:
    item = table.item(table.rows[name], column)
    assert item is not None
    return item.text()


def edit(table: SettingsTable, name: str) -> QLineEdit | QComboBox:
    table.setCurrentCell(table.rows[name], 1)
    item = table.currentItem()
    assert item is not None
    table.editItem(item)
    found: list[QLineEdit | QComboBox] = [
        *table.viewport().findChildren(QLineEdit),
        *table.viewport().findChildren(QComboBox),
    ]
    (editor,) = [one for one in found if one.isVisible()]
    return editor


def test_every_setting_is_in_the_table_with_a_sentence(table: SettingsTable) -> None:
    names = {field.name for field in fields(Recipe)}
    assert set(table.rows) == names == {name for part in sections().values() for name in part}
    for name, row in table.rows.items():
        item = table.item(row, 0)
        assert item is not None
        assert len(sentence(name)) > 8, name
        assert sentence(name) in item.toolTip()


def test_what_is_typed_is_in_the_recipe_and_the_presets_stands_beside(
    pane: TrainingPane, table: SettingsTable, qtbot: QtBot
) -> None:
    line = edit(table, "weight_decay")
    assert isinstance(line, QLineEdit)
    line.selectAll()
    QTest.keyClicks(line, "0.25")
    QTest.keyClick(line, Qt.Key.Key_Return)
    # A cell is read once the key has been handled.
    qtbot.waitUntil(lambda: pane.form.recipe() == replace(TINY, weight_decay=0.25))
    assert cell(table, "weight_decay") == "0.25"
    assert cell(table, "weight_decay", 2) == "0.1"
    assert cell(table, "beta1", 2) == "", "as the preset has it"
    assert cell(table, "n_layers", 2) == str(PRESETS["tiny"].n_layers)


def test_a_setting_with_few_values_has_a_list_of_them(
    pane: TrainingPane, table: SettingsTable, qtbot: QtBot
) -> None:
    choice = edit(table, "schedule")
    assert isinstance(choice, QComboBox)
    assert tuple(choice.itemText(i) for i in range(choice.count())) == options("schedule")
    choice.setCurrentText("linear")
    QTest.keyClick(choice, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: pane.form.recipe().schedule == "linear")


def test_what_cannot_be_read_is_said_and_changes_nothing(
    pane: TrainingPane, table: SettingsTable
) -> None:
    pane.form._take_setting("beta2", "much")
    assert "no number" in pane.form.problem.text()
    assert pane.form.recipe() == TINY
    pane.form._take_setting("beta2", "1.5")
    assert "beta2" in pane.form.trouble()
    pane.form._take_setting("beta2", "0.95")
    assert pane.form.trouble() == ""


def test_a_recipe_is_measured_before_it_runs(pane: TrainingPane, desk: Desk, qtbot: QtBot) -> None:
    assert pane.form.estimate.isHidden()
    click(qtbot, pane.form.estimate.button)
    pane.refresh_now()
    assert pane.form.estimate.button.text() == "Stop"
    finish(pane, desk)
    (measured,) = [r.estimate for r in desk.results if isinstance(r, m.RecipeMeasured)]
    words = pane.form.estimate.text()
    assert words == said_of(measured, 0)
    assert "a step" in words
    assert "optimiser" in words
    pane.form.steps.setValue(5_000)
    pane.refresh_now()
    longer = pane.form.estimate.text()
    assert longer not in ("", words), "reckoned for the other number of steps"
    pane.form.d_model.setValue(64)
    pane.refresh_now()
    assert pane.form.estimate.isHidden(), "another network was not measured"


def test_measuring_can_be_stopped(pane: TrainingPane, desk: Desk, qtbot: QtBot) -> None:
    click(qtbot, pane.form.estimate.button)
    pane.refresh_now()
    click(qtbot, pane.form.estimate.button)
    finish(pane, desk)
    assert not desk.store.recipes.going
    assert pane.form.estimate.button.text() == "Measure time"
    assert pane.form.estimate.isHidden()


def test_a_recipe_goes_to_a_file_and_comes_back(
    pane: TrainingPane, desk: Desk, tmp_path: Path
) -> None:
    recipe = replace(TINY, lr=0.0123, grad_clip=0.5, n_heads=1)
    pane.form.set_recipe(recipe)
    pane.form.files.ask_save()
    dialog = pane.findChild(QFileDialog, "recipe_save_dialog")
    assert dialog is not None
    path = tmp_path / "mine.toml"
    dialog.fileSelected.emit(str(path))
    dialog.close()
    finish(pane, desk)
    assert Recipe.from_file(path) == recipe
    pane.form.set_recipe(TINY)
    desk.store.recipes.read_file(str(path))
    finish(pane, desk)
    assert pane.form.recipe() == recipe
    path.write_text("lr = 'quick'", encoding="utf-8")
    desk.store.recipes.read_file(str(path))
    finish(pane, desk)
    assert [r for r in desk.results if isinstance(r, m.Failed) and "lr is" in r.message]
    assert pane.form.recipe() == recipe
