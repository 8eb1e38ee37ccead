"""The game as it is played: typing, points, revealing, scores."""

from __future__ import annotations

import re

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.panes.prediction import guess_words
from gui.panes.prediction.pane import PredictionPane
from gui.panes.prediction.stakes import Stakes
from gui.session.guessing import Round
from gui.session.store import Store
from tests.gui.panes.prediction.test_prediction_pane import shown


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> PredictionPane:
    pane = shown(live_store, qtbot, 300, 420)
    QTest.mouseClick(pane.generation.guess_button, Qt.MouseButton.LeftButton)
    QTest.mouseClick(pane.guess.sources.buttons["prompt"], Qt.MouseButton.LeftButton)
    pane.refresh_now()
    assert live_store.guessing.state == "guessing"
    return pane


def type_guess(pane: PredictionPane, word: str) -> None:
    QTest.keyClicks(pane.guess.entry, word)
    QTest.keyClick(pane.guess.entry, Qt.Key.Key_Return)
    pane.refresh_now()


def test_while_it_is_guessed_no_bar_is_seen_or_asked_for(
    pane: PredictionPane, live_store: Store
) -> None:
    assert pane.guess.isVisible()
    assert not pane.bars.isVisible()
    assert not pane.guess.bars.isVisible()
    assert pane.questions() == {}
    assert pane.guess.text.text() == f"{live_store.guessing.seen}▁"


def test_typing_a_word_stakes_half_of_what_is_left_on_the_token_that_begins_a_word(
    pane: PredictionPane, live_store: Store
) -> None:
    model = live_store.model
    assert model is not None
    type_guess(pane, "lost")
    type_guess(pane, "king")
    assert list(pane.guess.stakes.points.items()) == [
        (model.vocabulary.index(b" lost"), 50),
        (model.vocabulary.index(b" king"), 24),
    ]
    assert pane.guess.stakes.left == 26
    assert pane.guess.entry.text() == ""
    assert live_store.guessing.state == "guessing", "the key that takes a word reveals nothing"


def test_revealing_shows_both_scores_and_the_model_beside_the_points(
    pane: PredictionPane, live_store: Store
) -> None:
    game, model = live_store.guessing, live_store.model
    assert model is not None
    type_guess(pane, "lost")
    QTest.mouseClick(pane.guess.go_button, Qt.MouseButton.LeftButton)
    pane.refresh_now()
    assert game.actual == model.vocabulary.index(b" lost")
    assert not pane.guess.entry.isVisible()
    (one,) = game.rounds
    said = pane.guess.outcome.text()
    assert "“lost”. You gave it 50%: 1.00 bits." in said
    assert f"{one.bits[1]:.2f} bits" in said
    bar = next(bar for bar in pane.guess.bars.shown if bar.actual)
    assert bar.token_id == game.actual
    assert bar.probability == pytest.approx(one.model)
    assert bar.before == 0.5
    assert f"you {one.bits[0]:.2f}   model {one.bits[1]:.2f}" in pane.guess.total.text()
    QTest.keyClick(pane.guess, Qt.Key.Key_Return)
    pane.refresh_now()
    assert game.state == "guessing"
    assert pane.guess.stakes.points == {}


def test_a_word_of_several_tokens_says_how_it_begins(pane: PredictionPane) -> None:
    QTest.keyClicks(pane.guess.entry, "kingqqq")
    assert "“kingqqq” is more than one token" in pane.guess.says.text()
    assert "king" in pane.guess.says.text()
    pane.guess.entry.clear()
    QTest.keyClicks(pane.guess.entry, "king")
    assert pane.guess.says.text() == ""


def test_candidates_can_be_pressed(pane: PredictionPane, live_store: Store) -> None:
    QTest.mouseClick(pane.guess.hint_button, Qt.MouseButton.LeftButton)
    pane.refresh_now()
    assert pane.guess.candidates.isVisible()
    second = live_store.guessing.candidates[1]
    QTest.mouseClick(pane.guess._chip(1), Qt.MouseButton.LeftButton)
    assert list(pane.guess.stakes.points) == [second]


