"""What fine-tuning or rounding changed: a column, the treemap's colours, one sentence."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.model.columns import COLUMNS
from gui.panes.model.pane import ModelPane
from gui.session.store import Store
from model.language_model import LanguageModel
from tests.gui.desk import Desk
from tests.gui.panes.model.test_model_pane import settle
from tests.gui.pixels import image_pixels

APART = next(index for index, column in enumerate(COLUMNS) if column.apart)


@pytest.fixture
def pane(live_store: Store, desk: Desk, qtbot: QtBot) -> ModelPane:
    pane = ModelPane(live_store)
    qtbot.addWidget(pane)
    pane.resize(1200, 800)
    with qtbot.waitExposed(pane):
        pane.show()
    settle(desk, pane)
    return pane


def relative(a: LanguageModel, b: LanguageModel, name: str) -> float:
    x, y = (lm.parameter(name).double().numpy() for lm in (a, b))
    return float(np.linalg.norm(y - x) / np.linalg.norm(x))


def test_without_another_model_there_is_no_column(pane: ModelPane):
    assert pane.views.table.isColumnHidden(APART)
    assert pane.views.treemap._two is None


def test_what_changed_most_stands_first(pane: ModelPane, desk: Desk, beside: LanguageModel):
    settle(desk, pane)
    table, rows = pane.views.table, pane.views.table.rows
    assert not table.isColumnHidden(APART)
    names = [tensor.name for tensor in rows.shown]
    expected = {name: relative(desk.lm, beside, name) for name in names}
    assert names[0] == max(names, key=lambda name: expected[name])
    for row, name in enumerate(names[:5]):
        assert rows.index(row, APART).data() == f"{expected[name]:.3g}"
    assert rows.index(names.index("W_E"), APART).data() == "0"
    assert [expected[name] for name in names] == sorted(expected.values(), reverse=True)


def test_a_sentence_says_how_many_changed(pane: ModelPane, desk: Desk, beside: LanguageModel):
    settle(desk, pane)
    names = [tensor.name for tensor in pane.views.table.rows.shown]
    expected = {name: relative(desk.lm, beside, name) for name in names}
    n = sum(value > 0 for value in expected.values())
    most = max(names, key=lambda name: expected[name])
    assert pane.header_note() == (
        f"B − A: {n} of {len(names)} tensors differ, most {most}, {expected[most]:.2g} of its norm"
    )


def test_areas_have_the_colour_of_how_much_changed(
    pane: ModelPane, desk: Desk, beside: LanguageModel
):
    settle(desk, pane)
    treemap = pane.views.treemap
    treemap.finish()
    image = image_pixels(treemap.viewport().grab().toImage())
    leaves = [tile for tile in treemap.tiles if tile.node.name and tile.rect.width() > 12]
    names = [tile.node.name for tile in treemap.tiles if tile.node.name]
    largest = max(relative(desk.lm, beside, name) for name in names)
    seen = 0
    for tile in leaves:
        x, y = int(tile.rect.left() + 3), int(tile.rect.top() + 3)
        amount = relative(desk.lm, beside, tile.node.name) / largest
        color = theme.sequential_color(amount)
        if tile.rect.height() > 12 and tile.node.name != pane.views.name:
            expected = np.array([color.red(), color.green(), color.blue()])
            assert np.abs(image[y, x, :3].astype(int) - expected).max() <= 3, tile.node.name
            seen += 1
    assert seen > 8


def test_a_tip_and_an_export_say_it_exactly(pane: ModelPane, desk: Desk, beside: LanguageModel):
    settle(desk, pane)
    data = pane.export_data()
    column = data["difference_relative"]
    for name, value in zip(column.at["tensor"].tolist(), column.values.tolist(), strict=True):
        assert value == pytest.approx(relative(desk.lm, beside, name), rel=1e-6)
    name = "blocks.1.mlp.W_in"
    two = pane.views.two
    assert two is not None
    assert f"‖B − A‖ / ‖A‖ = {relative(desk.lm, beside, name):.4g}" in two.by_name[name].words
    assert two.by_name["W_E"].words == "B has exactly the same numbers"


def test_without_the_difference_the_column_is_gone(
    pane: ModelPane, desk: Desk, beside: LanguageModel
):
    settle(desk, pane)
    pane.store.comparing.close()
    settle(desk, pane)
    assert pane.views.table.isColumnHidden(APART)
    assert pane.views.two is None
    assert pane.views.table.rows.shown[0].name == "W_E"
