"""Cut from the map of layers, and seen there."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor, QContextMenuEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.layers.map_layout import Row
from gui.panes.layers.pane import LayersPane
from gui.panes.layers.words import row_words
from gui.session.store import Store
from gui.widgets.offer_menu import OfferMenu
from model.interventions import AblateHead, RemoveMask, ScaleOutput


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> LayersPane:
    theme.set_motion(False)
    pane = LayersPane(live_store)
    qtbot.addWidget(pane)
    pane.resize(360, 1000)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.refresh_now()
    return pane


def row_of(pane: LayersPane, name: str) -> Row:
    index = [op.output for op in pane.store.operations].index(name)
    return next(row for row in pane.map.rows if row.kind != "section" and row.holds(index))


def is_marked(pane: LayersPane, name: str) -> bool:
    """Whether the left end of a row is drawn in the colour of what is changed."""
    box = pane.map.row_box(row_of(pane, name))
    image = pane.map.viewport().grab().toImage()
    found = image.pixelColor(QPoint(round(box.left() + 1), round(box.center().y())))
    wanted = QColor(theme.current().color("negative"))
    return abs(found.red() - wanted.red()) + abs(found.blue() - wanted.blue()) < 60


def menu_at(pane: LayersPane, name: str) -> OfferMenu:
    at = pane.map.row_box(row_of(pane, name)).center().toPoint()
    view = pane.map.viewport()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, view.mapToGlobal(at))
    QApplication.sendEvent(view, event)
    (menu,) = [each for each in pane.findChildren(OfferMenu) if each.isVisible()]
    return menu


def words_of(menu: OfferMenu) -> list[str]:
    return [action.text() for action in menu.actions() if not action.isSeparator()]


def test_what_is_changed_is_marked_where_it_is(pane: LayersPane):
    store = pane.store
    store.select(layer=0, head=2)
    z, mlp, other = "blocks.0.attn.hook_z", "blocks.1.hook_mlp_out", "blocks.2.hook_mlp_out"
    assert not is_marked(pane, z)
    store.intervening.add(AblateHead(0, 1), ScaleOutput(1, "mlp"))
    assert (is_marked(pane, z), is_marked(pane, mlp), is_marked(pane, other)) == (True, True, False)
    assert not is_marked(pane, "blocks.0.attn.hook_q")
    store.intervening.set_view("before")
    assert not is_marked(pane, z)
    store.intervening.set_view("after")
    store.intervening.clear()
    assert not is_marked(pane, mlp)


def test_hovering_says_what_was_done(pane: LayersPane):
    pane.store.intervening.add(ScaleOutput(1, "mlp"))
    row = row_of(pane, "blocks.1.hook_mlp_out")
    said = row_words(row, pane.map.graph, pane.map.figures, ("cut MLP of layer 1",))
    assert said.endswith("<b>Changed:</b> cut MLP of layer 1.")


def test_a_right_click_offers_what_is_nearest_first(pane: LayersPane):
    pane.store.select(layer=2, head=3)
    menu = menu_at(pane, "blocks.2.attn.hook_q")
    assert words_of(menu)[:3] == [
        "Cut head 2.3",
        "Head 2.3 to its mean",
        "Cut attention of layer 2",
    ]
    menu.close()
    menu = menu_at(pane, "blocks.1.hook_mlp_out")
    assert words_of(menu)[0] == "Cut MLP of layer 1"
    menu.actions()[0].trigger()
    menu.close()
    assert pane.store.intervening.is_on(ScaleOutput(1, "mlp"))
    menu = menu_at(pane, "hook_embed")
    assert words_of(menu) == ["No mask in any layer", "No norms", "No positions"]
    menu.actions()[0].trigger()
    menu.close()
    assert pane.store.intervening.is_on(RemoveMask())
