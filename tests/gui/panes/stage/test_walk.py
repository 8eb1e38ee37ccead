"""The stage's buttons, its line of operations, its keys, and running until something holds."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.panes.layers.pane import LayersPane
from gui.panes.stage.pane import StagePane
from gui.session.store import Store
from model.probe.lens.asks import Lens, LensFound
from tests.gui.desk import Desk
from tests.gui.panes.stage.staging import click, here, select, settle, shown


@pytest.fixture
def pane(qtbot: QtBot, live_store: Store) -> StagePane:
    return shown(qtbot, live_store)


def test_every_button_walks(pane: StagePane, qtbot: QtBot) -> None:
    bar, walk = pane.walk.transport, pane.store.walking
    select(pane, "blocks.1.attn.hook_q")
    at = walk.at
    for button, wanted in (
        (bar.forward, at + 1),
        (bar.back, at),
        (bar.last, walk.n - 1),
        (bar.first, 0),
        (bar.forward, 1),
    ):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        assert walk.at == wanted
    assert bar.back.isEnabled()
    select(pane, "blocks.1.attn.hook_q")
    qtbot.mouseClick(bar.part, Qt.MouseButton.LeftButton)
    assert here(pane) == "blocks.2.attn.hook_q"
    walk.go_to(walk.n - 1)
    assert not bar.forward.isEnabled()
    assert not bar.part.isEnabled()


def test_the_line_goes_to_the_operation_that_is_clicked(pane: StagePane) -> None:
    line = pane.walk.transport.line
    click(line, line.rect().center().toPointF())
    middle = (pane.store.walking.n - 1) / 2
    assert pane.store.walking.at == pytest.approx(middle, abs=1)
    assert pane.operation is not None
    assert line.accessibleDescription().endswith(pane.operation.label)


def test_keys_walk_also_from_the_scene(pane: StagePane) -> None:
    select(pane, "blocks.1.attn.hook_q")
    at = pane.store.walking.at
    pane.view.setFocus()
    QTest.keyClick(pane.view, Qt.Key.Key_Right)
    assert pane.store.walking.at == at + 1
    QTest.keyClick(pane.view, Qt.Key.Key_Left)
    QTest.keyClick(pane.view, Qt.Key.Key_Down)
    assert here(pane) == "blocks.2.attn.hook_q"
    QTest.keyClick(pane.view, Qt.Key.Key_End)
    QTest.keyClick(pane.view, Qt.Key.Key_Backspace)
    assert here(pane) == "blocks.2.attn.hook_q"
    QTest.keyClick(pane.view, Qt.Key.Key_Space)
    assert pane.store.walking.playing
    pane.hide()
    assert not pane.store.walking.playing


def test_layers_leaves_the_buttons_to_a_stage_that_is_seen(
    pane: StagePane, qtbot: QtBot, live_store: Store
) -> None:
    layers = LayersPane(live_store)
    qtbot.addWidget(layers)
    layers.resize(200, 400)
    with qtbot.waitExposed(layers):
        layers.show()
    assert not layers.transport.isVisible()
    assert pane.walk.transport.isVisible()
    pane.hide()
    assert layers.transport.isVisible()
    qtbot.mouseClick(layers.transport.forward, Qt.MouseButton.LeftButton)
    pane.show()
    assert not layers.transport.isVisible()


def run(pane: StagePane, condition: str) -> None:
    form = pane.walk.form
    names = [form.condition.itemText(i) for i in range(form.condition.count())]
    form.condition.setCurrentIndex(names.index(condition))


def test_it_runs_until_the_top_token_is_a_typed_one(pane: StagePane, desk: Desk) -> None:
    pane.store.select(operation=0)
    pane.walk.show_form()
    form = pane.walk.form
    assert form.isVisible()
    run(pane, "the top token is")
    assert form.token.isVisible()
    assert not form.key.isVisible()
    model, read = pane.store.model, pane.store.read
    assert model is not None
    assert read is not None
    lens = desk.lm.ask(list(read.subject.ids), Lens(positions=(read.n_tokens - 1,)))
    assert isinstance(lens, LensFound)
    token = model.token_text(int(lens.ids_LP[-1, 0]))
    form.token.setText(token.removeprefix("·"))
    QTest.keyClick(form.token, Qt.Key.Key_Return)
    settle(pane)
    assert pane.store.selection.operation > 0
    said = pane.sentence.text()
    assert f"the likeliest token is “{token.removeprefix('·')}” (0." in said
    assert here(pane).endswith("resid_post")


def test_a_token_that_there_is_none_of_is_refused_with_a_remedy(pane: StagePane) -> None:
    pane.walk.show_form()
    form = pane.walk.form
    run(pane, "the top token is")
    form.token.setText("xylophonist")
    form.send()
    assert "“xylophonist” is no token" in form.problem.text()
    assert form.problem.isVisible()
    assert pane.store.run_until.condition is None
    form.token.clear()
    QTest.keyClicks(form.token, "c")
    assert not form.problem.isVisible()


def test_a_weight_is_asked_of_this_head_or_any(pane: StagePane) -> None:
    pane.store.select(operation=0, head=2)
    pane.walk.show_form()
    form = pane.walk.form
    run(pane, "a weight is above")
    form.key.setValue(3)
    read = pane.store.read
    assert read is not None
    assert form.key_word.text() == read.tokens[3].text
    form.above.setValue(0.01)
    form.send()
    condition = pane.store.run_until.condition
    assert condition is not None
    assert (condition.head, condition.key, condition.above) == (2, 3, 0.01)
    form.head.setCurrentText("any head")
    form.send()
    condition = pane.store.run_until.condition
    assert condition is not None
    assert condition.head == -1


def test_a_number_for_a_weight_is_not_one_for_a_length(pane: StagePane) -> None:
    form = pane.walk.form
    run(pane, "a weight is above")
    form.above.setValue(0.25)
    run(pane, "the stream is longer than")
    assert form.above.value() == 10
    assert form.above.maximum() > 1
    run(pane, "a weight is above")
    assert form.above.value() == 0.25
    assert form.above.maximum() == 1


def test_it_runs_on_without_the_form(pane: StagePane) -> None:
    pane.store.select(operation=0)
    run(pane, "the operation is")
    form = pane.walk.form
    form.kind.setCurrentIndex(form.kind.findData("mlp_act"))
    pane.walk.run_on()
    assert here(pane) == "blocks.0.mlp.hook_post"
    pane.walk.run_on()
    assert here(pane) == "blocks.1.mlp.hook_post"
    settle(pane)
    assert pane.sentence.text().startswith("Block 1, ")


def test_while_it_looks_the_button_cancels(pane: StagePane, desk: Desk, qtbot: QtBot) -> None:
    pane.store.select(operation=0)
    run(pane, "the operation is")
    desk.hold()
    pane.walk.run_on()
    settle(pane)
    assert pane.walk.until.text() == "cancel"
    assert "Looking for where" in pane.sentence.text()
    qtbot.mouseClick(pane.walk.until, Qt.MouseButton.LeftButton)
    desk.release()
    assert not pane.store.run_until.going
    assert pane.walk.until.text() == "run until…"
    assert pane.store.selection.operation == 0


def test_escape_puts_the_form_away_and_a_low_stage_keeps_its_picture(
    qtbot: QtBot, live_store: Store
) -> None:
    pane = shown(qtbot, live_store, (620, 330))
    before = pane.view.height()
    pane.walk.show_form()
    qtbot.waitUntil(lambda: not pane.terms.isVisible())
    qtbot.wait(0)
    assert pane.view.height() >= before - 10
    QTest.keyClick(pane.walk.form.condition, Qt.Key.Key_Escape)
    assert not pane.walk.form.isVisible()
    assert pane.terms.isVisible()


def test_what_was_chosen_is_remembered(pane: StagePane, qtbot: QtBot, live_store: Store) -> None:
    run(pane, "the stream is longer than")
    pane.walk.form.above.setValue(7.5)
    pane.set_all_tokens(True)
    other = StagePane(live_store)
    qtbot.addWidget(other)
    other.recall(pane.remember())
    assert other.all_tokens
    assert other.walk.form.chosen == "norm"
    assert other.walk.form.above.value() == 7.5
    other.recall({"all_tokens": "yes", "until": {"above": {"norm": "much"}, "condition": 3}})
    assert not other.all_tokens
    assert other.walk.form.above.value() == 7.5


def test_every_control_has_a_name_and_a_tooltip(pane: StagePane) -> None:
    bar, form = pane.walk.transport, pane.walk.form
    for control in (
        *(bar.first, bar.back, bar.play, bar.forward, bar.part, bar.last, bar.speed),
        *(form.condition, form.token, form.kind, form.above, form.head, form.key),
        *(form.run_button, form.close_button, pane.walk.until),
    ):
        assert control.accessibleName(), control
        assert control.toolTip(), control
