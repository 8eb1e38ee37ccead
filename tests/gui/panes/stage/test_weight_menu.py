"""A weight on the stage is inspected by a click, and set by hand from its menu."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.stage.marks import Grid
from gui.panes.stage.pane import StagePane
from gui.session.store import Store
from model.interventions import SetWeight
from model.probe.scene.asks import SceneFound
from tests.gui.desk import Desk
from tests.gui.panes.stage.staging import click, select, settle, shown


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theme, "MOTION_MS", 0)


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> StagePane:
    return shown(qtbot, live_store)


def weight_point(pane: StagePane) -> QPointF:
    grids = [m for m in pane.view.marks if isinstance(m, Grid) and m.panel.role == "weight"]
    box = grids[0].box
    return QPointF(box.left() + 0.3 * box.width(), box.top() + 0.6 * box.height())


def test_a_click_inspects_the_weight_and_its_menu_sets_it(pane: StagePane, desk: Desk) -> None:
    store = pane.store
    select(pane, "blocks.1.mlp.hook_pre")
    at = weight_point(pane)
    here = store.selection
    click(pane.view.viewport(), at)
    assert store.selection == here, "it goes nowhere"
    found = store.inspected
    assert found is not None
    assert found.name == "blocks.1.mlp.W_in"
    assert found.value == pytest.approx(float(desk.lm.parameter(found.name)[found.index]))
    pane.view.menu_requested.emit(at.toPoint(), pane.mapToGlobal(at.toPoint()))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    menu.actions()[0].trigger()
    menu.close()
    one = SetWeight(found.name, found.index, 0.0)
    assert store.interventions == (one,)
    settle(pane)
    trace = desk.lm.trace(list(store.subject.ids), interventions=(one,))  # type: ignore[union-attr]
    scene = pane.answered("scene", SceneFound)
    assert scene is not None
    assert scene.subject.interventions == (one,)
    out = scene.panel("out")
    assert out is not None
    position = store.selection.position
    written = trace["blocks.1.mlp.hook_pre"][0, position].numpy()
    assert np.allclose(np.abs(out.values_RC).max(), np.abs(written).max(), rtol=1e-4)


def test_elsewhere_there_is_no_menu(pane: StagePane) -> None:
    select(pane, "blocks.1.mlp.hook_pre")
    pane.view.menu_requested.emit(None, pane.mapToGlobal(pane.rect().center()))
    assert QApplication.activePopupWidget() is None
