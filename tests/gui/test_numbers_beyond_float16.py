"""A model that overflows float16: nowhere is NaN taken for masked, or read out as a number."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PySide6.QtCore import QRectF
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes import PANES
from gui.panes.attention.pane import AttentionPane
from gui.panes.entry import PaneEntry
from gui.panes.inspector.pane import InspectorPane
from gui.panes.inspector.tensor_block import figures
from gui.panes.layers.words import cell_words
from gui.panes.prediction.pane import PredictionPane
from gui.panes.tokens.pane import TokensPane
from gui.session.first_look import FirstLook
from gui.session.store import Store
from gui.window.status_bar import StatusBar
from model.checkpoint import save_checkpoint
from tests.gui.desk import Desk
from tests.gui.pixels import color_named, pixels
from tests.model.networks import overflowing

PROMPT = "3 17 8 1 30 4"
N = 6
OVERFLOW = "blocks.0.hook_mlp_out (MLP down) is the first that is not finite, at position 0."

Opened = Callable[[str], Store]


@pytest.fixture(autouse=True)
def dark() -> Iterator[None]:
    theme.set_current("dark")
    yield
    theme.set_current("dark")


@pytest.fixture
def opened_in(desk: Desk, tmp_path: Path) -> Opened:
    """Opens the model in a precision, with a prompt."""
    folder = tmp_path / "beyond"
    save_checkpoint(folder, overflowing(), None, family="llama", dtype=torch.float16)

    def open_in(dtype: str) -> Store:
        desk.store.set_prompt(PROMPT)
        desk.store.opening.open(str(folder), dtype=dtype)
        desk.finish()
        assert desk.store.model is not None
        return desk.store

    return open_in


@pytest.fixture
def half(opened_in: Opened) -> Store:
    store = opened_in("float16")
    store.select(layer=1, head=0, position=4, key=2)
    return store


def shown(qtbot: QtBot, widget: QWidget, width: int = 1200, height: int = 560) -> None:
    qtbot.addWidget(widget)
    widget.resize(width, height)
    with qtbot.waitExposed(widget):
        widget.show()


def attention(qtbot: QtBot, store: Store, *, tensor: str = "pattern", hide: bool = False):
    pane = AttentionPane(store)
    shown(qtbot, pane)
    pane.controls.set_tensor(tensor)
    pane.controls.hide_first.setChecked(hide)
    for _ in range(2):
        pane.refresh_now()
    for view in (pane.mosaic, pane.heat_map, pane.graph):
        view.finish()
    return pane


def colors_in(image: np.ndarray, box: QRectF) -> set[tuple[int, ...]]:
    part = box.toRect().adjusted(3, 3, -3, -3)
    patch = image[part.top() : part.bottom(), part.left() : part.right()].reshape(-1, 3)
    return {tuple(rgb) for rgb in patch.tolist()}


@pytest.mark.parametrize("theme_name", ["dark", "light"])
@pytest.mark.parametrize("hide", [False, True])
@pytest.mark.parametrize("tensor", ["pattern", "attn_scores"])
def test_a_cell_without_a_number_is_drawn_otherwise_than_a_masked_one(
    qtbot: QtBot, half: Store, tensor: str, hide: bool, theme_name: str
) -> None:
    theme.set_current(theme_name)
    pane = attention(qtbot, half, tensor=tensor, hide=hide)
    content = pane.heat_map.content
    assert content is not None
    assert content.masked_RC is not None
    assert (content.masked_RC == np.triu(np.ones((N, N), np.bool_), 1)).all()
    pane.heat_map.set_marks()
    image = pixels(pane.heat_map.viewport())
    none, panel = color_named("no_number"), color_named("panel")
    for query in range(N):
        for key in range(N):
            seen = colors_in(image, pane.heat_map.cell_rect(query, key))
            crossed = none in seen
            assert crossed == (key <= query and not (hide and key == 0))
            if key > query:
                assert seen == {panel, color_named("line")}, "hatched, and empty"


def test_a_masked_score_in_a_layer_of_numbers_stays_masked_and_the_others_are_drawn(
    qtbot: QtBot, half: Store
) -> None:
    half.select(layer=0)
    pane = attention(qtbot, half, tensor="attn_scores")
    content = pane.heat_map.content
    assert content is not None
    assert not content.no_number_RC.any()
    assert np.isneginf(content.values_RC[content.masked_RC]).all()
    assert pane.pointing.describe_cell(2, 4).startswith("−∞ · masked")


def test_the_legend_says_what_each_look_means(qtbot: QtBot, half: Store) -> None:
    pane = attention(qtbot, half)
    # The legend is painted: its swatch is the only crossed thing below the cells.
    image = pixels(pane.heat_map.viewport())[-20:]
    assert (image == color_named("no_number")).all(-1).any()
    half.select(layer=0)
    for _ in range(2):
        pane.refresh_now()
    pane.heat_map.finish()
    image = pixels(pane.heat_map.viewport())[-20:]
    assert not (image == color_named("no_number")).all(-1).any()


@pytest.mark.parametrize("tensor", ["pattern", "attn_scores"])
def test_tips_say_no_number_and_masked_each_where_it_is_so(
    qtbot: QtBot, half: Store, tensor: str
) -> None:
    pane = attention(qtbot, half, tensor=tensor)
    assert pane.pointing.describe_cell(4, 2).startswith("no number (NaN)\n")
    masked = pane.pointing.describe_cell(2, 4)
    assert "masked" in masked.partition("\n")[0]
    assert "no number" not in masked
    cell = pane.mosaic.cell_at(pane.mosaic.tile_rect(1, 0).center().toPoint())
    assert cell is not None
    tip = pane.pointing.describe_tile(cell)
    assert "no number (NaN)" in tip
    assert "where it reads is no number" in tip


def test_what_is_said_of_the_head_names_the_operation_and_the_precision(
    qtbot: QtBot, half: Store
) -> None:
    pane = attention(qtbot, half)
    assert pane.header_note() == "layer 1 · head 0 · no number"
    assert OVERFLOW in pane._readout.text()
    assert "open in float16, whose largest number is 65,504: open it in float32" in (
        pane._readout.text()
    )
    assert pane.mosaic.caption.startswith("no number in 4 heads · 2 layers × 4 heads")
    assert "no number in 1 row of weights" in pane.graph.caption
    pane.controls.set_order("kind")
    pane.refresh_now()
    labels = {label.text for label in pane.mosaic._tiles.labels}
    assert "no number · 4" in labels


@pytest.mark.parametrize("tensor", ["pattern", "attn_scores"])
def test_the_inspectors_sentence_is_about_no_number(qtbot: QtBot, half: Store, tensor: str) -> None:
    pane = attention(qtbot, half, tensor=tensor)
    pane.pointing._choose_cell((4, 2))
    inspector = InspectorPane(half)
    shown(qtbot, inspector, 420, 900)
    inspector.refresh_now()
    assert inspector.value.value_text == "no number (NaN)"
    assert inspector.value.note_text.startswith("No number: ")
    for block in inspector.operation.shown_blocks:
        assert block.reading is not None
        # Of the keys behind the query none exists: that is no overflow.
        assert (block.reading.first_seen, block.reading.n_seen) == (0, 5)
        assert figures(block.reading) == (("not finite", "5 of 5"),)
        image = pixels(block.strip)
        crossed = colors_in(image, block.strip.cell_rect(2))
        assert color_named("no_number") in crossed
        assert color_named("no_number") not in colors_in(image, block.strip.cell_rect(5))
        assert block._describe(2).startswith("no number (NaN)\n")
        assert block._describe(5).startswith("masked\n")
        assert "= masked" in cell_words(block.reading, 5)


def test_the_prediction_says_where_it_went_wrong(qtbot: QtBot, half: Store) -> None:
    pane = PredictionPane(half)
    shown(qtbot, pane, 340, 560)
    pane.refresh_now()
    assert OVERFLOW in pane.picture.empty.text()
    assert not pane.bars.isVisible()


def test_chips_tell_no_number_from_no_surprisal(qtbot: QtBot, half: Store) -> None:
    pane = TokensPane(half)
    shown(qtbot, pane, 700, 140)
    pane.refresh_now()
    assert pane._look(0).hatched
    for index in range(1, N):
        look = pane._look(index)
        assert (look.below, look.hatched) == ("NaN", False)
        assert look.fill == theme.current().color("no_number")
    half.select(position=3)
    assert "surprisal: no number" in pane._reading.text()


def test_the_status_bar_says_so_until_it_is_opened_in_float32(
    qtbot: QtBot, opened_in: Opened
) -> None:
    bar = StatusBar(opened_in("float16"))
    shown(qtbot, bar, 1400, 26)
    bar.refresh()
    assert OVERFLOW in bar.facts.toolTip()
    store = opened_in("float32")
    bar.refresh()
    assert OVERFLOW not in bar.facts.toolTip()
    assert "float32 (file: float16)" in bar.facts.text
    assert "its file is in float16" in bar.facts.toolTip()
    assert store.ran is not None
    assert store.ran.not_finite == ""


def test_the_first_look_is_at_a_head_that_has_numbers(opened_in: Opened, desk: Desk) -> None:
    look = FirstLook(desk.store)
    store = opened_in("float16")
    assert look._done
    assert store.selection.layer == 0
    assert store.inspected is not None
    assert store.inspected.value is not None
    assert np.isfinite(store.inspected.value)


@pytest.mark.parametrize("entry", PANES, ids=[entry.key for entry in PANES])
def test_no_pane_writes_nan_percent_or_inf(qtbot: QtBot, half: Store, entry: PaneEntry) -> None:
    pane = entry.load()(half)
    shown(qtbot, pane, 1000, 560)
    for operation in range(0, len(half.operations), 3):
        half.select(operation=operation)
        pane.refresh_now()
        said = [label.text() for label in pane.findChildren(QLabel)]
        said += [pane.header_note(), *(w.accessibleName() for w in pane.findChildren(QWidget))]
        for text in said:
            assert not re.search(r"nan\b|\binf\b", text), text
    pane.grab()
