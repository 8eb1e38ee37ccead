"""The map of the network: it draws the model's own values, and keys and clicks move through it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.layers.map_layout import OperationGraph, Row, Spacing, lanes, lay_out
from gui.panes.layers.map_lines import Geometry, rows_by_operation, way
from gui.panes.layers.pane import LayersPane
from gui.panes.layers.words import row_words
from gui.reading.quoting import quoted
from gui.reading.thinning import columns
from gui.session.store import Store
from model import messages as m
from model.config import TransformerConfig
from model.operations import operations
from model.probe.vectors.asks import Vectors
from model.sampling import Sampling
from model.train import PRESETS
from tests.gui.desk import Desk
from tests.gui.recorded import Recorded

GPT2 = TransformerConfig(n_layers=3, n_heads=4, d_model=32, d_vocab=50, n_ctx=16)
ARCHITECTURES = {
    "gpt2": GPT2,
    "no positions": replace(GPT2, positions="none"),
    "parallel": replace(GPT2, parallel=True),
    "llama": replace(
        GPT2, n_kv_heads=2, norm="rms", positions="rotary", gated=True, activation="silu"
    ),
}


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No motion, so that a picture is of what was asked for; dark when it begins."""
    monkeypatch.setattr(theme, "MOTION_MS", 0)
    theme.set_current("dark")
    yield
    theme.set_current("dark")


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> LayersPane:
    return shown(live_store, qtbot)


def shown(store: Store, qtbot: QtBot, width: int = 780, height: int = 900) -> LayersPane:
    pane = LayersPane(store)
    qtbot.addWidget(pane)
    pane.resize(width, height)
    pane.show()
    qtbot.waitExposed(pane)
    pane.refresh_now()
    return pane


def index_of(store: Store, output: str) -> int:
    return next(i for i, op in enumerate(store.operations) if op.output == output)


def row_of(pane: LayersPane, index: int) -> Row:
    return next(row for row in pane.map.rows if row.holds(index))


def picture(pane: LayersPane) -> QImage:
    return pane.map.viewport().grab().toImage()


def strip_values(pane: LayersPane, row: Row, n: int, limit: float) -> np.ndarray:
    """Values read back from a strip's pixels through the diverging colour map."""
    box = pane.map.strip_box(row)
    assert box is not None
    image = picture(pane)
    table = theme.diverging_table().astype(int)
    values = []
    for i in range(n):
        x = box.left() + (i + 0.5) * box.width() / n
        color = QColor(image.pixel(int(x), int(box.center().y())))
        distance = np.abs(table - [color.red(), color.green(), color.blue()]).sum(axis=1)
        assert distance.min() == 0, f"value {i}: a colour that is not in the map"
        values.append((distance.argmin() / 127.5 - 1) * limit)
    return np.array(values)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_draws_each_operation_once_and_each_input_as_a_line(name: str) -> None:
    graph = OperationGraph(operations(ARCHITECTURES[name]))
    rows, height = lay_out(graph, range(3), Spacing())
    shown = [row.first for row in rows if row.kind == "operation"]
    assert shown == list(range(len(graph.operations)))
    bottoms = [row.top + row.height for row in rows]
    assert all(bottom <= row.top for bottom, row in zip(bottoms, rows[1:])), "rows overlap"
    assert bottoms[-1] < height
    lane_of, by_op = lanes(graph, shown), rows_by_operation(rows)
    geometry = Geometry(12, 60, 120, 6, None)
    for target, op in enumerate(graph.operations):
        assert len(graph.inputs[target]) == len(op.inputs), op.output
        for source in graph.inputs[target]:
            line = way(graph, source, target, by_op, lane_of, geometry)
            assert not line.isEmpty()
            # It begins at the row that writes and ends at the row that reads.
            start, end = QPointF(line.elementAt(0)), line.currentPosition()  # type: ignore[call-overload]
            assert abs(start.y() - by_op[source].middle) <= by_op[source].height / 2
            assert abs(end.y() - by_op[target].middle) <= by_op[target].height / 2


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_outputs_whose_ways_overlap_get_different_lanes(name: str) -> None:
    graph = OperationGraph(operations(ARCHITECTURES[name]))
    lane_of = lanes(graph, range(len(graph.operations)))
    spans = [(op, max(graph.readers[op]), lane) for op, lane in lane_of.items()]
    for start, end, lane in spans:
        others = [s for s in spans if s[2] == lane and s[0] != start]
        assert all(other_end <= start or end <= other for other, other_end, _ in others)


