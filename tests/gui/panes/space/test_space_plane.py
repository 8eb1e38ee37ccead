"""A sum of words is seen in its own plane, and what is looked at stays in sight while it grows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.space import scene
from gui.panes.space.pane import SpacePane
from gui.session.store import Store
from gui.widgets.point_cloud.renderer import NO_GL_VARIABLE
from tests.gui.desk import Desk
from tests.gui.panes.space.test_space_pane import (
    choose_axes,
    path_of,
    settle,
    shown,
    table_of,
    token_id,
    tokens_of,
    vocabulary_of,
)

SUM = "king - man + woman"


@pytest.fixture(autouse=True)
def still_and_software(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NO_GL_VARIABLE, "1")
    monkeypatch.setattr(theme, "MOTION_MS", 0)


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> SpacePane:
    pane = shown(live_store, qtbot)
    pane.show_expression(SUM)
    settle(pane)
    return pane


def ids(pane: SpacePane) -> tuple[int, int, int, int]:
    king, man, woman, queen = (token_id(pane.store, w) for w in ("king", "man", "woman", "queen"))
    return king, man, woman, queen


def ring(pane: SpacePane) -> np.ndarray:
    """Where the sum ends, as it is marked."""
    mark = next(mark for mark in pane.view.overlay.marks if mark.text == "sum")
    assert mark.ring
    return np.array(mark.at)


def in_sight(pane: SpacePane, places: np.ndarray) -> bool:
    xy = pane.view.project(places).xy
    return bool((xy > 0).all() and (xy < [pane.view.width(), pane.view.height()]).all())


def test_the_end_of_a_sum_has_a_label(pane: SpacePane) -> None:
    ring(pane)
    QTest.qWait(0)
    pane.view.grab()
    assert "sum" in [label.text for label in pane.view.labels]


def test_in_its_plane_a_sum_ends_beside_the_nearest_word(pane: SpacePane, desk: Desk) -> None:
    king, man, woman, queen = ids(pane)
    table = table_of(desk)
    end = table[king] - table[man] + table[woman]
    drawn, points = vocabulary_of(pane.store), pane.view.shown_points
    assert np.allclose(points, (table - drawn.mean) @ drawn.axes.T, atol=1e-4)
    assert np.allclose(ring(pane), (end - drawn.mean) @ drawn.axes.T, atol=1e-4)
    # Words and end are as far apart on the screen's two axes as they are.
    for token in (king, man, woman):
        true = np.linalg.norm(table[token] - end)
        assert np.linalg.norm((points[token] - ring(pane))[:2]) == pytest.approx(true, rel=1e-4)
    away = np.linalg.norm((points - ring(pane))[:, :2], axis=1)
    assert int(np.argsort(away)[0]) == queen
    assert in_sight(pane, np.array([*points[[king, man, woman, queen]], ring(pane)]))
    kept = np.linalg.norm(points[queen] - ring(pane)) / np.linalg.norm(table[queen] - end)
    said = pane.caption.text()
    assert "keeps 100% of the distances between the words and the sum" in said
    assert f"{kept:.0%} of that from the sum to ·queen" in said
    share = float(drawn.variance_kept.sum())
    assert f"plane and 1 axis keep {share:.1%}" in pane.header_note()
    choose_axes(pane, "pca")
    assert not vocabulary_of(pane.store).plane
    assert "3 axes keep" in pane.header_note()


def test_paths_lie_in_the_plane_too(pane: SpacePane) -> None:
    pane.tools.true_length.trigger()
    settle(pane)
    assert vocabulary_of(pane.store).plane
    token = tokens_of(pane.store)[pane.store.selection.position].id
    assert np.allclose(path_of(pane).points[0], pane.view.shown_points[token], atol=1e-4)


def test_the_plane_follows_the_sum_and_goes_with_it(pane: SpacePane) -> None:
    pane.show_expression("Paris - France + Spain")
    settle(pane)
    words = vocabulary_of(pane.store).plane
    assert len(words) == 3
    assert token_id(pane.store, "king") not in {token for _, token in words}
    QTest.keyClick(pane.search, Qt.Key.Key_Escape)
    settle(pane)
    assert not vocabulary_of(pane.store).plane
    choose_axes(pane, "plane")
    assert "Type a sum of words" in pane.status.text()
    assert not vocabulary_of(pane.store).plane


def test_who_wants_a_sum_on_other_axes_has_it_there(pane: SpacePane) -> None:
    choose_axes(pane, "pca")
    assert not vocabulary_of(pane.store).plane
    pane.show_expression("Paris - France + Spain")
    settle(pane)
    assert not vocabulary_of(pane.store).plane
    choose_axes(pane, "plane")
    assert vocabulary_of(pane.store).plane


def test_a_sum_stays_in_sight_while_the_cloud_grows_until_a_person_looks_elsewhere(
    pane: SpacePane,
) -> None:
    king, man, woman, queen = ids(pane)
    before = vocabulary_of(pane.store)
    for step, size in enumerate((2.0, 5.0, 12.0), start=1):
        pane.store.receive(replace(before, step=step, points=before.points * np.float32(size)))
        settle(pane)
        places = pane.view.shown_points[[king, man, woman, queen]]
        assert in_sight(pane, places)
        xy = pane.view.project(places).xy
        assert np.ptp(xy, axis=0).max() > 0.3 * pane.view.height(), "and not a speck in the middle"
    QTest.keyClick(pane.view, Qt.Key.Key_Left)
    camera = pane.view.camera
    pane.store.receive(replace(before, step=9, points=before.points))
    settle(pane)
    assert pane.view.camera == camera


def test_another_vocabulary_is_seen_whole(pane: SpacePane, opened: Callable[..., Store]) -> None:
    QTest.keyClick(pane.view, Qt.Key.Key_Right)
    for _ in range(12):
        QTest.keyClick(pane.view, Qt.Key.Key_Plus)
    opened("opt")
    settle(pane)
    points = pane.view.shown_points
    assert len(points) == len(vocabulary_of(pane.store).points)
    near = points[np.linalg.norm(points, axis=1) <= pane.view.extent * 1.001]
    assert in_sight(pane, near)
    xy = pane.view.project(near).xy
    assert np.ptp(xy, axis=0).max() > 0.4 * pane.view.height()


def test_the_watched_sum_goes_on_in_its_plane_in_the_next_model(
    pane: SpacePane, desk: Desk
) -> None:
    from resources import STORY_WORLD

    desk.store.opening.open(str(STORY_WORLD))
    settle(pane)
    assert vocabulary_of(pane.store).plane
    assert vocabulary_of(pane.store).model_id == pane.store.model.model_id  # type: ignore[union-attr]
    assert in_sight(pane, ring(pane)[None])
    assert scene.is_sum(vocabulary_of(pane.store).plane)
