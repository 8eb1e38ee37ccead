"""Sums of words that are built by clicks, keys and a menu, in the cloud and in the list."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.space import scene
from gui.panes.space.pane import SpacePane
from gui.session.store import Store
from gui.widgets.point_cloud.overlay import Line
from gui.widgets.point_cloud.renderer import NO_GL_VARIABLE
from tests.gui.desk import Desk
from tests.gui.panes.space.test_space_pane import (
    answer_of,
    choose_source,
    cosines,
    lonely_tokens,
    move,
    settle,
    shown,
    spot,
    table_of,
    token_id,
)

CTRL = Qt.KeyboardModifier.ControlModifier
CTRL_SHIFT = CTRL | Qt.KeyboardModifier.ShiftModifier


@pytest.fixture(autouse=True)
def still_and_software(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NO_GL_VARIABLE, "1")
    monkeypatch.setattr(theme, "MOTION_MS", 0)


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> SpacePane:
    return shown(live_store, qtbot)


def click(pane: SpacePane, token: int, keys: Qt.KeyboardModifier) -> None:
    QTest.mouseClick(pane.view, Qt.MouseButton.LeftButton, keys, spot(pane, token))
    settle(pane)


def sum_lines(pane: SpacePane) -> list[Line]:
    return [line for line in pane.view.overlay.lines if line.tone == scene.SUM_TONE]


def choose(pane: SpacePane, word: str) -> int:
    token = token_id(pane.store, word)
    pane.choose(token)
    settle(pane)
    return token


def test_clicks_with_ctrl_build_a_sum_from_the_chosen_word(pane: SpacePane, desk: Desk) -> None:
    a, b = lonely_tokens(pane, 2)
    pane.choose(a)
    settle(pane)
    click(pane, b, CTRL_SHIFT)
    assert answer_of(pane.store).terms == ((1, a), (-1, b))
    table = table_of(desk)
    near = cosines(table, table[a] - table[b])
    assert answer_of(pane.store).ids[0] == int(near.argmax())
    assert sum_lines(pane)
    # It reads like a typed one, and typed again it is the same.
    text = pane.search.text()
    pane.search.clear()
    pane.show_expression(text)
    settle(pane)
    assert answer_of(pane.store).terms == ((1, a), (-1, b))


def test_king_man_woman_by_keys_is_the_typed_sum(pane: SpacePane) -> None:
    choose(pane, "king")
    for word, key in (("man", Qt.Key.Key_M), ("woman", Qt.Key.Key_P)):
        pane.summing.row = token_id(pane.store, word)
        QTest.keyClick(pane.view, key)
        settle(pane)
    assert pane.search.text() == "king - man + woman"
    clicked = pane.view.overlay
    pane.search.clear()
    pane.show_expression("king - man + woman")
    settle(pane)
    assert pane.view.overlay.lines == clicked.lines
    assert {mark.text for mark in pane.view.overlay.marks} >= {"·king", "·man", "·woman", "sum"}


def test_a_key_means_the_point_under_the_mouse(pane: SpacePane) -> None:
    a, b = lonely_tokens(pane, 2)
    pane.choose(a)
    settle(pane)
    move(pane, spot(pane, b))
    QTest.keyClick(pane.view, Qt.Key.Key_P)
    settle(pane)
    assert answer_of(pane.store).terms == ((1, a), (1, b))


def test_in_the_list_of_neighbours_plus_and_minus_go_on_with_the_sum(pane: SpacePane) -> None:
    king = choose(pane, "king")
    listed = pane.side.list
    second = listed.rows[2].token_id
    listed.set_current(2)
    QTest.keyClick(listed, Qt.Key.Key_Minus)
    settle(pane)
    assert answer_of(pane.store).terms == ((1, king), (-1, second))
    third = listed.rows[0].token_id
    meant = pane.summing.with_row(third, 1)
    box = listed.row_box(0).center().toPoint()
    QTest.mouseClick(listed.viewport(), Qt.MouseButton.LeftButton, CTRL, box)
    settle(pane)
    assert answer_of(pane.store).terms == meant


def test_the_menu_says_what_comes_of_it_and_does_it(pane: SpacePane) -> None:
    king, man = choose(pane, "king"), token_id(pane.store, "man")
    QTest.mouseClick(
        pane.view, Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier, spot(pane, man)
    )
    menu = pane.summing._menu
    assert menu is not None
    offered = [action.text() for action in menu.actions() if action.text()]
    row = menu.actions()[0].data()[1]
    text = pane._lookup.text(row)
    assert offered == [f"+ {text}   →   ·king + {text}", f"− {text}   →   ·king − {text}"]
    menu.actions()[1].trigger()
    settle(pane)
    assert answer_of(pane.store).terms == ((1, king), (-1, row))
    menu.close()


def test_a_right_drag_moves_and_opens_no_menu(pane: SpacePane) -> None:
    choose(pane, "king")
    before, right = pane.view.camera, Qt.MouseButton.RightButton
    asked: list[object] = []
    pane.view.menu_wanted.connect(lambda row, at: asked.append(row))
    here = QPoint(300, 200)
    QTest.mousePress(pane.view, right, Qt.KeyboardModifier.NoModifier, here)
    QTest.mouseMove(pane.view, here + QPoint(40, 10))
    QTest.qWait(1)
    pane.view.mouseMoveEvent(_moved(pane, here + QPoint(60, 10), right))
    QTest.mouseRelease(pane.view, right, Qt.KeyboardModifier.NoModifier, here + QPoint(60, 10))
    assert pane.view.camera != before
    assert not asked


def _moved(pane: SpacePane, at: QPoint, button: Qt.MouseButton) -> QMouseEvent:
    where = QPointF(at)
    kind, bare = QEvent.Type.MouseMove, Qt.KeyboardModifier.NoModifier
    return QMouseEvent(kind, where, where, Qt.MouseButton.NoButton, button, bare)


def test_what_was_added_last_is_taken_back(pane: SpacePane) -> None:
    king = choose(pane, "king")
    pane.summing.add(token_id(pane.store, "man"), -1)
    settle(pane)
    pane.summing.add(token_id(pane.store, "woman"), 1)
    settle(pane)
    QTest.keyClick(pane.view, Qt.Key.Key_Backspace)
    settle(pane)
    assert pane.search.text() == "king - man"
    QTest.keyClick(pane.view, Qt.Key.Key_Backspace)
    settle(pane)
    assert answer_of(pane.store).terms == ((1, king),)
    assert pane.search.text() == ""
    assert not sum_lines(pane)


def test_a_row_that_is_added_and_taken_away_is_in_no_sum(pane: SpacePane) -> None:
    king, man = choose(pane, "king"), token_id(pane.store, "man")
    assert pane.summing.with_row(man, -1) == ((1, king), (-1, man))
    pane.summing.add(man, -1)
    settle(pane)
    pane.summing.add(man, 1)
    settle(pane)
    assert answer_of(pane.store).terms == ((1, king),)


def test_the_expected_word_is_told_its_rank(pane: SpacePane, desk: Desk) -> None:
    king = choose(pane, "king")
    man, woman = token_id(pane.store, "man"), token_id(pane.store, "woman")
    queen = token_id(pane.store, "queen")
    for row, sign in ((man, -1), (woman, 1)):
        pane.summing.add(row, sign)
        settle(pane)
    pane.summing.expect(queen)
    settle(pane)
    assert pane.search.text() == "king - man + woman = queen"
    table = table_of(desk)
    near = cosines(table, table[king] - table[man] + table[woman])
    near[[king, man, woman]] = -2
    rank = 1 + int((near > near[queen]).sum())
    assert f"number {rank:,} without" in pane.side.detail.text()


def test_rows_that_no_word_means_are_written_by_number(pane: SpacePane) -> None:
    choose_source(pane, "resid_post")
    settle(pane)
    pane.choose(1)
    settle(pane)
    pane.summing.add(2, 1)
    settle(pane)
    assert pane.search.text() == "#1 + #2"
    assert answer_of(pane.store).terms == ((1, 1), (1, 2))


def test_a_sum_ends_at_so_many_words(pane: SpacePane) -> None:
    choose(pane, "king")
    for row in range(20):
        pane.summing.add(100 + row, 1)
        settle(pane)
    assert len(answer_of(pane.store).terms) == 12
    plus = pane.summing.items(5)[0]
    assert plus.why_not == "A sum has at most 12 words."
    assert np.isfinite(answer_of(pane.store).values).all()
