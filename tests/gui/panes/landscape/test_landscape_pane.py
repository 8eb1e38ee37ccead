"""The cost surface: measured when Run is pressed, drawn at its heights, turned, the run on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.panes.landscape import words
from gui.panes.landscape.field import between, field_of, ticks
from gui.panes.landscape.pane import LandscapePane
from gui.panes.landscape.relief import NOTHING, SIDE, SURFACE, Look, Place, draw
from gui.session.store import Store
from gui.window.pane_menu import script_of
from model import messages as m
from model.probe.landscape.asks import Landscape, LandscapeFound
from tests.gui.desk import Desk
from tests.gui.pixels import pixels
from tests.model.probe.runs import trained


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("surface") / "run")


@pytest.fixture
def store(desk: Desk, run: Path) -> Store:
    desk.store.set_prompt("The king")
    desk.store.opening.open(str(run))
    while desk.store.opening.going:
        desk.advance()
    assert desk.store.read is not None
    return desk.store


@pytest.fixture
def pane(store: Store, qtbot: QtBot) -> LandscapePane:
    return shown(store, qtbot)


def shown(store: Store, qtbot: QtBot) -> LandscapePane:
    pane = LandscapePane(store)
    qtbot.addWidget(pane)
    pane.resize(720, 520)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.controls.grid.setCurrentIndex(0)
    pane.refresh_now()
    return pane


def measured(pane: LandscapePane, method: str = "pca") -> LandscapeFound:
    QTest.mouseClick(pane.controls.methods.buttons[method], Qt.MouseButton.LeftButton)
    QTest.mouseClick(pane.controls.run_button, Qt.MouseButton.LeftButton)
    pane.refresh_now()
    found = pane.found
    assert found is not None, pane._empty.text()
    assert found.is_whole
    pane.grab()
    return found


def test_nothing_is_measured_before_run_is_pressed(pane: LandscapePane, desk: Desk):
    assert not any(isinstance(r, m.Answered) for r in desk.results)
    assert pane.view.isHidden()
    assert "Press Run" in pane._empty.text()
    measured(pane)
    assert not pane.view.isHidden()


def test_it_says_what_these_weights_cost_and_how_much_of_the_path_is_seen(pane: LandscapePane):
    found = measured(pane)
    said = pane.sentence.text()
    assert f"Centre (step 8): {found.centre:.3f} nats a token" in said
    assert f"{found.variance:.1%} of the variance" in said or f"{found.variance:.2%}" in said
    assert "11 × 11 losses · validation batch 0 · around step 8" in pane.header_note()


def test_the_ball_follows_the_timeline_and_a_step_leads_there(
    pane: LandscapePane, desk: Desk, store: Store
):
    found = measured(pane)
    assert pane.view.ball is not None
    assert pane.view.ball.step == 8
    store.timeline.go_to(2)
    while store.timeline.step != 2:
        desk.advance()
    assert pane.view.ball is not None
    assert pane.view.ball.step == 2
    assert pane.found is found  # the surface stays that of step 8
    stop = next(one for one in pane.view.stops if one.step == 4)
    x, y = pane.view.place().project(stop.u, stop.v, stop.height)
    QTest.mouseClick(pane.view, Qt.MouseButton.LeftButton, pos=QPoint(round(x), round(y)))
    assert store.timeline.wanted == 4
    while store.timeline.step != 4:
        desk.advance()
    assert pane.view.ball is not None
    assert pane.view.ball.step == 4


def test_a_plane_beside_the_path_draws_none_of_it_and_says_why(pane: LandscapePane):
    found = measured(pane, "random")
    assert found.variance < words.LEAST_SHARE
    assert pane.view.stops == ()
    assert "choose the path's own directions" in pane.sentence.text()


def test_keys_turn_it_and_home_brings_it_back(pane: LandscapePane):
    measured(pane)
    first = pane.view.look
    pane.view.setFocus()
    QTest.keyClick(pane.view, Qt.Key.Key_Left)
    QTest.keyClick(pane.view, Qt.Key.Key_Up)
    assert pane.view.look.turn != first.turn
    assert pane.view.look.tilt > first.tilt
    for _ in range(40):
        QTest.keyClick(pane.view, Qt.Key.Key_Up)
    assert pane.view.look.tilt < 90
    QTest.keyClick(pane.view, Qt.Key.Key_Home)
    assert pane.view.look == first


def test_dragging_turns_it(pane: LandscapePane):
    measured(pane)
    first = pane.view.look
    QTest.mousePress(pane.view, Qt.MouseButton.LeftButton, pos=QPoint(300, 200))
    QTest.mouseMove(pane.view, QPoint(360, 220))
    QTest.mouseRelease(pane.view, Qt.MouseButton.LeftButton, pos=QPoint(360, 220))
    assert pane.view.look.turn != first.turn


def test_while_it_is_turned_the_surface_stays_where_its_axes_are(pane: LandscapePane):
    """Fewer pixels then: enlarged to the same place."""
    measured(pane)

    def drawn_box() -> tuple[int, int, int, int]:
        ground = pixels(pane.view)
        blue = ground[..., 2].astype(int) - ground[..., 0] > 40
        rows, columns = np.flatnonzero(blue.any(1)), np.flatnonzero(blue.any(0))
        return int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])

    at_rest = drawn_box()
    pane.view._turning = True
    np.testing.assert_allclose(drawn_box(), at_rest, atol=4)


def test_a_place_says_the_loss_that_was_measured_nearest(pane: LandscapePane):
    found = measured(pane)
    pane.controls.views.buttons["map"].click()
    pane.refresh_now()
    pane.grab()
    field = pane.view.field
    assert field is not None
    for y, x in ((1, 2), (9, 9), (5, 1)):
        u, v = field.place(float(found.a_X[x]), float(found.b_Y[y]))
        at = QPointF(*pane.view.place().project(u, v))
        if pane.view.stop_at(at) is None:
            assert f"{found.loss_YX[y, x]:.4f} nats" in pane.view.tip(at)


def test_a_run_can_be_stopped_and_what_came_stays(pane: LandscapePane, desk: Desk, store: Store):
    pane.controls.grid.setCurrentIndex(2)
    desk.hold()
    QTest.mouseClick(pane.controls.run_button, Qt.MouseButton.LeftButton)
    held, desk.held = desk.held or [], None
    for request in held:
        desk._take(desk.engine.handle(request))
    while pane.found is None:
        desk.advance()
    pane.refresh_now()
    assert pane.controls.run_button.text() == "Stop"
    assert "measuring" in pane.header_note()
    QTest.mouseClick(pane.controls.run_button, Qt.MouseButton.LeftButton)
    pane.refresh_now()
    assert pane.controls.run_button.text() == "Run"
    assert "Stopped at 3 × 3 losses" in pane.sentence.text()


def test_a_model_without_a_path_says_that_its_own_directions_need_one(
    live_store: Store, qtbot: QtBot
):
    pane = shown(live_store, qtbot)
    QTest.mouseClick(pane.controls.methods.buttons["pca"], Qt.MouseButton.LeftButton)
    QTest.mouseClick(pane.controls.run_button, Qt.MouseButton.LeftButton)
    pane.refresh_now()
    assert "needs three kept steps" in pane._empty.text()


def test_what_is_copied_and_exported_is_what_is_drawn(pane: LandscapePane, store: Store):
    found = measured(pane)
    np.testing.assert_array_equal(pane.export_data()["loss"].values, found.loss_YX)
    space: dict[str, object] = {}
    exec(compile(script_of(pane, store), "<clipboard>", "exec"), space)
    again = [one for one in space.values() if isinstance(one, LandscapeFound)]
    np.testing.assert_allclose(again[0].loss_YX, found.loss_YX, rtol=1e-5)


def test_choices_come_back(pane: LandscapePane, store: Store, qtbot: QtBot):
    pane.controls.log.setChecked(True)
    pane.controls.parts.setCurrentIndex(1)
    other = LandscapePane(store)
    qtbot.addWidget(other)
    other.recall(pane.remember())
    assert other.controls.question() == pane.controls.question()
    assert other.controls.scale == "log"
    other.recall({"grid": "x", "method": 4, "log": "yes"})
    assert isinstance(other.controls.question(), Landscape)


# The picture


def bowl(n: int = 65) -> np.ndarray:
    at = np.linspace(-1, 1, n, dtype=np.float32)
    return ((at[None] ** 2 + at[:, None] ** 2) / 2).astype(np.float32)


def drawn(heights: np.ndarray, look: Look, size: tuple[int, int] = (240, 320)):
    table = np.stack([np.arange(256)] * 3, axis=1).astype(np.uint8)
    place = Place(look, size[1] / 2, size[0] / 2 + 40, 80.0)
    ink = ((0, 0, 0), (255, 255, 255))
    levels = np.array([], np.float32)
    return place, draw(heights, place, size, table, levels, ink, (255, 0, 255), (9, 9, 9))


@pytest.mark.parametrize("turn", [-170.0, -90.0, -32.0, 0.0, 45.0, 120.0])
@pytest.mark.parametrize("tilt", [20.0, 45.0, 80.0])
def test_a_pixel_shows_the_place_that_projects_onto_it(turn: float, tilt: float):
    heights = bowl()
    place, relief = drawn(heights, Look(turn, tilt))
    rows, columns = np.nonzero(relief.kind_HW == SURFACE)
    n = len(heights) - 1
    for at in range(0, len(rows), max(1, len(rows) // 60)):
        row, column = rows[at], columns[at]
        u, v = float(relief.u_HW[row, column]), float(relief.v_HW[row, column])
        height = heights[round((v + 1) / 2 * n), round((u + 1) / 2 * n)]
        x, y = place.project(u, v, float(height))
        assert abs(x - column - 0.5) < 0.6
        assert abs(y - row - 0.5) < 3.0  # a step of the grid


def test_what_lies_behind_a_rise_is_hidden():
    heights = np.zeros((65, 65), np.float32)
    heights[28:32] = 1.0  # a wall across the middle
    _, relief = drawn(heights, Look(0.0, 20.0))
    seen = relief.v_HW[relief.kind_HW == SURFACE]
    behind = (seen > 0.05) & (seen < 0.6)
    assert not behind.any()
    _, above = drawn(heights, Look(0.0, 80.0))
    seen = above.v_HW[above.kind_HW == SURFACE]
    assert ((seen > 0.05) & (seen < 0.6)).any()


def test_the_cut_sides_close_the_block(pane: LandscapePane):
    heights = np.full((65, 65), 0.5, np.float32)
    place, relief = drawn(heights, Look(0.0, 30.0))
    x, y = place.project(0.0, -1.0, 0.25)
    assert relief.kind_HW[round(y), round(x)] == SIDE
    x, y = place.project(0.0, -1.0, -0.2)
    assert relief.kind_HW[round(y), round(x)] == NOTHING


def test_a_field_goes_through_every_measured_loss(pane: LandscapePane):
    found = measured(pane)
    for scale in ("linear", "log"):
        n = 10 * (len(found.a_X) - 1) + 1
        field = field_of(found, scale, n)
        for y in range(len(found.b_Y)):
            for x in range(len(found.a_X)):
                there = field.loss(float(field.heights_FF[10 * y, 10 * x]))
                assert there == pytest.approx(float(found.loss_YX[y, x]), rel=1e-4)


def test_uneven_lines_are_met_exactly():
    lines = np.array([-1.0, -0.5, 0.25, 1.0])
    weights = between(lines, 9)
    np.testing.assert_allclose(weights.sum(1), 1)
    for at, line in ((0, 0), (2, 1), (5, 2), (8, 3)):
        np.testing.assert_allclose(weights[at], np.eye(4)[line], atol=1e-12)
    straight = weights @ (3 * lines + 1)
    np.testing.assert_allclose(straight, 3 * np.linspace(-1, 1, 9) + 1)


@pytest.mark.parametrize(("low", "high"), [(2.4, 7.9), (0.001, 12.0), (3.0, 3.1), (1e-6, 1e-5)])
@pytest.mark.parametrize("scale", ["linear", "log"])
def test_levels_are_round_within_and_few(low: float, high: float, scale: str):
    found = ticks(low, high, 11, scale)  # type: ignore[arg-type]
    assert 1 <= len(found) <= 11
    assert found == sorted(found)
    assert all(low <= one * (1 + 1e-9) and one <= high * (1 + 1e-9) for one in found)


def test_a_place_without_a_loss_is_no_number(pane: LandscapePane):
    found = measured(pane)
    loss_YX = found.loss_YX.copy()
    loss_YX[0, 0] = np.inf
    field = field_of(replace(found, loss_YX=loss_YX), "linear", 101)
    assert np.isnan(field.heights_FF[0, 0])
    assert np.isfinite(field.heights_FF[30:, 30:]).all()
    pane.view.show_found(replace(found, loss_YX=loss_YX))
    pane.grab()
