"""Typing is what everything follows; no text that can be pasted breaks it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QGuiApplication, QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.prompt import pane as prompt_pane
from gui.panes.prompt.editor import PromptEditor
from gui.panes.prompt.pane import HISTORY_LENGTH, PromptPane, id_examples
from gui.session.store import Store
from gui.widgets.text import utf16_length
from model import messages as m
from resources import STORY_WORLD
from tests.gui.desk import Desk

STRANGE = {
    "lone surrogate": "a\ud800b",
    "lone low surrogate": "\udcff",
    "surrogate after emoji": "\U0001f451\ud800 x",
    "nul": "a\0b",
    "emoji": "the \U0001f451 king",
    "right to left": "שלום \u202eabc",
    "no-break space": "a\u00a0b",
    "line separator": "a\u2028b",
    "zero-width no-break space": "a\ufeffb",
    "tabs and lines": "\ta\n\n b",
}


@pytest.fixture(autouse=True)
def dark() -> Iterator[None]:
    theme.set_current("dark")
    yield
    theme.set_current("dark")


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> PromptPane:
    return shown(live_store, qtbot)


def shown(store: Store, qtbot: QtBot, width: int = 600, height: int = 160) -> PromptPane:
    pane = PromptPane(store)
    qtbot.addWidget(pane)
    pane.resize(width, height)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.refresh_now()
    return pane


def write(pane: PromptPane, text: str) -> None:
    """Replace the text as a person does, key by key."""
    pane.editor.selectAll()
    QTest.keyClicks(pane.editor, text)


def n_read(desk: Desk) -> int:
    return sum(isinstance(result, m.PromptRead | m.PromptRefused) for result in desk.results)


def test_keys_that_find_the_worker_busy_run_the_prompt_once_they_pause(
    pane: PromptPane, live_store: Store, desk: Desk, qtbot: QtBot
) -> None:
    pane.editor.selectAll()
    desk.hold()
    QTest.keyClicks(pane.editor, "The queen said that")
    qtbot.waitUntil(lambda: live_store.prompt == "The queen said that", timeout=1000)
    assert desk.held is not None
    asked = [request.text for request in desk.held if isinstance(request, m.ReadPrompt)]
    # The first key at once; of nineteen without a pause, while none is answered, not each.
    assert asked[0] == "T"
    assert 2 <= len(asked) <= 4
    desk.release()
    assert live_store.read is not None
    assert live_store.read.text == "The queen said that"


def test_a_key_that_finds_the_worker_free_is_answered_at_once(
    pane: PromptPane, live_store: Store, desk: Desk
) -> None:
    before = n_read(desk)
    write(pane, "The")
    assert n_read(desk) - before == len("The")
    assert live_store.read is not None
    assert live_store.read.text == "The"


def test_return_commits_and_shift_return_breaks_the_line(
    pane: PromptPane, live_store: Store
) -> None:
    write(pane, "a king")
    QTest.keyClick(pane.editor, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClicks(pane.editor, "b")
    QTest.keyClick(pane.editor, Qt.Key.Key_Return)
    assert live_store.prompt == "a king\nb"
    assert pane.history[-1] == "a king\nb"


def test_alt_up_and_down_walk_through_the_history(pane: PromptPane, live_store: Store) -> None:
    pane.history = ("first", "second")
    write(pane, "a draft")
    alt = Qt.KeyboardModifier.AltModifier
    QTest.keyClick(pane.editor, Qt.Key.Key_Up, alt)
    assert live_store.prompt == "second"
    QTest.keyClick(pane.editor, Qt.Key.Key_Up, alt)
    QTest.keyClick(pane.editor, Qt.Key.Key_Up, alt)
    assert live_store.prompt == "first"
    QTest.keyClick(pane.editor, Qt.Key.Key_Down, alt)
    QTest.keyClick(pane.editor, Qt.Key.Key_Down, alt)
    assert pane.editor.text() == "a draft"
    assert pane.history == ("first", "second"), "looking back keeps nothing new"


def test_a_prompt_that_stands_is_remembered(
    live_store: Store, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompt_pane, "STOOD_MS", 60)
    pane = shown(live_store, qtbot)
    pane.history = ()
    write(pane, "The dog")  # no time passes for the window until the next one is written
    write(pane, "The cat")
    qtbot.waitUntil(lambda: pane.history == ("The cat",), timeout=1000)


def test_the_history_keeps_each_prompt_once_and_the_last_fifty(pane: PromptPane) -> None:
    for i in range(HISTORY_LENGTH + 5):
        pane.set_text(f"prompt {i}")
        pane.commit()
    pane.set_text("prompt 30")
    pane.commit()
    assert len(pane.history) == HISTORY_LENGTH
    assert pane.history[-1] == "prompt 30"
    assert pane.history.count("prompt 30") == 1
    pane.set_text("   ")
    pane.commit()
    assert pane.history[-1] == "prompt 30", "blank prompts are not kept"


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
def test_any_text_can_be_pasted_and_reaches_the_model_unchanged(
    pane: PromptPane, live_store: Store, qtbot: QtBot, text: str
) -> None:
    pane.editor.selectAll()
    pane.editor.insertPlainText(text)
    qtbot.waitUntil(lambda: live_store.prompt == text, timeout=1000)
    pane.refresh_now()
    assert live_store.read is not None or live_store.prompt_problem
    assert not pane.grab().isNull()


@pytest.mark.parametrize("text", [*STRANGE.values(), "\ufeffa"], ids=[*STRANGE, "byte order mark"])
def test_any_prompt_from_outside_is_taken_over(
    pane: PromptPane, live_store: Store, text: str
) -> None:
    live_store.set_prompt(text)
    pane.refresh_now()
    assert pane.editor.text() == text


def test_a_paste_from_the_clipboard_is_typed(
    pane: PromptPane, live_store: Store, qtbot: QtBot
) -> None:
    QGuiApplication.clipboard().setText("one\r\ntwo")
    pane.editor.selectAll()
    pane.editor.paste()
    qtbot.waitUntil(lambda: live_store.prompt == "one\ntwo", timeout=1000)


def test_a_prompt_set_outside_leaves_the_caret_where_it_can(
    pane: PromptPane, live_store: Store
) -> None:
    live_store.set_prompt("The king lost his crown")
    cursor = pane.editor.textCursor()
    cursor.setPosition(4)
    pane.editor.setTextCursor(cursor)
    live_store.set_prompt("The king lost his crown again")
    assert pane.editor.text() == "The king lost his crown again"
    assert pane.editor.textCursor().position() == 4
    pane.editor.undo()
    assert pane.editor.text() == "The king lost his crown"


def test_a_prompt_set_outside_does_not_overwrite_what_is_being_typed(
    pane: PromptPane, live_store: Store, desk: Desk, qtbot: QtBot
) -> None:
    desk.hold()
    write(pane, "typing now")
    live_store.set_prompt("from outside")
    assert pane.editor.text() == "typing now"
    qtbot.waitUntil(lambda: live_store.prompt == "typing now", timeout=1000)


def test_what_is_beyond_the_context_is_dimmed_and_said(pane: PromptPane, live_store: Store) -> None:
    text = "\U0001f451 " + "The king lost his crown. " * 40
    live_store.set_prompt(text)
    pane.refresh_now()
    read = live_store.read
    assert read is not None
    assert read.truncated_at is not None
    (dimmed,) = pane.editor.extraSelections()
    # Qt counts the crown as two.
    assert dimmed.cursor.selectionStart() == read.truncated_at + 1
    assert dimmed.cursor.selectionEnd() == utf16_length(text)
    assert dimmed.format.foreground().color() == theme.current().color("dim")
    assert pane._note.isVisible()
    assert str(read.truncated_at) in pane._note.text()
    live_store.set_prompt("The king")
    pane.refresh_now()
    assert pane.editor.extraSelections() == []
    assert pane._note.text() == ""


def test_a_prompt_that_cant_be_run_says_why_in_place(pane: PromptPane, live_store: Store) -> None:
    live_store.set_prompt("")
    pane.refresh_now()
    assert live_store.prompt_problem
    assert pane._note.text() == live_store.prompt_problem


def heights_of(pane: PromptPane, store: Store, most: int) -> list[int]:
    """The editor's heights in lines, for texts of one line, two, …"""
    heights = []
    for n in range(1, most + 1):
        store.set_prompt("\n".join(["line"] * n))
        pane.refresh_now()
        heights.append(pane.editor.height())
    line = pane.editor.fontMetrics().lineSpacing()
    margins = 2 * pane.editor.document().documentMargin() + 10
    return [round((height - margins) / line) for height in heights]


