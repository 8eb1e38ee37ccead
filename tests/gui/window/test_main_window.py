"""The whole window with its worker thread, driven as a person drives it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QScrollBar,
    QTabBar,
    QWidget,
)
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

import model
from gui import settings as settings_file
from gui import theme
from gui.app import make_application
from gui.opening.open_dialog import OpenDialog
from gui.panes.attention.pane import AttentionPane
from gui.panes.base import Pane
from gui.panes.model.pane import ModelPane
from gui.panes.prompt.pane import PromptPane
from gui.panes.tokens.pane import TokensPane
from gui.program.program import Program
from gui.session.state import Notice
from gui.settings import Settings
from gui.window.arrangements import PERSPECTIVES, Split, Tabs, keys
from model import messages as m
from model.train import PRESETS
from resources import STORY_WORLD

SOON = 30_000


def open_program(qtbot: QtBot, settings: Settings | None = None) -> Program:
    program = Program(settings or settings_file.load())
    program.window.show()
    program.start()
    store = program.store
    qtbot.waitUntil(lambda: store.read is not None and store.vocabulary is not None, timeout=SOON)
    # The first look moves the selection by itself: whoever tests begins after it.
    qtbot.waitUntil(lambda: program.first_look.over, timeout=SOON)
    return program


def close_program(qtbot: QtBot, program: Program) -> None:
    program.window.close()
    qtbot.waitUntil(lambda: not program.backend.running, timeout=SOON)
    qtbot.waitUntil(lambda: not program.window.isVisible(), timeout=SOON)
    program.let_go()


@pytest.fixture
def program(qtbot: QtBot) -> Iterator[Program]:
    make_application("dark")
    program = open_program(qtbot)
    notices: list[Notice] = []
    program.store.notice_posted.connect(notices.append)
    program.notices = notices  # type: ignore[attr-defined]
    yield program
    if isValid(program.window) and program.window.isVisible():
        close_program(qtbot, program)


def notices_of(program: Program) -> list[Notice]:
    return program.notices  # type: ignore[attr-defined]


def test_every_pane_of_every_perspective_draws_something(qtbot: QtBot, program: Program) -> None:
    window = program.window
    for name in PERSPECTIVES:
        window.layouts.set_perspective(name)
        for key in keys(PERSPECTIVES[name]):
            pane = window.host.pane(key)
            window.layouts.show_pane(key)  # it may stand behind another
            qtbot.waitUntil(partial(_drawn, pane), timeout=SOON)
            colors = len(np.unique(_pixels(pane.grab().toImage())))
            assert colors > 3, f"{key} in {name} is empty"


def _drawn(pane: Pane) -> bool:
    return pane.isVisible() and not pane.dirty


def _pixels(image: QImage) -> np.ndarray:
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), dtype=np.uint32).reshape(image.height(), -1)


def tabs(split: Split) -> Iterator[Tabs]:
    """The docks behind each other of an arrangement."""
    for part in split.parts:
        if isinstance(part, Tabs):
            yield part
        elif isinstance(part, Split):
            yield from tabs(part)


def test_a_pane_behind_another_neither_asks_nor_draws(qtbot: QtBot, program: Program) -> None:
    window = program.window
    window.layouts.set_perspective("Lab")
    front, behind = next(
        (each.parts[0], "layers") for each in tabs(PERSPECTIVES["Lab"]) if "layers" in each.parts
    )
    qtbot.waitUntil(partial(_drawn, window.host.pane(front)), timeout=SOON)
    assert not window.host.pane(behind).isVisible()
    assert window.store.asked.slot(behind, "lens") is None
    window.docks[behind].raise_()
    qtbot.waitUntil(partial(_drawn, window.host.pane(behind)), timeout=SOON)
    qtbot.waitUntil(lambda: not window.host.pane(front).isVisible(), timeout=SOON)


def test_no_pane_begins_under_the_header_of_its_dock(qtbot: QtBot, program: Program) -> None:
    window = program.window
    for name in PERSPECTIVES:
        window.layouts.set_perspective(name)

        def below(name: str = name) -> None:
            for key in keys(PERSPECTIVES[name]):
                dock, pane = window.docks[key], window.host.pane(key)
                top = pane.mapTo(dock, QPoint(0, 0)).y()
                assert top == dock.header.geometry().bottom() + 1, f"{key} in {name}"

        qtbot.waitUntil(below)


def test_going_back_to_a_perspective_shows_its_panes_and_no_others(
    qtbot: QtBot, program: Program
) -> None:
    window = program.window
    for name in ("Explore", "Model", "Train", "Model", "Space", "Explore", "Space"):
        window.layouts.set_perspective(name)

        def shown(name: str = name) -> None:
            visible = {key for key, dock in window.docks.items() if dock.isVisible()}
            assert visible == set(keys(PERSPECTIVES[name])), name

        qtbot.waitUntil(shown)


def test_another_perspective_gives_the_focus_to_no_button(qtbot: QtBot, program: Program) -> None:
    window = program.window
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=SOON)
    editor = window.host.get(PromptPane).editor
    editor.setFocus()
    for name in ("Train", "Model", "Space", "Explore", "Train"):
        window.layouts.set_perspective(name)
        qtbot.wait(30)
        assert QApplication.focusWidget() is editor, name  # it is in all of them
    attention = window.host.get(AttentionPane)
    attention.controls.view_row.findChildren(QAbstractButton)[0].setFocus()
    for name in ("Model", "Train", "Space"):
        window.layouts.set_perspective(name)
        qtbot.wait(30)
        assert not isinstance(QApplication.focusWidget(), QAbstractButton), name


def test_no_button_has_the_focus_when_the_window_opens(qtbot: QtBot, program: Program) -> None:
    program.window.activateWindow()
    qtbot.waitUntil(program.window.isActiveWindow, timeout=SOON)
    qtbot.wait(30)
    assert QApplication.focusWidget() is program.window


def test_every_control_has_a_tooltip_and_a_name_for_screen_readers(
    qtbot: QtBot, program: Program
) -> None:
    window = program.window
    window.host.make_all()
    for name in PERSPECTIVES:
        window.layouts.set_perspective(name)
        qtbot.wait(100)
        if name == "Model":
            assert window.host.get(ModelPane).views.isVisible()
    kinds = (QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit)
    controls = [
        control
        for control in window.findChildren(QWidget)
        if isinstance(control, kinds)
        and not isinstance(control, QScrollBar)
        # Parts that Qt makes by itself: fields of spin boxes, buttons that clear a field.
        and not isinstance(control.parent(), (QAbstractSpinBox, QComboBox, QLineEdit, QTabBar))
        and not control.objectName().startswith("qt_")
    ]
    assert len(controls) > 60
    bare = [
        (type(control).__name__, control.accessibleName(), control.toolTip(), control.parent())
        for control in controls
        if not (control.accessibleName() and control.toolTip())
    ]
    assert not bare


def test_typing_is_followed_by_every_pane(qtbot: QtBot, program: Program) -> None:
    window, store = program.window, program.store
    window.actions_by_id["focus_prompt"].trigger()
    editor = window.host.get(PromptPane).editor
    editor.selectAll()
    qtbot.keyClicks(editor, "The boy saw the girl")
    qtbot.waitUntil(
        lambda: store.read is not None and store.read.text == "The boy saw the girl",
        timeout=SOON,
    )
    assert store.read is not None
    qtbot.waitUntil(lambda: not window.host.get(TokensPane).dirty, timeout=SOON)
    assert f"{store.read.n_tokens} tokens" in window.host.get(TokensPane).header_note()


def test_a_header_tells_of_what_is_drawn(qtbot: QtBot, program: Program) -> None:
    window = program.window
    window.layouts.set_perspective("Space")
    pane, header = window.host.pane("space"), window.docks["space"].header
    qtbot.waitUntil(lambda: bool(header.note), timeout=SOON)
    assert header.note == pane.header_note()
    vocabulary = program.store.vocabulary
    assert vocabulary is not None
    program.store.receive(replace(vocabulary, step=7))
    qtbot.waitUntil(lambda: "step 7" in header.note, timeout=SOON)


def test_keys_step_through_the_network(qtbot: QtBot, program: Program) -> None:
    window, store = program.window, program.store
    store.select(operation=0)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=SOON)
    for expected in (1, 2, 3):
        qtbot.keyClick(window, Qt.Key.Key_F10)
        assert store.selection.operation == expected
    qtbot.keyClick(window, Qt.Key.Key_F9)
    assert store.selection.operation == 2
    qtbot.keyClick(window, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert store.selection.layer == 1


def test_a_recipe_that_a_pane_proposes_is_shown_where_it_can_be_started(
    qtbot: QtBot, program: Program
) -> None:
    window, store = program.window, program.store
    window.layouts.set_perspective("Space")
    qtbot.waitUntil(lambda: not window.docks["training"].isVisible(), timeout=SOON)
    store.run.proposed.emit(replace(PRESETS["minute"], name="own"))
    qtbot.waitUntil(window.docks["training"].isVisible, timeout=SOON)
    assert window.layouts.perspective == "Train"


def test_the_dialog_opens_a_checkpoint_and_it_is_remembered(
    qtbot: QtBot, program: Program, tmp_path: Path
) -> None:
    copy = tmp_path / "my-model"
    shutil.copytree(STORY_WORLD, copy)
    program.window.actions_by_id["open"].trigger()
    dialog = program.window.findChild(OpenDialog)
    assert dialog is not None
    dialog.choose(str(copy))
    qtbot.waitUntil(lambda: str(copy) in program.store.opening.previews, timeout=SOON)
    qtbot.mouseClick(dialog.open_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(
        lambda: program.store.model is not None and program.store.model.name == "my-model",
        timeout=SOON,
    )
    assert program.settings.recent == [str(copy)]
    assert "my-model" in program.window.windowTitle()
    qtbot.waitUntil(lambda: str(copy) in program.settings.recent_lines, timeout=SOON)
    menu = program.window.files.recent_menu
    menu.aboutToShow.emit()
    assert menu.actions()[0].text().startswith("my-model")
    assert "4 layers × 4 heads" in menu.actions()[0].text()


def test_a_command_compares_with_the_original_and_stops_again(
    qtbot: QtBot, program: Program
) -> None:
    store = program.store
    program.window.actions_by_id["verify"].trigger()
    assert store.verifying.going
    program.window.actions_by_id["verify"].trigger()
    qtbot.waitUntil(lambda: not store.verifying.going, timeout=SOON)
    assert store.verifying.verdict is None


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda p: p / "nothing-here", "nothing-here"),
        (lambda p: _folder(p / "empty"), "config.json"),
        (lambda p: _broken_config(p / "broken"), "config.json"),
        (lambda p: _pickle(p / "weights.pt"), "pickle"),
    ],
)
def test_what_is_no_checkpoint_is_a_sentence_and_the_open_model_stays(
    qtbot: QtBot, program: Program, tmp_path: Path, make, says: str
) -> None:
    before = program.store.model
    program.window.files.open_path(str(make(tmp_path)))
    qtbot.waitUntil(lambda: bool(notices_of(program)), timeout=SOON)
    assert says in notices_of(program)[-1].message
    assert notices_of(program)[-1].level == "error"
    assert program.window.notice_bar.isVisible()
    assert program.store.model is before
    program.store.set_prompt("The queen")
    qtbot.waitUntil(
        lambda: program.store.read is not None and program.store.read.text == "The queen",
        timeout=SOON,
    )


def test_a_notice_is_as_high_as_its_lines_and_leaves_when_it_is_closed(
    qtbot: QtBot, program: Program
) -> None:
    window, bar = program.window, program.window.notice_bar
    free = window.docks["tokens"].y()
    program.store.post(Notice("One line.", level="error"))
    qtbot.waitUntil(lambda: bar.isVisible() and bar.height() < 50)
    program.store.post(Notice("Many words. " * 60, level="info"))
    # Read at 14 characters a second.
    assert bar._timer.interval() >= 1000 * len(bar.message) / 15
    program.store.post(Notice("Many words. " * 60, level="error"))
    assert not bar._timer.isActive()
    qtbot.waitUntil(lambda: bar.height() > 60)
    bar.dismiss()
    qtbot.waitUntil(lambda: not bar.isVisible() and window.docks["tokens"].y() == free)


def test_a_refusal_leaves_once_another_model_is_there_and_its_notes_are_said(
    qtbot: QtBot, program: Program, tmp_path: Path
) -> None:
    window, store = program.window, program.store
    window.files.open_path(str(tmp_path / "nothing"))
    qtbot.waitUntil(lambda: "nothing" in window.notice_bar.message, timeout=SOON)
    copy = Path(shutil.copytree(STORY_WORLD, tmp_path / "copy"))
    window.files.open_path(str(copy))
    qtbot.waitUntil(lambda: store.model is not None and store.model.name == "copy", timeout=SOON)
    assert window.notice_bar.message == ""
    assert store.model is not None
    noted = replace(store.model, model_id=99, notes=("Tensor 'x' holds 1 NaN.",))
    store.receive(m.ModelOpened(request_id=0, info=noted, seconds=0.1))
    assert window.notice_bar.message == "Tensor 'x' holds 1 NaN."
    assert "holds 1 NaN" in window.top_bar.model_button.toolTip()


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _broken_config(path: Path) -> Path:
    _folder(path)
    (path / "config.json").write_text("{not json")
    return path


def _pickle(path: Path) -> Path:
    import pickle

    path.write_bytes(pickle.dumps({"a": 1}))
    return path


@pytest.mark.parametrize(
    "text", ["\ud800 lone", "nul\x00inside", "👩‍👩‍👧 family", "שלום עולם", "a" * 3000, " ", "\n\n"]
)
def test_odd_prompts_are_run_or_refused_in_a_sentence(
    qtbot: QtBot, program: Program, text: str
) -> None:
    store = program.store
    store.set_prompt(text)
    qtbot.waitUntil(
        lambda: bool(store.prompt_problem) or (store.read is not None and store.read.text == text),
        timeout=SOON,
    )
    assert not notices_of(program)


def test_a_prompt_longer_than_the_context_says_where_it_was_cut(
    qtbot: QtBot, program: Program
) -> None:
    store = program.store
    text = "The king saw the queen. " * 60
    store.set_prompt(text)
    qtbot.waitUntil(lambda: store.read is not None and store.read.text == text, timeout=SOON)
    assert store.read is not None
    assert store.model is not None
    assert store.read.n_tokens == store.model.config.n_ctx
    cut = store.read.truncated_at
    assert cut is not None
    assert store.read.notes
    shown = b"".join(token.bytes for token in store.read.tokens).decode()
    assert text.startswith(shown)
    assert len(shown) == cut


def test_a_model_is_trained_paused_resumed_and_stopped(
    qtbot: QtBot, program: Program, tmp_path: Path
) -> None:
    store = program.store
    recipe = PRESETS["tiny"]
    store.run.start(recipe, str(tmp_path / "run"))
    qtbot.waitUntil(
        lambda: store.run.current is not None and len(store.run.current.steps) >= 20, timeout=SOON
    )
    run = store.run.current
    assert run is not None
    assert store.model is not None
    assert store.model.training
    store.run.pause()
    qtbot.waitUntil(lambda: run.paused, timeout=SOON)
    paused_at = len(run.steps)
    qtbot.wait(150)
    assert len(run.steps) == paused_at
    store.run.step()
    qtbot.waitUntil(lambda: len(run.steps) == paused_at + 1, timeout=SOON)
    store.run.resume()
    qtbot.waitUntil(lambda: len(run.steps) > paused_at + 2, timeout=SOON)
    store.run.stop()
    qtbot.waitUntil(lambda: not run.running, timeout=SOON)
    assert run.finished is not None
    # The run stays on disk and opens like any checkpoint.
    program.window.files.open_path(str(tmp_path / "run"))
    qtbot.waitUntil(
        lambda: store.model is not None and not store.model.training and not store.opening.going,
        timeout=SOON,
    )
    assert store.model is not None
    assert store.model.config.n_layers == recipe.n_layers
    assert store.model.name == f"run · step {run.finished.step:,}"


def test_closing_while_training_saves_the_run(
    qtbot: QtBot, program: Program, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    store = program.store
    store.run.start(PRESETS["tiny"], str(run))
    qtbot.waitUntil(
        lambda: store.run.current is not None and len(store.run.current.steps) > 3, timeout=SOON
    )
    close_program(qtbot, program)
    steps = (run / "metrics.csv").read_text().splitlines()
    assert settings_file.load().recent == [str(run)], "and it is found again"
    newest = max((run / "snapshots").iterdir())
    assert newest.name == f"step-{int(steps[-1].split(',')[0]):06d}"


def test_files_are_opened_by_dropping_them(qtbot: QtBot, program: Program, tmp_path: Path) -> None:
    copy = tmp_path / "dropped"
    shutil.copytree(STORY_WORLD, copy)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(copy / "model.safetensors"))])
    how = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton)
    enter = QDragEnterEvent(QPoint(10, 10), *how, Qt.KeyboardModifier.NoModifier)
    enter.ignore()
    QApplication.sendEvent(program.window, enter)
    assert enter.isAccepted()
    drop = QDropEvent(QPointF(10, 10), *how, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(program.window, drop)
    qtbot.waitUntil(
        lambda: program.store.model is not None and program.store.model.name == "dropped",
        timeout=SOON,
    )


def test_a_pane_is_exported_as_picture_and_as_data(
    qtbot: QtBot, program: Program, tmp_path: Path
) -> None:
    window, store = program.window, program.store
    pane = window.host.get(AttentionPane)
    # Only what is about the prompt in view is given out: its answer must have come.
    qtbot.waitUntil(lambda: not pane.dirty and bool(pane.export_data()), timeout=SOON)

    def export(name: str, what: Literal["picture", "data"]) -> None:
        window.files.export_pane(pane, tmp_path / name, what)
        wrote = f"Wrote {tmp_path / name}."
        qtbot.waitUntil(lambda: window.notice_bar.message == wrote, timeout=SOON)

    export("a.png", "picture")
    export("a.svg", "picture")
    image = QImage(str(tmp_path / "a.png"))
    assert image.width() >= pane.width()
    assert image.text("Prompt") == store.prompt
    assert "<svg" in (tmp_path / "a.svg").read_text(encoding="utf-8")
    export("a.npz", "data")
    loaded = np.load(tmp_path / "a.npz")
    provenance = json.loads(str(loaded["provenance"]))
    assert provenance["Prompt"] == store.prompt
    assert store.read is not None
    name = f"blocks.{store.selection.layer}.attn.hook_pattern"
    lm = model.open(STORY_WORLD, device="cpu")
    pattern = lm.trace(list(store.read.subject.ids), name)[name][0, store.selection.head].numpy()
    assert np.allclose(loaded["weight"], pattern[loaded["query"], loaded["key"]], atol=1e-6)
    drawn = loaded[f"{name}.head_{store.selection.head}"]
    assert np.allclose(drawn, pattern, atol=1e-6), "an npz has the matrix as it is drawn, too"
    export("a.csv", "data")
    header = next(
        line
        for line in (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    )
    assert header == "layer,head,query,key,weight,query_token,key_token"
    window.files.export_pane(pane, tmp_path / "a.gif", "picture")
    assert "gif" in notices_of(program)[-1].message


def test_the_model_in_view_is_saved_and_opens_again(
    qtbot: QtBot, program: Program, tmp_path: Path
) -> None:
    target = tmp_path / "saved"
    program.store.saving.save(str(target))
    qtbot.waitUntil(lambda: (target / "model.safetensors").is_file(), timeout=SOON)
    program.store.saving.save(str(target))
    qtbot.waitUntil(
        lambda: any("exists" in notice.message for notice in notices_of(program)), timeout=SOON
    )


def test_layout_theme_and_history_are_remembered(qtbot: QtBot, program: Program) -> None:
    window = program.window
    window.layouts.set_perspective("Space")
    window.docks["inspector"].close()
    window.toggle_theme()
    window.host.get(PromptPane).set_text("The prince")
    window.host.get(PromptPane).commit()
    close_program(qtbot, program)
    again = open_program(qtbot)
    try:
        assert again.window.layouts.perspective == "Space"
        assert again.window.docks["inspector"].isHidden()
        assert again.settings.theme == "light"
        assert "The prince" in again.window.host.get(PromptPane).history
        again.window.layouts.reset()
        assert not again.window.docks["inspector"].isHidden()
    finally:
        close_program(qtbot, again)
        theme.set_current("dark")


def test_whatever_stands_in_the_settings_the_window_opens_and_says_what_it_left_out(
    qtbot: QtBot,
) -> None:
    path = settings_file.settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    wrong = {
        "version": 3,
        "theme": "pink",
        "perspective": ["Explore"],
        "geometry": "AAAA",
        "layouts": {"Explore": "AAAA"},
        "threads": float("nan"),
        "device": "abacus",
        "panes": {"prompt": {"history": {"a": 1}}, "training": {"runs_dir": ["/"]}, "space": 3},
    }
    path.write_text(json.dumps(wrong))
    settings = settings_file.load()
    make_application(settings.theme)
    program = open_program(qtbot, settings)
    try:
        program.window.host.make_all()
        said = program.window.notice_bar.message
        for name in ("theme", "perspective", "threads", "device", "space"):
            assert name in said
        assert "settings.broken.json" in said
        assert json.loads(path.with_name("settings.broken.json").read_text())["theme"] == "pink"
        assert program.window.docks["prompt"].isVisible()
    finally:
        close_program(qtbot, program)
    assert settings_file.load().left_out == ""


def test_a_floated_pane_comes_back(qtbot: QtBot, program: Program) -> None:
    dock = program.window.docks["attention"]
    pane = program.window.host.get(AttentionPane)
    dock.toggle_floating()
    assert dock.isFloating()
    qtbot.waitUntil(lambda: not pane.dirty, timeout=SOON)
    dock.toggle_floating()
    assert not dock.isFloating()


def test_an_application_exists_once(qapp: QApplication) -> None:
    assert make_application("dark") is qapp
