"""A folder and a line in the list are all that a pane needs: the sample is added and used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QImage
from PySide6.QtWidgets import QListWidget, QMenu
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from gui import theme
from gui.app import make_application
from gui.panes import PACKAGES, entries
from gui.program.program import Program
from gui.settings import Settings
from gui.window.arrangements import PERSPECTIVES, keys
from gui.window.dialogs import PaletteDialog
from tests.gui.pixels import pixels
from tests.gui.window.test_main_window import SOON, close_program
from tests.samples.pane.pane import StreamLengthPane

KEY = StreamLengthPane.entry.key
CTRL_ALT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier


@pytest.fixture
def program(qtbot: QtBot) -> Iterator[Program]:
    make_application("dark")
    settings = Settings(panes={KEY: {"sorted": True}})
    program = Program(settings, panes=entries((*PACKAGES, "tests.samples.pane")))
    program.window.show()
    program.start()
    qtbot.waitUntil(
        lambda: program.store.trace is not None and program.window.host.complete, timeout=SOON
    )
    yield program
    if isValid(program.window):
        close_program(qtbot, program)


def lengths(program: Program) -> np.ndarray:
    trace = program.store.trace
    assert trace is not None
    name = f"blocks.{program.store.selection.layer}.hook_resid_post"
    return np.linalg.norm(trace.activations[name][0], axis=1)


def shown_by_menu(program: Program) -> QAction:
    view = next(a.menu() for a in program.window.menuBar().actions() if a.text() == "&View")
    assert isinstance(view, QMenu)
    panes = next(a.menu() for a in view.actions() if a.text() == "&Panes")
    assert isinstance(panes, QMenu)
    return next(action for action in panes.actions() if action.text() == "Stream length")


def test_it_is_shown_by_the_menu_beside_the_others(qtbot: QtBot, program: Program) -> None:
    window, pane = program.window, program.window.host.get(StreamLengthPane)
    action = shown_by_menu(program)
    assert not action.isChecked()
    assert not pane.isVisible()
    action.trigger()
    qtbot.waitUntil(lambda: pane.isVisible() and not pane.dirty, timeout=SOON)
    qtbot.wait(50)
    dock = window.docks[KEY]
    assert action.isChecked()
    assert not dock.isFloating()
    others = [d for key, d in window.docks.items() if key != KEY and d.isVisible()]
    assert {other.objectName() for other in others} == set(keys(PERSPECTIVES["Explore"]))
    assert not any(dock.geometry().intersects(other.geometry()) for other in others)
    assert dock.width() >= 200, "it can be read"
    assert dock.header.height() + pane.height() == dock.height()
    qtbot.waitUntil(lambda: dock.header.note.endswith("hook_resid_post"), timeout=SOON)
    accent = np.array([int(theme.current().accent[i : i + 2], 16) for i in (1, 3, 5)])
    lit = (pixels(pane) == accent).all(axis=2).sum(axis=1)
    assert lit.max() > 20, "the selected token's bar is drawn"
    action.trigger()
    assert not pane.isVisible()


def test_its_key_brings_it_to_the_front_and_does_what_it_says(
    qtbot: QtBot, program: Program
) -> None:
    window, pane = program.window, program.window.host.get(StreamLengthPane)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=SOON)
    qtbot.keyClick(window, Qt.Key.Key_L, CTRL_ALT)
    qtbot.waitUntil(lambda: pane.isVisible() and not pane.dirty, timeout=SOON)
    n = len(lengths(program))
    assert pane.order == tuple(range(n)), "it was remembered as sorted, and is so no more"
    qtbot.keyClick(window, Qt.Key.Key_L, CTRL_ALT)
    qtbot.waitUntil(lambda: not pane.dirty, timeout=SOON)
    assert pane.order == tuple(np.argsort(-lengths(program)))


def test_the_palette_finds_its_commands_and_runs_one(qtbot: QtBot, program: Program) -> None:
    window, store = program.window, program.store
    longest = int(lengths(program).argmax())
    store.select(position=(longest + 1) % len(lengths(program)))
    window.actions_by_id["palette"].trigger()
    palette = window.findChild(PaletteDialog)
    assert palette is not None
    qtbot.keyClicks(palette._field, "stream")
    found = palette.findChild(QListWidget)
    assert found is not None
    assert sorted(found.item(row).text() for row in range(found.count())) == [
        "Select the longest stream",
        "Sort by stream length    Ctrl+Alt+L",
    ]
    qtbot.keyClicks(palette._field, " longest select")
    qtbot.keyClick(palette._field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: store.selection.position == longest, timeout=SOON)


def test_it_is_exported_like_any_other(qtbot: QtBot, program: Program, tmp_path: Path) -> None:
    window, pane = program.window, program.window.host.get(StreamLengthPane)
    window.layouts.show_pane(KEY)
    qtbot.waitUntil(lambda: pane.isVisible() and not pane.dirty, timeout=SOON)
    window.files.export_pane(pane, tmp_path / "lengths.png", "picture")
    image = QImage(str(tmp_path / "lengths.png"))
    assert image.text("Prompt") == program.store.prompt
    assert image.width() >= pane.width()
    window.files.export_pane(pane, tmp_path / "lengths.npz", "data")
    written = np.load(tmp_path / "lengths.npz")
    assert np.array_equal(written["length"], lengths(program))
    assert written["position"].tolist() == list(range(len(lengths(program))))


def test_it_is_remembered_with_the_others(qtbot: QtBot, program: Program) -> None:
    program.window.actions_by_id["sort_by_length"].trigger()
    close_program(qtbot, program)
    assert program.settings.panes[KEY] == {"sorted": False}
    assert set(program.settings.panes) >= {"prompt", "training"}
