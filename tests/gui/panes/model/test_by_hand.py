"""One number of the weights is clicked, told and set by hand; the model then computes with it."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.model.pane import ModelPane
from gui.session.store import Store
from model.interventions import SetWeight
from tests.gui.desk import Desk
from tests.gui.panes.model.test_model_pane import W_Q, choose, settle
from tests.gui.pixels import pixels

AT = (2, 70, 11)


@pytest.fixture
def pane(live_store: Store, desk: Desk, qtbot: QtBot) -> ModelPane:
    pane = ModelPane(live_store)
    qtbot.addWidget(pane)
    pane.resize(1200, 800)
    with qtbot.waitExposed(pane):
        pane.show()
    settle(desk, pane)
    choose(desk, pane, W_Q)
    return pane


def click(pane: ModelPane, qtbot: QtBot, index: tuple[int, int, int] = AT) -> None:
    head, row, column = index
    image = pane.views.detail.image
    at = image.cell_rect(row, 32 * head + column).center().toPoint()
    qtbot.mouseClick(image.viewport(), Qt.MouseButton.LeftButton, pos=at)


def set_to(pane: ModelPane, qtbot: QtBot, value: str) -> None:
    box = pane.views.detail.number.box
    box.selectAll()
    qtbot.keyClicks(box, value)
    qtbot.keyClick(box, Qt.Key.Key_Return)


def test_a_click_tells_the_number_in_full(pane: ModelPane, desk: Desk, qtbot: QtBot) -> None:
    row = pane.views.detail.number
    assert not row.isVisible()
    click(pane, qtbot)
    own = float(desk.lm.parameter(W_Q)[AT])
    assert row.isVisible()
    assert row.words.text() == f"{W_Q}[2, 70, 11] = {own:.8g}"
    assert row.box.value() == pytest.approx(own, abs=1e-6)
    assert pane.store.intervening.entries == (), "looking changes nothing"
    pane.choose("W_E")
    assert not row.isVisible(), "no number of another tensor is chosen"


def test_enter_goes_into_the_box_and_what_is_typed_changes_the_model(
    pane: ModelPane, desk: Desk, qtbot: QtBot
) -> None:
    store, before = pane.store, desk.lm.parameter(W_Q).clone()
    click(pane, qtbot)
    image = pane.views.detail.image
    pane.activateWindow()
    qtbot.keyClick(image, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: pane.views.detail.number.box.hasFocus())
    set_to(pane, qtbot, "1.5")
    one = SetWeight(W_Q, AT, 1.5)
    assert store.interventions == (one,)
    assert pane.views.detail.number.words.text().endswith("→ 1.5")
    assert store.inspected is not None
    assert store.inspected.note.startswith("Set to 1.5 by hand")
    # The weights stay; what is computed is as if the number were another.
    assert desk.lm.parameter(W_Q).equal(before)
    assert store.subject is not None
    bench = desk.engine.place.bench
    name = "blocks.1.attn.hook_q"
    changed = bench.values(store.subject, (name,))[name][0].numpy().copy()
    own = bench.values(store.subject.of_clean(), (name,))[name][0].numpy()
    x = desk.lm.trace(list(store.subject.ids))["blocks.1.ln1.hook_normalized"][0, :, 70].numpy()
    expected = own.copy()
    expected[:, AT[0], AT[2]] += x * (1.5 - float(before[AT]))
    assert np.allclose(changed, expected, atol=1e-4)


def test_another_value_replaces_the_first_and_undoing_takes_both_back(
    pane: ModelPane, qtbot: QtBot
) -> None:
    click(pane, qtbot)
    for value in ("1.5", "-0.25"):
        set_to(pane, qtbot, value)
    intervening = pane.store.intervening
    assert [entry.intervention for entry in intervening.entries] == [SetWeight(W_Q, AT, -0.25)]
    qtbot.mouseClick(pane.views.detail.number.back, Qt.MouseButton.LeftButton)
    assert intervening.entries == ()
    assert "→" not in pane.views.detail.number.words.text()
    intervening.undo()
    assert pane.store.interventions == (SetWeight(W_Q, AT, -0.25),)
    assert pane.views.detail.number.words.text().endswith("→ -0.25")


def test_the_cell_has_the_new_numbers_colour_and_a_frame(
    pane: ModelPane, desk: Desk, qtbot: QtBot
) -> None:
    click(pane, qtbot)
    image = pane.views.detail.image
    picture = image.picture
    assert picture is not None
    image.zoom(24.0, image.cell_rect(70, 32 * 2 + 11).center())
    settle(desk, pane)
    box = image.cell_rect(70, 32 * 2 + 11)
    assert box.width() > 46, "single numbers can be read"
    before = pixels(image.viewport())
    set_to(pane, qtbot, f"{picture.limit:.3f}")
    image.set_chosen(None)
    settle(desk, pane)
    after = pixels(image.viewport())
    x, y = int(box.left()) + 3, int(box.top()) + 3
    brightest = (
        np.asarray(theme.diverging_rgb(np.array([1.0]), 1.0)).reshape(-1)[:3].astype(np.int64)
    )
    assert np.abs(after[y, x].astype(np.int64) - brightest).max() <= 4
    frame = QColor(theme.current().warning)
    rim = after[int(box.top()) - 1 : int(box.top()) + 2, int(box.center().x())]
    near = np.abs(rim.astype(int) - np.array([frame.red(), frame.green(), frame.blue()])).max(
        axis=1
    )
    assert near.min() < 60
    other = image.cell_rect(70, 32 * 2 + 13).center()
    assert (before[int(other.y()), int(other.x())] == after[int(other.y()), int(other.x())]).all()
    # Before the interventions it is drawn as it is.
    pane.store.intervening.set_view("before")
    settle(desk, pane)
    assert (pixels(image.viewport())[y, x] == before[y, x]).all()
    assert pane.views.detail.number.words.text().endswith("(off)")


def test_a_right_click_offers_it(pane: ModelPane, desk: Desk, qtbot: QtBot) -> None:
    image = pane.views.detail.image
    at = image.cell_rect(70, 32 * 2 + 11).center().toPoint()
    image.menu_requested.emit(at, image.viewport().mapToGlobal(at))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    texts = [action.text() for action in menu.actions() if not action.isSeparator()]
    assert texts[0] == "Set this weight…"
    assert texts[1] == f"Set {W_Q}[2, 70, 11] to 0"
    menu.actions()[2].trigger()
    menu.close()
    assert pane.store.interventions == (SetWeight(W_Q, AT, 0.0),)
    own = float(desk.lm.parameter(W_Q)[AT])
    assert f"{-own:.4g}" in texts[2]


def test_the_numbers_of_a_tied_unembedding_are_marked_in_both(
    pane: ModelPane, desk: Desk, opened, qtbot: QtBot
) -> None:
    store = opened("opt")
    settle(desk, pane)
    assert store.model is not None
    assert store.model.config.tied_embeddings
    store.intervening.add(SetWeight("W_E", (5, 3), 0.75))
    for name, cell in (("W_E", (5, 3)), ("W_U", (3, 5))):
        choose(desk, pane, name)
        assert pane.views.detail.image._by_hand == {cell: 0.75}
    choose(desk, pane, "W_U")
    pane.views.by_hand.choose(3, 5, 0.1)
    assert pane.views.detail.number.words.text().endswith("→ 0.75")
