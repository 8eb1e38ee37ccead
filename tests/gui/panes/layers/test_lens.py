"""The lens in Layers: at the head of every block the token that the stream would predict there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from PySide6.QtGui import QColor, QFontMetricsF
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.layers.map_layout import Row
from gui.panes.layers.pane import LayersPane
from gui.panes.layers.words import row_words
from gui.session.store import Store
from tests.gui.desk import Desk
from tests.gui.panes.layers.test_layers_pane import index_of, picture, shown
from tests.gui.recorded import Recorded


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(theme, "MOTION_MS", 0)
    theme.set_current("dark")
    yield
    theme.set_current("dark")


def by_hand(desk: Desk, position: int) -> list[tuple[int, float]]:
    """Token and probability after each block, from the trace and the network's own head."""
    trace = Recorded(desk)
    found = []
    for layer in range(desk.lm.config.n_layers):
        resid_TD = torch.tensor(trace[f"blocks.{layer}.hook_resid_post"])
        # All positions at once: where a processor's product of less than six rows rounds otherwise.
        with torch.no_grad():
            p_V = desk.lm.transformer.head(resid_TD)[0, position].double().softmax(-1).numpy()
        found.append((int(p_V.argmax()), float(p_V.max())))
    return found


def heads_of_blocks(pane: LayersPane) -> list[Row]:
    return [row for row in pane.map.rows if row.kind == "section"]


def apart(one: QColor, other: QColor) -> int:
    """How far two colours differ."""
    return (
        abs(one.red() - other.red())
        + abs(one.green() - other.green())
        + abs(one.blue() - other.blue())
    )


def lens_pixels(pane: LayersPane, row: Row) -> tuple[int, int] | None:
    """The first and last x in a row that has the lens' colour."""
    image, wanted = picture(pane), QColor(theme.current().lens)
    top = int(row.top) - pane.map.verticalScrollBar().value()
    found = [
        x
        for x in range(image.width())
        for y in range(top, top + int(row.height))
        if 0 <= y < image.height() and apart(image.pixelColor(x, y), wanted) < 40
    ]
    return (min(found), max(found)) if found else None


@pytest.mark.parametrize("width", [230, 330, 780])
def test_each_block_folded_or_not_says_what_the_lens_reads_after_it(
    live_store: Store, desk: Desk, qtbot: QtBot, width: int
) -> None:
    pane = shown(live_store, qtbot, width, 900)
    live_store.select(operation=index_of(live_store, "blocks.1.attn.hook_pattern"))
    pane.refresh_now()
    figures, model = pane.map.figures, live_store.model
    assert figures is not None
    assert model is not None
    wanted = by_hand(desk, live_store.selection.position)
    rows = heads_of_blocks(pane)
    assert [row.unfolded for row in rows] == [False, True, False, False]
    for row, (token_id, p) in zip(rows, wanted, strict=True):
        reading = figures.lens_after(row.layer)
        assert reading is not None
        assert reading.token == model.token_text(token_id).removeprefix("·")
        assert reading.probability == pytest.approx(p, abs=1e-6)
        assert reading.number == f"{p:.2f}"
        drawn = lens_pixels(pane, row)
        assert drawn is not None, "it is written in its own colour"
        label = QFontMetricsF(theme.sans(theme.SMALL_FONT_SIZE)).horizontalAdvance(row.label)
        assert drawn[0] > pane.map.row_box(row).left() + label
        assert drawn[1] < pane.map.viewport().width()


def test_it_follows_position_and_prompt(live_store: Store, desk: Desk, qtbot: QtBot) -> None:
    pane = shown(live_store, qtbot)
    for change in (
        lambda: live_store.select(position=2),
        lambda: live_store.set_prompt("The girl has a red"),
    ):
        change()
        pane.refresh_now()
        figures = pane.map.figures
        assert figures is not None
        wanted = by_hand(desk, live_store.selection.position)
        for layer, (_, p) in enumerate(wanted):
            reading = figures.lens_after(layer)
            assert reading is not None
            assert reading.position == live_store.selection.position
            assert reading.probability == pytest.approx(p, abs=1e-6)


def test_the_tooltip_says_that_it_is_a_reading(live_store: Store, qtbot: QtBot) -> None:
    pane = shown(live_store, qtbot)
    row = heads_of_blocks(pane)[2]
    words = row_words(row, pane.map.graph, pane.map.figures)
    assert "if the network ended here" in words
    assert "Raw: blocks.2.hook_resid_post" in words
    assert "Logit lens" not in row_words(row, pane.map.graph, None)


def test_a_long_token_gives_way_and_the_probability_does_not(
    live_store: Store, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gui.widgets.drawing_cache import DrawingCache

    pane = shown(live_store, qtbot, 230, 900)
    figures = pane.map.figures
    assert figures is not None
    assert live_store.model is not None
    written: list[str] = []
    text = DrawingCache.text

    def noting(self: DrawingCache, words: str, font: str, room: float | None = None):
        found = text(self, words, font, room)
        written.append(found.static.text())
        return found

    monkeypatch.setattr(type(live_store.model), "token_text", lambda self, _: "·" + "crown" * 12)
    monkeypatch.setattr(DrawingCache, "text", noting)
    picture(pane)
    reading = figures.lens_after(0)
    assert reading is not None
    assert reading.number in written
    assert any(one.startswith("crown") and one.endswith("…") for one in written)
    assert "crown" * 12 not in written


def test_what_is_exported_has_the_lens_beside_each_border(
    live_store: Store, desk: Desk, qtbot: QtBot
) -> None:
    pane = shown(live_store, qtbot)
    table = pane.export_data()
    wanted = by_hand(desk, live_store.selection.position)
    at = [list(table["name"]).index(f"blocks.{layer}.hook_resid_post") for layer in range(4)]
    assert np.allclose(table["lens_probability"][at], [p for _, p in wanted], atol=1e-6)
    rest = np.delete(
        table["lens_probability"], [*at, index_of(live_store, "blocks.0.hook_resid_pre")]
    )
    assert np.isnan(rest).all()
