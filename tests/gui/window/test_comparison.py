"""The bar at the top says what is compared, and chooses B and the side that is shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from gui.opening.open_dialog import OpenDialog
from gui.session.backend import Backend
from gui.session.store import Store
from gui.settings import Settings
from gui.widgets.offer_menu import OfferMenu
from gui.window.comparison import ComparisonControl, PromptDialog
from gui.window.main_window import MainWindow
from model.interventions import AblateHead
from model.language_model import LanguageModel
from tests.gui.desk import PROMPT, Desk

TEXT_B = "The king lost his crown. The duke lost her"


@pytest.fixture
def control(live_store: Store, qtbot: QtBot) -> ComparisonControl:
    control = ComparisonControl(live_store)
    qtbot.addWidget(control)
    with qtbot.waitExposed(control):
        control.show()
    return control


@pytest.fixture
def window(live_store: Store, qtbot: QtBot) -> Iterator[MainWindow]:
    """A window whose worker does not run: what is asked is answered by the desk."""
    window = MainWindow(live_store, Backend(), Settings())
    window.resize(1366, 768)
    with qtbot.waitExposed(window):
        window.show()
    yield window
    window.close()
    window.deleteLater()
    qtbot.wait(1)


def click(qtbot: QtBot, control: ComparisonControl, side: str) -> None:
    qtbot.mouseClick(control.segments.buttons[side], Qt.MouseButton.LeftButton)


def menu_of(control: ComparisonControl, qtbot: QtBot) -> OfferMenu:
    qtbot.mouseClick(control.button, Qt.MouseButton.LeftButton)
    found = QApplication.activePopupWidget()
    assert isinstance(found, OfferMenu)
    return found


def test_without_b_it_offers_one(control: ComparisonControl, qtbot: QtBot):
    assert control.button.text() == "Compare…"
    assert not control.segments.isVisible()
    menu = menu_of(control, qtbot)
    can = {action.text(): action.isEnabled() for action in menu.actions() if action.text()}
    assert can == {
        "Another prompt…": True,
        "Another model…": True,
        "After the interventions": False,
        "The training step in view": False,
        "No B": False,
    }
    menu.close()


def test_interventions_are_a_b(control: ComparisonControl, qtbot: QtBot):
    store = control._store
    store.intervening.add(AblateHead(0, 1))
    assert control.segments.isVisible()
    texts = [button.text() for button in control.segments.buttons.values()]
    assert texts == ["before", "after", "difference"]
    assert control.segments.current == "b"
    click(qtbot, control, "a")
    assert store.intervening.view == "before"
    assert store.interventions == ()
    store.intervening.clear()
    assert not control.segments.isVisible()


def test_another_prompt_is_typed_and_its_change_is_said(control: ComparisonControl, qtbot: QtBot):
    store = control._store
    dialog = PromptDialog(store, control)
    dialog.open()
    assert dialog.editor.toPlainText() == PROMPT
    dialog.editor.setPlainText("")
    assert not dialog.compare_button.isEnabled()
    dialog.editor.setPlainText(TEXT_B)
    qtbot.keyClick(dialog.editor, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert store.comparing.kind == "prompt"
    assert control.button.text() == "B  ·queen → ·duke"
    assert [button.text() for button in control.segments.buttons.values()] == ["A", "B", "B − A"]
    assert control.segments.current == "difference"
    click(qtbot, control, "b")
    assert store.prompt == TEXT_B
    qtbot.wait(1)
    assert not isValid(dialog)


def test_another_model_says_what_memory_it_takes(
    control: ComparisonControl, beside: LanguageModel, qtbot: QtBot
):
    assert "story-world-rounded" in control.button.toolTip()
    assert "1.14M parameters in float32: 4.55 MB of memory on cpu, beside A." in (
        control.button.toolTip()
    )
    assert "the same architecture" in control.button.toolTip()
    click(qtbot, control, "b")
    assert control._store.model == control._store.comparing.model
    assert control.segments.current == "b"
    click(qtbot, control, "difference")
    assert control.segments.current == "difference"


def test_the_next_side_by_key(window: MainWindow):
    comparing = window.store.comparing
    comparing.compare_prompt(TEXT_B)
    seen = []
    for _ in range(3):
        window._menus.actions["compare_step"].trigger()
        seen.append(comparing.view)
    assert seen == ["a", "b", "difference"]
    window._menus.actions["compare_stop"].trigger()
    assert comparing.kind == "changes"


def test_a_model_is_opened_beside_by_the_dialog_that_opens(
    window: MainWindow, rounded: Path, desk: Desk, qtbot: QtBot
):
    store = window.store
    a = store.model
    window.files.ask_open_beside()
    dialog = next(one for one in window.findChildren(OpenDialog) if one.isVisible())
    assert dialog.windowTitle() == "Compare with another model"
    dialog.choose(rounded)
    dialog.open_chosen()
    while store.opening.going:
        desk.advance()
    assert store.model is a
    assert store.comparing.model is not None
    assert store.comparing.model.path == str(rounded)
    qtbot.waitUntil(lambda: not isValid(dialog))
