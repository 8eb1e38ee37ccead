"""A text of hundreds of tokens: what is in view is asked for, drawn and said, and nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.attention.pane import AttentionPane
from gui.session.store import Store
from model import messages as m
from model.checkpoint.saving import save_checkpoint
from model.config import TransformerConfig
from model.probe.mosaic.asks import Mosaic
from model.probe.pattern.asks import Pattern
from model.transformer import Transformer
from tests.gui.desk import Desk
from tests.gui.pixels import amounts_of, color_named, pixels

N = 600
CONFIG = TransformerConfig(n_layers=6, n_heads=3, d_model=24, d_vocab=300, n_ctx=N)


@pytest.fixture(autouse=True)
def dark() -> Iterator[None]:
    theme.set_current("dark")
    yield
    theme.set_current("dark")


@pytest.fixture
def store(desk: Desk, tmp_path: Path) -> Store:
    """A network that reads 600 tokens."""
    network = Transformer(CONFIG)
    network.initialize(torch.Generator().manual_seed(1), std=0.5)
    folder = save_checkpoint(tmp_path / "long", network, None)
    desk.store.opening.open(str(folder))
    desk.store.set_prompt(" ".join(str(i * 37 % 300) for i in range(N)))
    assert desk.store.read is not None
    assert desk.store.read.n_tokens == N
    desk.store.select(layer=2, head=1)
    return desk.store


def shown(qtbot: QtBot, store: Store, width: int = 1000, height: int = 520) -> AttentionPane:
    pane = AttentionPane(store)
    qtbot.addWidget(pane)
    pane.resize(width, height)
    with qtbot.waitExposed(pane):
        pane.show()
    settle(pane)
    return pane


@pytest.fixture
def pane(qtbot: QtBot, store: Store) -> AttentionPane:
    pane = shown(qtbot, store)
    pane.set_view("matrix")
    settle(pane)
    return pane


def settle(pane: AttentionPane) -> None:
    for _ in range(3):
        pane.refresh_now()
    for view in (pane.mosaic, pane.heat_map, pane.graph):
        if view.isVisible():
            view.finish()


def weights_of(desk: Desk, layer: int, head: int) -> np.ndarray:
    read = desk.store.read
    assert read is not None
    name = f"blocks.{layer}.attn.hook_pattern"
    array: np.ndarray = desk.lm.trace(list(read.subject.ids), name)[name][0, head].numpy()
    return array


def asked(desk: Desk, kind: type) -> list:
    """The answers of a kind that have come."""
    answers = [r.answer for r in desk.results if isinstance(r, m.Answered)]
    return [answer for answer in answers if isinstance(answer.question, kind)]


def assert_drawn(pane: AttentionPane, weights: np.ndarray) -> int:
    """Every cell in view has the colour of its weight; how many there are."""
    content, map_ = pane.heat_map.content, pane.heat_map
    assert content is not None
    map_.set_marks()
    image, window, n = pixels(map_.viewport()), map_._place.window, 0
    for row in map_.seen[0]:
        for column in map_.seen[1]:
            middle = map_.cell_rect(row, column).center().toPoint()
            if column > row or not window.adjusted(3, 3, -3, -3).contains(QPointF(middle)):
                continue
            color = image[middle.y(), middle.x()]
            low, high = amounts_of(color, theme.sequential_table())
            assert low <= min(1.0, weights[row, column] / content.limit) <= high
            n += 1
    return n


def test_it_starts_at_the_selected_query_and_draws_its_weights(
    pane: AttentionPane, store: Store, desk: Desk
):
    rows, columns = pane.heat_map.seen
    weights = weights_of(desk, 2, 1)
    assert store.selection.position == N - 1
    assert N - 1 in rows
    assert len(rows) < 120
    assert int(weights[N - 1, 1:].argmax()) + 1 in columns
    assert assert_drawn(pane, weights) > 1000


def test_nothing_but_what_is_in_view_is_brought(pane: AttentionPane, desk: Desk):
    for answer in asked(desk, Pattern):
        assert answer.values.size < N * N / 4
    for answer in asked(desk, Mosaic):
        assert answer.maxima[0, 0].size < N * N / 16


def test_wheel_and_keys_bring_what_comes_into_view(
    pane: AttentionPane, store: Store, desk: Desk, qtbot: QtBot
):
    weights = weights_of(desk, 2, 1)
    pane.heat_map.verticalScrollBar().setValue(0)
    pane.heat_map.horizontalScrollBar().setValue(0)
    settle(pane)
    assert pane.heat_map.seen[0].start == 0
    assert assert_drawn(pane, weights) > 500
    before = len(asked(desk, Pattern))
    pane.heat_map.verticalScrollBar().setValue(12)
    settle(pane)
    assert len(asked(desk, Pattern)) == before, "a step that is still inside asks for nothing"
    for key in (Qt.Key.Key_Plus, Qt.Key.Key_Plus, Qt.Key.Key_Minus):
        qtbot.keyClick(pane.heat_map, key)
        settle(pane)
    assert assert_drawn(pane, weights) > 200
    store.select(position=300, key=250)
    settle(pane)
    rows, columns = pane.heat_map.seen
    assert 300 in rows
    assert 250 in columns
    assert assert_drawn(pane, weights) > 500


def test_what_is_still_to_come_is_neither_a_number_nor_masked(pane: AttentionPane, desk: Desk):
    desk.hold()
    pane.heat_map.verticalScrollBar().setValue(0)
    pane.heat_map.horizontalScrollBar().setValue(0)
    settle(pane)
    box = pane.heat_map.cell_rect(30, 4).toRect().adjusted(1, 1, -1, -1)
    image = pixels(pane.heat_map.viewport())
    patch = image[box.top() : box.bottom(), box.left() : box.right()].reshape(-1, 3)
    assert {tuple(color) for color in patch.tolist()} == {color_named("raised")}
    assert pane.pointing.describe_cell(30, 4) == "still to come"
    desk.release()
    settle(pane)
    assert_drawn(pane, weights_of(desk, 2, 1))


def test_colours_end_at_the_rows_own_largest_weight_and_the_scale_says_so(
    pane: AttentionPane, store: Store, desk: Desk
):
    for query in (599, 430):
        store.select(position=query)
        settle(pane)
        row = weights_of(desk, 2, 1)[query]
        content = pane.heat_map.content
        assert content is not None
        sink = row[0] >= 0.5 * row.max() and row[0] >= row[1:].max()
        expected = row[1:].max() if sink else row.max()
        assert content.limit == pytest.approx(expected, rel=1e-4)
        assert f"to query {query}'s largest" in content.value_title[0]
        assert ("first token" in content.value_title[0]) == sink
        assert content.beyond


def test_a_first_token_that_takes_most_is_left_out_of_the_scale():
    from gui.panes.attention.matrix import own_scale
    from model.probe.pattern.asks import PatternFound
    from model.subject import Subject

    def scale(*weights: float):
        values = np.array([weights], np.float32)
        places = np.zeros_like(values, np.int32)
        return own_scale(
            PatternFound(
                subject=Subject(1, None, (1,) * len(weights)),
                question=Pattern(0, 0),
                rows=(7, 8),
                columns=(0, len(weights)),
                block=(1, 1),
                values=values,
                value_rows=places,
                value_columns=places,
                masked=np.array([[False] * (len(weights) - 1) + [True]]),
                largest=0.0,
                largest_but_first=0.0,
                shares=None,
            )
        )

    sink = scale(0.9, 0.06, 0.04, 5.0)
    assert sink.limit == pytest.approx(0.06)
    assert sink.words[0] == "to query 7's largest but the first token's"
    assert scale(0.1, 0.6, 0.3, 5.0).limit == pytest.approx(0.6)
    assert scale(0.1, 0.6, 0.3, 5.0).words[0] == "to query 7's largest"
    assert scale(1.0, 0.0, 0.0, 0.0).limit == 1.0


def test_zoomed_out_the_whole_is_drawn_by_the_largest_of_blocks(
    pane: AttentionPane, store: Store, desk: Desk
):
    pane.controls.fit.setChecked(True)
    settle(pane)
    content, weights = pane.heat_map.content, weights_of(desk, 2, 1)
    assert content is not None
    assert content.is_whole
    assert content.block[0] > 1
    k_rows, k_columns = content.block
    for r, c in ((3, 1), (40, 22), (content.values_RC.shape[0] - 1, 0)):
        block = weights[r * k_rows : (r + 1) * k_rows, c * k_columns : (c + 1) * k_columns]
        assert content.values_RC[r, c] == pytest.approx(block.max(), abs=1e-6)
    row, column = 40 * k_rows, 22 * k_columns
    pane.heat_map.cell_chosen.emit((row, column))
    query, key = store.selection.position, store.selection.key
    block = weights[row : row + k_rows, column : column + k_columns]
    assert key is not None
    assert weights[query, key] == pytest.approx(block.max(), abs=1e-6)
    assert store.inspected is not None
    assert store.inspected.index == (0, 1, query, key)
    assert store.inspected.value == pytest.approx(block.max(), abs=1e-6)
    assert f"largest of {k_rows} × {k_columns}" in pane.pointing.describe_cell(row, column)


def test_the_wheel_zooms_out_to_the_whole_and_no_further(pane: AttentionPane):
    map_ = pane.heat_map
    at = QPointF(map_.viewport().rect().center())
    for _ in range(20):
        event = QWheelEvent(
            at,
            map_.viewport().mapToGlobal(at),
            QPoint(),
            QPoint(0, -120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.ControlModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(map_.viewport(), event)
    settle(pane)
    assert map_.seen == (range(N), range(N))
    assert map_.verticalScrollBar().maximum() == 0
    assert map_.cell_size > 0.3


def test_a_longer_text_keeps_the_zoom(pane: AttentionPane, store: Store, qtbot: QtBot):
    qtbot.keyClick(pane.heat_map, Qt.Key.Key_Plus)
    size = pane.heat_map.cell_size
    words = store.prompt.split()
    store.set_prompt(" ".join(words[:-1]))
    settle(pane)
    assert pane.heat_map.content is not None
    assert pane.heat_map.content.shape == (N - 1, N - 1)
    assert pane.heat_map.cell_size == size
    store.set_prompt(" ".join(reversed(words)))
    settle(pane)
    assert pane.heat_map.cell_size < size


# ------------------------------------------------------------------------------- graph


def test_of_a_long_text_only_tokens_with_an_edge_have_a_column(pane: AttentionPane, store: Store):
    pane.set_view("graph")
    pane.controls.set_threshold(0.35)
    settle(pane)
    edges = pane.graph.edges
    assert edges is not None
    assert len(edges) > 3
    touched = {*edges.query_E.tolist(), *edges.key_E.tolist(), store.selection.position}
    assert pane.graph.columns == sorted(touched)
    assert len(touched) < N / 4
    assert pane.graph.horizontalScrollBar().maximum() == 0
    window = pane.graph._place.window
    for position in touched:
        x = pane.graph.node_at(0, position).x()
        assert window.left() <= x <= window.right()
        assert pane.graph.position_at(QPoint(round(x), 40)) == position
    xs = [pane.graph.node_at(0, position).x() for position in range(N)]
    assert xs == sorted(xs)


def test_the_selected_position_has_a_column_without_any_edge(pane: AttentionPane, store: Store):
    pane.set_view("graph")
    pane.controls.set_threshold(1.0)
    store.select(position=345)
    settle(pane)
    assert pane.graph.edges is not None
    assert len(pane.graph.edges) == 0
    assert pane.graph.columns == [345]
    pane.grab()


# ---------------------------------------------------------------------- while it is computed


def test_tiles_that_are_still_to_come_are_pending_and_fill_layer_by_layer(
    qtbot: QtBot, store: Store, desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("model.probe.mosaic.compute.TELL_SECONDS", -1.0)
    desk.hold()
    pane = shown(qtbot, store)
    pane.set_view("heads")
    settle(pane)

    def is_pending(layer: int) -> bool:
        tile = pane.mosaic.tile_rect(layer, 2).toRect().adjusted(2, 2, -2, -2)
        image = pixels(pane.mosaic.viewport())
        patch = image[tile.top() : tile.bottom(), tile.left() : tile.right()].reshape(-1, 3)
        return {tuple(color) for color in patch.tolist()} == {color_named("raised")}

    assert all(is_pending(layer) for layer in range(6))
    counts = []
    take = store.asked.take

    def noted(result: m.Result) -> bool:
        taken = take(result)
        slot = pane.slot("heads")
        assert slot is not None
        # What was asked for at another size of the tiles is dropped.
        if isinstance(result, m.Answered) and result.answer.question == slot.question:
            settle(pane)
            counts.append(sum(is_pending(layer) for layer in range(6)))
            if counts[-1] == 3:
                assert "3 layers so far" in pane.mosaic.caption
        return taken

    monkeypatch.setattr(store.asked, "take", noted)
    desk.release()
    assert counts == [5, 4, 3, 2, 1, 0]
    assert "so far" not in pane.mosaic.caption


def test_a_pane_that_waits_says_for_what_and_keeps_its_picture(
    pane: AttentionPane, store: Store, desk: Desk, qtbot: QtBot
):
    before = pane.heat_map.content
    desk.hold()
    store.select(layer=4)
    settle(pane)
    assert pane._waiting.isHidden(), "at once it says nothing"
    qtbot.waitUntil(lambda: pane._waiting.isVisible(), timeout=2000)
    assert "computing matrix" in pane.header_note()
    assert "computing matrix" in pane._readout.text()
    assert pane.heat_map.content is before
    assert "layer 2 · head 1" in pane.header_note(), "what is drawn is still the other head"
    desk.release()
    settle(pane)
    assert pane._waiting.isHidden()
    assert pane.heat_map.content is not before
    assert pane.header_note().startswith("layer 4 · head 1")


def test_what_was_cancelled_says_so_in_its_place_and_comes_when_asked_again(
    pane: AttentionPane, store: Store, desk: Desk
):
    desk.hold()
    store.select(layer=4)
    store.asked.cancel()
    settle(pane)
    problem = pane._problems["matrix"]
    assert problem.isVisible()
    assert problem.text().startswith("Cancelled")
    assert problem.geometry() == pane.heat_map.geometry()
    assert not pane.heat_map.isVisible()
    desk.release()
    store.select(layer=5)
    settle(pane)
    assert not problem.isVisible()
    assert pane.heat_map.isVisible()
    assert assert_drawn(pane, weights_of(desk, 5, 1)) > 1000


def test_a_cell_of_the_text_before_is_never_said_to_be_of_the_new_one(
    pane: AttentionPane, store: Store, desk: Desk
):
    store.inspect(None)
    was = pane.pointing.describe_cell(598, 590)
    desk.held = None
    words = store.prompt.split()
    asks, submit = [], desk._submit

    def no_answers(request: m.Request) -> None:
        if isinstance(request, m.Ask):
            asks.append(request)
        else:
            submit(request)

    store._submit = no_answers
    store.set_prompt(" ".join(words[300:]))
    settle(pane)
    assert store.read is not None
    assert store.read.n_tokens == 300
    assert pane.pointing.describe_cell(598, 590) == was, "the picture is still the old one"
    pane.heat_map.cell_chosen.emit((598, 590))
    assert store.inspected is None
    assert store.selection.position == 299
    assert not pane.export_data()
    assert asks
