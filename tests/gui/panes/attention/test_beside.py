"""Two matrices beside each other: both sides of a comparison, or a pinned head, on one scale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.attention.beside import NOTHING
from gui.panes.attention.pane import AttentionPane
from gui.panes.attention.units import Units
from gui.session.store import Store
from gui.widgets.heat_map import cell_image
from gui.widgets.heat_map.heat_map import HeatMap
from model.interventions import ScaleOutput
from tests.gui.desk import PROMPT, Desk
from tests.gui.panes.attention.test_attention_pane import settle, shown
from tests.gui.panes.attention.test_difference import LONGER, TEXT_B, patterns
from tests.gui.pixels import pixels


@pytest.fixture(autouse=True)
def dark() -> Iterator[None]:
    theme.set_current("dark")
    yield
    theme.set_current("dark")


@pytest.fixture
def pane(qtbot: QtBot, live_store: Store) -> AttentionPane:
    pane = shown(qtbot, live_store, 1000, 560)
    pane.controls.beside.setChecked(True)
    pane.store.select(layer=2, head=1)
    settle(pane)
    return pane


def values_of(heat_map: HeatMap) -> np.ndarray:
    assert heat_map.content is not None
    return heat_map.content.values_RC


def lit(heat_map: HeatMap) -> tuple[int | None, int | None]:
    return heat_map._lit


def cell_color(heat_map: HeatMap, row: int, column: int) -> np.ndarray:
    heat_map.finish()
    box = heat_map.cell_rect(row, column)
    return pixels(heat_map.viewport())[int(box.top()) + 2, int(box.left()) + 2].astype(int)


def test_a_is_at_the_left_and_b_at_the_right_on_one_scale(pane: AttentionPane, desk: Desk):
    pane.controls.hide_first.setChecked(True)  # so that either would end at a number of its own
    pane.store.select(layer=1, head=0)
    pane.store.comparing.compare_prompt(TEXT_B)
    settle(pane)
    second = pane.beside.view.map
    a, b = patterns(desk.lm, PROMPT, 1)[0], patterns(desk.lm, TEXT_B, 1)[0]
    np.testing.assert_allclose(values_of(pane.heat_map), a, atol=1e-6)
    np.testing.assert_allclose(values_of(second), b, atol=1e-6)
    assert pane.heat_map.geometry().right() < second.geometry().left()
    assert [name.text() for name in pane.beside.names] == ["A", "B"]
    largest = float(a[:, 1:].max()), float(b[:, 1:].max())
    assert abs(largest[0] - largest[1]) > 0.01
    for heat_map, values in ((pane.heat_map, a), (second, b)):
        assert heat_map.content is not None
        assert heat_map.content.limit == pytest.approx(max(largest), rel=1e-5)
        row, column = np.unravel_index(values[:, 1:].argmax(), values[:, 1:].shape)
        color = cell_image.colors(values, "sequential", max(largest))[row, column + 1]
        assert np.abs(cell_color(heat_map, int(row), int(column) + 1) - color).max() <= 4


def test_after_a_cut_before_is_at_the_left(pane: AttentionPane, desk: Desk):
    cut = ScaleOutput(0, "block")
    pane.store.intervening.add(cut)
    pane.store.intervening.set_view("difference")
    settle(pane)
    second, name = pane.beside.view.map, "blocks.2.attn.hook_pattern"
    after = desk.lm.trace(PROMPT, name, interventions=(cut,))[name][0, 1].numpy()
    np.testing.assert_allclose(values_of(pane.heat_map), after, atol=1e-6)
    np.testing.assert_allclose(values_of(second), patterns(desk.lm, PROMPT, 2)[1], atol=1e-6)
    assert second.geometry().right() < pane.heat_map.geometry().left()
    assert [name.text() for name in pane.beside.names] == ["after", "before"]
    assert pane.beside.names[1].geometry().left() < pane.beside.names[0].geometry().left()


def test_of_a_longer_text_the_second_has_its_own_tokens(pane: AttentionPane, desk: Desk):
    pane.store.comparing.compare_prompt(LONGER)
    settle(pane)
    content = pane.beside.view.map.content
    assert content is not None
    assert "·old" in content.row_labels
    np.testing.assert_allclose(content.values_RC, patterns(desk.lm, LONGER, 2)[1], atol=1e-6)


def test_hovering_one_lights_what_belongs_to_it_in_the_other(pane: AttentionPane, desk: Desk):
    pane.store.comparing.compare_prompt(LONGER)
    settle(pane)
    first, second = pane.heat_map, pane.beside.view.map
    first.hover(first.cell_rect(7, 3).center().toPoint())
    assert lit(second) == (8, 4)  # one word was put in at 1
    b, a = patterns(desk.lm, LONGER, 2)[1], patterns(desk.lm, PROMPT, 2)[1]
    assert f"B {b[8, 4]:.4g}, B − A {b[8, 4] - a[7, 3]:+.4g}" in pane.pointing.text
    first.hover(None)
    assert lit(second) == (None, None)
    second.hover(second.cell_rect(8, 4).center().toPoint())
    assert lit(first) == (7, 3)
    assert f"A {a[7, 3]:.4g}" in pane.pointing.text
    second.hover(second.cell_rect(8, 1).center().toPoint())
    assert lit(first) == (7, None)
    assert "A lacks one of these" in pane.pointing.text


def test_a_click_on_the_second_selects_what_belongs_to_it(pane: AttentionPane):
    pane.store.comparing.compare_prompt(LONGER)
    settle(pane)
    pane.beside.view.map.cell_chosen.emit((8, 4))
    settle(pane)
    selection = pane.store.selection
    assert (selection.position, selection.key) == (7, 3)
    assert pane.beside.view.map._line == (8, None)
    assert pane.beside.view.map._cell == (8, 4)
    assert pane.heat_map._cell == (7, 3)
    pane.beside.view.map.cell_chosen.emit((1, 0))  # a query that A lacks
    assert pane.store.selection == selection


def test_both_turn_together(pane: AttentionPane, desk: Desk):
    pane.store.comparing.compare_prompt(TEXT_B)
    pane.toggle_transpose()
    settle(pane)
    b = patterns(desk.lm, TEXT_B, 2)[1]
    np.testing.assert_allclose(values_of(pane.beside.view.map), b.T, atol=1e-6)
    first, second = pane.heat_map, pane.beside.view.map
    first.hover(first.cell_rect(3, 7).center().toPoint())
    assert lit(second) == (3, 7)
    second.hover(second.cell_rect(3, 7).center().toPoint())
    a = patterns(desk.lm, PROMPT, 2)[1]
    assert f"A {a[7, 3]:.4g}" in pane.pointing.text


def test_zoom_and_scrolling_go_together(pane: AttentionPane):
    pane.store.comparing.compare_prompt(TEXT_B)
    settle(pane)
    first, second = pane.heat_map, pane.beside.view.map
    first.set_cell_size(50.0)
    assert second.cell_size == pytest.approx(50.0)
    second.verticalScrollBar().setValue(40)
    assert first.verticalScrollBar().value() == 40
    second.set_cell_size(None)
    assert first.zoom is None


def test_without_a_comparison_the_pinned_head_stands_beside(pane: AttentionPane, desk: Desk):
    assert pane.beside.empty.isVisible()
    assert pane.beside.empty.text() == NOTHING
    pane.pins.toggle_head(1, 0)
    settle(pane)
    second = pane.beside.view.map
    np.testing.assert_allclose(values_of(second), patterns(desk.lm, PROMPT, 1)[0], atol=1e-6)
    assert [name.text() for name in pane.beside.names] == ["L2·1", "L1·0 pinned"]
    first = pane.heat_map
    first.hover(first.cell_rect(7, 3).center().toPoint())
    value = patterns(desk.lm, PROMPT, 1)[0][7, 3]
    assert f"L1·0 pinned {value:.4g}" in pane.pointing.text
    pane.select_head(1, 0)  # the pinned head itself is selected
    settle(pane)
    assert pane.beside.empty.isVisible()


def test_while_another_text_is_on_its_way_nothing_is_said_of_the_old_picture(pane: AttentionPane):
    pane.pins.toggle_head(1, 0)
    settle(pane)
    first, second, read = pane.heat_map, pane.beside.view.map, pane.store.read
    assert read is not None
    place = second.cell_rect(7, 3).center().toPoint()
    second.hover(place)
    assert lit(first) == (7, 3)
    assert "L1·0 pinned" in pane.pointing.text
    assert "pinned" in pane.pointing.describe_cell(2, 1)
    second.hover(None)
    # What stands beside is settled as soon as a text is read; drawn is still the one before.
    shorter = Units(replace(read, tokens=read.tokens[:3]))
    pane.beside.find((2, 1), ((1, 0),), shorter)
    assert "pinned" not in pane.pointing.describe_cell(2, 1)
    pane.beside.light((2, 1))
    assert lit(second) == (None, None)
    second.hover(place)
    assert lit(first) == (None, None)
    assert pane.pointing.text == ""
    assert pane.pointing.describe_second(7, 3) == "still to come"
    selection = pane.store.selection
    second.cell_chosen.emit((1, 1))
    assert pane.store.selection == selection


def test_a_key_switches_it_and_what_is_exported_has_both(pane: AttentionPane, qtbot: QtBot):
    pane.set_view("matrix")
    pane.store.comparing.compare_prompt(TEXT_B)
    settle(pane)
    data = pane.export_data()
    assert {"A", "B", "B − A"} <= set(data)
    qtbot.keyClick(pane, Qt.Key.Key_B)
    settle(pane)
    assert not pane.beside.view.map.isVisible()
    content = pane.heat_map.content
    assert content is not None
    assert content.kind == "diverging"
    assert pane.remember()["beside"] is False


@pytest.mark.parametrize("size", [(620, 430), (1500, 900), (1000, 300)])
@pytest.mark.parametrize("view", ["all", "matrix"])
def test_both_find_room(qtbot: QtBot, live_store: Store, size: tuple[int, int], view: str):
    pane = shown(qtbot, live_store, *size)
    pane.set_view(view)
    pane.controls.beside.setChecked(True)
    pane.store.comparing.compare_prompt(TEXT_B)
    settle(pane)
    boxes = [pane.heat_map.geometry(), pane.beside.view.map.geometry()]
    for box in boxes:
        assert pane.rect().contains(box)
        assert min(box.width(), box.height()) >= 150
    assert not boxes[0].intersects(boxes[1])
    assert abs(boxes[0].width() - boxes[1].width()) <= 1
    others = [one for one in (pane.mosaic, pane.graph, pane.controls.view_row) if one.isVisible()]
    for other in others:
        assert not any(box.intersects(other.geometry()) for box in boxes)


def test_where_there_is_no_room_the_header_says_so(qtbot: QtBot, live_store: Store):
    pane = shown(qtbot, live_store, 260, 240)
    pane.controls.beside.setChecked(True)
    pane.store.comparing.compare_prompt(TEXT_B)
    settle(pane)
    assert "no room for the" in pane.header_note()
    assert "second matrix" in pane.header_note()
    assert pane.matrix.difference is not None
    assert not pane.beside.view.map.isVisible()


def test_words_that_begin_elsewhere_can_stand_side_by_side(pane: AttentionPane):
    pane.controls.words.setChecked(True)
    pane.store.comparing.compare_prompt(LONGER)
    settle(pane)
    content = pane.beside.view.map.content
    assert content is not None
    assert "·old" in content.row_labels


def test_a_query_that_b_lacks_is_framed_in_a_alone(pane: AttentionPane):
    pane.store.set_prompt(LONGER)
    pane.store.comparing.compare_prompt(PROMPT)
    pane.store.select(position=1)
    settle(pane)
    assert pane.heat_map._line == (1, None)
    assert pane.beside.view.map._line == (None, None)