def test_a_folded_block_shows_its_parts_and_the_current_one_its_operations(
    pane: LayersPane, live_store: Store
) -> None:
    index = index_of(live_store, "blocks.1.attn.hook_pattern")
    live_store.select(operation=index)
    pane.refresh_now()
    assert pane.map.unfolded() == {1}
    layers = {row.layer for row in pane.map.rows if row.kind == "folded"}
    assert layers == {0, 2, 3}
    parts = [row.label for row in pane.map.rows if row.layer == 0 and row.kind == "folded"]
    assert parts == ["Attention", "MLP"]


def test_the_lit_row_is_filled_with_the_accent(pane: LayersPane, live_store: Store) -> None:
    index = index_of(live_store, "blocks.2.mlp.hook_post")
    live_store.select(operation=index)
    pane.refresh_now()
    image = picture(pane)
    lit = [
        row.first
        for row in pane.map.rows
        if row.kind == "operation"
        and QColor(image.pixel(pane.map.row_box(row).center().toPoint()))
        == theme.current().color("accent_soft")
    ]
    assert lit == [index]


@pytest.mark.parametrize("name", ["dark", "light"])
@pytest.mark.parametrize("output", ["blocks.1.hook_resid_mid", "blocks.1.attn.hook_q"])
def test_the_strip_beside_a_row_is_the_vector_of_the_selected_position(
    qtbot: QtBot, live_store: Store, desk: Desk, name: str, output: str
) -> None:
    theme.set_current(name)
    pane = shown(live_store, qtbot)
    live_store.select(operation=index_of(live_store, output), position=3, head=2)
    pane.refresh_now()
    array = Recorded(desk)[output]
    wanted = array[0, 3] if array.ndim == 3 else array[0, 3, 2]
    row = row_of(pane, index_of(live_store, output))
    limit = float(np.abs(wanted).max())
    drawn = strip_values(pane, row, len(wanted), limit)
    np.testing.assert_allclose(drawn, wanted, atol=limit / 255 + 1e-6)


def test_the_strip_follows_a_new_prompt(pane: LayersPane, live_store: Store, desk: Desk) -> None:
    live_store.select(operation=index_of(live_store, "blocks.0.hook_resid_post"))
    live_store.set_prompt("The boy saw a dog")
    pane.refresh_now()
    wanted = Recorded(desk)["blocks.0.hook_resid_post"][0, -1]
    limit = float(np.abs(wanted).max())
    row = row_of(pane, index_of(live_store, "blocks.0.hook_resid_post"))
    drawn = strip_values(pane, row, len(wanted), limit)
    np.testing.assert_allclose(drawn, wanted, atol=limit / 255 + 1e-6)


def test_thinning_out_keeps_the_largest_value() -> None:
    values = np.zeros(3072)
    values[1001] = -5.0
    chosen = columns(values, 200)
    assert len(chosen.picks) <= 200
    assert 1001 in chosen.picks
    assert np.array_equal(columns(values[:40], 200).picks, np.arange(40))


