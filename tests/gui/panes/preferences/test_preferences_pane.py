"""The Preferences pane on a real trainer: two texts, a choice, and what the model makes of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.panes.preferences.choices_view import from_difference
from gui.panes.preferences.pane import PreferencesPane, sentence
from gui.session import runs_folder
from gui.session.store import Store
from model.train.margins_file import MarginsAt, read_margins
from model.train.preferences import Preference, read_preferences
from tests.gui.desk import Desk


@pytest.fixture
def pane(
    desk: Desk, live_store: Store, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> PreferencesPane:
    monkeypatch.setattr(runs_folder, "proposed", lambda: tmp_path / "runs")
    pane = PreferencesPane(live_store)
    qtbot.addWidget(pane)
    pane.resize(620, 430)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.refresh_now()
    pane.n_tokens.setValue(6)
    return pane


def drawn(desk: Desk, pane: PreferencesPane) -> tuple[str, str]:
    QTest.keyClick(pane, Qt.Key.Key_D)
    for _ in range(500):
        if desk.store.tuning.pair is not None:
            break
        desk.advance()
    pane.refresh_now()
    pair = desk.store.tuning.pair
    assert pair is not None
    return pair.one, pair.other


def test_two_texts_of_the_model_are_chosen_from_by_keys(desk: Desk, pane: PreferencesPane) -> None:
    assert not pane.learn_button.isEnabled()
    one, other = drawn(desk, pane)
    assert one != other
    assert [text.toPlainText() for text in pane.texts] == [one.strip("\n"), other.strip("\n")]
    QTest.keyClick(pane, Qt.Key.Key_2)
    pane.refresh_now()
    assert desk.store.tuning.choices == [Preference(desk.store.prompt, other, one)]
    assert pane.learn_button.isEnabled()
    pane.choices.selected = 0
    QTest.keyClick(pane.choices, Qt.Key.Key_Delete)
    assert desk.store.tuning.choices == []


def test_the_choices_are_learned_by_a_run_and_every_pair_has_its_margin(
    desk: Desk, pane: PreferencesPane
) -> None:
    drawn(desk, pane)
    pane.prefer_buttons[0].click()
    pane.steps.setValue(4)
    pane.refresh_now()
    pane.learn_button.click()
    for _ in range(4000):
        if desk.store.run.current is not None and not desk.store.run.running:
            break
        desk.advance()
    pane.refresh_now()  # what can be seen asks what was changed
    for _ in range(4000):
        if desk.store.tuning.found is not None:
            break
        desk.advance()
    pane.refresh_now()
    run = desk.store.run.current
    assert run is not None
    choices = Path(run.recipe.data)
    assert read_preferences(choices.read_text(), "it") == desk.store.tuning.choices
    margins = read_margins(Path(run.run_dir))
    assert [at.step for at in margins] == [0, 4]
    assert margins[0].margins == pytest.approx((0.0,), abs=1e-5)
    assert margins[1].margins[0] > 0
    assert pane.choices.margin(0) == margins[1].margins[0]
    np.testing.assert_array_equal(
        pane.export_data()["margins"].values, [at.margins for at in margins]
    )
    found: dict[str, object] = {}
    exec(pane.code(), found)
    assert found["margins"] == [at.margins for at in margins]
    assert pane.compare_button.isEnabled()


def primary(pane: PreferencesPane) -> list[str]:
    buttons = (pane.draw_button, pane.learn_button, pane.compare_button)
    return [button.text() for button in buttons if button.property("primary")]


def test_an_empty_pane_says_what_to_do_and_one_button_is_the_next_step(
    desk: Desk, pane: PreferencesPane
) -> None:
    assert pane.empty.isVisible()
    assert "prefer one" in pane.empty.text()
    assert not pane.pair.isVisible(), "no boxes without texts"
    assert primary(pane) == ["Draw two"]
    drawn(desk, pane)
    assert not pane.empty.isVisible()
    assert pane.pair.isVisible()
    assert primary(pane) == [], "now one of the texts is to be preferred"
    QTest.keyClick(pane, Qt.Key.Key_1)
    pane.refresh_now()
    assert primary(pane) == ["Learn 1 choice"]


def test_the_sentence_says_when_both_texts_became_less_likely() -> None:
    assert "Both became less likely" in sentence(MarginsAt(5, (-1.0,), (-9.0,), (0.8,)))
    assert "Both became" not in sentence(MarginsAt(5, (1.0,), (-9.0,), (1.0,)))


def test_rows_begin_where_the_texts_differ() -> None:
    choice = Preference("The king", " lost his crown and wept", " lost his crown in a game")
    assert from_difference(choice) == ("… crown and wept", "… crown in a game")
    assert from_difference(Preference("", "yes", "no")) == ("yes", "no")
