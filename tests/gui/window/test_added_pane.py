"""What somebody else adds is used in the real window: a pane, its probe, an intervention.

A folder and a line in the list are all that the pane needs; the probe that it asks is a folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QImage
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

import model
from gui import theme
from gui.app import make_application
from gui.panes import PACKAGES, entries
from gui.program.program import Program
from gui.settings import Settings
from gui.window.arrangements import PERSPECTIVES, keys
from gui.window.palette.overlay import Palette
from model.interventions import Intervention
from resources import STORY_WORLD
from tests.gui.pixels import pixels
from tests.gui.window.test_main_window import SOON, close_program
from tests.samples.even_attention import EvenAttention
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
    qtbot.waitUntil(lambda: program.first_look.over and program.window.host.complete, timeout=SOON)
    yield program
    if isValid(program.window):
        close_program(qtbot, program)


def lengths(program: Program, interventions: tuple[Intervention, ...] = ()) -> np.ndarray:
    """By a trace of what the worker holds, on no way that the window takes."""
    read = program.store.read
    assert read is not None
    name = f"blocks.{program.store.selection.layer}.hook_resid_post"
    lm = model.open(STORY_WORLD, device="cpu")
    trace = lm.trace(list(read.subject.ids), (name,), interventions=interventions)
    return trace[name][0].float().norm(dim=-1).numpy()


def shown(qtbot: QtBot, program: Program) -> StreamLengthPane:
    """The pane in view, with what it draws settled."""
    pane = program.window.host.get(StreamLengthPane)
    program.window.layouts.show_pane(KEY)
    settled(qtbot, program)
    return pane


def settled(qtbot: QtBot, program: Program) -> None:
    """Wait until the pane draws the answer to what it asks now."""
    pane = program.window.host.get(StreamLengthPane)

    def answered() -> bool:
        slot = pane.slot("lengths")
        current = slot is not None and slot.is_current and slot.subject == program.store.subject
        return current and pane.isVisible() and not pane.dirty

    qtbot.waitUntil(answered, timeout=SOON)


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
    settled(qtbot, program)
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
    settled(qtbot, program)
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
    palette = window.findChild(Palette)
    assert palette is not None
    qtbot.keyClicks(palette.field, "stream")
    found = list(palette.rows.found.offers)
    assert {(offer.title, offer.kind, offer.keys) for offer in found[:3]} == {
        ("Stream length", "pane", ""),
        ("Select the longest stream", "command", ""),
        ("Sort by stream length", "command", "Ctrl+Alt+L"),
    }
    qtbot.keyClicks(palette.field, " longest select")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: store.selection.position == longest, timeout=SOON)


def test_it_is_exported_like_any_other(qtbot: QtBot, program: Program, tmp_path: Path) -> None:
    window, pane = program.window, shown(qtbot, program)
    window.files.export_pane(pane, tmp_path / "lengths.png", "picture")
    window.files.export_pane(pane, tmp_path / "lengths.npz", "data")
    qtbot.waitUntil(lambda: not program.store.exporting.going, timeout=SOON)
    image = QImage(str(tmp_path / "lengths.png"))
    assert image.text("Prompt") == program.store.prompt
    assert image.width() >= pane.width()
    written = np.load(tmp_path / "lengths.npz")
    assert np.allclose(written["length"], lengths(program), rtol=1e-5)
    assert written["position"].tolist() == list(range(len(lengths(program))))


def test_what_it_draws_is_the_trace_under_an_intervention_that_was_added_too(
    qtbot: QtBot, program: Program
) -> None:
    store, pane = program.store, shown(qtbot, program)
    window = program.window
    window.actions_by_id["sort_by_length"].trigger()  # in the order of the text from here on
    settled(qtbot, program)
    clean = pane.numbers
    assert [float(number) for number in clean] == pytest.approx(lengths(program), abs=2e-4)
    before = pixels(pane)
    even = (EvenAttention(0), EvenAttention(1))
    store.intervene(even)
    qtbot.waitUntil(
        lambda: store.subject is not None and store.subject.interventions == even, timeout=SOON
    )
    settled(qtbot, program)
    qtbot.wait(50)
    expected = lengths(program, even)
    assert [float(number) for number in pane.numbers] == pytest.approx(expected, abs=2e-4)
    assert pane.numbers != clean
    assert not np.array_equal(pixels(pane), before), "other bars and numbers are painted, too"
    # At another layer, of another prompt, still under it.
    store.select(layer=2)
    store.set_prompt("The queen lost her crown")
    qtbot.waitUntil(lambda: store.read is not None and store.read.text == store.prompt)
    settled(qtbot, program)
    expected = lengths(program, even)
    assert [float(number) for number in pane.numbers] == pytest.approx(expected, abs=2e-4)
    assert pane.header_note() == "blocks.2.hook_resid_post"
    store.intervene(())
    qtbot.waitUntil(lambda: store.subject is not None and not store.subject.interventions)
    settled(qtbot, program)
    assert [float(n) for n in pane.numbers] == pytest.approx(lengths(program), abs=2e-4)


def test_an_intervention_that_does_not_fit_is_said_in_the_panes_place(
    qtbot: QtBot, program: Program
) -> None:
    pane = shown(qtbot, program)
    program.store.intervene((EvenAttention(99),))
    qtbot.waitUntil(lambda: bool(pane._problem), timeout=SOON)
    assert "blocks.99.attn.hook_pattern" in pane._problem
    program.store.intervene(())
    qtbot.waitUntil(lambda: not pane._problem, timeout=SOON)
    settled(qtbot, program)


def test_it_is_remembered_with_the_others(qtbot: QtBot, program: Program) -> None:
    program.window.actions_by_id["sort_by_length"].trigger()
    close_program(qtbot, program)
    assert program.settings.panes[KEY] == {"sorted": False}
    assert set(program.settings.panes) >= {"prompt", "training"}
