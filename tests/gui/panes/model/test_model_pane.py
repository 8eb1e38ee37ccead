"""The Model pane shows the tensors' own numbers, in every view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.model.columns import COLUMNS
from gui.panes.model.pane import ModelPane
from gui.panes.model.view import WeightsView
from gui.session.store import Store
from gui.widgets.canvas import CAPTION_HEIGHT
from gui.window.table import table_of
from model import messages as m
from model.train import PRESETS
from tests.gui.desk import Desk
from tests.gui.mouse import leave, move_to
from tests.gui.pixels import amounts_of, pixels

W_Q = "blocks.1.attn.W_Q"


def numbers(desk: Desk, name: str) -> np.ndarray:
    """The model's own tensor."""
    return desk.lm.parameter(name).numpy()


def settle(desk: Desk, pane: ModelPane) -> None:
    """Until nothing is going and everything is drawn."""
    for _ in range(200):
        QApplication.processEvents()
        desk.advance()
        pane.invalidate()
        pane.refresh_now()
        if not desk.engine.busy:
            break
    QApplication.processEvents()


@pytest.fixture
def pane(live_store: Store, desk: Desk, qtbot: QtBot) -> ModelPane:
    pane = ModelPane(live_store)
    qtbot.addWidget(pane)
    pane.resize(1200, 800)
    with qtbot.waitExposed(pane):
        pane.show()
    settle(desk, pane)
    return pane


@pytest.fixture
def views(pane: ModelPane) -> WeightsView:
    return pane.views


def test_a_pane_without_room_for_all_says_so(pane: ModelPane, views: WeightsView):
    assert "no room" not in pane.header_note()
    pane.resize(600, 400)
    assert views.table.isVisible()
    assert not views.treemap.isVisible()
    assert pane.header_note().startswith("no room for all")
    views.set_view("share")
    assert "no room" not in pane.header_note()


def test_a_tensor_that_takes_long_says_that_it_is_looked_at(
    pane: ModelPane, views: WeightsView, desk: Desk, qtbot: QtBot
):
    views.choose(W_Q)  # nobody answers yet
    assert not views.detail.waits.isVisible()
    qtbot.waitUntil(views.detail.waits.isVisible)
    settle(desk, pane)
    assert not views.detail.waits.isVisible()


def choose(desk: Desk, pane: ModelPane, name: str) -> None:
    pane.choose(name)
    settle(desk, pane)


def row_texts(views: WeightsView, name: str) -> list[str]:
    model = views.table.rows
    row = model.row_of(name)
    assert row is not None
    columns = range(model.columnCount())
    seen = [column for column in columns if not views.table.isColumnHidden(column)]
    return [model.index(row, column).data() for column in seen]


def test_the_table_has_every_tensor_with_its_own_figures(
    desk: Desk, views: WeightsView, live_store: Store
) -> None:
    assert live_store.model is not None
    assert sum(t.n for t in views.table.rows.shown) == live_store.model.n_params
    for name in ("W_E", W_Q, "blocks.2.mlp.b_in", "ln_final.w"):
        values = numbers(desk, name).astype(np.float64)
        texts = row_texts(views, name)
        assert texts[0] == name
        assert texts[1] == "×".join(str(size) for size in values.shape)
        expected = (values.mean(), values.std(), values.min(), values.max())
        assert texts[3:7] == [f"{x:.3g}" for x in expected]
        assert texts[8] == f"{np.linalg.norm(values):.3g}"
    assert row_texts(views, W_Q)[-1] == "transformer.h.1.attn.c_attn.weight"


def test_the_filter_and_the_columns_order_the_rows(views: WeightsView, qtbot: QtBot) -> None:
    qtbot.keyClicks(views.search, "layer 2 attn w_")
    shown = [tensor.name for tensor in views.table.rows.shown]
    assert shown == [f"blocks.2.attn.W_{letter}" for letter in "QKVO"]
    views.search.clear()
    titles = [column.title for column in COLUMNS]
    views.table.sortByColumn(titles.index("Norm"), Qt.SortOrder.DescendingOrder)
    state = views.store.weights
    norms = [state.figures[tensor.name].norm for tensor in views.table.rows.shown]
    assert norms == sorted(norms, reverse=True)


def test_the_image_has_the_colours_of_the_tensor(
    desk: Desk, pane: ModelPane, views: WeightsView
) -> None:
    choose(desk, pane, W_Q)
    image = views.detail.image
    picture = image.picture
    assert picture is not None
    assert picture.block == (1, 1)
    values = numbers(desk, W_Q)  # [head, d_model, d_head]
    rgb = pixels(image.viewport())
    table = theme.diverging_table()
    for head, row, column in ((0, 3, 5), (2, 70, 11), (3, 127, 20)):
        at = image.cell_rect(row, 32 * head + column).center()
        low, high = amounts_of(rgb[int(at.y()), int(at.x())], table)
        drawn = [picture.limit * (2 * share - 1) for share in (low, high)]
        value = float(np.clip(values[head, row, column], -picture.limit, picture.limit))
        assert drawn[0] <= value <= drawn[1]


