"""Almost orthogonal: what is drawn is what was measured, and each button does what it says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLayout
from pytestqt.qtbot import QtBot

from gui.panes.angles.fit_view import FitView
from gui.panes.angles.pane import AnglesPane
from gui.panes.angles.toy_view import stored_in
from gui.session.spreading import Kind
from gui.session.store import Store
from gui.widgets.text import Text
from model import messages as m
from model.vectors.angles import angles
from tests.gui.desk import Desk
from tests.gui.mouse import move_to
from tests.gui.pixels import color_named, pixels


@pytest.fixture
def pane(live_store: Store, desk: Desk, qtbot: QtBot) -> AnglesPane:
    pane = AnglesPane(live_store)
    qtbot.addWidget(pane)
    pane.n.set_value(60)
    pane.d.set_value(16)
    pane.resize(815, 560)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.refresh_now()
    rest(pane, desk)
    return pane


def rest(pane: AnglesPane, desk: Desk) -> None:
    while desk.engine.busy:
        desk.advance()
    pane._dirty = True
    pane.refresh_now()


def view(pane: AnglesPane, kind: Kind) -> None:
    QTest.mouseClick(pane.views.buttons[kind], Qt.MouseButton.LeftButton)
    pane.refresh_now()


def test_the_table_and_random_vectors_are_there_at_once(pane: AnglesPane, desk: Desk):
    table, random = pane.angles.shown
    measured = angles(desk.lm.transformer.table("W_E"))
    assert table.counts.tolist() == measured.counts_A.tolist()
    assert int(random.counts.sum()) == 60 * 59 // 2
    said = pane.sentence.text()
    assert f"{measured.within(pane.degrees.value):.1%} of the pairs of {measured.n:,}" in said
    assert "60 vectors at random" in said


def test_the_curve_of_the_table_stands_where_its_angles_are(pane: AnglesPane):
    shares = pane.angles.shown[0].share()
    image = pixels(pane.angles.viewport())
    accent = np.array(color_named("accent"))
    for degree in (int(np.argmax(shares)), 60):
        x = round(pane.angles.x_of(degree + 0.5))
        column = image[:, x].astype(int)
        near = np.flatnonzero(np.abs(column - accent).sum(-1) < 90)
        assert len(near)
        # The other curve may lie on it: its own is one of the places.
        assert np.abs(near - pane.angles.y_of(float(shares[degree]))).min() <= 2


def test_sliders_make_other_vectors(pane: AnglesPane, desk: Desk):
    pane.d.slider.setValue(pane.d.slider.maximum() // 2)
    rest(pane, desk)
    spread = pane.store.spreading.spread
    assert spread is not None
    assert spread.d == pane.d.value != 16
    near = pane.sentence.text()
    pane.degrees.slider.setValue(pane.degrees.slider.maximum())
    rest(pane, desk)
    assert pane.degrees.value == 45
    assert pane.sentence.text() != near


def test_vectors_are_pushed_apart_and_stopped(pane: AnglesPane, desk: Desk):
    before = pane.store.spreading.spread
    assert before is not None
    QTest.mouseClick(pane.go, Qt.MouseButton.LeftButton)
    pane.refresh_now()
    assert pane.go.text() == "Stop"
    rest(pane, desk)
    after = pane.store.spreading.spread
    assert after is not None
    assert after.bound <= after.largest_cosine < before.largest_cosine
    degrees = math.degrees(math.acos(after.largest_cosine))
    assert f"the nearest pair {degrees:.1f}°" in pane.sentence.text()
    assert pane.go.text() == "Push apart"
    QTest.mouseClick(pane.go, Qt.MouseButton.LeftButton)
    pane.refresh_now()
    QTest.mouseClick(pane.go, Qt.MouseButton.LeftButton)
    assert not pane.store.spreading.going("spread")
    rest(pane, desk)
    assert pane.go.text() == "Push apart"


def test_as_many_as_the_table_has(pane: AnglesPane, desk: Desk):
    QTest.mouseClick(pane.as_table, Qt.MouseButton.LeftButton)
    rest(pane, desk)
    spread, table = pane.store.spreading.spread, desk.lm.transformer.table("W_E")
    assert spread is not None
    assert (spread.n, spread.d) == tuple(table.shape)


def test_how_many_fit_is_drawn_by_dimensions(pane: AnglesPane, desk: Desk):
    view(pane, "packed")
    assert "Press Count" in pane._empty.text()
    fits = (m.Fit(2, 2, False, 3.0), m.Fit(8, 30, False, 60.0), m.Fit(32, 4096, True, math.inf))
    request = m.PackVectors(degrees=10, dimensions=(2,))
    pane.store.spreading.ask("packed", request)
    pane.store.receive(m.VectorsPacked(request_id=request.id, degrees=10, fits=fits, done=True))
    pane.refresh_now()
    assert "at least 4,096 vectors were found that fit into 32 dimensions" in pane.sentence.text()
    assert "From 8 dimensions on there are more vectors than dimensions" in pane.sentence.text()
    at = pane.fits.place(8, 30)
    image = pixels(pane.fits.viewport())
    assert tuple(image[round(at.y()), round(at.x())]) == color_named("accent")
    move_to(pane.fits.viewport(), at.toPoint())
    assert (
        pane.fits.tooltip(at.toPoint()) == "8 dimensions: 30 were found to fit\nmore than 60 can't"
    )
    exported = pane.export_data()
    assert exported["vectors"].values.tolist() == [2, 30, 4096]  # type: ignore[union-attr]


def test_features_share_dimensions(pane: AnglesPane, desk: Desk):
    view(pane, "toy")
    w_SDN = np.zeros((2, 2, 3), np.float32)
    w_SDN[0, 0, 0] = w_SDN[0, 1, 1] = 1
    angle = np.deg2rad([90, 210, 330])
    w_SDN[1] = np.stack([np.cos(angle), np.sin(angle)])
    request = m.TrainToy(n=3, d=2)
    pane.store.spreading.ask("toy", request)
    toy = m.ToyTrained(
        request_id=request.id,
        step=2000,
        steps=2000,
        densities=(1.0, 0.01),
        w_SDN=w_SDN,
        b_SN=np.zeros((2, 3), np.float32),
        loss_S=np.array([0.1, 0.01], np.float32),
        shared_SN=np.ones((2, 3), np.float32),
    )
    pane.store.receive(toy)
    pane.refresh_now()
    assert stored_in(toy) == [2, 3]
    assert "Always present, 2 are stored" in pane.sentence.text()
    assert "present 1% of the time, 3 are: more than there are dimensions" in pane.sentence.text()
    box = pane.toys.panel(1)
    up = box.center() - pane.toys.panel(1).topLeft()
    assert up.y() > 0
    image = pixels(pane.toys.viewport())
    half = round(box.center().y() - box.height() / 4)
    from PySide6.QtGui import QColor

    from gui import theme

    first = QColor(theme.current().series[0])
    column = image[half, round(box.center().x()) - 1 : round(box.center().x()) + 2].astype(int)
    wanted = np.array([first.red(), first.green(), first.blue()])
    assert np.abs(column - wanted).sum(-1).min() < 40


def test_a_narrow_pane_cuts_neither_names_nor_legends(pane: AnglesPane, desk: Desk):
    layout = pane.layout()
    assert layout is not None
    layout.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)  # as in a dock
    pane.setMinimumSize(0, 0)
    for kind in pane.views.buttons:
        QTest.mouseClick(pane.views.buttons[kind], Qt.MouseButton.LeftButton)
        pane.resize(430, 400)
        layout.activate()
        for button in (*pane.views.buttons.values(), pane.go):
            assert button.width() >= button.sizeHint().width()
        for name in pane.findChildren(Text):
            if name.isVisible() and not name.wordWrap():
                assert name.width() >= name.sizeHint().width()
    for picture in (pane.angles, pane.fits):
        swatches, end = picture.legend()
        assert len(swatches) == 3
        assert len({swatch.top() for swatch, _, _ in swatches}) > 1
        assert end < picture.plot.top()


def test_two_vectors_in_two_dimensions_stand_above_the_edge(qtbot: QtBot):
    fits = FitView()
    qtbot.addWidget(fits)
    fits.resize(600, 400)
    fits.show()
    fits.show_fits((m.Fit(2, 2, False, 3.0),), (2, 4))
    assert fits.place(2, 2).y() < fits.plot.bottom() - 8


def test_choices_come_back(pane: AnglesPane, live_store: Store, qtbot: QtBot):
    view(pane, "toy")
    pane.features.set_value(20)
    kept = pane.remember()
    other = AnglesPane(live_store)
    qtbot.addWidget(other)
    other.recall({"view": 3, "n": "x"})
    other.recall(kept)
    assert other.kind == "toy"
    assert other.features.value == 20
