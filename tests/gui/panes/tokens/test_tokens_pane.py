"""The chips are the trace's tokens: ids, bytes, places, and colours that are surprisals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.tokens.pane import BY_POSITION, BY_SURPRISAL, TokensPane
from gui.panes.tokens.strip import Chip, TokenStrip
from gui.session.store import Store
from model import messages as m
from model.tokenizer.tokens import Token


@pytest.fixture(autouse=True)
def dark() -> Iterator[None]:
    theme.set_current("dark")
    yield
    theme.set_current("dark")


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> TokensPane:
    return shown(live_store, qtbot)


def shown(store: Store, qtbot: QtBot, width: int = 700, height: int = 200) -> TokensPane:
    pane = TokensPane(store)
    qtbot.addWidget(pane)
    pane.resize(width, height)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.refresh_now()
    return pane


def trace_of(store: Store) -> m.TraceReady:
    assert store.trace is not None
    return store.trace


def fill_color(strip: TokenStrip, index: int) -> QColor:
    """The colour between a chip's left edge and its text."""
    picture: QImage = strip.viewport().grab().toImage()
    box = strip.chip_rect(index)
    return picture.pixelColor(QPoint(round(box.left() + 4), round(box.center().y())))


def drawn_amount(color: QColor) -> float:
    """From 0 to 1: where on the sequential map a colour is."""
    table = theme.sequential_table().astype(int)
    distance = np.abs(table - [color.red(), color.green(), color.blue()]).sum(axis=1)
    assert distance.min() <= 3, f"{color.name()} is no colour of the map"
    return float(distance.argmin()) / 255


def move_mouse(widget: QWidget, at: QPoint) -> None:
    """Sent to the widget itself: a real pointer is shared by all windows of the screen."""
    place = QPointF(at)
    none = Qt.MouseButton.NoButton
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        place,
        widget.mapToGlobal(place),
        none,
        none,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(widget, event)


def middle(strip: TokenStrip, index: int) -> QPoint:
    return strip.chip_rect(index).center().toPoint()


def test_chips_are_the_tokens_of_the_trace(pane: TokensPane, live_store: Store) -> None:
    trace = trace_of(live_store)
    ids = trace.activations["input_ids"][0]
    assert [int(chip.id) for chip in pane.strip.chips] == ids.tolist()
    assert pane.strip.chips[1].text == "·king"
    raw = b"".join(bytes.fromhex(chip.detail) for chip in pane.strip.chips)
    assert raw.decode() == live_store.prompt


