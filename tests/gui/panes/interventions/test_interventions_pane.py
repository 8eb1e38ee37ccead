"""The pane: a row an intervention, one switch for what all panes show, forms for what is typed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.panes.interventions.entry_row import EntryRow
from gui.panes.interventions.forms import NeuronForm, PatchForm, SteerForm, WeightForm
from gui.panes.interventions.pane import InterventionsPane
from gui.reading.inspecting import inspected_parameter
from gui.session.store import Store
from gui.widgets.offer_menu import OfferMenu
from model.interventions import (
    AblateHead,
    CutEdge,
    Intervention,
    PatchActivation,
    RemoveMask,
    ScaleHead,
    ScaleOutput,
    SetNeuron,
    SetWeight,
    Steer,
)
from tests.gui.desk import Desk

HEAD = AblateHead(0, 1)


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> InterventionsPane:
    return shown(live_store, qtbot)


def shown(store: Store, qtbot: QtBot) -> InterventionsPane:
    pane = InterventionsPane(store)
    qtbot.addWidget(pane)
    pane.resize(300, 420)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.refresh_now()
    return pane


def texts(pane: InterventionsPane) -> list[str]:
    pane.refresh_now()
    return [row.words.text() for row in pane.rows]


def only_row(pane: InterventionsPane) -> EntryRow:
    pane.refresh_now()
    (row,) = pane.rows
    return row


def offered(pane: InterventionsPane) -> dict[str, object]:
    return {item.words: item.thing for item in pane.offers() if not item.why_not}


def test_an_empty_list_says_what_to_do(pane: InterventionsPane):
    assert pane.hint.isVisible()
    assert "Right-click a head" in pane.hint.text()
    assert not pane.views.isEnabled()
    assert not pane.undo_button.isEnabled()
    assert pane.header_note() == ""
    pane.store.intervening.add(HEAD)
    pane.refresh_now()
    assert not pane.hint.isVisible()
    assert pane.views.isEnabled()


def test_a_row_says_what_is_done_and_switches_it(pane: InterventionsPane):
    pane.store.intervening.add(HEAD, RemoveMask(2))
    assert texts(pane) == ["Cut head 0.1", "No mask in layer 2"]
    assert pane.header_note() == "2 on"
    QTest.mouseClick(pane.rows[0].switch, Qt.MouseButton.LeftButton)
    assert pane.store.interventions == (RemoveMask(2),)
    pane.refresh_now()
    assert pane.header_note() == "1 of 2 on"
    assert pane.rows[0].words.tone == "dim"
    QTest.mouseClick(pane.rows[0].remove, Qt.MouseButton.LeftButton)
    assert texts(pane) == ["No mask in layer 2"]


def test_the_slider_scales_and_its_ends_are_cut_and_doubled(pane: InterventionsPane):
    pane.store.intervening.add(HEAD)
    row = only_row(pane)
    assert row.slider is not None
    assert row.box is not None
    for step, value in ((100, 1.0), (30, 0.3), (200, 2.0), (0, 0.0)):
        row.slider.setValue(step)
        expected = ScaleHead(0, 1, value) if value else HEAD
        assert pane.store.interventions == (expected,)
        pane.refresh_now()
        assert only_row(pane) is row, "what the mouse holds stays"
        assert row.box.value() == value
    row.box.setValue(1.25)
    assert pane.store.interventions == (ScaleHead(0, 1, 1.25),)
    pane.refresh_now()
    assert row.slider.value() == 125
    assert row.words.text() == "Head 0.1 × 1.25"


def test_an_amount_beyond_the_slider_can_be_typed(pane: InterventionsPane):
    pane.store.intervening.add(ScaleOutput(1, "mlp"))
    row = only_row(pane)
    assert row.box is not None
    assert row.slider is not None
    row.box.setValue(-7.5)
    pane.refresh_now()
    assert pane.store.interventions == (ScaleOutput(1, "mlp", -7.5),)
    assert row.slider.value() == 0
    assert row.box.value() == -7.5


def test_what_is_all_or_nothing_has_no_slider(pane: InterventionsPane):
    pane.store.intervening.add(RemoveMask(2))
    assert only_row(pane).slider is None


def test_one_row_at_a_time_shows_its_slider(pane: InterventionsPane):
    pane.store.intervening.add(HEAD, ScaleOutput(1, "mlp"))
    pane.refresh_now()
    first, second = pane.rows
    assert first.slider is not None
    assert second.slider is not None
    for row, other in ((first, second), (second, first)):
        QTest.mouseClick(row.words, Qt.MouseButton.LeftButton)
        assert row.slider is not None
        assert other.slider is not None
        assert row.slider.isVisible()
        assert not other.slider.isVisible()


def test_the_segments_choose_what_all_panes_show(pane: InterventionsPane):
    store = pane.store
    store.intervening.add(HEAD)
    pane.refresh_now()
    for view, expected in (("before", ()), ("difference", (HEAD,)), ("after", (HEAD,))):
        QTest.mouseClick(pane.views.buttons[view], Qt.MouseButton.LeftButton)
        assert store.subject is not None
        assert store.subject.interventions == expected
        pane.refresh_now()
        assert pane.views.current == view
    store.intervening.flip()
    pane.refresh_now()
    assert pane.views.current == "before"
    assert pane.header_note() == "1 on · before"


def test_keys_undo_and_redo_while_the_pane_has_the_keyboard(pane: InterventionsPane):
    store = pane.store
    store.intervening.add(HEAD)
    pane.setFocus()
    ctrl = Qt.KeyboardModifier.ControlModifier
    QTest.keyClick(pane, Qt.Key.Key_Z, ctrl)
    assert store.interventions == ()
    QTest.keyClick(pane, Qt.Key.Key_Z, ctrl | Qt.KeyboardModifier.ShiftModifier)
    assert list(store.interventions) == [HEAD]
    pane.refresh_now()
    QTest.mouseClick(pane.undo_button, Qt.MouseButton.LeftButton)
    assert store.interventions == ()


def test_removing_a_row_by_key_leaves_the_keyboard_in_the_pane(
    pane: InterventionsPane, qtbot: QtBot
):
    pane.store.intervening.add(HEAD, RemoveMask(2))
    pane.refresh_now()
    pane.activateWindow()
    pane.rows[0].remove.setFocus()
    qtbot.waitUntil(pane.rows[0].remove.hasFocus)
    QTest.keyClick(pane.rows[0].remove, Qt.Key.Key_Space)
    assert texts(pane) == ["No mask in layer 2"]
    assert pane.hasFocus()


def test_what_is_offered_is_about_what_is_selected(pane: InterventionsPane):
    store = pane.store
    store.select(layer=2, head=3, position=5, key=1)
    found = offered(pane)
    assert found["Cut head 2.3"] == AblateHead(2, 3)
    assert found["Cut edge 5 → 1 of head 2.3"] == CutEdge(2, 5, 1, 3)
    assert found["Cut MLP of layer 2"] == ScaleOutput(2, "mlp")
    assert found["Cut block 2"] == ScaleOutput(2, "block")
    assert found["No mask in layer 2"] == RemoveMask(2)
    assert found["Patch in from another prompt…"] is PatchForm
    pane.choose(found["Cut head 2.3"])
    assert store.interventions == (AblateHead(2, 3),)
    (done,) = [item for item in pane.offers() if item.words == "Cut head 2.3"]
    assert done.checked
    pane.choose(done.thing)
    assert not store.interventions


def test_the_plus_opens_a_menu_that_does_it(pane: InterventionsPane):
    pane.store.select(layer=1, head=2)
    pane.refresh_now()
    QTest.mouseClick(pane.add_button, Qt.MouseButton.LeftButton)
    (menu,) = pane.findChildren(OfferMenu)
    (cut,) = [each for each in menu.actions() if each.text() == "Cut head 1.2"]
    cut.trigger()
    menu.close()
    assert pane.store.interventions == (AblateHead(1, 2),)


def test_a_neuron_is_clamped(pane: InterventionsPane):
    pane.store.select(layer=2)
    pane.open_form(NeuronForm)
    form = pane.form
    assert isinstance(form, NeuronForm)
    assert form.neuron.maximum() == 511
    form.neuron.setValue(17)
    form.value.setValue(3.5)
    QTest.mouseClick(form.send_button, Qt.MouseButton.LeftButton)
    assert pane.store.interventions == (SetNeuron(2, 17, 3.5),)
    assert pane.form is None


def test_an_activation_of_another_prompt_is_patched_in(pane: InterventionsPane, desk: Desk):
    pane.store.select(layer=1, head=2, position=4)
    pane.open_form(PatchForm)
    form = pane.form
    assert isinstance(form, PatchForm)
    assert not form.send_button.isEnabled()
    form.what.setCurrentIndex(form.what.findText("head 1.2"))
    form.where.setCurrentIndex(1)
    assert form.where.currentText().startswith("at 4 ")
    QTest.keyClicks(form.text, "The queen lost her crown")
    QTest.keyClick(form.text, Qt.Key.Key_Return)
    (patch,) = pane.store.interventions
    ids = tuple(desk.lm.ids("The queen lost her crown")[0].tolist())
    assert patch == PatchActivation(
        "blocks.1.attn.hook_z", ids, (4,), head=2, text="The queen lost her crown"
    )
    assert texts(pane) == [
        "Blocks.1.attn.hook_z of head 2 at position 4 from “The queen lost her crown”"
    ]


def test_a_direction_is_added_where_it_is_asked_for(pane: InterventionsPane, desk: Desk):
    pane.store.select(layer=2)
    pane.open_form(SteerForm)
    form = pane.form
    assert isinstance(form, SteerForm)
    form.plus.setText(" queen")
    form.minus.setText(" king")
    QTest.mouseClick(form.send_button, Qt.MouseButton.LeftButton)
    (steer,) = pane.store.interventions
    assert isinstance(steer, Steer)
    assert (steer.layer, steer.plus_text, steer.minus_text) == (2, " queen", " king")
    row = only_row(pane)
    assert row.box is not None
    row.box.setValue(-2.0)
    assert pane.store.interventions[0].factor == -2.0  # type: ignore[attr-defined]


def test_escape_puts_a_form_away(pane: InterventionsPane):
    pane.open_form(SteerForm)
    form = pane.form
    assert isinstance(form, SteerForm)
    QTest.keyClick(form.plus, Qt.Key.Key_Escape)
    assert pane.form is None
    assert pane.store.interventions == ()


def test_an_edge_beyond_the_prompt_says_that_it_does_nothing(pane: InterventionsPane):
    pane.store.intervening.add(CutEdge(0, 60, 3, 1))
    row = only_row(pane)
    n = pane.store.read.n_tokens  # type: ignore[union-attr]
    assert row.note.isVisible()
    assert row.note.text() == f"No effect: the prompt has {n} tokens."
    pane.store.set_prompt("the king " * 40)
    pane.refresh_now()
    assert not row.note.isVisible()


def test_the_lines_of_python_do_the_same(pane: InterventionsPane, desk: Desk):
    store = pane.store
    store.intervening.add(HEAD, CutEdge(1, 5, 2, 0, share=True), ScaleHead(2, 1, 0.5))
    store.intervening.switch(1, on=False)
    pane.copy_python()
    lines = QGuiApplication.clipboard().text()
    names: dict[str, object] = {"lm": desk.lm}
    exec(lines, names)
    assert names["interventions"] == store.interventions
    trace = names["trace"]
    found = desk.engine.place.bench.logits(store.subject)  # type: ignore[arg-type]
    assert (found - trace["logits"][0]).abs().max() < 1e-4  # type: ignore[index]


def test_what_is_exported_says_what_was_done(pane: InterventionsPane):
    pane.store.intervening.add(HEAD, RemoveMask(2))
    pane.store.intervening.switch(1, on=False)
    found = pane.export_data()
    assert found["kind"].tolist() == ["ablate_head", "remove_mask"]
    assert found["on"].tolist() == [True, False]


@pytest.mark.parametrize("name", ["bert", "mixtral", "gemma", "bloom"])
def test_every_offer_can_be_done_to_the_network(
    opened: Callable[..., Store], qtbot: QtBot, name: str
):
    store = opened(name)
    pane = shown(store, qtbot)
    store.select(layer=1, head=1, position=2, key=1)
    done = [thing for thing in offered(pane).values() if isinstance(thing, Intervention)]
    assert len(done) >= 6
    for one in done:
        store.intervening.set_all((one,))
        assert store.ran is not None
        assert store.ran.subject.interventions == (one,)


def test_a_row_whose_list_is_gone_tells_nobody(pane: InterventionsPane):
    changing = pane.store.intervening
    changing.add(ScaleHead(0, 1, 0.5))
    pane.refresh_now()
    row = only_row(pane)
    changing.clear()  # and before the pane is drawn again, what was typed in the row is finished
    row.exchanged.emit(ScaleHead(0, 1, 0.7), False)
    row.switched.emit(False)
    row.removed.emit()
    assert changing.entries == ()
    pane.refresh_now()
    assert pane.rows == []


def test_a_weight_is_set_by_its_name_and_index(pane: InterventionsPane, qtbot: QtBot):
    pane.open_form(WeightForm)
    form = pane.form
    assert isinstance(form, WeightForm)
    assert not form.send_button.isEnabled()
    qtbot.keyClicks(form.name, "blocks.1.mlp.W_in")
    assert form.title.text() == "One weight: [128 × 512] d_model × d_mlp"
    qtbot.keyClicks(form.index, "3, 512")
    assert not form.send_button.isEnabled()
    assert "512" in form.title.text()
    assert "511" in form.title.text(), "it says how far the axis goes"
    form.index.setText("3 5")
    form.value.setValue(0.5)
    qtbot.keyClick(form.index, Qt.Key.Key_Return)
    assert pane.form is None
    assert pane.store.interventions == (SetWeight("blocks.1.mlp.W_in", (3, 5), 0.5),)


def test_a_weight_that_is_inspected_is_offered_and_fills_the_form(pane: InterventionsPane):
    store = pane.store
    store.inspect(inspected_parameter("W_pos", (2, 7), 0.125, dtype="float32"))
    words = [item.words for item in pane.offers()]
    assert words[:2] == ["Set W_pos[2, 7] to 0", "Turn its sign: -0.125"]
    pane.open_form(WeightForm)
    form = pane.form
    assert isinstance(form, WeightForm)
    assert (form.name.text(), form.index.text(), form.value.value()) == ("W_pos", "2, 7", 0.125)
    form.value.setValue(2.0)
    form.send()
    form_again = SetWeight("W_pos", (2, 7), 2.0)
    assert store.interventions == (form_again,)
    row = only_row(pane)
    assert row.slider is not None
    assert row.words.text() == "W_pos[2, 7] set to 2"
    pane.open_form(WeightForm)
    assert isinstance(pane.form, WeightForm)
    pane.form.value.setValue(-1.0)
    pane.form.send()
    assert len(store.intervening.entries) == 1, "the same number is set anew"
