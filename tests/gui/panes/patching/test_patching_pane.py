"""Patching: the map is the probe's numbers, a cell selects and patches in, nothing runs unasked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.base import LAST
from gui.panes.patching.examples import FACT, PAIR, suggested
from gui.panes.patching.pane import PatchingPane
from gui.panes.patching.sweep_map import of_answer
from gui.session.store import Store
from gui.window.pane_menu import script_of
from model import messages as m
from model.interventions import PatchActivation
from model.probe.facts.asks import FactsFound
from model.probe.patch.asks import Patch, PatchFound
from model.probe.question import Question
from model.subject import Subject
from tests.gui.desk import Desk
from tests.gui.mouse import move_to
from tests.gui.pixels import amounts_of, pixels

A, B = "The capital of Italy is", "The capital of France is"


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> PatchingPane:
    live_store.set_prompt(A)
    return shown(live_store, qtbot)


def shown(store: Store, qtbot: QtBot, size: tuple[int, int] = (815, 449)) -> PatchingPane:
    pane = PatchingPane(store)
    qtbot.addWidget(pane)
    pane.resize(*size)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.refresh_now()
    return pane


def type_into(field: object, text: str) -> None:
    field.setText(text)  # type: ignore[attr-defined]
    field.textEdited.emit(text)  # type: ignore[attr-defined]


def settle(pane: PatchingPane) -> None:
    """Let the picture have its place, now that it is there."""
    QApplication.sendPostedEvents()
    layout = pane.layout()
    assert layout is not None
    layout.activate()


def run(pane: PatchingPane, other: str = B) -> PatchFound:
    type_into(pane.prompts.other, other)
    QTest.mouseClick(pane.run_button, Qt.MouseButton.LeftButton)
    pane.refresh_now()
    found = pane.found
    assert isinstance(found, PatchFound), pane.sentence.text()
    settle(pane)
    return found


def asks(desk: Desk) -> list[Question]:
    return [r.answer.question for r in desk.results if isinstance(r, m.Answered)]


def test_nothing_runs_before_the_button_is_pressed(pane: PatchingPane, desk: Desk):
    type_into(pane.prompts.other, B)
    pane.refresh_now()
    assert not any(isinstance(question, Patch) for question in asks(desk))
    assert pane.map.isHidden()
    found = run(pane)
    assert found.done.all()
    assert not pane.map.isHidden()


def test_the_map_is_what_python_gives_and_its_colours_are_the_numbers(
    pane: PatchingPane, desk: Desk
):
    found = run(pane)
    cut = pane.store.texts.cut(B)
    assert cut is not None
    again = desk.lm.ask(A, Patch(clean_ids=cut.ids, position=4))
    assert isinstance(again, PatchFound)
    assert np.allclose(found.recovered, again.recovered, atol=1e-5)
    assert (found.clean > 2, found.corrupted < -2) == (True, True)
    content = pane.map.content
    assert content is not None
    assert np.allclose(content.values_RC, found.recovered)
    picture, table = pixels(pane.map.viewport()), theme.diverging_table()
    for row, column in ((0, 3), (3, 4), (2, 4), (1, 0)):
        at = pane.map.cell_rect(row, column).topLeft().toPoint() + QPoint(3, 3)
        low, high = amounts_of(picture[at.y(), at.x()], table)
        share = (np.clip(found.recovered[row, column], -1, 1) + 1) / 2
        assert low <= share <= high


def test_it_says_in_words_what_carries_the_difference(pane: PatchingPane):
    run(pane)
    assert "“Italy” (3) where block 0 reads" in pane.sentence.text()
    assert "“is” (4) where blocks 1 to 3 read" in pane.sentence.text()
    assert pane.status.text().startswith("logit difference “Paris” − “Rome”: A −")
    assert pane.prompts.note.text() == "5 tokens, as in A; other at 3 ·Italy → ·France"
    assert pane.map.content is not None
    assert pane.map.content.column_labels[3] == "·Italy→·France"


def test_estimates_are_drawn_otherwise_until_they_are_run(pane: PatchingPane, desk: Desk):
    found = run(pane)
    coarse = next(
        r.answer
        for r in desk.results
        if isinstance(r, m.Answered) and r.answer.share < 1 and isinstance(r.answer, PatchFound)
    )
    exact = pixels(pane.map.viewport())
    assert pane.store.model is not None
    assert pane.sweep.read is not None
    drawn = of_answer(coarse, pane.sweep.read, pane.store.model)
    assert drawn is not None
    assert drawn.content.faint_RC is not None
    assert drawn.content.faint_RC.all()
    assert drawn.content.faint_title == "estimate (0% exact)"
    pane.map.set_content(drawn.content)
    estimate = pixels(pane.map.viewport())
    box = pane.map.cell_rect(0, 3).toRect().adjusted(4, 4, -4, -4)
    inside = np.s_[box.top() : box.bottom(), box.left() : box.right()]
    assert np.array_equal(drawn.values_RC, found.preview)
    assert not np.allclose(found.recovered, found.preview)
    assert len(np.unique(estimate[inside].reshape(-1, 3), axis=0)) > len(
        np.unique(exact[inside].reshape(-1, 3), axis=0)
    ), "lines lie over an estimate"


def test_a_click_selects_and_hovering_tells_both_ends(pane: PatchingPane):
    found = run(pane)
    at = pane.map.cell_rect(2, 3).center().toPoint()
    QTest.mouseClick(pane.map.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert (pane.store.selection.layer, pane.store.selection.position) == (2, 3)
    said = pane.pointing.describe(2, 3)
    assert "stream into block 2 at 3 ·Italy" in said
    assert "B has ·France here" in said
    assert f"{found.recovered[2, 3]:+.3f} of the way from A to B" in said
    assert f"A −{-found.corrupted:.4g} · B {found.clean:.4g}" in said
    move_to(pane.map.viewport(), at)
    assert pane.store.selection.hovered == 3


@pytest.mark.parametrize("kind", ["residual", "mlp", "z", "v", "pattern"])
def test_patch_this_in_is_what_the_cell_measured(pane: PatchingPane, desk: Desk, kind: str):
    QTest.mouseClick(pane.prompts.kinds.buttons[kind], Qt.MouseButton.LeftButton)
    found = run(pane)
    drawn = pane.drawn_map
    assert drawn is not None
    row, column = 0, 3 if kind in ("residual", "mlp") else 1
    (first, *_) = pane.pointing.offers((row, column))
    assert first.words == "Patch this in"
    assert isinstance(first.thing, PatchActivation)
    assert first.thing.text == B
    pane.pointing._do(first.thing)
    assert pane.store.interventions == (first.thing,)
    trace = desk.lm.trace(A, "logits", interventions=pane.store.interventions)
    logits = trace["logits"][0, -1].double()
    assert found.against is not None
    patched = float(logits[found.target] - logits[found.against])
    value = found.values[0, 3] if kind in ("residual", "mlp") else found.values[0, 1]
    assert patched == pytest.approx(float(value), abs=1e-3)
    pane.refresh_now()
    assert "as it was read then" in pane.sentence.text()


def test_heads_are_a_cell_each_or_a_row_each(pane: PatchingPane):
    QTest.mouseClick(pane.prompts.kinds.buttons["z"], Qt.MouseButton.LeftButton)
    found = run(pane)
    assert found.recovered.shape == (4, 4)
    pane.pointing.choose((2, 1))
    assert (pane.store.selection.layer, pane.store.selection.head) == (2, 1)
    QTest.mouseClick(pane.prompts.spans.buttons["token"], Qt.MouseButton.LeftButton)
    found = run(pane)
    drawn = pane.drawn_map
    assert drawn is not None
    assert found.recovered.shape == (4, 4, 5)
    assert drawn.turned, "sixteen heads are more than five tokens"
    assert drawn.content.shape == (5, 16)
    assert drawn.content.values_RC[3, 6] == found.recovered[1, 2, 3]
    pane.pointing.choose((3, 6))
    selection = pane.store.selection
    assert (selection.layer, selection.head, selection.position) == (1, 2, 3)
    assert drawn.place_of(1, 2, 3) == (3, 6)


def test_other_metrics(pane: PatchingPane):
    for by, measure in (("probability", "probability"), ("kl", "KL divergence")):
        pane.prompts.measure.setCurrentIndex(pane.prompts.measure.findData(by))
        pane.prompts.measure.activated.emit(0)
        found = run(pane)
        assert found.measure == measure
        assert pane.prompts.against.isHidden()
    assert pane.prompts.target.isHidden()
    assert pane.status.text().startswith("KL divergence from B, nats: A ")
    pane.prompts.measure.setCurrentIndex(0)
    pane.prompts.measure.activated.emit(0)
    type_into(pane.prompts.target, "Paris")
    type_into(pane.prompts.against, "Rome")
    found = run(pane)
    assert pane.store.model is not None
    tokens = [pane.store.model.token_text(one) for one in (found.target, found.against or 0)]
    assert tokens == ["·Paris", "·Rome"]


def test_texts_of_different_lengths_are_paired_and_that_is_said(pane: PatchingPane):
    found = run(pane, "The old capital of France is")
    assert found.sources == (0, 2, 3, 4, 5)
    assert "B has 6 tokens, A 5: paired from both ends" in pane.prompts.note.text()
    assert "1 token of B between them left out" in pane.prompts.note.text()
    pane.store.set_prompt("The old capital of Italy is")
    found = run(pane, "The capital of France is")
    assert found.sources == (0, -1, 1, 2, 3, 4)
    assert "1 ·old of A stays as it is" in pane.prompts.note.text()
    assert pane.map.content is not None
    assert pane.map.content.masked_RC is not None
    assert pane.map.content.masked_RC[:, 1].all()
    assert "B has no token here" in pane.pointing.describe(0, 1)
    assert pane.pointing.offers((0, 1))[0].words != "Patch this in"
    QTest.mouseClick(pane.prompts.kinds.buttons["pattern"], Qt.MouseButton.LeftButton)
    assert "patterns need as many in both" in pane.prompts.note.text()
    QTest.mouseClick(pane.run_button, Qt.MouseButton.LeftButton)
    pane.refresh_now()
    assert "patch z" in pane.sentence.text()


@pytest.mark.parametrize(
    ("other", "target", "why"),
    [
        ("", "", "Type a second prompt"),
        (A, "", "same tokens as A"),
        (B, "Czechoslovakia", "no single token"),
    ],
)
def test_what_can_not_be_run_says_why(pane: PatchingPane, other: str, target: str, why: str):
    type_into(pane.prompts.other, other)
    type_into(pane.prompts.target, target)
    QTest.mouseClick(pane.run_button, Qt.MouseButton.LeftButton)
    pane.refresh_now()
    assert why in pane._empty.text()
    assert pane._empty.isVisible()


def test_what_is_still_to_be_done_is_said_and_no_more(pane: PatchingPane):
    pane.refresh_now()
    assert pane._empty.text().startswith("Type a second prompt")
    type_into(pane.prompts.other, B)
    pane.refresh_now()
    assert pane._empty.text().startswith("Press Run. Each cell")


def test_a_run_shows_how_far_it_is_and_can_be_stopped(pane: PatchingPane, desk: Desk):
    type_into(pane.prompts.other, B)
    desk.hold()
    pane.run()
    pane.refresh_now()
    assert pane.run_button.text() == "Stop"
    assert pane.header_note() == "running, 0%"
    QTest.mouseClick(pane.run_button, Qt.MouseButton.LeftButton)
    pane.refresh_now()
    assert pane.run_button.text() == "Run"
    assert any(isinstance(request, m.Cancel) for request in desk.held or ())


def test_run_waits_for_texts_that_are_being_read(pane: PatchingPane, desk: Desk):
    desk.hold()
    pane.prompts.take_example()
    pane.store.set_prompt("The old capital of Italy is")
    pane.run()
    pane.refresh_now()
    assert not pane.sweep.going
    assert pane._empty.text() == "The prompt is being read…"
    desk.release()
    pane.refresh_now()
    assert isinstance(pane.found, PatchFound)
    assert pane.found.is_whole
    assert pane.found.subject == pane.store.subject
    assert pane.found.subject.n_tokens == 6


def test_a_run_goes_on_behind_another_pane(pane: PatchingPane, desk: Desk):
    type_into(pane.prompts.other, B)
    desk.hold()
    pane.run()
    pane.hide()
    assert pane.sweep.going
    desk.release()
    pane.show()
    pane.refresh_now()
    assert isinstance(pane.found, PatchFound)
    assert pane.found.is_whole


def test_a_map_of_another_prompt_says_so(pane: PatchingPane):
    run(pane)
    pane.store.set_prompt("The capital of Spain is")
    pane.refresh_now()
    assert f"This is the map of “{A}”" in pane.sentence.text()
    assert pane.header_note() == "of another prompt"
    before = pane.store.selection.position
    pane.pointing.choose((0, 1))
    assert pane.store.selection.position == before, "its tokens are not those in view"


def test_the_lines_that_are_copied_give_the_same_map(pane: PatchingPane):
    found = run(pane)
    space: dict[str, object] = {}
    exec(script_of(pane, pane.store), space)
    again = space["found"]
    assert isinstance(again, PatchFound)
    assert np.allclose(again.recovered, found.recovered, atol=1e-5)


def test_export_and_memory(pane: PatchingPane, live_store: Store, qtbot: QtBot):
    QTest.mouseClick(pane.prompts.kinds.buttons["mlp"], Qt.MouseButton.LeftButton)
    found = run(pane)
    data = pane.export_data()
    assert np.array_equal(data["recovered"].values, found.recovered)
    assert data["recovered"].axes == ("layer", "position")
    kept = pane.remember()
    assert kept[LAST]["other"] == B
    other = PatchingPane(live_store)
    qtbot.addWidget(other)
    other.recall(kept)
    assert other.prompts.kind == "mlp"
    assert other.prompts.other.text() == B
    other.recall({"mode": 3, "kind": "none", "noise": "x", "samples": True, LAST: 7})
    assert other.prompts.kind == "mlp"


# --------------------------------------------------------------------------------- a fact


def fact(pane: PatchingPane) -> FactsFound:
    QTest.mouseClick(pane.modes.buttons["fact"], Qt.MouseButton.LeftButton)
    QTest.mouseClick(pane.fact.example, Qt.MouseButton.LeftButton)
    pane.refresh_now()
    QTest.mouseClick(pane.run_button, Qt.MouseButton.LeftButton)
    pane.refresh_now()
    found = pane.found
    assert isinstance(found, FactsFound), pane._empty.text()
    return found


def test_a_fact_of_the_bundled_model_is_two_clicks_away(pane: PatchingPane):
    found = fact(pane)
    assert pane.store.prompt == FACT.prompt
    assert pane.fact.about.text() == FACT.about
    assert (found.clean > 0.9, found.corrupted < 0.5) == (True, True)
    assert "brings back" in pane.sentence.text()
    assert f"MLP of block {found.best_layer}" in pane.sentence.text()
    content = pane.map.content
    assert content is not None
    values = content.values_RC.T if pane.drawn_map and pane.drawn_map.turned else content.values_RC
    assert np.array_equal(values, found.effect)
    assert content.limit == pytest.approx(found.clean - found.corrupted)
    said = pane.pointing.describe(0, found.best_position)
    assert f"under noise {found.corrupted:.4g}" in said
    assert all(item.words != "Patch this in" for item in pane.pointing.offers((0, 0)))


def test_run_after_the_example_waits_for_its_prompt(pane: PatchingPane, desk: Desk):
    QTest.mouseClick(pane.modes.buttons["fact"], Qt.MouseButton.LeftButton)
    desk.hold()
    QTest.mouseClick(pane.fact.example, Qt.MouseButton.LeftButton)
    pane.refresh_now()
    pane.run()
    pane.refresh_now()
    assert pane._empty.text() == "The prompt is being read…"
    desk.release()
    pane.refresh_now()
    assert isinstance(pane.found, FactsFound), pane._empty.text()
    assert pane.found.first == 0
    assert pane.fact.about.text() == FACT.about


def test_the_stream_brings_a_fact_back_first_at_its_words_then_at_the_end(pane: PatchingPane):
    QTest.mouseClick(pane.modes.buttons["fact"], Qt.MouseButton.LeftButton)
    QTest.mouseClick(pane.fact.kinds.buttons["residual"], Qt.MouseButton.LeftButton)
    assert pane.fact.together.isHidden()
    pane.store.set_prompt(B)
    pane.refresh_now()
    assert pane.fact.about.text() == "France", "the last name in the prompt"
    pane.run()
    pane.refresh_now()
    assert "“France” (3) where block 0 reads" in pane.sentence.text()
    assert "“is” (4) where blocks 1 to 3 read" in pane.sentence.text()


def test_the_numbers_of_the_noise_can_be_read(pane: PatchingPane):
    QTest.mouseClick(pane.modes.buttons["fact"], Qt.MouseButton.LeftButton)
    settle(pane)
    for box in (pane.fact.noise, pane.fact.samples, pane.fact.together):
        wide = box.fontMetrics().horizontalAdvance(box.text())
        assert box.lineEdit().width() >= wide
        field = pixels(box).reshape(-1, 3)
        bright = (field.astype(int).sum(1) > 3 * 150).sum()
        assert bright > 10, f"{box.accessibleName()} shows nothing"


def test_words_that_do_not_stand_in_the_prompt_are_refused(pane: PatchingPane):
    QTest.mouseClick(pane.modes.buttons["fact"], Qt.MouseButton.LeftButton)
    type_into(pane.fact.about, "Norway")
    pane.run()
    pane.refresh_now()
    assert pane._empty.text() == "“Norway” does not stand in the prompt."
    assert pane.fact.note.text() == "“Norway” does not stand in the prompt."


def test_hiding_what_does_not_matter_says_so(pane: PatchingPane):
    QTest.mouseClick(pane.modes.buttons["fact"], Qt.MouseButton.LeftButton)
    pane.store.set_prompt(B)
    type_into(pane.fact.about, "The")
    pane.fact.noise.setValue(0.01)
    pane.run()
    pane.refresh_now()
    assert "hardly changes the answer" in pane.sentence.text()


def test_both_kinds_keep_their_map(pane: PatchingPane):
    run(pane)
    fact(pane)
    QTest.mouseClick(pane.modes.buttons["prompts"], Qt.MouseButton.LeftButton)
    pane.refresh_now()
    assert isinstance(pane.found, PatchFound)
    assert pane.drawn_map is not None
    assert pane.drawn_map.content.row_labels == ("0", "1", "2", "3")


def test_the_lines_of_a_fact_give_the_same_map(pane: PatchingPane):
    found = fact(pane)
    space: dict[str, object] = {}
    exec(script_of(pane, pane.store), space)
    again = space["found"]
    assert isinstance(again, FactsFound)
    assert np.allclose(again.effect, found.effect, atol=1e-4)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        (FACT.prompt, FACT.about),
        ("The king lost his crown. The queen lost her", ""),
        ("In 1999 Michael Jordan played", "Michael Jordan"),
    ],
)
def test_what_a_fact_is_about_is_guessed(prompt: str, expected: str):
    assert suggested(prompt) == expected


# ------------------------------------------------------------------------------ elsewhere


def test_an_encoder_without_a_head_says_what_can_not_be(opened: Callable[..., Store], qtbot: QtBot):
    pane = shown(opened("headless"), qtbot)
    assert "no head that scores tokens" in pane._empty.text()
    pane.run()
    pane.refresh_now()
    assert "no head that scores tokens" in pane._empty.text()


def test_a_masked_model_is_measured_at_its_mask(opened: Callable[..., Store], qtbot: QtBot):
    store = opened("bert", "the king [MASK] his crown")
    pane = shown(store, qtbot)
    assert pane.prompts.where.itemText(0) == "at the mask"
    found = run(pane, "the queen [MASK] his crown")
    question = found.question
    assert isinstance(question, Patch)
    assert store.read is not None
    assert store.model is not None
    assert store.read.tokens[question.position].id == store.model.mask_id


@pytest.mark.parametrize("size", [(600, 400), (1100, 620)])
def test_half_of_the_pane_is_the_map(live_store: Store, qtbot: QtBot, size: tuple[int, int]):
    live_store.set_prompt(A)
    pane = shown(live_store, qtbot, size)
    pane.prompts.take_example()
    run(pane)
    qtbot.waitUntil(lambda: pane.map.height() >= 0.45 * pane.height())
    for widget in (pane.run_button, pane.prompts.kinds, pane.prompts.where):
        right = widget.mapTo(pane, QPoint(widget.width(), 0)).x()
        assert right <= pane.width()


def test_an_example_of_two_prompts_is_one_click(pane: PatchingPane):
    pane.store.set_prompt("Once")
    QTest.mouseClick(pane.prompts.example, Qt.MouseButton.LeftButton)
    pane.run()
    pane.refresh_now()
    assert pane.store.prompt == PAIR[0]
    assert isinstance(pane.found, PatchFound)
    subject = pane.found.subject
    assert isinstance(subject, Subject)
    assert pane.found.recovered.max() > 0.9
