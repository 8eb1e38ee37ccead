"""Heads and edges cut from the views of attention, and crossed out in the mosaic."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF
from PySide6.QtGui import QColor, QContextMenuEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.attention.pane import AttentionPane
from gui.session.store import Store
from gui.widgets.canvas import Canvas
from gui.widgets.offer_menu import OfferMenu
from model.interventions import AblateHead, CutEdge, RemoveMask, ScaleHead, ScaleOutput
from tests.gui.desk import Desk
from tests.gui.panes.attention.test_attention_pane import settle, shown


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> AttentionPane:
    return shown(qtbot, live_store)


def menu_at(view: Canvas, at: QPoint | None) -> OfferMenu:
    """The menu that a right click opens there; that of the menu key without a place."""
    reason = QContextMenuEvent.Reason
    by = reason.Keyboard if at is None else reason.Mouse
    where = at or QPoint(3, 3)
    event = QContextMenuEvent(by, where, view.viewport().mapToGlobal(where))
    QApplication.sendEvent(view.viewport(), event)
    (menu,) = [each for each in view.findChildren(OfferMenu) if each.isVisible()]
    return menu


def choose(menu: OfferMenu, words: str) -> None:
    (action,) = [each for each in menu.actions() if each.text() == words]
    assert action.isEnabled()
    action.trigger()
    menu.close()


def has_ink(widget: QWidget, box: tuple[QPointF, QPointF], color: str) -> bool:
    """Whether the line between two points is drawn in a colour, at its middle."""
    image = widget.grab().toImage()
    middle = (box[0] + box[1]) / 2
    wanted = QColor(theme.current().color(color))
    near = [
        image.pixelColor(round(middle.x()) + dx, round(middle.y()) + dy)
        for dx in (-1, 0, 1)
        for dy in (-1, 0, 1)
    ]
    apart = [
        (c.red() - wanted.red(), c.green() - wanted.green(), c.blue() - wanted.blue()) for c in near
    ]
    return any(sum(map(abs, each)) < 60 for each in apart)


def crossed(pane: AttentionPane, layer: int, head: int) -> tuple[bool, bool]:
    """Whether a tile has a line up to the right, and one down to the right."""
    box = pane.mosaic.tile_rect(layer, head)
    quarter, view = box.width() / 4, pane.mosaic.viewport()
    c = box.center()
    up, down = c + QPointF(quarter, -quarter), c + QPointF(quarter, quarter)
    return has_ink(view, (up, up), "negative"), has_ink(view, (down, down), "negative")


def test_a_right_click_on_a_tile_cuts_its_head_and_crosses_it_out(pane: AttentionPane):
    tile = pane.mosaic.tile_rect(2, 1).center().toPoint()
    assert crossed(pane, 2, 1) == (False, False)
    choose(menu_at(pane.mosaic, tile), "Cut head 2.1")
    assert pane.store.interventions == (AblateHead(2, 1),)
    assert crossed(pane, 2, 1) == (True, True)
    assert crossed(pane, 2, 2) == (False, False)
    again = menu_at(pane.mosaic, tile)
    (cut,) = [each for each in again.actions() if each.text() == "Cut head 2.1"]
    assert cut.isChecked()
    choose(again, "Cut head 2.1")
    assert not pane.store.interventions
    assert crossed(pane, 2, 1) == (False, False)


def test_the_menu_key_offers_the_selected_head(pane: AttentionPane):
    pane.store.select(layer=1, head=3)
    choose(menu_at(pane.mosaic, None), "Cut head 1.3")
    assert pane.store.interventions == (AblateHead(1, 3),)


def test_scaled_heads_are_struck_and_cut_layers_crossed(pane: AttentionPane):
    pane.store.intervening.add(ScaleHead(0, 2, 0.5), ScaleOutput(3, "attn"))
    assert crossed(pane, 0, 2) == (True, False)
    assert all(crossed(pane, 3, head) == (True, True) for head in range(4))
    pane.store.intervening.set_view("before")
    assert crossed(pane, 0, 2) == (False, False), "before, nothing is changed"


def test_a_cell_of_the_matrix_is_cut(pane: AttentionPane, desk: Desk):
    pane.store.select(layer=1, head=2, position=6)
    settle(pane)
    cell = pane.matrix.map.cell_rect(6, 2).center().toPoint()
    choose(menu_at(pane.matrix.map, cell), "Cut edge 6 → 2 of head 1.2")
    settle(pane)
    assert pane.store.interventions == (CutEdge(1, 6, 2, 2),)
    found = pane.matrix.found
    assert found is not None
    assert found.values[6, 2] == 0
    clean = desk.lm.trace([pane.store.subject.ids])["blocks.1.attn.hook_pattern"][0, 2]  # type: ignore[union-attr]
    np.testing.assert_allclose(found.values[6, 3:7], clean[6, 3:7], atol=1e-6)


def test_an_edge_of_the_graph_is_cut_and_gone(pane: AttentionPane):
    pane.set_view("graph")
    settle(pane)
    edges = pane.graph.edges
    assert edges is not None
    middle = pane.graph.edge_path(0).pointAtPercent(0.5).toPoint()
    index = pane.graph.edge_at(middle)
    assert index is not None
    layer, query = int(edges.layer_E[index]), int(edges.query_E[index])
    key, head = int(edges.key_E[index]), int(edges.head_E[index])
    whose = f"all heads of layer {layer}" if head < 0 else f"head {layer}.{head}"
    choose(menu_at(pane.graph, middle), f"Cut edge {query} → {key} of {whose}")
    settle(pane)
    assert pane.store.interventions == (CutEdge(layer, query, key, None if head < 0 else head),)
    after = pane.graph.edges
    assert after is not None
    gone = (after.layer_E == layer) & (after.query_E == query) & (after.key_E == key)
    assert not (gone & (after.head_E == head)).any()


def test_without_a_mask_every_head_is_struck(pane: AttentionPane):
    pane.store.intervening.add(RemoveMask(1))
    assert crossed(pane, 1, 0) == (True, False)
    assert crossed(pane, 0, 0) == (False, False)