def test_a_click_on_a_value_inspects_that_value(
    pane: LayersPane, live_store: Store, desk: Desk, qtbot: QtBot
) -> None:
    live_store.select(operation=index_of(live_store, "blocks.1.attn.hook_z"), position=2, head=1)
    pane.refresh_now()
    index = index_of(live_store, "blocks.1.hook_resid_mid")
    box = pane.map.strip_box(row_of(pane, index))
    assert box is not None
    x = box.left() + 17.5 * box.width() / 128
    at = QPoint(int(x), int(box.center().y()))
    qtbot.mouseClick(pane.map.viewport(), Qt.MouseButton.LeftButton, pos=at)
    inspected = live_store.inspected
    assert inspected is not None
    assert inspected.name == "blocks.1.hook_resid_mid"
    assert inspected.index == (0, 2, 17)
    assert inspected.subject == live_store.subject
    assert live_store.read is not None
    assert f"at {quoted(live_store.read.tokens[2].text)}" in inspected.note
    wanted = eval(inspected.code, {"trace": Recorded(desk)})
    assert inspected.value == pytest.approx(float(wanted), rel=1e-5)
    assert live_store.selection.operation == index


def test_a_click_selects_the_operation_and_its_layer(
    pane: LayersPane, live_store: Store, qtbot: QtBot
) -> None:
    row = next(row for row in pane.map.rows if row.layer == 3 and row.label == "MLP")
    at = pane.map.row_box(row).center().toPoint()
    qtbot.mouseClick(pane.map.viewport(), Qt.MouseButton.LeftButton, pos=at)
    chosen = live_store.operations[live_store.selection.operation]
    assert (chosen.layer, chosen.group) == (3, "mlp")
    assert live_store.selection.layer == 3
    pane.refresh_now()
    assert 3 in pane.map.unfolded()


def test_a_click_on_a_blocks_head_unfolds_and_folds_it(
    pane: LayersPane, live_store: Store, qtbot: QtBot
) -> None:
    def click_head() -> None:
        head = next(r for r in pane.map.rows if r.kind == "section" and r.layer == 2)
        at = pane.map.row_box(head).center().toPoint()
        qtbot.mouseClick(pane.map.viewport(), Qt.MouseButton.LeftButton, pos=at)

    before = live_store.selection
    click_head()
    assert pane.map.unfolded() == {2}
    click_head()
    assert pane.map.unfolded() == frozenset()
    assert live_store.selection == before


def test_keys_step_through_operations_and_blocks(
    pane: LayersPane, live_store: Store, qtbot: QtBot
) -> None:
    def here() -> str:
        return live_store.operations[live_store.selection.operation].output

    names = [op.output for op in live_store.operations]
    assert here() == "input_ids"
    for name in names[1:]:
        qtbot.keyClick(pane, Qt.Key.Key_Right)
        assert here() == name
    qtbot.keyClick(pane, Qt.Key.Key_Right)
    assert here() == names[-1], "there is nothing after the last"
    qtbot.keyClick(pane, Qt.Key.Key_Left)
    assert here() == names[-2]
    live_store.select(operation=names.index("blocks.1.attn.hook_pattern"))
    qtbot.keyClick(pane, Qt.Key.Key_Down)
    assert here() == "blocks.2.attn.hook_pattern"
    assert live_store.selection.layer == 2
    for wanted in ("blocks.1.attn.hook_pattern", "blocks.0.attn.hook_pattern"):
        qtbot.keyClick(pane, Qt.Key.Key_Up)
        assert here() == wanted
    qtbot.keyClick(pane, Qt.Key.Key_Up)
    assert live_store.operations[live_store.selection.operation].group == "embed"
    qtbot.keyClick(pane, Qt.Key.Key_End)
    assert here() == names[-1]
    qtbot.keyClick(pane, Qt.Key.Key_Home)
    assert here() == names[0]
    assert pane.header_note() == f"op 1 of {len(names)}"


