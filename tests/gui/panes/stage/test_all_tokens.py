"""The operation for all tokens: cells are the tensor's numbers; lines in view are asked for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.stage.all_tokens import WITHOUT, limit_in
from gui.panes.stage.pane import StagePane
from gui.panes.stage.sheet import Sheet
from gui.session.store import Store
from model.probe.rows.asks import Rows
from model.probe.scene.asks import Scene
from tests.gui.desk import Desk
from tests.gui.mouse import move_to
from tests.gui.panes.stage.staging import click, select, settle, shown
from tests.gui.pixels import pixels


@pytest.fixture
def pane(qtbot: QtBot, live_store: Store) -> StagePane:
    pane = shown(qtbot, live_store)
    pane.set_all_tokens(True)
    settle(pane)
    return pane


def draw(pane: StagePane) -> None:
    settle(pane)
    pane.sheet.finish()


def test_every_operation_has_its_matrices(pane: StagePane, desk: Desk) -> None:
    read = pane.store.read
    assert read is not None
    trace = desk.lm.trace(list(read.subject.ids))
    for kind in dict.fromkeys(op.kind for op in pane.store.operations):
        op = next(op for op in pane.store.operations if op.kind == kind)
        select(pane, op.output)
        if kind in WITHOUT:
            assert pane._drawn.currentWidget() is pane.view
            continue
        assert pane._drawn.currentWidget() is pane.sheet
        drawn = pane.sheet.matrices
        assert drawn[-1].found.activation == op.output
        assert drawn[-1].written
        for which, matrix in enumerate(drawn):
            tensor = trace[matrix.found.activation]
            for position, column in ((0, 0), (4, matrix.found.values_RC.shape[1] - 1)):
                number = pane.sheet.number((which, position, column))
                if number is not None:
                    letters = next(
                        o.shape for o in pane.store.operations if o.output == number.name
                    )
                    line = next(i for i, letter in enumerate(letters) if letter in "TQ")
                    assert number.index[line] == position
                    wanted = float(tensor[number.index])
                    assert number.value == pytest.approx(wanted, rel=2e-4, abs=2e-5)


def test_colours_are_those_of_the_numbers(pane: StagePane) -> None:
    select(pane, "blocks.1.attn.hook_q")
    draw(pane)
    picture = pixels(pane.sheet.viewport())
    table = theme.diverging_table()
    which = len(pane.sheet.matrices) - 1
    matrix = pane.sheet.matrices[which]
    selected = pane.store.selection.position
    for position in (0, 3, 6):
        for column in (0, 11, 31):
            number = pane.sheet.number((which, position, column))
            assert number is not None
            assert position != selected
            at = pane.sheet.cell_rect((which, position, column)).center()
            share = np.clip(number.value / matrix.limit, -1, 1)
            wanted = table[round(127.5 * (share + 1))].astype(int)
            drawn = picture[int(at.y()), int(at.x())].astype(int)
            assert np.abs(drawn - wanted).max() <= 4


def test_a_number_under_the_mouse_is_told_and_taken_apart(pane: StagePane) -> None:
    select(pane, "blocks.1.attn.hook_q")
    which = len(pane.sheet.matrices) - 1
    at = pane.sheet.cell_rect((which, 3, 5)).center()
    move_to(pane.sheet.viewport(), QPoint(round(at.x()), round(at.y())))
    settle(pane)
    head = pane.store.selection.head
    assert f"blocks.1.attn.hook_q[0, 3, {head}, 5]" in pane.sheet.tooltip(at.toPoint())
    number = pane.sheet.number((which, 3, 5))
    assert number is not None
    assert pane.terms.text.startswith(f"q = {number.value:.3f}".replace("-", "−"))


def test_a_click_selects_the_token_and_goes_back_to_it(pane: StagePane) -> None:
    select(pane, "blocks.1.attn.hook_q")
    which = len(pane.sheet.matrices) - 1
    click(pane.sheet.viewport(), pane.sheet.cell_rect((which, 2, 7)).center())
    settle(pane)
    assert pane.store.selection.position == 2
    assert not pane.all_tokens
    assert pane.which.current == "one"
    assert pane._drawn.currentWidget() is pane.view
    inspected = pane.store.inspected
    assert inspected is not None
    assert inspected.index[1] == 2
    assert inspected.index[3] == 7
    pane.store.walking.go_back()
    assert pane.store.selection.position != 2


def test_a_click_on_a_name_is_enough(pane: StagePane) -> None:
    select(pane, "blocks.1.hook_resid_post")
    click(pane.sheet.viewport(), QPointF(20, pane.sheet.row_rect(1).center().y()))
    assert pane.store.selection.position == 1
    assert not pane.all_tokens


def test_keys_go_from_line_to_line_and_into_one(pane: StagePane) -> None:
    select(pane, "blocks.1.hook_resid_post")
    pane.store.select(position=3)
    settle(pane)
    pane.sheet.setFocus()
    QTest.keyClick(pane.sheet, Qt.Key.Key_Up)
    assert pane.store.selection.position == 2
    settle(pane)
    at = pane.store.selection.operation
    QTest.keyClick(pane.sheet, Qt.Key.Key_Right)
    assert pane.store.selection.operation == at + 1
    QTest.keyClick(pane.sheet, Qt.Key.Key_Return)
    assert not pane.all_tokens


def test_the_switch_asks_for_what_is_drawn_and_no_more(pane: StagePane) -> None:
    select(pane, "blocks.1.attn.hook_q")
    kinds = {type(question) for question in pane.questions().values()}
    assert Rows in kinds
    assert Scene not in kinds
    pane.toggle_all_tokens()
    kinds = {type(question) for question in pane.questions().values()}
    assert Scene in kinds
    assert Rows not in kinds


def test_of_a_long_text_only_lines_in_view_are_asked_for(
    qtbot: QtBot, live_store: Store, desk: Desk
) -> None:
    pane = shown(qtbot, live_store)
    words = "the king lost his crown and the queen lost her crown "
    live_store.set_prompt(words * 20)
    read = live_store.read
    assert read is not None
    n = read.n_tokens
    assert n > 100
    pane.set_all_tokens(True)
    select(pane, "blocks.1.attn.hook_q")
    rows = pane.sheet.asked_rows
    assert rows is not None
    assert rows[1] - rows[0] < n
    seen = pane.sheet.seen
    assert live_store.selection.position in seen, "the selected token is in view"
    assert rows[0] <= seen.start
    assert seen.stop <= rows[1]
    pane.sheet.verticalScrollBar().setValue(0)
    draw(pane)
    found = pane.sheet.matrices[-1].found
    assert found.rows[0] == 0
    assert found.rows[1] < n
    tensor = desk.lm.trace(list(read.subject.ids))["blocks.1.attn.hook_q"]
    number = pane.sheet.number((len(pane.sheet.matrices) - 1, 1, 3))
    assert number is not None
    assert number.value == pytest.approx(float(tensor[number.index]), rel=2e-4, abs=2e-5)


def test_scrolling_changes_no_colours(qtbot: QtBot, live_store: Store) -> None:
    pane = shown(qtbot, live_store)
    live_store.set_prompt("the king lost his crown and the queen lost her crown " * 20)
    pane.set_all_tokens(True)
    select(pane, "blocks.1.hook_resid_post")
    limit = pane.sheet.matrices[-1].limit
    pane.sheet.verticalScrollBar().setValue(0)
    draw(pane)
    assert pane.sheet.matrices[-1].found.rows[0] == 0
    assert pane.sheet.matrices[-1].limit == limit


def test_one_huge_number_does_not_hide_the_others() -> None:
    values = np.linspace(-1, 1, 1000).reshape(10, 100)
    values[0, 0] = 5000.0
    limit, beyond = limit_in(values, np.zeros(values.shape, bool))
    assert limit < 2
    assert beyond
    assert limit_in(np.zeros((2, 2)), np.zeros((2, 2), bool)) == (1.0, False)


def test_its_data_is_that_of_the_matrices(pane: StagePane) -> None:
    select(pane, "blocks.1.attn.hook_pattern")
    data = pane.export_data()
    assert "blocks.1.attn.hook_pattern" in data
    assert "blocks.1.attn.hook_attn_scores_masked" in data or len(data) == 2


@pytest.mark.parametrize("family", ["bert", "mixtral", "gemma"])
@pytest.mark.parametrize("size", [(430, 260), (1500, 760)])
def test_other_families_show_all_tokens_too(
    qtbot: QtBot, opened: Callable[..., Store], family: str, size: tuple[int, int]
) -> None:
    pane = shown(qtbot, opened(family), size)
    pane.set_all_tokens(True)
    for kind in dict.fromkeys(op.kind for op in pane.store.operations):
        if kind in WITHOUT:
            continue
        op = next(op for op in pane.store.operations if op.kind == kind)
        select(pane, op.output)
        draw(pane)
        assert pane.sheet.matrices[-1].found.activation == op.output, kind
        inside = pane.sheet.viewport().rect().toRectF()
        for which in range(len(pane.sheet.matrices)):
            cell = pane.sheet.cell_rect((which, 0, 0))
            assert inside.left() <= cell.left() < inside.right(), kind


def test_a_text_that_becomes_shorter_is_drawn_where_one_had_scrolled_down(qtbot: QtBot) -> None:
    sheet = Sheet()
    qtbot.addWidget(sheet)
    sheet.resize(400, 200)
    with qtbot.waitExposed(sheet):
        sheet.show()
    sheet.show_tokens(tuple("abcdefgh" * 40), 300)
    sheet.verticalScrollBar().setValue(sheet.verticalScrollBar().maximum())
    sheet._tokens = ("a", "b")  # as between two turns of the event loop
    assert list(sheet.seen) == [1]
    sheet.grab()


def test_what_is_plain_to_see_is_said_of_every_operation(pane: StagePane, desk: Desk) -> None:
    pane.resize(844, 449)
    read = pane.store.read
    assert read is not None
    trace = desk.lm.trace(list(read.subject.ids))
    for op in pane.store.operations:
        if op.layer in (None, 1) and op.kind not in WITHOUT:
            select(pane, op.output)
            assert pane.sentence.text(), op.label
    select(pane, "blocks.1.attn.hook_dot")
    scores = trace["blocks.1.attn.hook_dot"][0, pane.store.selection.head].numpy()
    seen = np.where(np.tril(np.ones_like(scores)) > 0, scores, -np.inf)
    seen[0] = -np.inf  # with one key it has no choice
    query, key = np.unravel_index(int(seen.argmax()), seen.shape)
    texts = [token.text.removeprefix("·") for token in read.tokens]
    assert f"“{texts[query]}” ({query}) fits “{texts[key]}” ({key}) best" in pane.sentence.text()
    select(pane, "blocks.1.mlp.hook_post")  # more neurons than pixels: blocks
    after = trace["blocks.1.mlp.hook_post"][0].numpy()
    position, neuron = np.unravel_index(int(np.abs(after).argmax()), after.shape)
    value = f"{after[position, neuron]:.3g}"
    assert f"“{texts[position]}” has the number farthest" in pane.sentence.text()
    assert f"{value}, neuron {neuron}." in pane.sentence.text()


def test_a_single_column_has_its_name_and_its_legend(pane: StagePane) -> None:
    pane.resize(844, 449)
    select(pane, "blocks.1.ln1.hook_scale")
    draw(pane)
    boxes = pane.sheet._boxes
    room = pane.sheet.viewport().width()
    title = pane.sheet.matrices[-1].title
    font = theme.mono(theme.SMALL_FONT_SIZE)
    assert boxes[-1].left() + QFontMetricsF(font).horizontalAdvance(title) < room
    assert room - boxes[-1].left() > 120  # figures at both ends of its colours