def test_hover_says_the_exact_number_and_its_index(
    desk: Desk, pane: ModelPane, views: WeightsView
) -> None:
    choose(desk, pane, W_Q)
    image = views.detail.image
    words = image.tooltip(image.cell_rect(70, 32 * 2 + 11).center().toPoint())
    value = numbers(desk, W_Q)[2, 70, 11]
    assert words.splitlines()[0] == f"{float(value):.8g}"
    assert "head 2, dimension 70, dimension 11" in words
    # And at once, in the caption's place.
    before = pixels(image.viewport())[-CAPTION_HEIGHT:].copy()
    move_to(image.viewport(), image.cell_rect(70, 32 * 2 + 11).center().toPoint())
    assert (pixels(image.viewport())[-CAPTION_HEIGHT:] != before).any()
    leave(image.viewport())
    assert (pixels(image.viewport())[-CAPTION_HEIGHT:] == before).all()


def test_a_click_shows_the_number_in_the_inspector_with_code_that_fetches_it(
    desk: Desk, pane: ModelPane, views: WeightsView, qtbot: QtBot
) -> None:
    choose(desk, pane, W_Q)
    image = views.detail.image
    at = image.cell_rect(70, 32 * 2 + 11).center().toPoint()
    qtbot.mouseClick(image.viewport(), Qt.MouseButton.LeftButton, pos=at)
    found = pane.store.inspected
    assert found is not None
    assert (found.name, found.index) == (W_Q, (2, 70, 11))
    lm = desk.lm
    assert found.value == float(eval(found.code, {"lm": lm}))
    qtbot.keyClick(image, Qt.Key.Key_Right)
    found = pane.store.inspected
    assert found is not None
    assert found.index == (2, 70, 12)
    assert found.value == float(numbers(desk, W_Q)[2, 70, 12])


def test_a_large_matrix_is_pooled_and_zooming_shows_every_number(
    desk: Desk, pane: ModelPane, views: WeightsView, qtbot: QtBot
) -> None:
    choose(desk, pane, "W_E")
    image = views.detail.image
    picture = image.picture
    assert picture is not None
    assert picture.block[0] > 1
    values = numbers(desk, "W_E")
    down, across = picture.block
    block = values[7 * down : 8 * down, 3 * across : 4 * across]
    assert abs(picture.values_RC[7, 3]) == np.abs(block).max()
    assert f"{down} × {across} numbers a cell" in image.tooltip(
        QPoint(200, image.viewport().height() - 3)
    )
    for _ in range(12):
        qtbot.keyClick(image, Qt.Key.Key_Plus)
    qtbot.wait(200)
    settle(desk, pane)
    picture = image.picture
    assert picture is not None
    assert picture.block == (1, 1)
    (top, bottom), (left, right) = image.in_view
    np.testing.assert_array_equal(picture.values_RC, values[top:bottom, left:right])
    qtbot.keyClick(image, Qt.Key.Key_0)
    assert image.in_view == ((0, values.shape[0]), (0, values.shape[1]))


def test_one_head_alone(desk: Desk, pane: ModelPane, views: WeightsView) -> None:
    choose(desk, pane, W_Q)
    views.choose_part(2)
    settle(desk, pane)
    picture = views.detail.image.picture
    assert picture is not None
    np.testing.assert_array_equal(picture.values_RC, numbers(desk, W_Q)[2])
    found = views.store.weights.singular_values
    assert found is not None
    assert found.part == 2
    assert len(found.values) == 32


def test_a_head_of_one_model_is_not_looked_for_in_the_next(
    desk: Desk, pane: ModelPane, views: WeightsView, opened: Callable[..., Store]
) -> None:
    first = "blocks.0.attn.W_Q"
    choose(desk, pane, first)
    views.choose_part(3)
    settle(desk, pane)
    store = opened("opt")
    store.weights.list_tensors()  # as the pane does; its picture is still the other model's
    told = store.weights.tensor(first)
    assert told is not None
    assert told.shape[0] < 4
    image = views.detail.image
    assert image.describe is not None
    assert image.describe(100, 10, 0.5) == ""
    image.cell_chosen.emit((100, 10, 0.5))
    views.choose_part(3)
    settle(desk, pane)
    assert (views.name, views.part) == (first, None)
    picture = image.picture
    assert picture is not None
    assert (picture.n_rows, picture.n_columns) == (told.shape[1], told.shape[0] * told.shape[2])