def test_escape_leaves_and_everything_is_as_before(pane: PredictionPane, live_store: Store) -> None:
    QTest.keyClick(pane.guess.entry, Qt.Key.Key_Escape)
    pane.refresh_now()
    assert not live_store.guessing.going
    assert pane.bars.isVisible()
    assert pane.generation.isVisible()
    assert live_store.prompt == "The king lost his crown. The queen lost her"
    assert "next" in pane.questions()


def test_the_rule_says_what_a_blind_guess_costs(pane: PredictionPane, live_store: Store) -> None:
    assert live_store.model is not None
    rule = guess_words.rule(live_store.model.config.d_vocab)
    assert f"{live_store.model.config.d_vocab:,} tokens costs" in rule
    assert pane.guess.text.toolTip() == rule


# ------------------------------------------------------------------------------- points


@pytest.fixture
def stakes(qtbot: QtBot) -> Stakes:
    stakes = Stakes()
    qtbot.addWidget(stakes)
    stakes.set_vocabulary(lambda token_id: f"t{token_id}", 100)
    stakes.add(4)
    stakes.add(9)
    stakes.resize(320, stakes.sizeHint().height())
    return stakes


def test_a_drag_gives_points_and_never_more_than_there_are(stakes: Stakes) -> None:
    assert dict(stakes.points) == {4: 50, 9: 24}
    track = stakes.track(1)
    at = QPoint(round(track.left() + 0.1 * track.width()), round(track.center().y()))
    QTest.mousePress(stakes, Qt.MouseButton.LeftButton, pos=at)
    QTest.mouseRelease(stakes, Qt.MouseButton.LeftButton, pos=at)
    assert stakes.points[9] == pytest.approx(10, abs=1)
    end = QPoint(round(track.right()), round(track.center().y()))
    QTest.mousePress(stakes, Qt.MouseButton.LeftButton, pos=end)
    QTest.mouseRelease(stakes, Qt.MouseButton.LeftButton, pos=end)
    assert stakes.points[9] == 49, "one stays for all else"
    assert stakes.left == 1
    stakes.add(11)
    assert 11 not in stakes.points


def test_points_are_moved_by_keys(stakes: Stakes) -> None:
    QTest.keyClick(stakes, Qt.Key.Key_Up)
    QTest.keyClick(stakes, Qt.Key.Key_Right)
    assert stakes.points[4] == 51
    QTest.keyClick(stakes, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert stakes.points[4] == 41
    assert re.search(r"t4: 41, t9: 24, everything else: 35", stakes.accessibleDescription())
    QTest.keyClick(stakes, Qt.Key.Key_Delete)
    assert dict(stakes.points) == {9: 24}
    QTest.keyClick(stakes, Qt.Key.Key_Down)
    for _ in range(4):
        QTest.keyClick(stakes, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert dict(stakes.points) == {9: 1}, "a token that is named has a point at least"


# ------------------------------------------------------------------------------- words


def rounds(*bits: tuple[float, float]) -> tuple[Round, ...]:
    return tuple(Round(1, {}, 2.0**-person, 2.0**-model) for person, model in bits)


def test_a_verdict_claims_no_more_than_the_rounds_tell() -> None:
    assert guess_words.verdict(()) == ""
    few = guess_words.verdict(rounds((5, 1), (6, 1)))
    assert few.startswith("The model is ahead")
    assert "cannot tell much" in few
    spread = guess_words.verdict(rounds((9, 1), (1, 8), (7, 2), (1, 5), (6, 1)))
    assert "may still be luck" in spread
    clear = guess_words.verdict(rounds(*[(1.0, 4.0), (1.2, 4.1)] * 4))
    assert clear.startswith("You guess better by 2.95 ± 0.02")
    assert "luck" not in clear
    never = guess_words.verdict((*rounds((1, 1)), Round(1, {}, 0.5, 0.0)))
    assert "no mean" in never


def test_nothing_is_called_certain_that_is_not() -> None:
    one = Round(1, {}, 0.5, 0.99999)
    assert "over 99.9%" in guess_words.outcome(one, "crown", "crown")
