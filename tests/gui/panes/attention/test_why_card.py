"""A card that says why a head attends, on demand, and about what is selected."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.attention.pane import AttentionPane
from gui.reading.quoting import quoted
from gui.session.store import Store
from gui.widgets.heat_map import cell_image
from model.probe.question import Named
from model.probe.why_attends.asks import WhyAttends
from tests.gui.desk import Desk
from tests.gui.panes.attention.test_attention_pane import pattern, settle, shown
from tests.gui.panes.attention.test_changing import choose, menu_at
from tests.gui.pixels import pixels


@pytest.fixture
def pane(qtbot: QtBot, live_store: Store) -> AttentionPane:
    return shown(qtbot, live_store)


def text(store: Store, position: int) -> str:
    assert store.read is not None
    return f"{quoted(store.read.tokens[position].text)} ({position})"


def test_the_card_opens_on_demand_and_draws_what_the_pairs_add(
    qtbot: QtBot, pane: AttentionPane, live_store: Store, desk: Desk
) -> None:
    assert not pane.card.isVisible()
    assert pane.slot("why") is None, "nobody asks what nobody sees"
    live_store.select(layer=3, head=2, position=8, key=3)
    qtbot.keyClick(pane, Qt.Key.Key_W)
    settle(pane)
    assert pane.card.isVisible()
    found = pane.card.found
    assert found is not None
    assert live_store.read is not None
    expected = desk.lm.ask(list(live_store.read.subject.ids), WhyAttends(3, 2, 8, 3))
    assert np.allclose(found.values_QK, expected.arrays()["score"].values, atol=1e-5)
    assert f"Why does {text(live_store, 8)} attend to {text(live_store, 3)}?" in pane.card.text
    weight = pattern(desk, 3)[2, 8, 3]
    assert f"{weight:.1%} of the attention" in pane.card.text or (
        f"{weight:.0%} of the attention" in pane.card.text
    )
    (one, other, value), *_ = found.strongest(1)
    assert f"most by {one} (query) × {other} (key), {value:+.2f}".replace("-", "−") in (
        pane.card.text
    )
    assert pane.card.bars.bars[0].value == value
    content = pane.card.map.content
    assert content is not None
    pane.card.map.finish()
    image = pixels(pane.card.map.viewport())
    colors = cell_image.colors(found.values_QK, "diverging", content.limit)
    for row, column in [(0, 0), (3, 3), found_at(found.values_QK)]:
        box = pane.card.map.cell_rect(row, column)
        drawn = image[int(box.top()) + 2, int(box.left()) + 2].astype(int)
        assert np.abs(drawn - colors[row, column]).max() <= 3
    at = found_at(found.values_QK)
    tip = pane.card.map.describe
    assert tip is not None
    assert tip(*at).startswith(f"{value:+.4f}")
    named = pane.export_data()["score"]
    assert isinstance(named, Named)
    assert named.values is found.values_QK
    qtbot.keyClick(pane, Qt.Key.Key_Escape)
    settle(pane)
    assert not pane.card.isVisible()
    assert pane.graph.isVisible(), "its room is the graph's again"


def found_at(values: np.ndarray) -> tuple[int, int]:
    row, column = divmod(int(np.abs(values).argmax()), values.shape[1])
    return row, column


def test_it_follows_the_selection_and_says_what_to_do_where_there_is_no_answer(
    pane: AttentionPane, live_store: Store
) -> None:
    live_store.select(layer=1, head=0, position=5, key=2)
    pane.open_why()
    settle(pane)
    live_store.select(layer=2, head=3, position=7, key=4)
    settle(pane)
    found = pane.card.found
    assert found is not None
    assert found.question == WhyAttends(2, 3, 7, 4)
    live_store.select(position=3, key=6)
    settle(pane)
    assert pane.card.found is None
    assert "may not look at position 6" in pane.card.text
    assert "Choose a key that it reads" in pane.card.text
    live_store.select(key=1)
    settle(pane)
    assert pane.card.found is not None


def test_without_a_key_it_begins_with_the_one_that_is_read_most(
    pane: AttentionPane, live_store: Store, desk: Desk
) -> None:
    live_store.select(layer=2, head=1, position=8)
    settle(pane)
    assert live_store.selection.key is None
    pane.toggle_why()
    settle(pane)
    assert live_store.selection.key == int(pattern(desk, 2)[1, 8, 1:9].argmax()) + 1
    assert pane.card.found is not None


def test_a_right_click_on_a_cell_asks_about_it(pane: AttentionPane, live_store: Store) -> None:
    live_store.select(layer=1, head=1)
    settle(pane)
    cell = pane.heat_map.cell_rect(7, 3).center().toPoint()
    asked = f"Why does {text(live_store, 7)} attend to {text(live_store, 3)}?"
    choose(menu_at(pane.heat_map, cell), asked)
    settle(pane)
    assert pane.card.found is not None
    assert pane.card.found.question == WhyAttends(1, 1, 7, 3)


@pytest.mark.parametrize("size", [(620, 430), (1500, 900), (420, 500)])
@pytest.mark.parametrize("theme_name", ["dark", "light"])
def test_all_of_the_card_is_in_the_card(
    qtbot: QtBot, live_store: Store, size: tuple[int, int], theme_name: str
) -> None:
    theme.set_current(theme_name)
    pane = shown(qtbot, live_store, *size)
    live_store.select(layer=3, head=2, position=8, key=3)
    pane.open_why()
    settle(pane)
    for part in (pane.card.map, pane.card.bars):
        assert part.isVisible()
        assert pane.card.rect().contains(part.geometry())
    assert not pane.card.map.geometry().intersects(pane.card.bars.geometry())
    assert pane.card.map.cell_size >= 4
    assert pane.rect().contains(pane.card.geometry())
    theme.set_current("dark")