def test_the_buttons_step_and_are_off_where_nothing_is_left(
    pane: LayersPane, live_store: Store, qtbot: QtBot
) -> None:
    bar = pane.transport
    assert not bar.back.isEnabled()
    qtbot.mouseClick(bar.forward, Qt.MouseButton.LeftButton)
    pane.refresh_now()
    assert live_store.selection.operation == 1
    assert bar.back.isEnabled()
    qtbot.mouseClick(bar.last, Qt.MouseButton.LeftButton)
    pane.refresh_now()
    assert not bar.forward.isEnabled()
    qtbot.mouseClick(bar.first, Qt.MouseButton.LeftButton)
    assert live_store.selection.operation == 0


def test_playing_goes_on_by_itself_until_the_end(
    pane: LayersPane, live_store: Store, qtbot: QtBot
) -> None:
    last = len(live_store.operations) - 1
    live_store.select(operation=last - 2)
    while pane.transport.speed.text() != "4×":
        qtbot.mouseClick(pane.transport.speed, Qt.MouseButton.LeftButton)
    qtbot.keyClick(pane, Qt.Key.Key_Space)
    assert pane.transport.playing
    qtbot.waitUntil(lambda: not pane.transport.playing, timeout=5000)
    assert live_store.selection.operation == last


def test_a_hidden_map_does_not_play_on(pane: LayersPane, qtbot: QtBot) -> None:
    pane.store.walking.toggle()
    assert pane.transport.playing
    pane.hide()
    assert not pane.transport.playing


def test_how_much_a_part_writes_is_measured(pane: LayersPane, desk: Desk) -> None:
    recorded = Recorded(desk)
    out, pre = recorded["blocks.2.hook_attn_out"][0], recorded["blocks.2.hook_resid_pre"][0]
    wanted = np.mean(np.linalg.norm(out, axis=1) / np.linalg.norm(pre, axis=1))
    data = pane.export_data()
    at = list(data["name"]).index("blocks.2.hook_attn_out")
    assert data["relative_write"][at] == pytest.approx(wanted, rel=1e-5)
    assert np.isnan(data["relative_write"][at + 1])
    row = next(r for r in pane.map.rows if r.layer == 2 and r.label == "Attention")
    assert f"+{wanted:.4g}" in row_words(row, pane.map.graph, pane.map.figures)


def test_shapes_are_those_of_the_arrays(pane: LayersPane, live_store: Store, desk: Desk) -> None:
    data, recorded = pane.export_data(), Recorded(desk)
    shapes = dict(zip(data["name"], data["shape"]))
    assert len(shapes) == len(live_store.operations)
    for name in shapes.keys() - {"probabilities"}:
        assert shapes[name] == "×".join(str(size) for size in recorded[name].shape[1:])


def test_a_tooltip_gives_the_name_the_formula_and_what_is_read(
    pane: LayersPane, live_store: Store
) -> None:
    index = index_of(live_store, "blocks.0.attn.hook_pattern")
    live_store.select(operation=index)
    pane.refresh_now()
    words = row_words(row_of(pane, index), pane.map.graph, pane.map.figures)
    op = live_store.operations[index]
    for part in (op.output, "Σ_j", op.sentence, "blocks.0.attn.hook_attn_scores"):
        assert part in words


def test_without_a_model_it_says_what_to_do(desk: Desk, qtbot: QtBot) -> None:
    pane = shown(desk.store, qtbot)
    assert "Open a model" in pane._empty.text()
    assert pane._empty.isVisible()
    assert not pane.map.isVisible()
    qtbot.keyClick(pane, Qt.Key.Key_Right)
    qtbot.keyClick(pane, Qt.Key.Key_Down)
    qtbot.keyClick(pane, Qt.Key.Key_Space)
    assert pane.export_data() == {}
    assert pane.header_note() == ""


def test_without_a_prompt_the_map_stands_and_shapes_keep_their_letter(
    live_store: Store, qtbot: QtBot
) -> None:
    live_store.set_prompt("")
    pane = shown(live_store, qtbot)
    assert live_store.read is None
    data = pane.export_data()
    at = list(data["name"]).index("blocks.0.hook_resid_post")
    assert data["shape"][at] == "T×128"
    assert np.isnan(data["relative_write"]).all()


