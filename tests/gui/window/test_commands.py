"""Every command is offered once, in its place, and is done by somebody who is there."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import get_args

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from gui.panes import PANES
from gui.panes.attention.pane import AttentionPane
from gui.panes.entry import Menu
from gui.panes.prediction.pane import PredictionPane
from gui.panes.space.pane import SpacePane
from gui.panes.training.pane import TrainingPane
from gui.session.backend import Backend
from gui.session.store import Store
from gui.settings import Settings
from gui.window.commands import joined
from gui.window.main_window import MainWindow
from model.train.presets import preset
from tests.gui.desk import Desk


@pytest.fixture
def window(live_store: Store, qtbot: QtBot) -> Iterator[MainWindow]:
    """A window whose worker does not run: what is asked is answered by the desk."""
    window = MainWindow(live_store, Backend(), Settings())
    yield window
    window.close()
    window.deleteLater()
    qtbot.wait(1)


def menus_of(window: MainWindow) -> dict[str, QMenu]:
    return {
        action.text().replace("&", ""): menu
        for action in window.menuBar().actions()
        if isinstance(menu := action.menu(), QMenu)
    }


def names(menu: QMenu) -> list[str]:
    """What is read in a menu; a line is "—"."""
    return [
        "—" if action.isSeparator() else action.text().replace("&", "") for action in menu.actions()
    ]


def test_ids_and_keys_are_unique_and_every_command_says_what_it_does() -> None:
    commands = [owned.command for owned in joined(PANES)]
    ids = [command.id for command in commands]
    used = [command.keys for command in commands if command.keys]
    assert len(commands) > 35
    assert len(set(ids)) == len(ids)
    assert len(set(used)) == len(used)
    assert all(command.tip and command.text for command in commands)


def test_every_command_is_done_by_a_method_that_can_be_called_so(window: MainWindow) -> None:
    for owned in window.commands:
        method = window.method_of(owned)
        if inspect.ismethod(method):
            inspect.signature(method).bind(*owned.command.args)
        else:  # Qt's own, which have no signature to be asked for
            assert method.__name__ in ("close", "click", "toggle")
            assert not owned.command.args


def test_every_pane_has_a_key_of_its_own_and_a_class_with_that_entry() -> None:
    assert len({entry.key for entry in PANES}) == len(PANES)
    for entry in PANES:
        assert entry.load().entry is entry
        assert entry.load().__module__.startswith("gui.panes.")


def test_menus_stand_in_their_order_each_in_one_piece(window: MainWindow) -> None:
    assert tuple(menus_of(window)) == get_args(Menu)
    runs = [menu for menu, _ in groupby(owned.command.menu for owned in window.commands)]
    assert tuple(runs) == get_args(Menu)


def test_what_panes_do_and_what_the_window_does_stand_in_a_sensible_order(
    window: MainWindow,
) -> None:
    menus = menus_of(window)
    assert names(menus["File"])[-1] == "Quit"
    assert names(menus["Edit"]) == [
        "Edit the prompt",
        "Prompt examples",
        "Prompt history",
        "Find a token…",
        "Open vectors…",
        "Draw a text's tokens…",
        "Find a weight…",
        "—",
        "Search everything…",
        "Settings…",
    ]
    assert names(menus["Model"])[:9] == [
        "Next operation",
        "Previous operation",
        "Play",
        "Run until…",
        "Run on to the next such operation",
        "Go back to where you were",
        "Go ahead again",
        "Stage of all tokens",
        "—",
    ]
    assert names(menus["Model"])[-4:] == ["—", "Verify against the original", "—", "Threads…"]
    assert names(menus["View"])[-1] == "Panes"


def test_a_command_brings_its_pane_to_the_front_where_that_is_what_it_is_for(
    window: MainWindow, qtbot: QtBot
) -> None:
    window.show()
    qtbot.waitExposed(window)
    space, attention = window.docks["space"], window.docks["attention"]
    attention.close()
    assert not space.isVisible()
    window.actions_by_id["find_token"].trigger()
    assert space.isVisible()
    before = window.store.selection.head
    window.actions_by_id["head_next"].trigger()
    assert window.store.selection.head != before
    assert not attention.isVisible(), "a key that steps through heads moves no dock"


def test_only_what_can_be_used_can_be_chosen(window: MainWindow) -> None:
    actions = window.actions_by_id
    assert actions["generate"].isEnabled()
    assert actions["start_training"].isEnabled()
    assert not actions["stop_training"].isEnabled()
    assert not actions["mask_token"].isEnabled()
    assert not actions["stop_generating"].isEnabled()


def test_escape_stops_what_is_waited_for_and_else_belongs_to_the_panes(
    window: MainWindow, desk: Desk, qtbot: QtBot
) -> None:
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=5000)
    window.layouts.set_perspective("Space")
    space = window.host.get(SpacePane)
    qtbot.waitUntil(lambda: space.isVisible() and not space.dirty, timeout=5000)
    space.search.setText("king")
    space.search.setFocus()
    action = window.actions_by_id["cancel"]
    assert not action.isEnabled()
    desk.hold()
    window.store.select(position=1)
    qtbot.waitUntil(action.isEnabled, timeout=5000)
    qtbot.keyClick(space.search, Qt.Key.Key_Escape)
    assert not window.store.asked.is_waiting
    assert space.search.text() == "king"
    qtbot.waitUntil(lambda: not action.isEnabled(), timeout=5000)
    desk.release()
    qtbot.keyClick(space.search, Qt.Key.Key_Escape)
    assert space.search.text() == ""


def test_escape_ends_a_text_that_is_being_written(
    window: MainWindow, desk: Desk, qtbot: QtBot
) -> None:
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=5000)
    window.store.generating.start(200)
    desk.advance(2)
    qtbot.waitUntil(window.actions_by_id["cancel"].isEnabled, timeout=5000)
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert not window.store.generating.going


def test_what_is_on_has_a_tick_whoever_has_turned_it_on(window: MainWindow) -> None:
    motion, transpose = (window.actions_by_id[name] for name in ("toggle_motion", "transpose"))
    was = window.settings.motion
    assert motion.isChecked() == was
    motion.trigger()
    assert window.settings.motion != was
    assert motion.isChecked() != was
    motion.trigger()
    assert not transpose.isChecked()
    window.host.get(AttentionPane).controls.transpose.toggle()  # in the pane, not in the menu
    menus_of(window)["Model"].aboutToShow.emit()
    assert transpose.isChecked()
    transpose.trigger()
    assert not transpose.isChecked()
    assert not window.host.get(AttentionPane).controls.transpose.isChecked()
    # What only is done has none.
    assert not window.actions_by_id["next_operation"].isCheckable()


def test_a_button_and_its_menu_entry_can_be_used_at_the_same_times(
    window: MainWindow, desk: Desk, qtbot: QtBot, tmp_path: Path
) -> None:
    window.show()
    qtbot.waitExposed(window)
    window.layouts.set_perspective("Train")
    pane = window.host.get(TrainingPane)
    sample = window.host.get(PredictionPane).generation.sample_button
    qtbot.waitUntil(lambda: not pane.dirty and sample.isEnabled(), timeout=20_000)
    run, controls = desk.store.run, pane.controls

    def agree() -> None:
        pairs = {
            "start_training": controls.start,
            "pause_training": controls.pause,
            "step_training": controls.step,
            "stop_training": controls.stop,
            "sample_one": sample,
        }
        qtbot.waitUntil(
            lambda: all(
                window.actions_by_id[name].isEnabled() == button.isEnabled()
                for name, button in pairs.items()
            ),
            timeout=5000,
        )

    agree()
    assert window.actions_by_id["step_training"].isEnabled(), "a run begins with it"
    desk.store.generating.start(3)
    agree()
    assert not sample.isEnabled()
    desk.finish()
    agree()
    recipe = replace(preset("tiny"), steps=3, eval_every=0, sample_every=0, data_tokens=4_000)
    run.start(recipe, str(tmp_path / "run"), begin_paused=True)
    agree()
    while run.starting is not None:
        desk.advance()
    agree()
    run.resume()
    while run.running:
        desk.advance()
    agree()