def test_the_histograms_bars_are_counts(
    desk: Desk, pane: ModelPane, views: WeightsView, qtbot: QtBot
) -> None:
    choose(desk, pane, W_Q)
    histogram = views.detail.histogram
    values = numbers(desk, W_Q).astype(np.float64).ravel()
    expected, edges = np.histogram(values, 80)
    heights = [histogram.bar_rect(i).height() / histogram.plot.height() for i in range(80)]
    assert np.abs(np.array(heights) * expected.max() - expected).max() <= 1.001
    assert histogram.edges(10) == pytest.approx((edges[10], edges[11]))
    # On the screen too: the highest bar is filled to the top, beside it there is room.
    rgb = pixels(histogram.viewport())
    ink = (rgb != rgb[1, 1]).any(axis=-1)
    highest = histogram.bar_rect(int(expected.argmax()))
    assert ink[int(highest.top()) + 2, int(highest.center().x())]
    lowest = histogram.bar_rect(int(expected.argmin()))
    assert not ink[int(highest.top()) + 2, int(lowest.center().x())]
    qtbot.mouseClick(histogram.viewport(), Qt.MouseButton.LeftButton)
    assert histogram.logarithmic
    assert histogram.bar_rect(10).height() > heights[10] * histogram.plot.height()


def test_the_singular_values_are_those_of_the_whole_map(
    desk: Desk, pane: ModelPane, views: WeightsView
) -> None:
    choose(desk, pane, W_Q)
    values = numbers(desk, W_Q)
    matrix = values.transpose(1, 0, 2).reshape(values.shape[1], -1).astype(np.float64)
    expected = np.linalg.svd(matrix, compute_uv=False)
    curve = views.detail.singular.curve
    plot = curve.plot
    for index in (0, 5, 60, 127):
        at = curve.point(index)
        assert (plot.bottom() - at.y()) / plot.height() == pytest.approx(
            expected[index] / expected[0], abs=1e-6
        )
    words = curve.tooltip(curve.point(5).toPoint())
    assert f"singular value 6 of 128: {expected[5]:.6g}"[:34] in words
    assert "effective rank" in views.detail.singular.words.text()