def test_another_model_is_drawn_when_it_opens(pane: LayersPane, live_store: Store) -> None:
    assert live_store.model is not None
    live_store.select(operation=60)
    pane.refresh_now()
    config = ARCHITECTURES["llama"]
    info = replace(live_store.model, model_id=99, config=config)
    live_store.receive(m.ModelOpened(request_id=0, info=info, seconds=0.0))
    pane.refresh_now()
    assert [op.output for op in pane.map.graph.operations] == [
        op.output for op in operations(config)
    ]
    assert pane.map.current == live_store.selection.operation < len(live_store.operations)


def test_48_layers_scroll_and_the_current_operation_stays_in_view(
    desk: Desk, live_store: Store, qtbot: QtBot
) -> None:
    assert live_store.model is not None
    config = TransformerConfig(n_layers=48, n_heads=2, d_model=16, d_vocab=50, n_ctx=16)
    info = replace(live_store.model, model_id=99, config=config)
    live_store.receive(m.ModelOpened(request_id=0, info=info, seconds=0.0))
    pane = shown(live_store, qtbot, 300, 240)
    for index in (0, 400, 401, 700, len(live_store.operations) - 1, 50):
        live_store.select(operation=index)
        pane.refresh_now()
        row = pane.map.current_row()
        assert row is not None
        assert pane.map.viewport().rect().contains(pane.map.row_box(row).toRect())


