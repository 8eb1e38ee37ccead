"""The cache in its pane: the vectors that the bench holds, their bytes, and what is selected."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.cost.cache_map import TITLES, Cell
from gui.panes.cost.pane import CostPane
from gui.session.store import Store
from tests.gui.desk import Desk
from tests.gui.panes.cost.test_cost_pane import color_at, image, shown


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> CostPane:
    return shown(live_store, qtbot)


def test_the_cache_is_drawn_as_its_vectors_are_long(pane: CostPane, desk: Desk) -> None:
    assert pane.map.shown is not None
    trace = desk.lm.trace(pane.store.prompt)
    picture = image(pane.map.viewport())
    n_tokens = pane.map.shown.found.n_tokens
    for kind in TITLES:
        limit = pane.map.limit(kind)
        for layer, head, position in ((0, 1, 2), (2, 3, 5), (3, 0, n_tokens - 2)):
            vector = trace[f"blocks.{layer}.attn.hook_{kind}"][0, position, head]
            cell = Cell(kind, layer, head, position)
            drawn = color_at(picture, pane.map.rect_of(cell).center())
            expected = theme.sequential_color(min(float(vector.norm()) / limit, 1.0))
            for channel in ("red", "green", "blue"):
                assert abs(getattr(drawn, channel)() - getattr(expected, channel)()) <= 3
            words = pane.map.describe(cell)
            assert f"‖{kind}‖ = {float(vector.norm()):.4g}" in words
            assert pane.map.shown.tokens[position] in words
    free = pane.map.box("k").topRight() + QPointF(-4, 4)
    assert color_at(picture, free) == theme.current().color("track")


def test_the_newest_column_is_lit(pane: CostPane) -> None:
    assert pane.map.shown is not None
    last = pane.map.shown.found.n_tokens - 1
    rect = pane.map.rect_of(Cell("v", 0, 0, last))
    edge = QPointF(rect.center().x(), pane.map.box("v").bottom() + 3)
    picture = image(pane.map.viewport())
    near = [color_at(picture, edge + QPointF(0, dy)) for dy in (-1, 0, 1)]
    assert theme.current().color("accent") in near


def test_the_bytes_and_their_formula_are_said(pane: CostPane) -> None:
    n = pane.store.read.n_tokens if pane.store.read else 0
    n_bytes = 2 * 4 * 4 * 32 * 4 * n
    assert f"{n} tokens fill" in pane.sentence.text()
    assert "a full context of 128 takes 524 kB" in pane.sentence.text()
    expected = f"formula: 2 · 4 layers · 4 kv heads · 32 numbers · 4 bytes · {n} tokens"
    assert f"{expected} = {n_bytes:,} bytes" in pane.note.text()
    assert "Held now" in pane.note.text()
    assert pane.gauge.share == pytest.approx(n / 128)
    assert pane.gauge.room > pane.gauge.share


def test_the_cache_grows_with_the_text(pane: CostPane) -> None:
    before = pane.gauge.share
    pane.store.set_prompt(f"{pane.store.prompt} crown")
    pane.refresh_now()
    assert pane.map.shown is not None
    assert pane.gauge.share == pytest.approx(before + 1 / 128)
    assert pane.map.shown.tokens[-1].endswith("crown")


def test_a_vector_that_is_clicked_is_selected(pane: CostPane) -> None:
    at = pane.map.rect_of(Cell("k", 2, 1, 4)).center().toPoint()
    QTest.mouseClick(pane.map.viewport(), Qt.MouseButton.LeftButton, pos=at)
    selection = pane.store.selection
    assert (selection.layer, selection.position) == (2, 4)
    pane.refresh_now()
    QTest.keyClick(pane.map, Qt.Key.Key_Right)
    QTest.keyClick(pane.map, Qt.Key.Key_Up)
    pane.refresh_now()
    selection = pane.store.selection
    assert (selection.layer, selection.position) == (1, 5)
    assert pane.map.selected == (selection.layer, selection.position)


def test_what_a_window_has_passed_is_dimmed_and_said(
    opened: Callable[..., Store], qtbot: QtBot
) -> None:
    pane = shown(opened("gemma"), qtbot)
    assert pane.map.shown is not None
    found, windows = pane.map.shown.found, pane.map.shown.windows
    layer = next(at for at, window in enumerate(windows) if window is not None)
    window = windows[layer]
    assert window is not None
    assert window < found.n_tokens, "the text must be longer than the window"
    assert found.needed_bytes < found.cache_bytes
    assert "Windows have passed" in pane.sentence.text()
    passed, seen = Cell("k", layer, 0, 0), Cell("k", layer, 0, found.n_tokens - 1)
    assert "the next token reads it no more" in pane.map.describe(passed)
    assert "no more" not in pane.map.describe(seen)
