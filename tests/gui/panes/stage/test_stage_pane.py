"""The stage: every scene shows the model's own numbers, and each of them can be taken apart."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.stage.marks import Bars, Dots, Grid, Lines, Words
from gui.panes.stage.pane import StagePane
from gui.panes.stage.scenes.compose import COMPOSERS
from gui.session.store import Store
from model.operations import PROBABILITIES
from model.parameters import parameter
from model.probe.question import Named
from model.probe.terms.asks import Terms, TermsFound
from tests.gui.desk import Desk
from tests.gui.mouse import leave, move_to
from tests.gui.pixels import pixels

NOT_OF_THE_NETWORK = (PROBABILITIES, "input_ids")
SMALL, USUAL, LARGE = (430, 250), (890, 330), (1500, 760)


@pytest.fixture(autouse=True)
def dark() -> Iterator[None]:
    theme.set_current("dark")
    yield
    theme.set_current("dark")


def shown(qtbot: QtBot, store: Store, size: tuple[int, int] = USUAL) -> StagePane:
    pane = StagePane(store)
    qtbot.addWidget(pane)
    pane.resize(*size)
    with qtbot.waitExposed(pane):
        pane.show()
    settle(pane)
    return pane


def settle(pane: StagePane) -> None:
    """Draw the scene, then what its number is made of."""
    for _ in range(3):
        pane.refresh_now()
    pane.view.finish()


def go_to(pane: StagePane, kind: str, layer: int | None = 1) -> None:
    """Select the first operation of a kind, of a layer if that has one."""
    ops = pane.store.operations
    of_kind = [i for i, op in enumerate(ops) if op.kind == kind]
    at = next((i for i in of_kind if ops[i].layer == layer), of_kind[0])
    pane.store.select(operation=at)
    settle(pane)


@pytest.fixture
def pane(qtbot: QtBot, live_store: Store) -> StagePane:
    return shown(qtbot, live_store)


def kinds(store: Store) -> list[str]:
    return list(dict.fromkeys(op.kind for op in store.operations))


def numbered(pane: StagePane) -> list[Grid | Bars | Dots]:
    return [mark for mark in pane.view.marks if isinstance(mark, Grid | Bars | Dots)]


def grid(pane: StagePane, role: str) -> Grid:
    """The cells of a role."""
    return next(m for m in numbered(pane) if isinstance(m, Grid) and m.panel.role == role)


def bars_of(pane: StagePane) -> tuple[Bars, list[int]]:
    """The last bars, and the position of the key that each is of."""
    bars = [mark for mark in numbered(pane) if isinstance(mark, Bars)][-1]
    assert bars.panel.at_columns is not None
    return bars, [int(at) for at in bars.panel.at_columns]


# ------------------------------------------------------------------------------ what is drawn


def test_every_operation_has_a_scene(pane: StagePane) -> None:
    for kind in kinds(pane.store):
        go_to(pane, kind)
        assert pane.view.marks, kind
        op = pane.operation
        assert op is not None
        assert pane.title_line.text() == op.label
        assert pane.sentence.text(), kind


def test_every_cell_is_the_tensors_number(pane: StagePane, desk: Desk) -> None:
    read = pane.store.read
    assert read is not None
    trace = desk.lm.trace(list(read.subject.ids))
    network = desk.lm.transformer
    for kind in kinds(pane.store):
        go_to(pane, kind)
        for mark in numbered(pane):
            panel = mark.panel
            if panel.role in ("parts", "rest", "weight") or panel.name in NOT_OF_THE_NETWORK:
                continue  # sums, blocks, and what the network doesn't compute: held by the probe
            rows, columns = panel.values_RC.shape
            for cell in ((0, 0), (rows - 1, columns - 1), (rows // 2, columns // 3)):
                place = panel.place(*cell)
                name = panel.name
                tensor = trace[name] if name in trace else parameter(network, name)
                value = float(tensor[place])
                assert panel.values_RC[cell] == pytest.approx(value, rel=2e-4, abs=2e-5)


def test_colours_are_those_of_the_numbers(pane: StagePane) -> None:
    go_to(pane, "dot")
    picture = pixels(pane.view.viewport())
    keys = [mark for mark in numbered(pane) if isinstance(mark, Grid)][1]
    table = theme.diverging_table()
    for row in range(len(keys.panel.values_RC)):
        for column in (0, 7, 31):
            at = keys.rect_of((row, column)).center()
            value = float(keys.panel.values_RC[row, column]) / keys.limit
            wanted = table[round(127.5 * (value + 1))]
            drawn = picture[int(at.y()), int(at.x())]
            assert np.abs(drawn.astype(int) - wanted.astype(int)).max() <= 4


def test_bars_are_as_long_as_their_numbers(pane: StagePane) -> None:
    go_to(pane, "pattern")
    bars = [mark for mark in numbered(pane) if isinstance(mark, Bars)][-1]
    assert bars.panel.name == "blocks.1.attn.hook_pattern"
    picture = pixels(pane.view.viewport()).astype(int)
    accent = theme.current().color("accent")
    color = np.array([accent.red(), accent.green(), accent.blue()])
    for i, weight in enumerate(bars.values):
        line = bars.rect_of((0, i))
        row = picture[int(line.center().y()), int(bars.box.left()) : int(bars.box.right())]
        length = (np.abs(row - color).max(axis=1) < 8).sum()
        assert length == pytest.approx(float(weight) / bars.limit * bars._room, abs=1.6)
    heading = [m.text for m in pane.view.marks if isinstance(m, Words) and "0 to" in m.text]
    assert heading == [f"0 to {bars.limit:g}"]


def test_what_a_query_meets_stands_in_one_line(pane: StagePane) -> None:
    go_to(pane, "dot")
    marks = pane.view.marks
    words = {mark.text: mark.box for mark in marks if isinstance(mark, Words)}
    keys = [mark for mark in numbered(pane) if isinstance(mark, Grid)][1]
    read, model = pane.store.read, pane.store.model
    assert read is not None
    assert model is not None
    assert keys.panel.at_rows is not None
    for row, position in enumerate(keys.panel.at_rows):
        text = model.token_text(read.subject.ids[int(position)])
        assert any(
            mark.text in (text, f"{text} {position}")
            and abs(mark.box.top() - keys.rect_of((row, 0)).top()) < 0.5
            for mark in marks
            if isinstance(mark, Words)
        ), (text, words)


FAMILIES = ("bert", "modernbert", "mixtral", "bloom", "gemma", "opt")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_other_families_draw_themselves_within_the_room(
    qtbot: QtBot, opened: Callable[..., Store], family: str, size: tuple[int, int]
) -> None:
    pane = shown(qtbot, opened(family), size)
    room = pane.view.room.adjusted(-13, -5, 13, 7)
    for kind in kinds(pane.store):
        go_to(pane, kind, 0)
        assert pane.view.marks, kind
        for mark in pane.view.marks:
            if isinstance(mark, Lines | Dots):
                places = [p for p in mark.points if p.x() > -50]
                assert all(room.contains(p) for p in places), (kind, mark)
            elif isinstance(mark, Grid | Bars):
                assert room.contains(mark.box), (kind, mark.panel.name, mark.box, room)
        colors = pixels(pane.view.viewport()).astype(np.uint32) @ (1, 256, 65536)
        assert len(np.unique(colors)) > 3, kind


def test_every_kind_of_operation_has_a_composer() -> None:
    from typing import get_args

    from model.operations import Kind

    assert set(get_args(Kind)) == set(COMPOSERS)


# ----------------------------------------------------------------------------- one selection


def test_steps_and_selections_change_the_scene(pane: StagePane) -> None:
    go_to(pane, "dot")
    before = pane.view.marks
    pane.store.select(operation=pane.store.selection.operation + 1)
    settle(pane)
    assert pane.title_line.text() != "Query · key"
    go_to(pane, "dot")
    pane.store.select(position=2)
    settle(pane)
    query = numbered(pane)[0].panel
    assert query.index[1] == 2
    pane.store.select(head=3)
    settle(pane)
    assert numbered(pane)[0].panel.index[2] == 3
    assert pane.view.marks != before


def test_left_and_right_walk_through_the_network(pane: StagePane) -> None:
    pane.store.select(operation=5)
    pane.setFocus()
    QTest.keyClick(pane, Qt.Key.Key_Right)
    assert pane.store.selection.operation == 6
    QTest.keyClick(pane, Qt.Key.Key_Left)
    assert pane.store.selection.operation == 5


def test_without_a_model_it_says_what_to_do(qtbot: QtBot, desk: Desk) -> None:
    pane = shown(qtbot, desk.store)
    assert pane._stack.currentIndex() == 0
    assert pane.header_note() == ""


# --------------------------------------------------------------------------- taking it apart


def hover(pane: StagePane, at: QPointF) -> None:
    move_to(pane.view.viewport(), QPoint(round(at.x()), round(at.y())))
    settle(pane)


def test_a_number_under_the_mouse_is_taken_apart(pane: StagePane, desk: Desk) -> None:
    go_to(pane, "query")
    out = grid(pane, "out")
    hover(pane, out.rect_of((0, 5)).center())
    found = pane.answered("terms", TermsFound)
    assert found is not None
    position, head = pane.store.selection.position, pane.store.selection.head
    index = (0, position, head, 5)
    assert found.question == Terms("blocks.1.attn.hook_q", index)
    read = pane.store.read
    assert read is not None
    trace = desk.lm.trace(list(read.subject.ids))
    value = float(trace["blocks.1.attn.hook_q"][index])
    assert found.value == pytest.approx(value, rel=1e-4)
    said = pane.terms.text
    assert said.startswith(f"q = {value:.3f}".replace("-", "−"))
    first = found.terms[0]
    assert f"dim {first.at}" in said
    assert "more" in said
    leave(pane.view.viewport())
    settle(pane)
    assert pane.told.number is None


def test_its_row_and_its_column_light_up(pane: StagePane) -> None:
    go_to(pane, "query")
    out, weight = grid(pane, "out"), grid(pane, "weight")
    plain = pixels(pane.view.viewport()).astype(int)
    hover(pane, out.rect_of((0, 5)).center())
    changed = np.abs(pixels(pane.view.viewport()).astype(int) - plain).max(axis=2) > 12
    column = weight.rect_of((0, 5))
    lit = changed[
        int(weight.box.top()) : int(weight.box.bottom()),
        int(column.left()) - 1 : int(column.right()) + 2,
    ]
    assert lit.any(axis=1).mean() > 0.9
    far = changed[int(weight.box.top()) : int(weight.box.bottom()), int(column.right()) + 20 :]
    assert not far.any()


def test_a_click_shows_the_number_in_the_inspector_and_selects_its_key(pane: StagePane) -> None:
    go_to(pane, "pattern")
    bars, keys = bars_of(pane)
    at = bars.rect_of((0, 3)).center()
    QTest.mouseClick(
        pane.view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(round(at.x()), round(at.y()))
    )
    key = keys[3]
    inspected = pane.store.inspected
    assert inspected is not None
    assert inspected.name == "blocks.1.attn.hook_pattern"
    assert inspected.index[-1] == key
    assert pane.store.selection.key == key
    assert inspected.value == pytest.approx(float(bars.values[3]))


def test_the_sentence_is_of_this_text(pane: StagePane) -> None:
    for layer, head in itertools.product(range(4), range(4)):
        go_to(pane, "pattern", layer)  # of one that does not read the first token most
        pane.store.select(head=head)
        settle(pane)
        weights, keys = bars_of(pane)
        most = int(np.argmax(weights.values))
        if most != 0:
            break
    assert most != 0
    said = pane.sentence.text()
    assert f"{weights.values[most]:.0%}" in said
    model, read = pane.store.model, pane.store.read
    assert model is not None
    assert read is not None
    name = model.token_text(read.subject.ids[keys[most]])
    # As one says it: the dot of the space before it stands in labels only.
    assert f"“{name.removeprefix('·')}”" in said or "itself" in said
    assert "“·" not in said


def test_tooltips_name_tensor_index_and_value(pane: StagePane) -> None:
    go_to(pane, "norm")
    out = grid(pane, "out")
    at = out.rect_of((0, 4)).center()
    words = pane.view.tooltip(QPoint(round(at.x()), round(at.y())))
    found = re.fullmatch(r"(\S+)\[([\d, ]+)\] = (\S+)", words)
    assert found is not None
    assert found[1] == out.panel.name
    assert float(found[3]) == pytest.approx(float(out.panel.values_RC[0, 4]), rel=1e-4)


def test_what_is_no_number_is_drawn_apart_from_what_is_masked(qtbot: QtBot, live_store: Store):
    from dataclasses import replace

    pane = shown(qtbot, live_store)
    go_to(pane, "mask")
    bars, _ = bars_of(pane)
    values = np.array([[np.nan, -np.inf, 1.0]], dtype=np.float32)
    panel = replace(bars.panel, values_RC=values, n_columns=3, at_columns=None)
    grid = Grid(panel, QRectF(0, 0, 90, 30))
    from PySide6.QtGui import QImage, QPainter

    image = QImage(90, 30, QImage.Format.Format_RGB32)
    image.fill(theme.current().color("panel"))
    with QPainter(image) as painter:
        grid.paint(painter)
    colors = [image.pixelColor(x, 15).name() for x in (15, 75)]
    assert colors[0] == theme.current().color("no_number").name()
    assert colors[1] != colors[0]
    hatch = {image.pixelColor(x, y).name() for x in range(35, 55) for y in range(5, 25)}
    assert theme.current().color("no_number").name() not in hatch


def test_its_data_has_named_axes(pane: StagePane) -> None:
    go_to(pane, "dot")
    data = pane.export_data()
    keys = next(named for name, named in data.items() if name.startswith("in") and "hook_k" in name)
    assert isinstance(keys, Named)
    assert keys.axes == ("key", "dimension")