def test_the_editor_takes_two_lines_and_grows_to_four(pane: PromptPane, live_store: Store) -> None:
    assert heights_of(pane, live_store, 7) == [2, 2, 3, 4, 4, 4, 4]


def test_in_a_high_pane_a_long_text_takes_up_to_a_third_of_it(
    live_store: Store, qtbot: QtBot
) -> None:
    pane = shown(live_store, qtbot, height=600)
    heights = heights_of(pane, live_store, 20)
    assert heights[:5] == [2, 2, 3, 4, 5]
    assert heights[-1] == heights[-2] > 8
    assert 150 < pane.editor.height() <= 200


@pytest.mark.parametrize("text", ["One", "word " * 12, "word " * 200])
def test_the_pane_asks_for_the_room_that_its_text_needs(
    live_store: Store, qtbot: QtBot, text: str
) -> None:
    pane = shown(live_store, qtbot, width=320, height=200)
    live_store.set_prompt(text)
    pane.refresh_now()
    wanted = pane.heightForWidth(320)
    before = pane.editor.height()
    pane.resize(320, wanted)
    qtbot.wait(30)
    assert pane.height() == wanted
    assert pane.editor.height() == before, "with that room all that it would show is shown"
    lowest = max(
        widget.mapTo(pane, QPoint(0, widget.height())).y()
        for widget in (pane.editor, pane._note, pane.examples_button)
    )
    assert pane.height() - lowest < 16, "and no more"