def test_motion_ends_where_the_still_picture_stands(
    pane: LayersPane, live_store: Store, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_store.select(operation=30)
    pane.refresh_now()
    still = picture(pane)
    live_store.select(operation=3)
    pane.refresh_now()
    monkeypatch.setattr(theme, "MOTION_MS", 60)
    live_store.select(operation=30)
    pane.refresh_now()
    assert picture(pane) != still, "nothing moves"
    qtbot.waitUntil(lambda: picture(pane) == still, timeout=2000)


def test_every_control_has_a_name_and_a_tooltip(pane: LayersPane) -> None:
    bar = pane.transport
    for button in (bar.first, bar.back, bar.play, bar.forward, bar.last, bar.speed):
        assert button.accessibleName()
        assert button.toolTip()


def test_moving_over_a_value_shows_it(
    pane: LayersPane, live_store: Store, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(
        "gui.panes.layers.map.QToolTip.showText", lambda at, text, widget: said.append(text)
    )
    live_store.select(position=1)
    pane.refresh_now()
    box = pane.map.strip_box(row_of(pane, index_of(live_store, "hook_embed")))
    assert box is not None
    at = QPoint(int(box.left() + 5.5 * box.width() / 128), int(box.center().y()))
    QTest.mouseMove(pane.map.viewport(), at)
    QApplication.processEvents()
    value = float(Recorded(desk)["hook_embed"][0, 1, 5])
    assert said
    assert "hook_embed" in said[-1]
    assert "[0, 1, 5]" in said[-1]
    assert f"{value:.6g}" in said[-1]


def test_what_a_row_says_in_words_is_the_models_own(
    pane: LayersPane, live_store: Store, desk: Desk
) -> None:
    recorded = Recorded(desk)
    assert live_store.model is not None
    text_of = live_store.model.token_text
    ops = {op.output: op for op in live_store.operations}
    figures = pane.map.figures
    assert figures is not None
    assert figures.words(ops["input_ids"]) == f"{text_of(recorded.ids[-1])} {recorded.ids[-1]}"
    live_store.select(operation=len(live_store.operations) - 1)
    pane.refresh_now()
    figures = pane.map.figures
    assert figures is not None
    logits_V = recorded["logits"][0, -1]
    best = int(logits_V.argmax())
    chance = float(
        np.exp(logits_V - logits_V.max())[best] / np.exp(logits_V - logits_V.max()).sum()
    )
    assert figures.words(ops["logits"]) == f"{text_of(best)} {logits_V[best]:.2f}"
    assert figures.words(ops["probabilities"]) == f"{text_of(best)} {chance:.3f}"
    sigma = recorded["ln_final.hook_scale"][0, -1, 0]
    assert figures.words(ops["ln_final.hook_scale"]) == f"σ {sigma:.4g}"


def test_the_likeliest_token_follows_the_temperature(pane: LayersPane, live_store: Store) -> None:
    live_store.select(operation=len(live_store.operations) - 1)
    live_store.set_sampling(Sampling(temperature=0.0))
    pane.refresh_now()
    assert pane.map.figures is not None
    assert pane.map.figures.words(live_store.operations[-1]).endswith(" 1.000")


def test_only_what_is_near_the_view_is_asked_for(
    pane: LayersPane, live_store: Store, desk: Desk, qtbot: QtBot
) -> None:
    live_store.select(operation=index_of(live_store, "blocks.3.attn.hook_pattern"))
    pane.resize(pane.width(), 160)
    bar = pane.map.verticalScrollBar()
    qtbot.waitUntil(lambda: pane.map.height() < 160 and bar.isVisible())
    pane.refresh_now()
    row = row_of(pane, index_of(live_store, "blocks.3.mlp.hook_post"))
    bar.setValue(0)
    asked = pane.questions()["vectors"]
    assert isinstance(asked, Vectors)
    assert "hook_embed" in asked.names
    assert "blocks.3.mlp.hook_post" not in asked.names
    qtbot.waitUntil(lambda: pane.map.strip(row) is None, timeout=2000)
    bar.setValue(bar.maximum())
    asked = pane.questions()["vectors"]
    assert isinstance(asked, Vectors)
    assert "hook_embed" not in asked.names
    qtbot.waitUntil(lambda: pane.map.strip(row) is not None, timeout=2000)
    strip = pane.map.strip(row)
    assert strip is not None
    wanted = Recorded(desk)["blocks.3.mlp.hook_post"][0, -1]
    np.testing.assert_allclose(strip.values, wanted, atol=1e-5)


def test_a_map_without_room_asks_for_no_values(
    live_store: Store, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gui.panes.layers.map_lines.INSIDE_FROM", 400)
    pane = shown(live_store, qtbot, 300, 600)
    assert set(pane.questions()) == {"writes"}


@pytest.mark.parametrize("width", [230, 288, 330])
def test_a_narrow_map_has_the_strips_too_and_hides_no_label(
    live_store: Store, desk: Desk, qtbot: QtBot, width: int
) -> None:
    pane = shown(live_store, qtbot, width, 900)
    live_store.select(operation=index_of(live_store, "blocks.1.attn.hook_q"), position=3, head=2)
    pane.refresh_now()
    wanted = Recorded(desk)["blocks.1.attn.hook_q"][0, 3, 2]
    row = row_of(pane, index_of(live_store, "blocks.1.attn.hook_q"))
    strip, box = pane.map.strip(row), pane.map.strip_box(row)
    assert strip is not None
    assert box is not None
    np.testing.assert_allclose(strip.values, wanted, rtol=1e-4, atol=1e-5)
    label = QFontMetricsF(theme.sans(theme.FONT_SIZE - 0.5)).horizontalAdvance(row.label)
    assert box.left() > pane.map.row_box(row).left() + label
    assert box.right() < pane.map.viewport().width()
    image, table = picture(pane), theme.diverging_table().astype(int)
    for x in range(int(box.left()) + 1, int(box.right()) - 1):
        color = QColor(image.pixel(x, int(box.center().y())))
        distance = np.abs(table - [color.red(), color.green(), color.blue()]).sum(axis=1)
        assert distance.min() == 0, "a colour that is not in the map"


def test_the_old_picture_stays_until_the_answer_and_says_whose_it_is(
    pane: LayersPane, live_store: Store, desk: Desk
) -> None:
    live_store.select(position=3)
    pane.refresh_now()
    assert live_store.read is not None
    assert pane.map.figures is not None
    before = pane.map.figures.whose()
    assert live_store.read.tokens[3].text in before
    desk.hold()
    live_store.select(position=8)
    pane.refresh_now()
    assert pane.map.figures.whose() == before
    live_store.set_prompt("The boy saw a dog")
    pane.refresh_now()
    assert pane.map.figures.whose() == before
    desk.release()
    pane.refresh_now()
    assert live_store.read.text == "The boy saw a dog"
    assert live_store.read.tokens[live_store.selection.position].text in pane.map.figures.whose()


def test_waiting_long_is_said_in_the_header(
    pane: LayersPane, live_store: Store, desk: Desk, qtbot: QtBot
) -> None:
    assert "working" not in pane.header_note()
    desk.hold()
    live_store.select(position=8)
    assert "working" not in pane.header_note()
    qtbot.waitUntil(lambda: "working" in pane.header_note(), timeout=2000)
    desk.release()
    assert "working" not in pane.header_note()


def test_the_training_step_is_said(
    pane: LayersPane, live_store: Store, desk: Desk, tmp_path: Path
) -> None:
    assert "step" not in pane.header_note()
    recipe = replace(PRESETS["tiny"], steps=4)
    live_store.run.start(recipe, str(tmp_path / "run"), begin_paused=True)
    desk.advance(10_000)
    live_store.run.step()
    desk.advance(10_000)
    pane.refresh_now()
    assert pane.header_note().endswith("· step 1")


def test_what_cannot_be_answered_is_said_in_the_map(
    pane: LayersPane, live_store: Store, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: object) -> None:
        raise RuntimeError("No memory is left.")

    monkeypatch.setattr("model.probe.vectors.compute.to_array", fails)
    live_store.select(position=4)
    pane.refresh_now()
    failed = [result for result in desk.results if isinstance(result, m.Failed)]
    assert pane.problem.isVisible()
    assert pane.problem.text() == failed[-1].message
    monkeypatch.undo()
    live_store.select(position=5)
    pane.refresh_now()
    assert not pane.problem.isVisible()


def test_a_network_is_entered_at_the_selected_operation(
    live_store: Store, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    pane = shown(live_store, qtbot, 400, 240)
    monkeypatch.setattr(theme, "MOTION_MS", 10_000)
    assert live_store.model is not None
    live_store.select(operation=60)
    config = TransformerConfig(n_layers=48, n_heads=2, d_model=16, d_vocab=50, n_ctx=16)
    info = replace(live_store.model, model_id=99, config=config)
    live_store.receive(m.ModelOpened(request_id=0, info=info, seconds=0.0))
    pane.refresh_now()
    row = pane.map.current_row()
    assert row is not None
    assert row.holds(60)
    assert pane.map.viewport().rect().contains(pane.map.row_box(row).toRect()), "still on its way"


@pytest.mark.parametrize("kind", ["query", "key", "value"])
def test_queries_keys_and_values_are_written_in_their_colours(
    pane: LayersPane, live_store: Store, kind: str
) -> None:
    at = next(i for i, op in enumerate(live_store.operations) if op.kind == kind and op.layer == 1)
    live_store.select(operation=at + 3)  # beside it: the label stands on a quiet ground
    pane.refresh_now()
    row = row_of(pane, at)
    image, box = picture(pane), pane.map.row_box(row)
    wanted = theme.current().color(kind)
    seen = {
        image.pixelColor(x, y).name()
        for x in range(round(box.left()) + 4, round(box.left()) + 60)
        for y in range(round(box.top()) + 2, round(box.bottom()) - 2)
    }
    assert wanted.name() in seen