def test_colour_by_surprisal_is_minus_log2_p_of_the_token(
    pane: TokensPane, live_store: Store
) -> None:
    pane.set_colours(BY_SURPRISAL)
    trace = trace_of(live_store)
    logits = trace.logits.astype(np.float64)
    p = np.exp(logits - logits.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    assert live_store.model is not None
    limit = np.log2(live_store.model.config.d_vocab)
    checked = 0
    for index in range(1, trace.n_tokens):
        bits = -np.log2(p[index - 1, trace.tokens[index].id])
        drawn = drawn_amount(fill_color(pane.strip, index)) * limit
        assert drawn == pytest.approx(min(bits, limit), abs=limit / 255 + 1e-6)
        assert pane.surprisal(index) == pytest.approx(bits, rel=1e-9)
        checked += 1
    assert checked >= 5


def test_the_first_token_has_no_surprisal_and_is_hatched(pane: TokensPane) -> None:
    pane.set_colours(BY_SURPRISAL)
    assert np.isnan(pane.surprisal(0))
    box = pane.strip.chip_rect(0).toRect()
    picture = pane.strip.viewport().grab().toImage().copy(box)
    colours = {picture.pixel(x, picture.height() - 4) for x in range(4, picture.width() - 4)}
    assert len(colours) > 1, "an even colour would be taken for a value"
    assert "nothing stands before it" in pane.describe(0)


def test_neighbours_differ_when_coloured_by_position(pane: TokensPane) -> None:
    pane.set_colours(BY_POSITION)
    colours = [fill_color(pane.strip, i).name() for i in range(4)]
    assert colours == [QColor(c).name() for c in theme.current().chips[:4]]


def test_a_click_selects_the_position_and_shows_its_id(pane: TokensPane, live_store: Store) -> None:
    QTest.mouseClick(pane.strip.viewport(), Qt.MouseButton.LeftButton, pos=middle(pane.strip, 2))
    assert live_store.selection.position == 2
    assert pane.strip.selected == 2
    inspected = live_store.inspected
    assert inspected is not None
    assert inspected.name == "input_ids"
    assert inspected.value == trace_of(live_store).activations["input_ids"][inspected.index]


def test_hovering_selects_everywhere_and_leaving_ends_it(
    pane: TokensPane, live_store: Store
) -> None:
    move_mouse(pane.strip.viewport(), middle(pane.strip, 3))
    assert live_store.selection.hovered == 3
    move_mouse(pane.strip.viewport(), QPoint(pane.strip.viewport().width() - 2, 2))
    assert live_store.selection.hovered is None


def test_keys_move_the_position(pane: TokensPane, live_store: Store) -> None:
    last = trace_of(live_store).n_tokens - 1
    QTest.keyClick(pane.strip, Qt.Key.Key_Home)
    assert live_store.selection.position == 0
    QTest.keyClick(pane.strip, Qt.Key.Key_Left)
    assert live_store.selection.position == 0
    QTest.keyClick(pane.strip, Qt.Key.Key_Right)
    QTest.keyClick(pane.strip, Qt.Key.Key_Right)
    assert live_store.selection.position == 2
    QTest.keyClick(pane.strip, Qt.Key.Key_End)
    assert live_store.selection.position == last


def test_down_goes_to_the_chip_below(live_store: Store, qtbot: QtBot) -> None:
    live_store.set_prompt("The king lost his crown. " * 4)
    pane = shown(live_store, qtbot, width=300, height=260)
    QTest.keyClick(pane.strip, Qt.Key.Key_Home)
    QTest.keyClick(pane.strip, Qt.Key.Key_Down)
    first, below = pane.strip.chip_rect(0), pane.strip.chip_rect(live_store.selection.position)
    assert below.top() > first.bottom()
    assert below.left() < first.right()


@pytest.mark.parametrize("width", [140, 300, 700, 1200])
@pytest.mark.parametrize("details", [False, True])
def test_chips_never_overlap_nor_leave_the_pane(
    live_store: Store, qtbot: QtBot, width: int, details: bool
) -> None:
    live_store.set_prompt("The king lost his crown. " * 30)
    pane = shown(live_store, qtbot, width=width, height=240)
    pane.bytes_choice.setChecked(details)
    boxes = [pane.strip.chip_rect(i) for i in range(len(pane.strip.chips))]
    assert len(boxes) > 100
    assert all(box.right() <= pane.strip.viewport().width() for box in boxes)
    assert all(box.left() >= 0 for box in boxes)
    for before, after in pairwise(boxes):
        assert after.left() >= before.right() or after.top() >= before.bottom()


def test_only_chips_that_can_be_seen_are_painted(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    strip = TokenStrip()
    qtbot.addWidget(strip)
    painted: list[int] = []
    original = TokenStrip._paint_chip

    def paint(self: TokenStrip, painter: QPainter, index: int, *rest: Any) -> None:
        painted.append(index)
        original(self, painter, index, *rest)

    monkeypatch.setattr(TokenStrip, "_paint_chip", paint)
    strip.resize(300, 150)
    strip.set_chips([Chip("word", str(i)) for i in range(1024)], [None] * 1024)
    with qtbot.waitExposed(strip):
        strip.show()
    painted.clear()
    strip.viewport().grab()
    assert 0 < len(painted) < 60
    painted.clear()
    strip.set_hovered(3)
    qtbot.waitUntil(lambda: 3 in painted, timeout=1000)
    assert len(painted) < 12, "hovering paints a chip and its neighbours, not all of them"
    strip.set_selected(900)
    painted.clear()
    strip.viewport().grab()
    assert 900 in painted, "the selected chip is brought into view"


def test_parts_of_characters_and_special_tokens_are_marked(live_store: Store, qtbot: QtBot) -> None:
    live_store.set_prompt("é")
    pane = shown(live_store, qtbot)
    assert [chip.text for chip in pane.strip.chips] == ["‹C3›", "‹A9›"]
    assert "part of a character" in pane.describe(0)
    trace = trace_of(live_store)
    mark = Token(0, b"<|endoftext|>", 0, 0, special=True)
    live_store.trace = replace(trace, tokens=(mark, *trace.tokens[1:]))
    pane.invalidate()
    pane.refresh_now()
    assert pane.strip.chips[0].special
    assert "special" in pane.describe(0)


def test_the_header_counts_tokens_characters_and_bytes(live_store: Store, qtbot: QtBot) -> None:
    live_store.set_prompt("é a")
    pane = shown(live_store, qtbot)
    assert pane.header_note() == f"{trace_of(live_store).n_tokens} tokens · 3 characters · 4 bytes"
    live_store.set_prompt("a")
    assert pane.header_note() == "1 token · 1 character · 1 byte"


def test_without_tokens_it_says_why(live_store: Store, qtbot: QtBot) -> None:
    pane = shown(live_store, qtbot)
    live_store.set_prompt("")
    pane.refresh_now()
    assert live_store.prompt_problem
    assert pane._empty.isVisible()
    assert pane._empty.text() == live_store.prompt_problem
    assert not pane.strip.isVisible()
    assert pane.export_data() == {}
    live_store.set_prompt("The king")
    pane.refresh_now()
    assert pane.strip.isVisible()


def test_it_stands_before_a_model_is_open(qtbot: QtBot) -> None:
    store = Store(lambda request: None)
    pane = shown(store, qtbot)
    assert "No model is open" in pane._empty.text()
    assert pane.header_note() == ""


def test_a_change_of_theme_recolours_the_chips(pane: TokensPane, live_store: Store) -> None:
    dark = fill_color(pane.strip, 1).name()
    theme.set_current("light")
    live_store.theme_changed.emit()
    pane.refresh_now()
    assert dark != fill_color(pane.strip, 1).name() == QColor(theme.LIGHT.chips[1]).name()


def test_many_surprisals_are_measured_in_slices(
    live_store: Store, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_store.set_prompt("The king lost his crown. " * 12)
    pane = shown(live_store, qtbot)
    monkeypatch.setattr("gui.panes.tokens.pane.SLICE_MS", 0)
    pane.set_colours(BY_SURPRISAL)
    assert pane._bits_done < len(pane._bits), "one slice does not do all"
    qtbot.waitUntil(lambda: pane._bits_done == len(pane._bits), timeout=5000)
    assert not np.isnan(pane._bits[1:]).any()


def test_exported_data_are_the_tokens(pane: TokensPane, live_store: Store) -> None:
    data = pane.export_data()
    trace = trace_of(live_store)
    np.testing.assert_array_equal(data["id"], trace.activations["input_ids"][0])
    assert len({len(column) for column in data.values()}) == 1
    assert data["surprisal_bits"][1] == pane.surprisal(1)


def test_a_point_between_chips_belongs_to_one_of_them(pane: TokensPane) -> None:
    first, second = pane.strip.chip_rect(0), pane.strip.chip_rect(1)
    between = QPointF((first.right() + second.left()) / 2, first.center().y())
    assert pane.strip.chip_at(between) in (0, 1)
    assert pane.strip.chip_at(QPointF(5, first.bottom() + 400)) is None


@pytest.mark.parametrize("rows", [1.2, 1.8, 2.3, 2.7])
def test_scrolling_to_a_token_cuts_no_row_in_two_where_that_leaves_little_empty(
    live_store: Store, qtbot: QtBot, rows: float
) -> None:
    pane = shown(live_store, qtbot, width=200)
    strip, trace = pane.strip, trace_of(live_store)
    first = strip.chip_rect(0)
    pitch = next(
        box.top() - first.top()
        for box in map(strip.chip_rect, range(trace.n_tokens))
        if box.top() > first.top()
    )
    height = round(rows * pitch)
    pane.resize(200, pane.height() + height - strip.viewport().height())
    qtbot.waitUntil(lambda: strip.viewport().height() == height)
    for position in (trace.n_tokens - 1, 0, trace.n_tokens // 2, trace.n_tokens - 1):
        live_store.select(position=position)
        boxes = [strip.chip_rect(i) for i in range(trace.n_tokens)]
        assert boxes[position].top() >= 0
        assert boxes[position].bottom() <= height
        cut = any(-first.height() < box.top() < 0 for box in boxes)
        empty = height - boxes[-1].bottom()
        assert empty < pitch
        if rows % 1 < 0.5:
            assert not cut, position
        else:
            assert empty < pitch / 2, position


def test_bytes_are_those_that_the_tokens_stand_for(live_store: Store, qtbot: QtBot) -> None:
    pane = shown(live_store, qtbot)
    for text in ("caf\u00e9 \U0001f642", "\ud800abc\udfff", "a\x00b"):
        live_store.set_prompt(text)
        n_bytes = sum(len(token.bytes) for token in trace_of(live_store).tokens)
        assert pane.header_note().endswith(f"{n_bytes} bytes"), text