def test_the_editor_grows_with_lines_that_are_wrapped(live_store: Store, qtbot: QtBot) -> None:
    pane = shown(live_store, qtbot, width=260)
    live_store.set_prompt("One")
    one = pane.editor.height()
    live_store.set_prompt("Here comes the king with his crown, and here comes the queen with her")
    line = pane.editor.fontMetrics().lineSpacing()
    assert pane.editor.height() >= one + line


def test_the_header_says_how_many_tokens_there_are_and_what_of_them_was_run(
    pane: PromptPane, live_store: Store, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As of a large model: of a small one so little is computed again.
    monkeypatch.setattr("model.bench.stream.COMPUTED_AGAIN", 0)
    live_store.set_prompt("The dog saw a big")
    assert live_store.read is not None
    n = live_store.read.n_tokens
    ran = [result for result in desk.results if isinstance(result, m.StreamReady)][-1]
    assert ran.n_run == n - 1, "The is known of the prompt before"
    live_store.ran = replace(ran, n_run=n, seconds=0.0094)
    assert pane.header_note() == f"{n} tokens · run in 9 ms"
    pane.resize(250, 160)
    assert pane.header_note() == f"{n} tokens · 9 ms"
    live_store.set_prompt("The dog saw a big king")
    note = pane.header_note()
    assert re.fullmatch(rf"1 of {n + 1} new · [\d.]+ m?s", note), note
    live_store.set_prompt("The dog saw a big")
    assert pane.header_note() == f"{n} tokens · run before"
    live_store.ran = None
    assert pane.header_note() == f"{n} tokens"
    live_store.set_prompt("")
    assert pane.header_note() == ""


def test_of_a_prompt_that_is_still_run_no_earlier_run_is_told(
    pane: PromptPane, live_store: Store
) -> None:
    assert live_store.ran is not None
    assert live_store.read is not None
    other = replace(live_store.ran.subject, ids=(1, 2))
    live_store.ran = replace(live_store.ran, subject=other)
    assert pane.header_note() == f"{live_store.read.n_tokens} tokens"


@pytest.mark.parametrize("size", [(262, 140), (316, 140), (512, 90), (320, 116)])
@pytest.mark.parametrize("text", ["", "word " * 400])
def test_what_became_of_the_prompt_is_seen_whole_in_a_small_pane(
    live_store: Store, qtbot: QtBot, size: tuple[int, int], text: str
) -> None:
    pane = shown(live_store, qtbot, *size)
    live_store.set_prompt(text)
    pane.refresh_now()
    qtbot.wait(30)  # for the layout
    # The text gives way first: only with one line of it may the pane ask for more than it has.
    one_line = pane.editor.fontMetrics().lineSpacing() * 1.9
    assert (pane.width(), pane.height()) == size or pane.editor.height() < one_line
    note = pane._note
    assert note.text()
    assert note.height() >= note.heightForWidth(note.width())
    for widget in (pane.editor, note, pane.examples_button, pane.history_button):
        place = QRect(widget.mapTo(pane, QPoint(0, 0)), widget.size())
        assert pane.rect().contains(place), (widget.accessibleName(), place)


def test_an_example_is_run_and_remembered(pane: PromptPane, live_store: Store) -> None:
    pane.examples = (("Label", "The dog & the cat"), ("Other", "The sun"))
    pane.show_examples()
    menu = pane._menu
    assert menu.isVisible()
    assert [action.text() for action in menu.actions()][1] == "Other:  The sun"
    menu.actions()[0].trigger()
    menu.close()
    assert live_store.prompt == "The dog & the cat"
    assert pane.history[-1] == "The dog & the cat"


def test_the_history_menu_offers_the_newest_first(pane: PromptPane, live_store: Store) -> None:
    pane.history = ("older", "newer\nin two lines")
    pane.show_history()
    texts = [action.text() for action in pane._menu.actions()]
    assert texts == ["newer ⏎ in two lines", "older"]
    pane._menu.actions()[1].trigger()
    pane._menu.close()
    assert live_store.prompt == "older"
    pane.history = ()
    pane.show_history()
    assert not pane._menu.actions()[0].isEnabled()
    pane._menu.close()


def test_a_model_without_a_tokenizer_takes_ids(
    pane: PromptPane, live_store: Store, tmp_path: Path, qtbot: QtBot
) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copy(STORY_WORLD / name, bare / name)
    live_store.opening.open(str(bare))
    pane.refresh_now()
    assert "ids" in pane.editor.placeholderText()
    write(pane, "1 2 3")
    qtbot.waitUntil(lambda: live_store.read is not None, timeout=1000)
    assert live_store.read is not None
    assert [token.id for token in live_store.read.tokens] == [1, 2, 3]


def test_the_ids_that_are_offered_are_the_models_own(
    live_store: Store, tmp_path: Path, qtbot: QtBot
) -> None:
    folder = Path(shutil.copytree(STORY_WORLD, tmp_path / "bare"))
    (folder / "tokenizer.json").unlink()
    live_store.opening.open(str(folder))
    assert live_store.model is not None
    d_vocab = live_store.model.config.d_vocab
    offered = re.search(r"for example ([\d ]+)\.", live_store.prompt_problem)
    assert offered is not None
    for ids in (offered[1], *(text for _, text in id_examples(d_vocab))):
        live_store.set_prompt(ids)
        assert live_store.read is not None
        assert [token.id for token in live_store.read.tokens] == [int(i) for i in ids.split()]


@pytest.mark.parametrize(("width", "height"), [(325, 96), (325, 110), (185, 130)])
def test_where_it_is_low_a_warning_is_whole_and_the_buttons_make_room(
    live_store: Store, qtbot: QtBot, width: int, height: int
) -> None:
    pane = shown(live_store, qtbot, width, height)
    live_store.set_prompt("w" * 10_000)
    pane.refresh_now()
    note = pane._note
    assert note.text()
    qtbot.waitUntil(lambda: note.height() >= note.heightForWidth(note.width()))
    assert (pane.width(), pane.height()) == (width, height)
    assert note.geometry().top() >= pane.editor.geometry().bottom()
    assert note.geometry().bottom() <= pane.height()
    assert not pane.examples_button.isVisible()


def test_a_long_note_has_the_whole_width_and_a_short_one_stands_beside_the_buttons(
    pane: PromptPane, live_store: Store
) -> None:
    pane.resize(280, 180)
    for note, beside in (
        ("The prompt is too long for this model's context. " * 2, False),
        ("", True),
    ):
        live_store.prompt_problem = note
        pane.refresh()
        pane._below.activate()
        assert (pane._note.y() >= pane.examples_button.y()) == beside
        assert beside or pane._note.width() == pane.editor.width()


def test_focus_prompt_puts_the_caret_at_the_end(pane: PromptPane) -> None:
    pane.editor.moveCursor(QTextCursor.MoveOperation.Start)
    pane.focus_prompt()
    assert pane.focusWidget() is pane.editor
    assert pane.editor.textCursor().atEnd()


def test_a_change_of_theme_recolours_what_is_dimmed(pane: PromptPane, live_store: Store) -> None:
    live_store.set_prompt("The king lost his crown. " * 40)
    pane.refresh_now()
    theme.set_current("light")
    live_store.theme_changed.emit()
    (dimmed,) = pane.editor.extraSelections()
    assert dimmed.format.foreground().color() == theme.LIGHT.color("dim")


def test_it_stands_before_a_model_is_open(qtbot: QtBot) -> None:
    pane = shown(Store(lambda request: None), qtbot)
    write(pane, "hello")
    qtbot.waitUntil(lambda: pane.store.prompt == "hello", timeout=1000)
    assert pane.header_note() == ""


def test_the_prompt_is_exported_with_what_of_it_is_read(
    pane: PromptPane, live_store: Store
) -> None:
    text = "word " * 400
    live_store.set_prompt(text)
    data = pane.export_data()
    assert live_store.read is not None
    assert data["prompt"].tolist() == [text]
    assert data["prompt_read"].tolist() == [text[: live_store.read.truncated_at]]
    live_store.set_prompt("")
    assert not pane.export_data()


def test_the_editor_s_height_follows_from_its_text_not_from_a_viewport_that_lags(
    qtbot: QtBot,
) -> None:
    editor = PromptEditor()
    qtbot.addWidget(editor)
    editor.resize(300, 200)
    with qtbot.waitExposed(editor):
        editor.show()
    heights = []
    for text in ("one\ntwo\nthree", "one", "one\ntwo\nthree"):
        # As between two turns of a layout: the viewport has its size of before.
        editor.viewport().resize(280, 150)
        editor.replace_text(text)
        heights.append(editor.minimumHeight())
    line = editor.fontMetrics().lineSpacing()
    assert heights == [heights[0], heights[0] - line, heights[0]]
    assert heights[1] > 2 * line


@pytest.mark.parametrize("height", [40, 52, 64, 76, 88, 101, 120, 160])
def test_in_a_low_pane_nothing_lies_over_the_text(
    live_store: Store, qtbot: QtBot, height: int
) -> None:
    dock = QWidget()  # which gives a pane its size, whatever that pane would like
    qtbot.addWidget(dock)
    pane = PromptPane(live_store, dock)
    pane.setGeometry(0, 0, 310, height)
    with qtbot.waitExposed(dock):
        dock.show()
    live_store.set_prompt("Here comes the king with his crown, and here comes the queen with her")
    pane.refresh_now()
    editor, button = pane.editor, pane.examples_button
    line = editor.fontMetrics().lineSpacing()
    qtbot.waitUntil(lambda: editor.viewport().height() >= line)

    def apart() -> bool:
        below = button.mapTo(pane, QPoint(0, 0)).y()
        return button.isHidden() or below >= editor.geometry().bottom()

    qtbot.waitUntil(apart)
    assert button.isHidden() or button.mapTo(pane, QPoint(0, button.height())).y() <= height
    assert not button.isHidden() or height < 88, "without room for both the menu has them"
    if height >= 101:  # as in Space at 1366 × 768
        assert editor.viewport().height() >= 2 * line
