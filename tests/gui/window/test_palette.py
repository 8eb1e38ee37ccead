"""One search over everything: what begins so comes first, and is done where it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot
from shiboken6 import delete

from gui.panes.prompt.pane import PromptPane
from gui.panes.training.pane import TrainingPane
from gui.session.backend import Backend
from gui.session.store import Store
from gui.settings import Settings
from gui.window.main_window import MainWindow
from gui.window.palette.overlay import Palette
from gui.window.palette.ranking import Offer, ranked
from gui.window.settings_page import SettingsPage
from model.train.presets import PRESETS

SOON = 5000
RECENT = "/models/a-tiny-gpt"


@pytest.fixture
def window(live_store: Store, qtbot: QtBot) -> Iterator[MainWindow]:
    """A window whose worker does not run: what is asked is answered by the desk."""
    settings = Settings(recent=[RECENT], recent_lines={RECENT: "gpt2, 2 layers"})
    window = MainWindow(live_store, Backend(), settings)
    window.resize(1366, 768)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=SOON)
    qtbot.waitUntil(lambda: window.host.complete, timeout=SOON)
    yield window
    window.close()
    window.deleteLater()
    qtbot.wait(1)


def opened(window: MainWindow, qtbot: QtBot) -> Palette:
    window.actions_by_id["palette"].trigger()
    palette = window.findChild(Palette)
    assert palette is not None
    qtbot.waitUntil(lambda: QApplication.focusWidget() is palette.field, timeout=SOON)
    return palette


def found(palette: Palette) -> list[Offer]:
    return list(palette.rows.found.offers)


def first(palette: Palette, typed: str, kind: str) -> Offer:
    """The first offer of a kind for what is typed; it is the chosen one then."""
    palette.field.setText(typed)
    row = next(i for i, offer in enumerate(found(palette)) if offer.kind == kind)
    palette.rows.go_to(row)
    return found(palette)[row]


def offer(title: str, tip: str = "", kind: str = "command") -> Offer:
    return Offer(title, kind, "", tip, lambda: None)  # type: ignore[arg-type]


def test_a_prefix_comes_before_a_word_inside_and_that_before_a_sentence() -> None:
    offers = [
        offer("Open the story world", "Open the trained model"),
        offer("Restrain"),
        offer("Show a track"),
        offer("Train"),
        offer("·tray", kind="token"),
        offer("Tra", kind="tensor"),
        offer("Nothing of it"),
    ]
    assert [one.title for one in ranked(offers, " TRA ")] == [
        "Tra",
        "Train",
        "·tray",
        "Show a track",
        "Restrain",
        "Open the story world",
    ]


def test_all_words_count_in_any_order() -> None:
    offers = [offer("Next head"), offer("Next layer"), offer("Head of the list, next")]
    assert [one.title for one in ranked(offers, "head next")] == [
        "Next head",
        "Head of the list, next",
    ]


def test_train_is_found_first_and_done(window: MainWindow, qtbot: QtBot) -> None:
    palette = opened(window, qtbot)
    qtbot.keyClicks(palette.field, "tra")
    titles = [one.title for one in found(palette)]
    assert titles[0] == "Train"
    assert titles.index("Open the story world") > titles.index("Transpose attention")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert not palette.isVisible()
    qtbot.waitUntil(lambda: window.layouts.perspective == "Train", timeout=SOON)


def test_a_preset_is_found_and_stands_in_the_recipe_that_opens(
    window: MainWindow, qtbot: QtBot
) -> None:
    palette = opened(window, qtbot)
    assert first(palette, "tiny", "preset").title == "tiny"
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    pane = window.host.get(TrainingPane)
    qtbot.waitUntil(pane.form.isVisible, timeout=SOON)
    assert pane.form.recipe() == PRESETS["tiny"]
    assert not window.store.run.going, "it begins where Start is pressed"


def test_it_lies_over_the_window_and_a_click_beside_it_closes_it(
    window: MainWindow, qtbot: QtBot
) -> None:
    editor = window.host.get(PromptPane).editor
    editor.setFocus()
    palette = opened(window, qtbot)
    assert not palette.isWindow()
    assert palette.geometry() == window.rect()
    middle = palette.box.mapTo(window, palette.box.rect().center())
    assert abs(middle.x() - window.width() / 2) <= 1
    under = window.childAt(middle)
    assert under is not None
    assert palette.isAncestorOf(under)
    window.resize(1000, 700)
    qtbot.waitUntil(lambda: palette.size() == window.size(), timeout=SOON)
    qtbot.mouseClick(palette, Qt.MouseButton.LeftButton, pos=QPoint(5, window.height() - 5))
    assert not palette.isVisible()
    assert QApplication.focusWidget() is editor, "the keyboard is where it was"


def test_escape_closes_it_and_cancels_nothing(window: MainWindow, qtbot: QtBot) -> None:
    window.store.generating.start(200)
    qtbot.waitUntil(window.actions_by_id["cancel"].isEnabled, timeout=SOON)
    palette = opened(window, qtbot)
    qtbot.keyClick(palette.field, Qt.Key.Key_Escape)
    assert not palette.isVisible()
    assert window.store.generating.going
    window.store.generating.cancel()


def test_an_empty_list_says_so_and_enter_does_nothing(window: MainWindow, qtbot: QtBot) -> None:
    palette = opened(window, qtbot)
    qtbot.keyClicks(palette.field, "qqzz")
    assert found(palette) == []
    assert palette.empty.isVisible()
    assert "“qqzz”" in palette.empty.text()
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert palette.isVisible()
    palette.field.setText("")
    assert not palette.empty.isVisible()
    assert {one.kind for one in found(palette)} == {"command"}


def test_arrows_go_round(window: MainWindow, qtbot: QtBot) -> None:
    palette = opened(window, qtbot)
    qtbot.keyClick(palette.field, Qt.Key.Key_Up)
    assert palette.rows.row == len(palette.rows.found.offers) - 1
    qtbot.keyClick(palette.field, Qt.Key.Key_Down)
    assert palette.rows.row == 0


def test_options_of_panes_are_found_also_those_without_a_button(
    window: MainWindow, qtbot: QtBot
) -> None:
    palette = opened(window, qtbot)
    controls = window.host.pane("attention").controls  # type: ignore[attr-defined]
    assert not controls.hide_first.isChecked()
    assert first(palette, "hide first", "option").where == "Attention"
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    qtbot.waitUntil(controls.hide_first.isChecked, timeout=SOON)
    palette = opened(window, qtbot)
    assert "on" in first(palette, "hide first", "option").where
    tokens = window.host.pane("tokens")
    first(palette, "bytes", "option")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: tokens.segments.current == "bytes", timeout=SOON)  # type: ignore[attr-defined]


def test_a_token_is_found_and_selected(window: MainWindow, qtbot: QtBot) -> None:
    store = window.store
    assert store.model is not None
    palette = opened(window, qtbot)
    one = first(palette, "hawk", "token")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: store.selection.vocabulary_id is not None, timeout=SOON)
    assert store.selection.vocabulary_id is not None
    assert store.model.token_text(store.selection.vocabulary_id) == one.title == "·hawk"
    assert window.docks["space"].isVisible()


def test_a_token_of_the_prompt_is_found_and_selected(window: MainWindow, qtbot: QtBot) -> None:
    store = window.store
    assert store.read is not None
    palette = opened(window, qtbot)
    first(palette, "lost", "prompt")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    texts = [token.bytes.decode() for token in store.read.tokens]
    qtbot.waitUntil(lambda: texts[store.selection.position] == " lost", timeout=SOON)


def test_an_activation_and_a_parameter_are_found_by_their_names(
    window: MainWindow, qtbot: QtBot
) -> None:
    store = window.store
    palette = opened(window, qtbot)
    first(palette, "blocks.2.attn.hook_pattern", "operation")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    wanted = "blocks.2.attn.hook_pattern"
    qtbot.waitUntil(
        lambda: store.operations[store.selection.operation].output == wanted, timeout=SOON
    )
    palette = opened(window, qtbot)
    qtbot.waitUntil(lambda: bool(store.weights.tensors), timeout=SOON)
    first(palette, "blocks.3.mlp.W_in", "tensor")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    model = window.host.pane("model")
    qtbot.waitUntil(lambda: model.views.name == "blocks.3.mlp.W_in", timeout=SOON)  # type: ignore[attr-defined]
    assert model.isVisible()


def test_a_recent_model_and_a_setting_are_found(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened_paths: list[str] = []
    monkeypatch.setattr(window.files, "open_path", opened_paths.append)
    palette = opened(window, qtbot)
    assert first(palette, "tiny-gpt", "model").where == "gpt2, 2 layers"
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: opened_paths == [RECENT], timeout=SOON)
    palette = opened(window, qtbot)
    first(palette, "text size", "setting")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.findChild(SettingsPage) is not None, timeout=SOON)
    page = window.findChild(SettingsPage)
    assert page is not None
    page.close()


def test_what_cannot_be_used_now_is_not_offered(window: MainWindow, qtbot: QtBot) -> None:
    palette = opened(window, qtbot)
    assert "Stop" not in {one.title for one in found(palette)}
    assert "Generate" in {one.title for one in found(palette)}


def test_who_had_the_keyboard_may_be_gone_when_it_closes(window: MainWindow, qtbot: QtBot) -> None:
    button = QPushButton("Close", window)
    button.show()
    window.activateWindow()
    button.setFocus()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is button, timeout=5000)
    window.show_palette()
    palette = window._palette
    assert palette is not None
    delete(button)  # as the button of a dialog that was closed
    palette.close_up()
    assert not palette.isVisible()
