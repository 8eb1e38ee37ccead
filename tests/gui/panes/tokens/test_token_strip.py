"""Chips find their places, also thousands of them; where in a long text one is is said."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.tokens.chips import Look, Tokens
from gui.panes.tokens.pane import BYTES, SURPRISAL, TokensPane
from gui.panes.tokens.strip import TokenStrip
from gui.session.store import Store
from tests.gui.panes.tokens.test_tokens_pane import read_of, shown


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> TokensPane:
    return shown(live_store, qtbot)


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
    pane.set_colours(BYTES if details else SURPRISAL)
    pane.refresh_now()
    boxes = [pane.strip.chip_rect(i) for i in range(pane.strip.n)]
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
    strip.look = lambda index: Look(str(index))
    strip.set_tokens(Tokens(("word",) * 1024, frozenset(), (4,) * 1024))
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


def test_a_point_between_chips_belongs_to_one_of_them(pane: TokensPane) -> None:
    first, second = pane.strip.chip_rect(0), pane.strip.chip_rect(1)
    between = QPointF((first.right() + second.left()) / 2, first.center().y())
    assert pane.strip.chip_at(between) in (0, 1)
    assert pane.strip.chip_at(QPointF(5, first.bottom() + 400)) is None


@pytest.mark.parametrize("rows", [1.2, 1.8, 2.3, 2.7])
def test_scrolling_to_a_token_cuts_no_row_in_two_at_the_top(
    live_store: Store, qtbot: QtBot, rows: float
) -> None:
    pane = shown(live_store, qtbot, width=200)
    strip, read = pane.strip, read_of(live_store)
    first = strip.chip_rect(0)
    pitch = next(
        box.top() - first.top()
        for box in map(strip.chip_rect, range(read.n_tokens))
        if box.top() > first.top()
    )
    height = round(rows * pitch)
    pane.resize(200, pane.height() + height + strip.overview.height() - strip.height())
    qtbot.waitUntil(lambda: strip.viewport().height() == height)
    for position in (read.n_tokens - 1, 0, read.n_tokens // 2, read.n_tokens - 1):
        live_store.select(position=position)
        boxes = [strip.chip_rect(i) for i in range(read.n_tokens)]
        assert boxes[position].top() >= 0
        assert boxes[position].bottom() <= height
        cut = any(-first.height() < box.top() < 0 for box in boxes)
        # Below the last box stands its figure.
        empty = height - boxes[-1].bottom() - (pitch - first.height())
        assert empty < pitch
        assert not cut, position


# ----------------------------------------------------------------------------- long texts


LONG = 4000


def long_strip(qtbot: QtBot, width: int = 620, height: int = 150) -> TokenStrip:
    strip = TokenStrip()
    qtbot.addWidget(strip)
    strip.resize(width, height)
    texts = tuple("·" + "word"[: 1 + i % 4] for i in range(LONG))
    strip.look = lambda index: Look(f"{index % 90 / 5:.1f}")
    strip.set_tokens(Tokens(texts, frozenset(), (4,) * LONG))
    strip.set_amounts(np.linspace(0, 1, LONG))
    with qtbot.waitExposed(strip):
        strip.show()
    return strip


def test_four_thousand_tokens_are_placed_in_a_few_milliseconds(qtbot: QtBot) -> None:
    strip = long_strip(qtbot)
    seconds = []
    for i in range(5):
        texts = ("new", *strip.tokens.texts[1:]) if i % 2 else ("other", *strip.tokens.texts[1:])
        began = time.perf_counter()
        strip.set_tokens(Tokens(texts, frozenset(), (4,) * LONG))
        strip.set_selected(i * 900)
        strip.viewport().grab()
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.03
    boxes = [strip.chip_rect(i) for i in range(0, LONG, 7)]
    assert all(box.left() >= 0 and box.right() <= strip.viewport().width() for box in boxes)


def test_a_slim_strip_says_where_in_a_long_text_one_is(qtbot: QtBot) -> None:
    strip = long_strip(qtbot)
    overview = strip.overview
    assert overview.isVisible()
    for index in (0, 1000, 3999):
        strip.set_selected(index)
        assert index in strip.shown
        assert index in overview._seen
        picture = overview.grab().toImage()
        x = round(overview.x_of(index + 0.5))
        x = max(1, min(x, overview.width() - 1))
        assert picture.pixelColor(x, 0).name() == QColor(theme.current().accent).name()
    # Its colours are the values: the text costs more and more.
    columns = overview.columns()
    assert (np.diff(columns) > 0).all()


def test_pressing_the_strip_goes_there_and_selects_nothing(qtbot: QtBot) -> None:
    strip = long_strip(qtbot)
    strip.set_selected(0)
    overview = strip.overview
    place = QPoint(round(overview.width() * 0.75), 6)
    QTest.mousePress(overview, Qt.MouseButton.LeftButton, pos=place)
    assert 3000 in strip.shown
    assert 0 not in strip.shown
    assert strip.selected == 0


def test_a_text_that_has_room_needs_no_strip(pane: TokensPane) -> None:
    assert not pane.strip.overview.isVisible()
    assert pane.strip.shown == range(pane.strip.n)


@pytest.mark.parametrize("width", [300, 620, 1000])
def test_the_pane_asks_for_the_room_that_its_chips_need(
    live_store: Store, qtbot: QtBot, width: int
) -> None:
    pane = shown(live_store, qtbot, width=width)
    wanted = pane.heightForWidth(width)
    pane.resize(width, wanted)
    qtbot.waitUntil(lambda: pane.height() == wanted)
    last = pane.strip.chip_rect(pane.strip.n - 1)
    room = pane.strip.viewport().height() - last.bottom()
    assert not pane.strip.overview.isVisible()
    assert 8 <= room < 30, "a figure, and no empty line"
    # A long text is scrolled; it doesn't push the others out.
    live_store.set_prompt("The king lost his crown. " * 30)
    pane.refresh_now()
    assert pane.heightForWidth(width) < 260


def test_what_is_framed_as_seen_is_what_can_be_seen(qtbot: QtBot) -> None:
    strip = long_strip(qtbot)
    for index in (0, 700, 3999, 1500):
        strip.set_selected(index)
        height = strip.viewport().height()
        seen = strip.overview._seen
        for i in range(seen.start - 20, seen.stop + 20):
            if 0 <= i < LONG:
                box = strip._reach(i).adjusted(0, 3, 0, -3)
                assert (i in seen) == (box.bottom() > 0 and box.top() < height), (index, i)


@pytest.mark.parametrize("width", [240, 320, 420, 520, 585, 640, 700, 1000])
def test_what_is_said_of_a_token_is_never_cut(live_store: Store, qtbot: QtBot, width: int) -> None:
    pane = shown(live_store, qtbot, width=width)
    pane.resize(width, 160)
    live_store.select(position=2)
    qtbot.waitUntil(lambda: not pane.dirty and pane.width() == width)
    said = pane._reading.text()
    needed = pane._reading.fontMetrics().horizontalAdvance(said)
    qtbot.waitUntil(lambda: pane._reading.width() >= needed)
    assert said.startswith("2"), "the position at least"
    assert "bits" in said or width < 585, "so many has the pane at 1366 pixels"
    assert "6c 6f" in said.lower() or width < 1000
    assert "bits" not in said or width > 320
    legend = pane._legend
    assert legend.isHidden() or legend.width() >= legend.least_width
