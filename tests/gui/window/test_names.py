"""A folder may be called ``a&b <b>c``: wherever a name stands, it is shown as it is written."""

from __future__ import annotations

import html
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtGui import Qt as GuiQt
from PySide6.QtWidgets import QAbstractButton, QLabel, QMainWindow, QMenu, QTableWidget, QWidget
from pytestqt.qtbot import QtBot

from gui.opening.open_dialog import OpenDialog
from gui.opening.preview_card import PreviewCard
from gui.opening.recent_list import RecentList
from gui.panes.neurons.texts_view import TextsView
from gui.panes.runs.pane import RunsPane
from gui.panes.training.branch_line import BranchLine
from gui.panes.training.pane import TrainingPane
from gui.session.store import Store
from gui.settings import Settings
from gui.widgets.text import as_written, no_mnemonic
from gui.window.files import Files
from gui.window.pane_host import PaneHost
from gui.window.status_bar import StatusBar
from gui.window.top_bar import TopBar
from model.train import preset
from model.train.branching.record import Departure
from model.train.loop import train
from resources import STORY_WORLD
from tests.gui.desk import Desk

NAME = "<b>a&b <i>c"
"""Qt takes the beginning for HTML, and the letter behind the ampersand for a key."""


def said_of(widget: QWidget) -> list[str]:
    """What a widget and its parts show of the name; fails where that is not as it is written."""
    found: list[str] = []
    for one in (widget, *widget.findChildren(QWidget)):
        if "a&b" in html.unescape(one.toolTip()):
            tip = one.toolTip()
            rich = GuiQt.mightBeRichText(tip)
            assert not rich or html.escape(NAME, quote=False) in tip, f"tip of {one}: {tip}"
            found.append("tip")
        if isinstance(one, QLabel) and "&b" in one.text():
            plain = one.textFormat() is Qt.TextFormat.PlainText
            assert plain or not GuiQt.mightBeRichText(one.text()), f"{one}: {one.text()}"
            found.append("label")
        if isinstance(one, QAbstractButton) and "b" in one.text() and "<i>" in one.text():
            assert NAME.replace("&", "&&") in one.text(), f"{one}: {one.text()}"
            found.append("button")
        if isinstance(one, QTableWidget):
            cells = [(row, at) for row in range(one.rowCount()) for at in range(one.columnCount())]
            for tip in (item.toolTip() for cell in cells if (item := one.item(*cell))):
                if "a&b" in html.unescape(tip):
                    rich = GuiQt.mightBeRichText(tip)
                    assert not rich or html.escape(NAME, quote=False) in tip, f"cell's tip: {tip}"
                    found.append("cell")
    for action in widget.findChildren(QAction):
        if "<i>" in action.text():
            assert "a&&b" in action.text(), action.text()
            found.append("action")
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STORY_WORLD, tmp_path / NAME))


@pytest.fixture
def store(desk: Desk, folder: Path) -> Store:
    desk.store.set_prompt("The king")
    desk.store.opening.open(str(folder))
    while desk.store.opening.going:
        desk.advance()
    assert desk.store.model is not None
    assert desk.store.model.name == NAME
    return desk.store


def test_the_bars_of_the_window_show_it(qtbot: QtBot, store: Store) -> None:
    bar = TopBar(store, ("Explore",))
    status = StatusBar(store)
    for widget in (bar, status):
        qtbot.addWidget(widget)
        widget.refresh()
    assert "button" in said_of(bar)
    store.exporting.path = Path(f"{NAME}.csv")
    status.refresh()
    store.exporting.path = None
    assert "tip" in said_of(status)


def test_the_menu_of_recent_checkpoints_shows_it(
    qtbot: QtBot, store: Store, folder: Path, desk: Desk
) -> None:
    settings = Settings(recent=[str(folder), f"/gone/{NAME}"], recent_lines={str(folder): NAME})
    window = QMainWindow()
    qtbot.addWidget(window)
    host = PaneHost((), store, settings, window)
    files = Files(window, store, settings, host)
    menu: QMenu = files.recent_menu
    menu.aboutToShow.emit()
    texts = [action.text() for action in menu.actions()]
    assert texts == [
        f"{no_mnemonic(NAME)}    {no_mnemonic(NAME)}",
        f"/gone/{no_mnemonic(NAME)}",
    ]
    for action in menu.actions():
        assert html.escape(NAME, quote=False) in action.toolTip()


def test_the_dialog_that_opens_shows_it(
    qtbot: QtBot, store: Store, folder: Path, desk: Desk
) -> None:
    settings = Settings(recent=[str(folder)], recent_lines={str(folder): NAME})
    dialog = OpenDialog(store, settings)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.open()
    dialog.field.setText(str(folder))
    card = dialog.findChild(PreviewCard)
    assert card is not None
    for _ in range(200):
        desk.advance(5)
        qtbot.wait(1)
        if NAME in card.subtitle.text():
            break
    assert "label" in said_of(card)
    assert "tip" in said_of(dialog)
    recent = dialog.findChild(RecentList)
    assert recent is not None
    tips = [recent.item(row).toolTip() for row in range(recent.count())]
    shown, bundled = tips  # what was opened before, and what comes with the program
    assert html.escape(str(folder), quote=False) in shown
    assert NAME not in bundled
    dialog.close()


def test_the_recipe_of_a_run_shows_it(qtbot: QtBot, store: Store) -> None:
    pane = TrainingPane(store)
    qtbot.addWidget(pane)
    form = pane.form
    form.name.setText(NAME)
    form.name.textEdited.emit(NAME)
    qtbot.waitUntil(lambda: html.escape(NAME, quote=False) in form.summary.toolTip(), timeout=5000)
    assert said_of(pane)


def test_a_run_and_its_branches_show_it(qtbot: QtBot, desk: Desk, tmp_path: Path) -> None:
    recipe = replace(preset("tiny"), steps=2, n_layers=1, data_tokens=4_000, eval_batches=1)
    list(train(recipe, tmp_path / NAME / NAME))
    panes = RunsPane(desk.store), TrainingPane(desk.store)
    for pane in panes:
        qtbot.addWidget(pane)
        pane.show()
    desk.store.opening.open(str(tmp_path / NAME / NAME))
    while desk.store.opening.going or not desk.store.branching.runs:
        desk.advance()
    for pane in panes:
        pane.refresh_now()
    assert {"cell", "tip"} <= set(said_of(panes[0]))
    assert {"label", "tip"} <= set(said_of(panes[1].heading))


def test_a_file_of_texts_and_the_folder_of_runs_show_it(qtbot: QtBot) -> None:
    texts, line = TextsView(), BranchLine()
    for widget in (texts, line):
        qtbot.addWidget(widget)
    texts.set_source(f"/{NAME}.txt")
    line.show_departure(Departure(f"/{NAME}", 3), NAME, preset("tiny"))
    assert "tip" in said_of(texts)
    assert "tip" in said_of(line)


def test_only_what_looks_like_html_is_escaped() -> None:
    assert as_written("a&b <c>") == "a&b <c>", "Qt shows that as it is"
    assert as_written("token\n<b>") == "token\n<b>", "it looks at the first line alone"
    assert as_written("<s> id 1\nsecond") == (
        "<p style='white-space: pre-wrap'>&lt;s&gt; id 1<br>second</p>"
    )
    assert no_mnemonic("a&b\tc") == "a&&b c"
