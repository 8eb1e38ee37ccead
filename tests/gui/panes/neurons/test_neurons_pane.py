"""Neurons: what is drawn is the tensor, one selection runs through all parts, texts are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.neurons.pane import NeuronsPane
from gui.reading.quoting import quoted
from gui.session.state import Notice
from gui.session.store import Store
from gui.widgets.canvas import Canvas
from gui.widgets.offer_menu import OfferMenu
from model import messages as m
from model.interventions import AblateHead, SetNeuron
from model.probe.neurons.map.asks import NeuronMapFound
from tests.gui.desk import PROMPT, Desk
from tests.gui.mouse import move_to
from tests.gui.pixels import amounts_of, color_named, pixels
from tests.gui.recorded import Recorded
from tests.model.conftest import CARROLL

NARROW, WIDE = (620, 430), (1500, 900)
LAYER = 2


@pytest.fixture(autouse=True)
def dark() -> Iterator[None]:
    theme.set_current("dark")
    yield
    theme.set_current("dark")


def shown(qtbot: QtBot, store: Store, size: tuple[int, int] = WIDE) -> NeuronsPane:
    pane = NeuronsPane(store)
    qtbot.addWidget(pane)
    pane.resize(*size)
    with qtbot.waitExposed(pane):
        pane.show()
    settle(pane)
    return pane


def settle(pane: NeuronsPane) -> None:
    """Draw until nothing new is asked: the strongest, what it is, the rows that came into view."""
    for _ in range(4):
        pane.refresh_now()
    for view in pane.findChildren(Canvas):
        view.finish()


@pytest.fixture
def pane(qtbot: QtBot, live_store: Store) -> NeuronsPane:
    live_store.select(layer=LAYER)
    return shown(qtbot, live_store)


def post(desk: Desk, layer: int = LAYER) -> np.ndarray:
    return Recorded(desk)[f"blocks.{layer}.mlp.hook_post"][0]


def lengths(desk: Desk, layer: int = LAYER) -> np.ndarray:
    """‖row of W_out‖ of every neuron."""
    return np.linalg.norm(desk.lm.parameter(f"blocks.{layer}.mlp.W_out").detach().numpy(), axis=1)


def cell_color(pane: NeuronsPane, row: int, column: int) -> np.ndarray:
    box = pane.grid.places.cell_rect(row, column)
    return pixels(pane.grid.viewport())[int(box.center().y()), int(box.center().x())]


def menu_at(view: Canvas, at: QPoint | None) -> OfferMenu:
    reason = QContextMenuEvent.Reason
    where = at or QPoint(3, 3)
    by = reason.Keyboard if at is None else reason.Mouse
    event = QContextMenuEvent(by, where, view.viewport().mapToGlobal(where))
    QApplication.sendEvent(view.viewport(), event)
    (menu,) = [each for each in view.findChildren(OfferMenu) if each.isVisible()]
    return menu


# ------------------------------------------------------------------------------- the map


def test_rows_stand_in_the_order_of_what_they_write_and_pixels_are_the_tensor(
    pane: NeuronsPane, desk: Desk
):
    written_TN = post(desk) * lengths(desk)
    order = np.argsort(-np.abs(written_TN).max(0), kind="stable")
    found = pane.map_side.found
    assert isinstance(found, NeuronMapFound)
    content = pane.grid.content
    assert content is not None
    n = len(content.row_labels)
    assert content.row_labels == tuple(str(one) for one in order[:n])
    assert content.n_rows == 512
    table, limit = theme.diverging_table(), content.limit
    pane.grid.set_marks(None, None)
    n_colors = set()
    for row in range(0, 20, 3):
        for column in range(len(content.tokens)):
            color = cell_color(pane, row, column)
            low, high = amounts_of(color, table)
            value = np.clip(written_TN[column, order[row]] / limit, -1, 1)
            assert 2 * low - 1 - 1e-3 <= value <= 2 * high - 1 + 1e-3, (row, column)
            n_colors.add(tuple(color))
    assert len(n_colors) > 20


def test_by_activation_and_by_number_the_map_is_another(pane: NeuronsPane, desk: Desk):
    QTest.mouseClick(pane.controls.bys.buttons["activation"], Qt.MouseButton.LeftButton)
    settle(pane)
    content = pane.grid.content
    assert content is not None
    strongest = int(np.abs(post(desk)).max(0).argmax())
    assert content.row_labels[0] == str(strongest)
    np.testing.assert_allclose(content.values_RT[0], post(desk)[:, strongest], atol=1e-5)
    pane.controls.orders.setCurrentIndex(2)
    pane.controls.orders.activated.emit(2)
    settle(pane)
    assert pane.grid.content is not None
    assert pane.grid.content.row_labels[:3] == ("0", "1", "2")
    np.testing.assert_allclose(pane.grid.content.values_RT[2], post(desk)[:, 2], atol=1e-5)


def test_only_rows_near_those_in_view_are_asked_and_scrolling_brings_others(
    pane: NeuronsPane, desk: Desk
):
    pane.controls.choose("activation", "number")
    pane._ask_from_the_top()
    settle(pane)
    content = pane.grid.content
    assert content is not None
    assert len(content.values_RT) < 200
    pane.grid.verticalScrollBar().setValue(16 * 400)
    assert 400 in pane.grid.seen
    settle(pane)
    content = pane.grid.content
    assert content is not None
    assert 400 in content.here
    np.testing.assert_allclose(
        content.values_RT[400 - content.first], post(desk)[:, 400], atol=1e-5
    )
    pane.grid.verticalScrollBar().setValue(pane.grid.verticalScrollBar().maximum())
    settle(pane)
    assert pane.grid.content is not None
    assert pane.grid.content.here.stop == 512


def test_hovering_a_cell_names_its_number(pane: NeuronsPane, desk: Desk):
    found = pane.map_side.found
    assert found is not None
    neuron = int(found.rows_R[1])
    box = pane.grid.places.cell_rect(1, 4)
    said = pane.grid.tooltip(box.center().toPoint())
    assert f"blocks.2.mlp.hook_post[0, 4, {neuron}] = {post(desk)[4, neuron]:.4g}"[:-1] in said
    written = abs(post(desk)[4, neuron]) * lengths(desk)[neuron]
    assert f"length {written:.3g}"[:-1] in said


def test_a_click_selects_neuron_and_token_and_inspects_the_number(pane: NeuronsPane, desk: Desk):
    store = pane.store
    box = pane.grid.places.cell_rect(3, 5)
    viewport = pane.grid.viewport()
    QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=box.center().toPoint())
    found = pane.map_side.found
    assert found is not None
    neuron = int(found.rows_R[3])
    assert (store.selection.position, store.selection.neuron) == (5, neuron)
    inspected = store.inspected
    assert inspected is not None
    assert (inspected.name, inspected.index) == ("blocks.2.mlp.hook_post", (0, 5, neuron))
    assert inspected.value == pytest.approx(post(desk)[5, neuron], abs=1e-5)
    settle(pane)
    assert pane.heading.name.text() == f"Neuron {neuron} of layer 2"
    accent = color_named("accent")
    band = pane.grid.places.row_band(3)
    row = pixels(viewport)[int(band.top()), int(band.left()) + 2 : int(band.right()) - 2]
    assert (np.abs(row.astype(int) - accent).sum(-1) < 60).mean() > 0.8, "its row is framed"


def test_arrow_keys_move_through_the_order_and_the_text(pane: NeuronsPane):
    found = pane.map_side.found
    assert found is not None
    pane._choose_neuron(int(found.order_N[0]))
    settle(pane)
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Left):
        QTest.keyClick(pane.grid, key)
        settle(pane)
    assert pane.store.selection.neuron == int(found.order_N[2])
    assert pane.store.read is not None
    assert pane.store.selection.position == pane.store.read.n_tokens - 2
    QTest.keyClick(pane.grid, Qt.Key.Key_End)
    settle(pane)
    assert pane.store.selection.neuron == int(found.order_N[511])
    assert 511 in pane.grid.seen


def test_a_neuron_is_found_by_its_number_and_one_that_is_not_there_is_said(
    pane: NeuronsPane, qtbot: QtBot
):
    pane.find_neuron()
    QTest.keyClicks(pane.controls.number, "317")
    QTest.keyClick(pane.controls.number, Qt.Key.Key_Return)
    settle(pane)
    assert pane.store.selection.neuron == 317
    found = pane.map_side.found
    assert found is not None
    assert int(np.flatnonzero(found.order_N == 317)[0]) in pane.grid.seen
    told: list[Notice] = []
    pane.store.notice_posted.connect(told.append)
    pane.go_to("512")
    assert [one.message for one in told] == [
        "There is no neuron 512 in layer 2; there are 0 to 511."
    ]
    assert pane.store.selection.neuron == 317


def test_another_layer_has_no_neuron_selected(pane: NeuronsPane):
    pane._choose_neuron(7)
    pane.store.select(layer=1)
    assert pane.store.selection.neuron is None
    settle(pane)
    assert pane.heading.name.text().endswith("of layer 1")
    assert pane.header_note() == "layer 1 · 512 neurons"


# ------------------------------------------------------------------- one neuron, all sides


def test_bars_are_the_tokens_strongest_and_lead_to_them(pane: NeuronsPane, desk: Desk):
    at = 4
    pane.store.select(position=at)
    settle(pane)
    written_N = post(desk)[at] * lengths(desk)
    best = np.argsort(-np.abs(written_N), kind="stable")
    assert [row.neuron for row in pane.bars.rows[:8]] == best[:8].tolist()
    np.testing.assert_allclose(
        [row.value for row in pane.bars.rows], written_N[best[: len(pane.bars.rows)]], rtol=1e-4
    )
    widths = [pane.bars.bar_rect(row).width() for row in range(4)]
    np.testing.assert_allclose(
        np.array(widths) / widths[0], np.abs(written_N[best[:4]] / written_N[best[0]]), rtol=1e-3
    )
    negative = next(i for i, row in enumerate(pane.bars.rows) if row.value < 0)
    positive = next(i for i, row in enumerate(pane.bars.rows) if row.value > 0)
    zero = pane.bars.bar_rect(positive).left()
    assert pane.bars.bar_rect(negative).right() == pytest.approx(zero)
    middle = pane.bars.row_rect(2).center().toPoint()
    QTest.mouseClick(pane.bars.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    assert pane.store.selection.neuron == int(best[2])


def test_tokens_are_those_of_its_rows_of_the_weights(pane: NeuronsPane, desk: Desk):
    pane._choose_neuron(100)
    settle(pane)
    weights = {
        name: desk.lm.parameter(name).detach().numpy()
        for name in ("W_E", "W_U", "blocks.2.mlp.W_out", "blocks.2.mlp.W_in")
    }
    effect_V = weights["blocks.2.mlp.W_out"][100] @ weights["W_U"]
    heard_V = weights["W_E"] @ weights["blocks.2.mlp.W_in"][:, 100]
    raises, lowers, hears = pane.lists.columns
    for column, order, score_V in (
        (raises, np.argsort(-effect_V), effect_V),
        (lowers, np.argsort(effect_V), effect_V),
        (hears, np.argsort(-heard_V), heard_V),
    ):
        assert [entry.token_id for entry in column.entries[:5]] == order[:5].tolist()
        np.testing.assert_allclose(
            [entry.score for entry in column.entries], score_V[order[: len(column.entries)]],
            atol=1e-5,
        )  # fmt: skip
    assert hears.title == "listens to (W_in)"
    at = pane.lists.row_rect(1, 2).center().toPoint()
    QTest.mouseClick(pane.lists.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert pane.store.selection.vocabulary_id == lowers.entries[2].token_id


def test_the_curve_has_every_token_where_its_numbers_are(pane: NeuronsPane, desk: Desk):
    pane._choose_neuron(100)
    settle(pane)
    pre = Recorded(desk)["blocks.2.mlp.hook_pre"][0, :, 100]
    for position, (x, y) in enumerate(zip(pre, post(desk)[:, 100])):
        dot = pane.curve.dot(position)
        assert dot is not None
        wanted = pane.curve.point(float(x), float(y))
        assert (dot - wanted).manhattanLength() < 0.1
        assert pane.curve.plot.adjusted(-1, -1, 1, 1).contains(dot)
        QTest.mouseClick(pane.curve.viewport(), Qt.MouseButton.LeftButton, pos=dot.toPoint())
        near = pane.store.selection.position
        assert abs(pre[near] - x) < 0.4, "the token there, or one just beside it"
        settle(pane)
    dot = pane.curve.dot(3)
    assert dot is not None
    said = pane.curve.tooltip(dot.toPoint())
    assert "gelu" in said
    # What is drawn there is a dot.
    image = pixels(pane.curve.viewport())
    here = image[round(dot.y()), round(dot.x())]
    assert not np.array_equal(here, color_named("panel"))


def test_the_sentence_says_what_the_neuron_does_here(pane: NeuronsPane, desk: Desk):
    written = post(desk)[-1] * lengths(desk)
    best = int(np.abs(written).argmax())
    said = pane.sentence.text()
    assert said.startswith(f"At “her” neuron {best} is at {post(desk)[-1, best]:.3g}")
    assert "the strongest of 512 by what it writes" in said
    assert f"raises {quoted(pane.lists.columns[0].entries[0].text)}" in said
    silent = int(np.argsort(-np.abs(written))[40])
    pane._choose_neuron(silent)
    settle(pane)
    assert "the 41st strongest of 512" in pane.sentence.text()


# ------------------------------------------------------------------------------ changing


def test_a_neuron_is_cut_from_the_map_and_seen_to_be(pane: NeuronsPane):
    found = pane.map_side.found
    assert found is not None
    neuron = int(found.rows_R[0])
    largest = float(found.values_RT[0].max())
    menu = menu_at(pane.grid, pane.grid.places.cell_rect(0, 2).center().toPoint())
    texts = [action.text() for action in menu.actions()]
    assert texts[0] == f"Clamp neuron {neuron} of layer 2 to 0"
    assert (
        texts[1]
        == f"Clamp neuron {neuron} of layer 2 to {float(f'{largest:.4g}'):g}, its largest here"
    )
    menu.actions()[0].trigger()
    menu.close()
    settle(pane)
    assert pane.store.interventions == (SetNeuron(2, neuron, 0.0),)
    assert pane.heading.cut_button.isChecked()
    assert (
        pane.sentence.text() == f"Neuron {neuron} is cut: it is 0 at every token, writes nothing."
    )
    after = pane.map_side.found
    assert after is not None
    assert int(after.order_N[0]) != neuron
    assert all(pane.curve.content.post_T == 0)  # type: ignore[union-attr]
    QTest.mouseClick(pane.heading.cut_button, Qt.MouseButton.LeftButton)
    settle(pane)
    assert not pane.store.interventions
    assert not pane.heading.cut_button.isChecked()


def test_a_neuron_is_clamped_from_its_bar_by_key(pane: NeuronsPane):
    first = pane.bars.rows[0].neuron
    menu = menu_at(pane.bars, None)
    menu.actions()[1].trigger()
    menu.close()
    settle(pane)
    ((one,),) = [pane.store.interventions]
    assert isinstance(one, SetNeuron)
    assert (one.neuron, one.layer) == (first, 2)
    assert pane.curve.content is not None
    np.testing.assert_allclose(pane.curve.content.post_T, one.value)
    assert "is clamped to" in pane.sentence.text()


def test_two_prompts_are_subtracted_at_tokens_that_belong_together(pane: NeuronsPane, desk: Desk):
    longer = "The old king lost his crown. The queen lost her"
    pane.store.set_prompt(longer)
    settle(pane)
    pane.store.comparing.compare_prompt(PROMPT)
    settle(pane)
    found, content = pane.map_side.found, pane.grid.content
    assert found is not None
    assert content is not None
    name = f"blocks.{found.asked.layer}.mlp.hook_post"
    a, b = (desk.lm.trace(text, name)[name][0].numpy() for text in (longer, PROMPT))
    kept = [0, *range(2, 11)]
    minus = ((b - a[kept]) * lengths(desk))[:, found.rows_R].T
    np.testing.assert_allclose(content.values_RT[:, kept], minus, atol=1e-4)
    assert np.abs(minus).max() > 0.1
    assert np.isnan(content.values_RT[:, 1]).all(), "“old” has no other side"
    assert content.title[-1] == "B − A"
    cell = pane.grid.places.cell_rect(2, 1).center().toPoint()
    assert pane.grid.tooltip(cell).endswith("no other side in B")


def test_the_difference_is_what_the_interventions_added(pane: NeuronsPane, desk: Desk):
    clean = post(desk) * lengths(desk)
    pane.store.intervening.add(AblateHead(0, 1))
    pane.store.intervening.set_view("difference")
    settle(pane)
    found, content = pane.map_side.found, pane.grid.content
    assert found is not None
    assert content is not None
    assert content.title[0].startswith("after − before")
    added = found.drawn_RT - clean[:, found.rows_R].T
    assert np.abs(added).max() > 0.1
    np.testing.assert_allclose(content.values_RT, added, atol=1e-4)
    cell = pane.grid.places.cell_rect(2, 5).center().toPoint()
    was = clean[5, found.rows_R[2]] / lengths(desk)[found.rows_R[2]]
    assert f"before the interventions {was:.4g}"[:-1] in pane.grid.tooltip(cell)
    pane.store.intervening.set_view("after")
    settle(pane)
    assert pane.grid.content is not None
    np.testing.assert_allclose(pane.grid.content.values_RT, found.drawn_RT, atol=1e-5)


# --------------------------------------------------------------------------------- texts


def test_texts_are_read_on_request_for_all_neurons_at_once(pane: NeuronsPane, desk: Desk):
    assert not pane.texts.snippets.lines
    assert "Nothing of the story world is read yet" in pane.texts.status.text()
    QTest.mouseClick(pane.texts.button, Qt.MouseButton.LeftButton)
    settle(pane)
    lines = pane.texts.snippets.lines
    assert len(lines) == 12
    assert [one.value for one in lines] == sorted((one.value for one in lines), reverse=True)
    assert pane.texts.status.text().startswith("10,240 tokens of the story world read")
    assert pane.texts.button.text() == "Read more"
    n_asked = len(desk.results)
    pane._choose_neuron(33)
    settle(pane)
    others = pane.texts.snippets.lines
    assert len(others) == 12
    assert others != lines
    progressed = [
        one
        for one in desk.results[n_asked:]
        if isinstance(one, m.Answered) and one.answer.question.name == "neuron_texts"
    ]
    assert len(progressed) == 1, "nothing more is read for another neuron"
    QTest.mouseClick(pane.texts.button, Qt.MouseButton.LeftButton)
    settle(pane)
    assert pane.texts.status.text().startswith("30,720 tokens")


def test_tokens_of_a_text_have_the_colour_of_their_activation(pane: NeuronsPane, desk: Desk):
    pane._choose_neuron(100)
    pane.toggle_reading()
    settle(pane)
    view = pane.texts.snippets
    image = pixels(view.viewport())
    table = theme.diverging_table()
    seen = 0
    for row in range(3):
        one = view.lines[row]
        for rect, value in zip(view.token_rects(row), one.values, strict=False):
            if rect.left() < 60 or rect.right() > view.viewport().width() - 12:
                continue
            corner = image[int(rect.top()) + 2, int(rect.left()) + 2]
            low, high = amounts_of(corner, table)
            assert 2 * low - 1 - 1e-3 <= value / view.limit <= 2 * high - 1 + 1e-3
            seen += 1
    assert seen > 10
    # The first one holds what the network really does with that text.
    found = pane.slot("texts").answer  # type: ignore[union-attr]
    assert float(found.activation_K[0]) == view.lines[0].value  # type: ignore[union-attr]
    assert int(pane.texts.histogram._counts.sum()) == 10_240


def test_reading_is_seen_to_go_on_and_can_be_stopped(pane: NeuronsPane, desk: Desk):
    desk.hold()
    pane.toggle_reading()
    settle(pane)
    assert pane.texts.button.text() == "Stop"
    assert pane.texts.status.text() == "Reading the story world…"
    (ask,) = [one for one in desk.held or [] if isinstance(one, m.Ask)]
    pane.toggle_reading()
    settle(pane)
    assert pane.texts.button.text() == "Read texts"
    assert any(isinstance(one, m.Cancel) and one.target == ask.id for one in desk.held or [])
    desk.release()
    settle(pane)
    assert not pane.texts.snippets.lines


def test_a_file_is_read_to_its_end_and_one_that_is_gone_is_said(pane: NeuronsPane, tmp_path: Path):
    path = tmp_path / "alice.txt"
    path.write_text(CARROLL, encoding="utf-8")
    pane.read_file(str(path))
    pane.toggle_reading()
    settle(pane)
    assert pane.texts.status.text().startswith("All of alice.txt is read: ")
    assert not pane.texts.button.isEnabled()
    assert pane.texts.snippets.lines
    assert pane.texts.source.currentText() == "alice.txt"
    pane.read_file(str(tmp_path / "gone.txt"))
    settle(pane)
    assert "gone.txt can't be read" in pane.texts.status.text()
    pane.read_file("")
    settle(pane)
    assert "tokens of the story world" in pane.texts.status.text()


# -------------------------------------------------------------------- sizes and other nets


def test_in_a_narrow_pane_one_part_is_seen_and_only_that_is_asked(qtbot: QtBot, live_store: Store):
    pane = shown(qtbot, live_store, NARROW)
    assert set(pane.questions()) == {"here", "map"}
    assert pane.bars.isVisible()
    assert not pane.curve.isVisible()
    QTest.mouseClick(pane.body.views.buttons["curve"], Qt.MouseButton.LeftButton)
    settle(pane)
    assert set(pane.questions()) == {"here", "map", "curve"}
    assert pane.curve.isVisible()
    assert pane.curve.content is not None
    pane.resize(*WIDE)
    settle(pane)
    assert set(pane.questions()) == {"here", "map", "curve", "texts"}
    for view in (pane.bars, pane.lists, pane.curve, pane.texts.snippets):
        assert view.isVisible()
    boxes = [section.geometry() for section in pane.body.sections.values()]
    for index, one in enumerate(boxes):
        assert pane.body.rect().contains(one)
        assert not any(one.intersects(other) for other in boxes[:index])


def test_a_mixture_hatches_what_is_not_sent_and_names_experts(
    qtbot: QtBot, opened: Callable[..., Store], desk: Desk
):
    store = opened("mixtral")
    store.select(layer=1)
    pane = shown(qtbot, store)
    assert store.model is not None
    config = store.model.config
    assert config.experts is not None
    found = pane.map_side.found
    assert found is not None
    assert len(found.order_N) == config.n_neurons == config.d_mlp * config.experts.n
    assert pane.grid.content is not None
    assert pane.grid.content.row_labels[0].startswith("e")
    missing = np.argwhere(np.isnan(found.values_RT[:20]))
    row, column = map(int, missing[0])
    said = pane.grid.tooltip(pane.grid.places.cell_rect(row, column).center().toPoint())
    assert "not sent to this expert" in said
    there = np.argwhere(~np.isnan(found.values_RT[:20]))
    row, column = map(int, there[0])
    pane.map_side._choose((row, column))
    assert store.inspected is not None
    trace = Recorded(desk)["blocks.1.mlp.hook_post"]
    # Of float32, in which processors add in their own order: with AMX 1.1e-6 of it apart.
    assert store.inspected.value == pytest.approx(float(trace[store.inspected.index]), rel=2e-6)
    last = config.n_neurons - 1
    pane._choose_neuron(last)
    settle(pane)
    assert store.selection.neuron == last
    assert pane.heading.name.text().startswith(f"Neuron {config.d_mlp - 1} of expert ")
    assert not pane.heading.cut_button.isEnabled()
    assert "expert" in pane.heading.cut_button.toolTip()
    assert pane.lists.columns[2].title == "listens to (W_gate)"
    assert pane.texts.ends.isVisible()
    pane.toggle_reading()
    settle(pane)
    assert "sent to its expert" in pane.texts.activity.text()


def test_a_network_without_scores_says_why_there_are_no_tokens(
    qtbot: QtBot, opened: Callable[..., Store]
):
    pane = shown(qtbot, opened("headless"))
    assert pane.lists.columns[0].entries == ()
    assert pane.lists.columns[0].why_not == (
        "This network scores no tokens, so a neuron promotes none."
    )
    assert pane.lists.columns[2].entries
    assert pane.bars.rows


def test_without_a_model_it_says_what_to_do(qtbot: QtBot, desk: Desk):
    pane = shown(qtbot, desk.store)
    assert pane._stack.currentWidget() is pane._empty
    assert "Open a model" in pane._empty.text()


@pytest.mark.parametrize("size", [NARROW, WIDE])
@pytest.mark.parametrize("look", ["dark", "light"])
def test_long_texts_scroll_and_zoom_along_the_text(
    qtbot: QtBot, live_store: Store, look: str, size: tuple[int, int]
):
    theme.set_current(look)
    live_store.set_prompt(" ".join(["The king lost his crown. The queen lost her crown."] * 9))
    pane = shown(qtbot, live_store, size)
    assert live_store.read is not None
    n = live_store.read.n_tokens
    last = pane.grid.places.column_band(n - 1)
    assert pane.grid.places.window.right() + 1 >= last.right(), "the selected token is in view"
    QTest.keyClick(pane.grid, Qt.Key.Key_Minus)
    for _ in range(30):
        QTest.keyClick(pane.grid, Qt.Key.Key_Minus)
    assert pane.grid.places.column * n <= pane.grid.places.window.width() + n
    QTest.keyClick(pane.grid, Qt.Key.Key_0)
    assert pane.grid.places.column >= 7
    label = QRectF(0, 0, pane.grid.places.window.left(), pane.grid.places.window.top())
    assert label.height() < 0.45 * pane.grid.height()


def test_it_remembers_how_it_was_left(qtbot: QtBot, live_store: Store, tmp_path: Path):
    path = tmp_path / "mine.txt"
    path.write_text("The king.", encoding="utf-8")
    before = shown(qtbot, live_store, NARROW)
    before.controls.choose("activation", "number")
    before.body.show_view("tokens")
    before.read_file(str(path))
    kept = before.remember()
    after = NeuronsPane(live_store)
    qtbot.addWidget(after)
    after.recall(kept)
    assert after.remember() == kept
    path.unlink()
    broken = NeuronsPane(live_store)
    qtbot.addWidget(broken)
    broken.recall({"by": 3, "order": "sideways", "view": [], "file": str(path)})
    assert broken.remember() == {"by": "write", "order": "text", "view": "token", "file": ""}


def test_all_that_is_drawn_can_be_exported(pane: NeuronsPane, desk: Desk):
    pane.toggle_reading()
    settle(pane)
    data = pane.export_data()
    named = data["map_activation"]
    neuron = int(named.at["neuron"][0])  # type: ignore[union-attr]
    np.testing.assert_allclose(named.values[0], post(desk)[:, neuron], atol=1e-5)  # type: ignore[union-attr]
    assert {"token_neuron_number", "token_raises", "token_heard", "curve_post"} <= set(data)
    assert {"texts_activation", "texts_around", "texts_count"} <= set(data)


def test_hovering_lights_a_row_and_a_column(pane: NeuronsPane):
    before = pixels(pane.grid.viewport())
    box = pane.grid.places.cell_rect(6, 3)
    move_to(pane.grid.viewport(), box.center().toPoint())
    after = pixels(pane.grid.viewport())
    changed = np.argwhere((before != after).any(-1))
    band = pane.grid.places.row_band(6)
    assert len(changed) > 100
    assert (np.abs(changed[:, 0] - band.center().y()) < 9).any()
