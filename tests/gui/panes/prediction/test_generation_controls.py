"""What is drawn goes to the prompt; a text that is written is shown token by token."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.panes.prediction.pane import PredictionPane
from gui.session.adding import kept_text
from gui.session.state import Generation
from gui.session.store import Store
from model import messages as m
from model.sampling import Sampling
from tests.gui.desk import Desk
from tests.gui.panes.prediction.test_prediction_pane import logits_of, read_of, shown, softmax


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> PredictionPane:
    return shown(live_store, qtbot)


def test_sample_draws_one_token_and_appends_it(
    pane: PredictionPane, live_store: Store, desk: Desk
) -> None:
    before = read_of(live_store)
    shown_p = softmax(logits_of(desk)[-1])
    QTest.mouseClick(pane.generation.sample_button, Qt.MouseButton.LeftButton)
    desk.advance(5)
    pane.refresh_now()
    generation = live_store.generating.current
    assert generation is not None
    (step,) = generation.steps
    assert step.probability == pytest.approx(shown_p[step.token_id], rel=1e-3)
    after = read_of(live_store)
    assert after.n_tokens == before.n_tokens + 1
    assert after.tokens[-1].id == step.token_id
    assert not pane.generation.text.isVisible(), "its text is the prompt now"


def test_sampling_with_a_seed_is_repeated(
    pane: PredictionPane, live_store: Store, desk: Desk
) -> None:
    live_store.set_sampling(Sampling(temperature=2.0))
    start = live_store.prompt
    pane.generation.seed.setText("7")
    texts = set()
    for _ in range(3):
        live_store.set_prompt(start)
        pane.sample_one()
        desk.advance(5)
        texts.add(live_store.prompt)
    assert len(texts) == 1
    assert texts != {start}


def test_a_sample_for_another_prompt_is_dropped(
    pane: PredictionPane, live_store: Store, desk: Desk
) -> None:
    pane.sample_one()
    live_store.set_prompt("The dog")
    desk.advance(5)
    assert live_store.prompt == "The dog"


def test_sampling_at_the_end_of_the_context_says_so(
    pane: PredictionPane, live_store: Store, desk: Desk
) -> None:
    live_store.set_prompt("The king lost his crown. " * 40)
    before = live_store.prompt
    pane.sample_one()
    desk.advance(5)
    pane.refresh_now()
    # A token that follows the part that is read must not be put behind the part that isn't.
    assert live_store.prompt == before
    assert live_store.generating.current is None
    assert "is full" in pane.generation._says.text()


def test_generate_streams_and_can_become_the_prompt(
    pane: PredictionPane, live_store: Store, desk: Desk
) -> None:
    prompt = live_store.prompt
    pane.generation.follow_button.click()
    assert not live_store.following.on
    pane.generation.length.setValue(12)
    QTest.mouseClick(pane.generation.generate_button, Qt.MouseButton.LeftButton)
    desk.advance(3)
    pane.refresh_now()
    generation = live_store.generating.current
    assert generation is not None
    assert generation.running
    assert pane.generation.stop_button.isVisible()
    assert pane.generation.use_button.isVisible()
    assert not pane.generation.use_button.isEnabled()
    assert live_store.prompt == prompt
    assert pane.generation.text.toPlainText() == prompt + generation.steps[-1].text
    desk.finish()
    pane.refresh_now()
    assert not generation.running
    assert len(generation.steps) == 12
    assert pane.generation.text.toPlainText() == prompt + generation.text
    QTest.mouseClick(pane.generation.use_button, Qt.MouseButton.LeftButton)
    assert live_store.prompt == prompt + generation.text
    assert read_of(live_store).text == live_store.prompt


def test_a_text_that_is_followed_is_the_prompt_already(
    pane: PredictionPane, live_store: Store, desk: Desk
) -> None:
    prompt = live_store.prompt
    pane.generation.length.setValue(5)
    pane.generate()
    desk.finish()
    pane.refresh_now()
    generation = live_store.generating.current
    assert generation is not None
    assert live_store.prompt == prompt + generation.text
    assert not pane.generation.use_button.isVisible()
    assert pane.generation.back_button.isEnabled()
    QTest.mouseClick(pane.generation.back_button, Qt.MouseButton.LeftButton)
    assert live_store.prompt == prompt + generation.steps[3].text
    pane.refresh_now()
    assert pane.generation.use_button.isVisible(), "it is not all of the text any more"


def test_a_bar_that_is_activated_is_forced_and_taken_back(
    pane: PredictionPane, live_store: Store
) -> None:
    before = read_of(live_store)
    third = pane.bars.shown[2]
    pane.append(third.token_id)
    read = read_of(live_store)
    assert read.subject.ids == (*before.subject.ids, third.token_id)
    mark = live_store.adding.marks(read)[read.n_tokens - 1]
    assert mark.how == "forced"
    assert mark.probability == pytest.approx(third.probability)
    pane.take_back()
    assert read_of(live_store).subject == before.subject


def test_stop_ends_a_generation(pane: PredictionPane, live_store: Store, desk: Desk) -> None:
    pane.generation.length.setValue(60)
    pane.generate()
    desk.advance(4)
    pane.refresh_now()
    QTest.mouseClick(pane.generation.stop_button, Qt.MouseButton.LeftButton)
    generation = live_store.generating.current
    assert generation is not None
    assert not generation.running
    assert len(generation.steps) == 4
    pane.refresh_now()
    assert "stopped" in pane.generation._status.text()
    assert pane.generation.generate_button.isVisible()


def test_every_generated_token_is_known_by_hovering(
    pane: PredictionPane, live_store: Store, desk: Desk
) -> None:
    pane.generation.length.setValue(10)
    pane.generation.seed.setText("1")
    pane.generate()
    desk.finish()
    pane.refresh_now()
    generation, text = live_store.generating.current, pane.generation.text
    assert generation is not None
    assert live_store.model is not None
    spans = text._spans
    assert [generation.text[a:b] for a, b in spans] == [
        live_store.model.vocabulary[step.token_id].decode() for step in generation.steps
    ]
    # The middle of the third token, found through the layout of the text.
    cursor = text.textCursor()
    cursor.setPosition(len(generation.prompt) + spans[2][0] + 1)
    at = text.cursorRect(cursor).center() + QPoint(3, 0)
    assert text.token_at(at) == [2]
    words = text.describe(2)
    assert f"{generation.steps[2].probability:.6g}" in words
    assert f"id {generation.steps[2].token_id}" in words
    cursor.setPosition(1)
    assert text.token_at(text.cursorRect(cursor).center() + QPoint(3, 0)) == []


def test_tokens_that_share_a_character_are_one_place(qtbot: QtBot) -> None:
    from gui.panes.prediction.generated_text import GeneratedText

    text = GeneratedText()
    qtbot.addWidget(text)
    pieces = ("\ufffd", "é", "é!", "é!\U0001f451", "é!\U0001f451x")
    steps = [
        m.TokenGenerated(request_id=1, token_id=i, text=piece, probability=0.5, index=i)
        for i, piece in enumerate(pieces)
    ]
    for n in range(1, len(steps) + 1):
        text.show_generation(1, "a\r\n", steps[:n], ["?"] * n)
    assert text.toPlainText() == "a␍\n" + pieces[-1]
    assert text._spans == [(0, 1), (0, 1), (1, 2), (2, 4), (4, 5)]


def test_the_mark_that_ends_a_text_does_not_become_the_prompt(
    pane: PredictionPane, live_store: Store
) -> None:
    model = live_store.model
    assert model is not None
    end = next(id for id in range(len(model.vocabulary)) if id not in model.special_ids)
    generation = Generation(1, "The", model)
    generation.steps = tuple(
        m.TokenGenerated(request_id=1, token_id=id, text=text, probability=0.5, index=i)
        for i, (id, text) in enumerate([(end + 1, " king"), (end, " king<|turn|>")])
    )
    generation.text = generation.steps[-1].text
    generation.finished = m.GenerationFinished(
        request_id=1, reason="end_of_text", text=" king", n_tokens=2, tokens_per_second=1.0
    )
    # Many a chat model's end of a turn is no special token of its tokenizer's.
    assert kept_text(generation, model) == " king"