def test_singular_values_that_take_long_are_asked_for_and_can_be_cancelled(
    desk: Desk, pane: ModelPane, views: WeightsView, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gui.panes.model import questions as weight_questions
    from model.engine import weights as weight_work
    from model.probe.singular_values import compute as sv

    monkeypatch.setattr(weight_questions, "AT_ONCE", 0.0)
    monkeypatch.setattr(weight_work, "TELL_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(weight_work, "BUNDLE_SECONDS", 0.0)
    monkeypatch.setattr(weight_work, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(sv, "DIRECT", 0.0)
    choose(desk, pane, "W_pos")
    singular = views.detail.singular
    assert singular.button.isVisible()
    assert singular.button.text() == "Find them"
    qtbot.mouseClick(singular.button, Qt.MouseButton.LeftButton)
    desk.advance(5)
    assert singular.button.text() == "Cancel"
    assert singular.progress.isVisible()
    assert desk.engine.busy
    qtbot.mouseClick(singular.button, Qt.MouseButton.LeftButton)
    assert not desk.engine.busy
    assert singular.button.text() == "Find them"
    monkeypatch.setattr(weight_work, "SLICE_SECONDS", 1.0)
    qtbot.mouseClick(singular.button, Qt.MouseButton.LeftButton)
    settle(desk, pane)
    assert "effective rank" in singular.words.text()


def test_a_vector_is_drawn_as_one_row(desk: Desk, pane: ModelPane, views: WeightsView) -> None:
    choose(desk, pane, "ln_final.w")
    picture = views.detail.image.picture
    assert picture is not None
    np.testing.assert_array_equal(picture.values_RC[0], numbers(desk, "ln_final.w"))
    assert views.detail.singular.words.text() == "a vector has no singular values"


def test_a_tile_a_row_and_a_click_lead_to_the_same_tensor(
    desk: Desk, pane: ModelPane, views: WeightsView, qtbot: QtBot
) -> None:
    tile = next(t for t in views.treemap.tiles if t.node.name == "blocks.3.mlp.W_out")
    qtbot.mouseClick(
        views.treemap.viewport(), Qt.MouseButton.LeftButton, pos=tile.rect.center().toPoint()
    )
    settle(desk, pane)
    assert views.name == "blocks.3.mlp.W_out"
    assert views.detail.title.text() == "blocks.3.mlp.W_out"
    row = views.table.currentIndex().row()
    assert views.table.rows.shown[row].name == "blocks.3.mlp.W_out"
    assert "blocks.3.mlp.W_out" in views.table.in_view()
    qtbot.keyClick(views.table, Qt.Key.Key_Down)
    assert views.name == "blocks.3.mlp.b_out"


def test_where_there_is_little_room_one_view_is_seen_at_a_time(
    desk: Desk, pane: ModelPane, views: WeightsView, qtbot: QtBot
) -> None:
    pane.resize(320, 220)
    settle(desk, pane)
    assert views.table.isVisible()
    assert not views.detail.isVisible()
    row = views.table.rows.row_of(W_Q)
    assert row is not None
    views.table.tensor_opened.emit(W_Q)
    settle(desk, pane)
    assert views.view == "detail"
    assert views.detail.image.isVisible()
    assert not views.table.isVisible()
    for view in ("share", "scale", "tensors"):
        views.set_view(view)
        settle(desk, pane)
        assert len(np.unique(pixels(pane).reshape(-1, 3), axis=0)) > 8


@pytest.mark.parametrize("name", ["light", "dark"])
def test_a_change_of_theme_recolours_the_image(
    desk: Desk, pane: ModelPane, views: WeightsView, name: str
) -> None:
    choose(desk, pane, W_Q)
    theme.set_current(name)
    try:
        pane.store.theme_changed.emit()
        settle(desk, pane)
        image = views.detail.image
        assert image.picture is not None
        at = image.cell_rect(40, 40).center()
        rgb = pixels(image.viewport())[int(at.y()), int(at.x())]
        low, high = amounts_of(rgb, theme.diverging_table())
        value = float(image.picture.values_RC[40, 40]) / image.picture.limit
        assert 2 * low - 1 <= np.clip(value, -1, 1) <= 2 * high - 1
    finally:
        theme.set_current("dark")


def test_without_a_model_it_says_what_to_do(desk: Desk, qtbot: QtBot) -> None:
    pane = ModelPane(desk.store)
    qtbot.addWidget(pane)
    pane.resize(400, 300)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.refresh_now()
    assert pane.header_note() == ""
    assert pane.export_data() == {}
    assert len(np.unique(pixels(pane).reshape(-1, 3), axis=0)) > 4


def test_what_is_drawn_is_exported(desk: Desk, pane: ModelPane) -> None:
    choose(desk, pane, W_Q)
    data = pane.export_data()
    at = list(data["std"].at["tensor"]).index(W_Q)
    assert data["std"].values[at] == pytest.approx(numbers(desk, W_Q).astype(np.float64).std())
    assert data["histogram"].values.sum() == numbers(desk, W_Q).size
    assert data["histogram"].at["from"][0] == pytest.approx(numbers(desk, W_Q).min())
    assert data["picture"].values.shape == (128, 128)
    assert data["picture"].axes == ("row", "column")
    assert len(data["singular_values"].values) == 128
    # No bin stands in the line of a tensor, no cell in that of a bin.
    for row in table_of(data).rows():
        assert sum(place != "" for place in row[:5]) in (1, 2)
        assert (row[0] != "") == (row[5] != ""), "a tensor has its numbers"


def test_it_follows_a_model_that_learns_and_asks_only_about_what_is_seen(
    desk: Desk, pane: ModelPane, views: WeightsView, tmp_path
) -> None:
    from gui.panes.model import questions as weight_questions

    weight_questions.FOLLOW_SHARE = 1.0
    recipe = replace(PRESETS["minute"], steps=40, max_seconds=600.0)
    pane.resize(1000, 430)
    settle(desk, pane)
    assert len(views.table.in_view()) < 12  # of 21
    try:
        pane.store.run.start(recipe, str(tmp_path / "run"))
        seen: list[int] = []
        for _ in range(3000):
            desk.advance()
            pane.refresh_now()
            state = pane.store.weights
            if state.examined is not None:
                step = state.examined.step
                if step is not None and step not in seen:
                    seen.append(step)
            if len(seen) >= 2 or not desk.engine.busy:
                break
        state = pane.store.weights
        assert len(seen) >= 2, seen
        asked = {r.figures[0].name for r in desk.results if isinstance(r, m.WeightsDescribed)}
        assert asked
        live = [n for n, step in state.steps.items() if step is not None]
        assert set(live) <= {views.name, *views.table.in_view()}
    finally:
        weight_questions.FOLLOW_SHARE = 0.02
        pane.store.run.stop()
        while desk.engine.busy:
            desk.advance()


def test_figures_of_a_tensor_with_nan_are_marked(pane: ModelPane, views: WeightsView) -> None:
    state = pane.store.weights
    before = state.figures["W_E"]
    state.figures["W_E"] = replace(before, n_not_finite=3)
    views.table.rows.set_figures(state.figures)
    row = views.table.rows.row_of("W_E")
    assert row is not None
    index = views.table.rows.index(row, 0)
    assert index.data(Qt.ItemDataRole.ForegroundRole) == theme.current().color("bad")
    assert "3 numbers are NaN or infinite" in index.data(Qt.ItemDataRole.ToolTipRole)
