"""Colours, filters, selections and kept views of the cloud; maps of neighbours; files of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImageReader
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.space.pane import SpacePane
from gui.session.state import Notice
from gui.session.store import Store
from gui.widgets.point_cloud.region import inside
from gui.widgets.point_cloud.renderer import NO_GL_VARIABLE
from model import messages as m
from model.slices import finish
from model.space.files import reading_file
from model.space.maps import client
from model.space.projections.asks import TSNE
from model.space.questions.asks import ClustersFound
from tests.gui.desk import Desk
from tests.gui.panes.space.test_space_pane import (
    choose_axes,
    choose_source,
    pixels,
    settle,
    shown,
    table_of,
    token_id,
    vocabulary_of,
)
from tests.optional import needs


@pytest.fixture(autouse=True)
def still_and_software(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NO_GL_VARIABLE, "1")
    monkeypatch.setattr(theme, "MOTION_MS", 0)


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> SpacePane:
    return shown(live_store, qtbot)


def colour_by(pane: SpacePane, key: str) -> None:
    page = pane.column.groups
    page.by.setCurrentIndex(page.by.findData(key))
    page.by.activated.emit(page.by.currentIndex())
    settle(pane)


def legend(pane: SpacePane) -> dict[str, int]:
    found = pane.column.groups.legend
    texts = [found.item(at).text() for at in range(found.count())]
    return {
        text.rpartition("   ")[0]: int(text.rpartition("   ")[2].replace(",", "")) for text in texts
    }


def tick(pane: SpacePane, at: int, *, on: bool) -> None:
    item = pane.column.groups.legend.item(at)
    item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
    settle(pane)


def hidden(pane: SpacePane) -> NDArray[np.intp]:
    return np.flatnonzero(np.isnan(pane.view.shown_points).all(1))


def names(pane: SpacePane) -> list[str]:
    model = pane.store.model
    assert model is not None
    return [raw.decode("utf-8", "ignore").strip() for raw in model.vocabulary]


# ------------------------------------------------------------------------ colours, filters


def test_colours_are_groups_of_the_names_with_their_numbers(pane: SpacePane) -> None:
    colour_by(pane, "size")
    sizes = [min(len(name), 8) for name in names(pane)]
    expected = {str(n): sizes.count(n) for n in range(8) if n in sizes}
    assert legend(pane) == expected | {"8 or more": sizes.count(8)}
    rgb = pane.view._rgb
    for size in set(sizes):
        members = np.flatnonzero(np.array(sizes) == size)
        assert (rgb[members] == rgb[members[0]]).all(), "one colour a group"
    assert len(np.unique(rgb, axis=0)) == len(set(sizes))
    kept = pane.export_data()["group"]
    assert kept.values.tolist() == ["8 or more" if n == 8 else str(n) for n in sizes]  # type: ignore[union-attr]
    assert not pane.tools.norm.isChecked()
    colour_by(pane, "norm")
    assert pane.tools.norm.isChecked(), "the button and the list are one choice"
    colour_by(pane, "space")
    model = pane.store.model
    assert model is not None
    spaced = [
        raw[:1].isspace() and at not in model.special_ids for at, raw in enumerate(model.vocabulary)
    ]
    assert legend(pane)["space before it"] == sum(spaced)


def test_a_group_that_is_switched_off_is_neither_drawn_nor_found_by_the_mouse(
    pane: SpacePane,
) -> None:
    colour_by(pane, "letter")
    listed = list(legend(pane))
    first = next(name for name in listed if len(name) == 1 and name.isalpha())
    members = np.array([at for at, name in enumerate(names(pane)) if name[:1].lower() == first])
    before = pane.view.shown_points
    x, y = pane.view.project(before[members[:1]]).xy[0].tolist()
    tick(pane, listed.index(first), on=False)
    assert set(hidden(pane)) == set(members[~np.isin(members, list(pane.store.model.special_ids))])  # type: ignore[union-attr]
    at = pane.view.nearest_to(x, y, reach=3.0)
    assert at is None or at not in members
    pane.view.repaint()
    assert not {label.token for label in pane.view.labels} & set(members.tolist())
    tick(pane, listed.index(first), on=True)
    assert np.array_equal(pane.view.shown_points, before)


@pytest.mark.parametrize("opengl", [pytest.param(True, marks=pytest.mark.gl), False])
def test_where_all_groups_are_switched_off_nothing_is_drawn_and_nothing_breaks(
    live_store: Store, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, opengl: bool
) -> None:
    if opengl:
        monkeypatch.delenv(NO_GL_VARIABLE)
    pane = shown(live_store, qtbot)
    colour_by(pane, "space")
    for at in range(len(legend(pane))):
        tick(pane, at, on=False)
    pane.view.repaint()
    assert len(hidden(pane)) == len(pane.view.shown_points)
    pane.reset_view()
    pane.show_expression("king - man + woman")
    settle(pane)
    pane.view.repaint()
    assert pane.view.nearest_to(200, 200, reach=1000) is None
    tick(pane, 0, on=True)
    pane.view.repaint()
    assert len(hidden(pane)) < len(pane.view.shown_points)


def test_a_search_lights_all_that_it_finds_and_the_rest_steps_back(pane: SpacePane) -> None:
    plain = pane.view._rgb.copy()
    QTest.keyClicks(pane.search, "ing")
    settle(pane)
    found = np.array(["ing" in name.casefold() for name in names(pane)])
    assert found.sum() > 3
    accent = QColor(theme.current().accent)
    assert (pane.view._rgb[found] == [accent.red(), accent.green(), accent.blue()]).all()
    assert len(np.unique(pane.view._rgb[~found], axis=0)) == 1
    assert (pane.view._rgb[~found] != plain[~found]).any()
    assert f"{found.sum()} of {len(found):,} found" in pane.column.groups.said.text()
    pane.column.groups.alone.click()
    settle(pane)
    assert np.array_equal(hidden(pane), np.flatnonzero(~found))
    pane.column.groups.alone.click()
    pane.search.clear()
    QTest.keyClicks(pane.search, "/^[0-9]+$/")
    settle(pane)
    digits = [at for at, name in enumerate(names(pane)) if name.isascii() and name.isdigit()]
    assert pane.grouping.filtering.lit.tolist() == digits
    QTest.keyClick(pane.search, Qt.Key.Key_Escape)
    settle(pane)
    assert np.array_equal(pane.view._rgb, plain)


def test_a_box_or_a_loop_selects_what_lies_in_it(pane: SpacePane) -> None:
    page, view = pane.column.groups, pane.view
    page.drawing.buttons["box"].click()
    assert pane.grouping.region.isVisible()
    low, high = QPoint(120, 90), QPoint(260, 220)
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QTest.mousePress(pane.grouping.region, left, none, low)
    QTest.mouseMove(pane.grouping.region, high)
    QTest.mouseRelease(pane.grouping.region, left, none, high)
    settle(pane)
    xy = view.project(view.shown_points).xy
    within = np.flatnonzero(((xy >= [120, 90]) & (xy <= [260, 220])).all(1))
    assert len(within)
    assert pane.grouping.filtering.selected.tolist() == within.tolist()
    assert f"{len(within)} of " in page.said.text()
    assert pane.export_data()["selected"].values.tolist() == within.tolist()  # type: ignore[union-attr]
    page.drawing.buttons["lasso"].click()
    corners = [QPoint(300, 100), QPoint(420, 120), QPoint(360, 260)]
    QTest.mousePress(pane.grouping.region, left, Qt.KeyboardModifier.ShiftModifier, corners[0])
    for corner in corners[1:]:
        QTest.mouseMove(pane.grouping.region, corner)
    QTest.mouseRelease(pane.grouping.region, left, Qt.KeyboardModifier.ShiftModifier, corners[-1])
    settle(pane)
    selected = pane.grouping.filtering.selected
    assert set(within) < set(selected.tolist()), "with Shift it is added"
    QTest.keyClick(pane.grouping.region, Qt.Key.Key_Escape)
    assert not pane.grouping.region.isVisible()
    assert page.drawing.current == "turn"
    page.clear.click()
    settle(pane)
    assert not len(pane.grouping.filtering.selected)


def test_what_lies_in_a_loop_is_by_the_even_odd_rule_and_nan_lies_nowhere() -> None:
    places = np.array([[1, 1], [5, 5], [5, 1], [9, 1], [np.nan, 1]], np.float32)
    notched = np.array([[0, 0], [10, 0], [10, 10], [5, 3], [0, 10]], float)
    assert inside(places, notched).tolist() == [True, False, True, True, False]


@pytest.mark.gl
def test_what_is_hidden_is_hidden_by_opengl_too(
    live_store: Store, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(NO_GL_VARIABLE)
    pane = shown(live_store, qtbot)
    pane.tools.labels.setChecked(False)
    pane.tools.path.setChecked(False)
    pane.grouping.select(np.array([5, 9]))
    settle(pane)
    pane.view.repaint()
    before = drawn_share(pane)
    pane.column.groups.alone.click()
    settle(pane)
    pane.view.repaint()
    assert pane.view.renderer_name == "OpenGL"
    assert 0 < drawn_share(pane) < before / 20


def drawn_share(pane: SpacePane) -> float:
    picture = pane.view._picture
    assert picture is not None
    ground = QColor(theme.current().background)
    apart = pixels(picture) - [ground.red(), ground.green(), ground.blue()]
    return float((np.abs(apart).sum(2) > 0).mean())


# ------------------------------------------------------------------------------- clusters


@needs("sklearn")
def test_clusters_are_found_on_request_and_named_by_their_middle(
    pane: SpacePane, desk: Desk
) -> None:
    page = pane.column.groups
    colour_by(pane, "cluster")
    assert "Press Find" in page.said.text()
    assert not legend(pane)
    page.k.setValue(5)
    page.finding.click()
    settle(pane)
    assert len(legend(pane)) == 5
    assert sum(legend(pane).values()) == len(vocabulary_of(pane.store).points)
    table = table_of(desk)
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    group = pane.grouping.coloured(vocabulary_of(pane.store)).group_V
    middles = np.array([unit[group == at].mean(0) for at in range(5)])
    own = np.einsum("vd,vd->v", unit, middles[group])
    assert own.mean() > 2 * abs((unit @ unit.mean(0)).mean()), "tighter than all together"
    assert len(np.unique(pane.view._rgb, axis=0)) == 5
    assert page.said.text().startswith("5 clusters by direction")


@needs("sklearn")
def test_dense_groups_are_found_and_noise_is_named(pane: SpacePane) -> None:
    page = pane.column.groups
    colour_by(pane, "cluster")
    assert page.k.isVisibleTo(page)
    QTest.mouseClick(page.method.buttons["hdbscan"], Qt.MouseButton.LeftButton)
    assert page.smallest.isVisibleTo(page)
    assert page.samples.isVisibleTo(page)
    assert not page.k.isVisibleTo(page)
    page.smallest.setValue(8)
    page.samples.setValue(3)
    page.finding.click()
    settle(pane)
    found = pane.store.tables.answers["clusters"].answer
    assert isinstance(found, ClustersFound)
    groups = legend(pane)
    assert groups["noise: in no group"] == found.n_noise > 0
    assert sum(groups.values()) == len(vocabulary_of(pane.store).points)
    shown = [name for name in groups if not name.startswith(("noise", "others"))]
    named = [name.partition(", ")[0].strip("· ") for name in shown]
    assert named == [names(pane)[central[0]] for central in found.central[: len(named)]]
    assert f"{found.n_noise:,} of {len(found.groups_N):,} vectors are noise" in page.said.text()
    assert "principal axes of the directions" in page.said.text()
    tick(pane, list(groups).index("noise: in no group"), on=False)
    assert hidden(pane).tolist() == np.flatnonzero(found.groups_N < 0).tolist()


def test_why_there_are_no_dense_groups_is_said_where_they_are_asked_for(
    pane: SpacePane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.space.maps.dense.find_spec", lambda name: None)
    page = pane.column.groups
    colour_by(pane, "cluster")
    QTest.mouseClick(page.method.buttons["hdbscan"], Qt.MouseButton.LeftButton)
    page.finding.click()
    settle(pane)
    assert "pip install" in page.said.text()


# ---------------------------------------------------------------------------------- views


def test_a_view_that_was_kept_comes_back_with_its_axes_colours_and_camera(
    pane: SpacePane, qtbot: QtBot
) -> None:
    page = pane.column.groups
    pane.show_expression("king - man + woman")
    settle(pane)
    colour_by(pane, "letter")
    pane.view.set_camera(replace(pane.view.camera, distance=pane.view.camera.distance / 2))
    camera = pane.view.camera
    page.keep.click()
    assert page.views.currentText() == "Plane of a sum · king - man + woman"
    kept = json.loads(json.dumps(pane.remember()))
    choose_axes(pane, "pca")
    colour_by(pane, "one")
    pane.reset_view()
    settle(pane)
    page.views.activated.emit(0)
    settle(pane)
    assert pane.view.camera == camera
    assert vocabulary_of(pane.store).plane
    assert pane.grouping.filtering.by == "letter"
    other = SpacePane(pane.store)
    qtbot.addWidget(other)
    broken = {**kept["views"][0], "camera": [[0, 0], 1, 2, 0, False]}
    other.recall({**kept, "views": [broken, *kept["views"], 7]})
    assert other.remember()["views"] == kept["views"], "what is no view is passed over"
    page.forget.click()
    assert not page.views.isEnabled()


# ----------------------------------------------------------------------------------- maps


@needs("openTSNE")
def test_a_map_waits_for_run_and_marks_a_sum_without_arrows(pane: SpacePane, desk: Desk) -> None:
    pane.show_expression("king - man + woman")
    settle(pane)
    choose_axes(pane, "tsne")
    form = pane._body.forms["tsne"]
    form.steps.setValue(60)  # type: ignore[attr-defined]
    assert pane._body.run.isVisible()
    before = vocabulary_of(pane.store)
    settle(pane)
    assert vocabulary_of(pane.store) is before, "nothing begins by itself"
    pane._body.run.click()
    settle(pane)
    drawn = vocabulary_of(pane.store)
    assert isinstance(drawn.how, TSNE)
    assert drawn.share == 1
    assert f"{drawn.measures['neighbours_kept']:.0%} are among" in pane.caption.text()
    assert not [line for line in pane.view.overlay.lines if line.arrow]
    assert not any(mark.text == "sum" for mark in pane.view.overlay.marks)
    king = token_id(pane.store, "king")
    assert any(mark.token == king for mark in pane.view.overlay.marks)
    assert "a map has no directions" in pane.status.text()
    assert pane.header_note() == f"{len(drawn.points):,} tokens of W_E"
    told = [r.what for r in desk.results if isinstance(r, m.Progress)]
    assert any(what.startswith("finding the neighbours of") for what in told)
    pane.view.repaint()


def test_of_another_table_the_axes_are_drawn_until_a_person_has_it_mapped(
    pane: SpacePane,
) -> None:
    choose_axes(pane, "tsne")
    choose_source(pane, "W_U")
    settle(pane)
    drawn = vocabulary_of(pane.store)
    assert (drawn.matrix, drawn.how.name) == ("W_U", "pca")
    assert pane.view.isVisible()
    assert pane._body.projections.currentData() == "tsne"
    assert pane._body.run.isVisible()


def test_a_map_is_seen_in_as_many_dimensions_as_it_is_asked_for(pane: SpacePane) -> None:
    choose_axes(pane, "umap")
    assert pane.view.camera.flat
    form = pane._body.forms["umap"]
    form.dimensions.buttons["3"].click()  # type: ignore[attr-defined]
    assert not pane.view.camera.flat
    form.neighbours.setValue(25)
    kept = pane.remember()
    form.dimensions.buttons["2"].click()
    form.neighbours.setValue(9)
    assert pane.view.camera.flat
    pane.recall(kept)
    how = form.set_map()
    assert (how.dimensions, how.n_neighbors) == (3, 25)
    choose_axes(pane, "tsne")
    assert pane.view.camera.flat, "t-SNE lies in a plane"


def test_where_the_library_lacks_the_pane_says_what_brings_it(
    pane: SpacePane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "find_spec", lambda name: None)
    choose_axes(pane, "umap")
    settle(pane)
    assert not pane._body.run.isEnabled()
    assert "pip install torchdr faiss-cpu matplotlib" in pane.status.text()
    assert len(pane.view.shown_points), "what was drawn stays"


# ---------------------------------------------------------------------------- over training


def test_trails_show_where_words_came_from_at_the_steps_that_were_seen(pane: SpacePane) -> None:
    king = token_id(pane.store, "king")
    pane.choose(king)
    settle(pane)
    first = vocabulary_of(pane.store)
    seen = {}
    for step, scale in ((100, 0.5), (300, 1.5), (200, 1.0)):
        seen[step] = np.asarray(first.points * np.float32(scale))
        pane.store.receive(replace(first, step=step, points=seen[step]))
        settle(pane)
    trails = [line for line in pane.view.overlay.lines if line.tone == "series 4"]
    assert trails
    own = next(line for line in trails if np.allclose(line.points[-1], seen[200][king]))
    assert np.allclose(own.points, [seen[100][king], seen[200][king]]), "not what came after it"
    assert "trails: step 100 to 200, 2 steps seen" in pane.status.text()
    pane.tools.trails.setChecked(False)
    settle(pane)
    assert not [line for line in pane.view.overlay.lines if line.tone == "series 4"]


# ---------------------------------------------------------------------------------- files


def test_what_is_lit_is_written_for_other_projectors(
    pane: SpacePane, desk: Desk, tmp_path: Path
) -> None:
    told: list[Notice] = []
    pane.store.notice_posted.connect(told.append)
    colour_by(pane, "letter")
    pane.grouping.select(np.array([3, 40]))
    settle(pane)
    pane.grouping.write_tsv(str(tmp_path))
    settle(pane)
    settle(pane)
    read = finish(reading_file(str(tmp_path / "vectors.tsv")))
    assert np.allclose(read.rows_ND, table_of(desk)[[3, 40]], atol=1e-7)
    lines = (tmp_path / "metadata.tsv").read_text().splitlines()
    assert lines[0] == "label\tgroup"
    assert len(lines) == 3
    assert any(f"2 vectors are in {tmp_path}" in notice.message for notice in told)


@needs("PIL")
def test_a_turntable_is_a_gif_that_turns_once_and_leaves_the_view_as_it_was(
    pane: SpacePane, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gui.panes.space.turntable.PICTURES", 4)
    before = pane.view.camera
    pane._turntable.take(str(tmp_path / "turn.gif"))
    qtbot.waitUntil(lambda: (tmp_path / "turn.gif").exists(), timeout=20_000)
    qtbot.waitUntil(lambda: not pane.store.exporting.going, timeout=20_000)
    reader = QImageReader(str(tmp_path / "turn.gif"))
    pictures = [reader.read() for _ in range(4)]
    assert not any(picture.isNull() for picture in pictures)
    assert not np.array_equal(pixels(pictures[0]), pixels(pictures[1]))
    assert pane.view.camera == before


def test_a_turntable_says_what_it_lacks(pane: SpacePane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gui.panes.space.turntable.find_spec", lambda name: None)
    assert pane._turntable.problem.endswith("pip install Pillow.")
    monkeypatch.setattr("gui.panes.space.turntable.find_spec", lambda name: True)
    pane.tools.flat.setChecked(True)
    assert "switch 2D off" in pane._turntable.problem


# ------------------------------------------------------------------------------ very many


def test_of_very_many_points_fewer_are_drawn_while_the_view_moves_and_all_at_rest(
    pane: SpacePane, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gui.widgets.point_cloud.view.MOVING", 100)
    monkeypatch.setattr("gui.widgets.point_cloud.thinning.MOVING", 100)
    view = pane.view
    qtbot.waitUntil(lambda: not view._moves.isActive())
    view.repaint()
    ground = QColor(theme.current().background)

    def dots() -> int:
        assert view._picture is not None
        apart = pixels(view._picture) - [ground.red(), ground.green(), ground.blue()]
        return int((np.abs(apart).sum(2) > 0).sum())

    all_drawn = dots()
    view.set_camera(view.camera.rotated(0.01, 0))
    view.repaint()
    assert 0 < dots() < all_drawn / 3
    qtbot.waitUntil(lambda: not view._moves.isActive())
    qtbot.waitUntil(lambda: dots() > all_drawn * 0.9)
    pane.invalidate()
    settle(pane)
    step = -(-len(view.shown_points) // 100)
    assert f"while it moves one point in {step} is drawn" in pane.status.text()
    x, y = view.project(view.shown_points[[7]]).xy[0].tolist()
    assert view.nearest_to(x, y) is not None, "what isn't drawn is found all the same"
