"""The projection: against plain geometry, against its inverse and against its OpenGL form."""

from __future__ import annotations

from dataclasses import replace
from math import pi, radians, tan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui.widgets.point_cloud.camera import FIELD_OF_VIEW, Camera

WIDTH, HEIGHT = 800, 500
FRONT = Camera(azimuth=0, elevation=0, distance=5)

cameras = st.builds(
    Camera,
    target=st.tuples(*[st.floats(-3, 3)] * 3),
    azimuth=st.floats(-pi, pi),
    elevation=st.floats(radians(-89), radians(89)),
    distance=st.floats(0.5, 20),
)
screens = st.tuples(st.integers(50, 2000), st.integers(50, 2000))


def test_axes_lie_as_the_pane_says() -> None:
    xy, depth = FRONT.project([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], WIDTH, HEIGHT)
    assert xy[0].tolist() == [400, 250]
    assert xy[1, 0] > 400
    assert xy[1, 1] == 250
    assert xy[2, 1] < 250  # the second axis points up
    assert depth.tolist() == [5, 5, 5, 4]  # the third to the viewer


def test_the_field_of_view_spans_the_shorter_side() -> None:
    edge = 5 * tan(FIELD_OF_VIEW / 2)
    xy, _ = FRONT.project([[0, edge, 0]], WIDTH, HEIGHT)
    assert xy[0].tolist() == pytest.approx([400, 0], abs=1e-3)
    xy, _ = FRONT.project([[-edge, 0, 0]], HEIGHT, WIDTH)
    assert xy[0].tolist() == pytest.approx([0, 400], abs=1e-3)


def test_what_is_behind_the_viewer_has_no_place() -> None:
    xy, depth = FRONT.project([[0, 0, 6], [0, 0, 5], [0, 0, 4]], WIDTH, HEIGHT)
    assert np.isnan(xy).all(1).tolist() == [True, True, False]
    assert depth[0] < 0


@given(camera=cameras, screen=screens, x=st.floats(0, 1), y=st.floats(0, 1), d=st.floats(0.1, 3))
def test_unprojecting_and_projecting_come_back(
    camera: Camera, screen: tuple[int, int], x: float, y: float, d: float
) -> None:
    width, height = screen
    point = camera.unproject(x * width, y * height, d * camera.distance, width, height)
    xy, depth = camera.project([point], width, height)
    assert xy[0].tolist() == pytest.approx([x * width, y * height], abs=0.05)
    assert depth[0] == pytest.approx(d * camera.distance, rel=1e-4)


@given(camera=cameras, screen=screens, seed=st.integers(0, 99))
def test_opengl_sees_what_numpy_sees(camera: Camera, screen: tuple[int, int], seed: int) -> None:
    width, height = screen
    points = np.random.default_rng(seed).normal(size=(20, 3))
    xy, depth = camera.project(points, width, height)
    clip = np.c_[points, np.ones(20)] @ camera.matrix(width, height).astype(float).T
    seen = ~np.isnan(xy[:, 0])
    ndc = clip[seen, :3] / clip[seen, 3:]
    size = max(width, height)
    assert np.allclose((1 + ndc[:, 0]) * width / 2, xy[seen, 0], atol=1e-4 * size, rtol=1e-3)
    assert np.allclose((1 - ndc[:, 1]) * height / 2, xy[seen, 1], atol=1e-4 * size, rtol=1e-3)
    assert np.allclose(clip[:, 3], depth, atol=1e-4 * camera.distance, rtol=1e-4)
    # And draws exactly what NumPy gives a place, as far as OpenGL's far plane.
    assert (ndc[:, 2] >= -1 - 1e-4).all()
    behind = (clip[~seen, 2] < -clip[~seen, 3] + 1e-4).tolist()
    assert all(behind)


@given(camera=cameras)
def test_the_viewer_stands_upright(camera: Camera) -> None:
    right, up, back = camera.axes
    assert np.allclose(camera.axes @ camera.axes.T, np.eye(3), atol=1e-12)
    assert np.allclose(np.cross(right, up), back)
    assert up[1] >= 0
    assert right[1] == 0


def test_a_drag_turns_the_near_side_with_the_mouse() -> None:
    near = [[0, 0, 1]]
    before = FRONT.project(near, WIDTH, HEIGHT).xy[0]
    after = FRONT.rotated(40, 25).project(near, WIDTH, HEIGHT).xy[0]
    assert after[0] > before[0]
    assert after[1] > before[1]


def test_elevation_stops_before_the_pole() -> None:
    assert FRONT.rotated(0, 1e6).elevation < pi / 2
    assert FRONT.rotated(0, -1e6).elevation > -pi / 2


@given(camera=cameras, dx=st.floats(-200, 200), dy=st.floats(-200, 200))
def test_panning_moves_the_target_with_the_mouse(camera: Camera, dx: float, dy: float) -> None:
    moved = camera.panned(dx, dy, WIDTH, HEIGHT)
    xy, _ = moved.project([camera.target], WIDTH, HEIGHT)
    assert xy[0].tolist() == pytest.approx([400 + dx, 250 + dy], abs=0.05)


@given(camera=cameras, x=st.floats(0, WIDTH), y=st.floats(0, HEIGHT), steps=st.floats(-5, 5))
def test_zooming_keeps_what_is_under_the_mouse(
    camera: Camera, x: float, y: float, steps: float
) -> None:
    held = camera.unproject(x, y, camera.distance, WIDTH, HEIGHT)
    zoomed = camera.zoomed(steps, x, y, WIDTH, HEIGHT, extent=5)
    xy, _ = zoomed.project([held], WIDTH, HEIGHT)
    assert xy[0].tolist() == pytest.approx([x, y], abs=0.1)
    assert (zoomed.distance < camera.distance) == (steps > 0) or steps == 0 or abs(steps) < 1e-9


def test_zooming_has_an_end_on_both_sides() -> None:
    near = far = FRONT
    for _ in range(200):
        near = near.zoomed(3, 400, 250, WIDTH, HEIGHT, extent=1)
        far = far.zoomed(-3, 400, 250, WIDTH, HEIGHT, extent=1)
    assert near.distance == pytest.approx(1e-3)
    assert far.distance == pytest.approx(1e2)


@given(camera=cameras, screen=screens, seed=st.integers(0, 99), spread=st.floats(0.01, 100))
def test_fitting_brings_all_points_into_view(
    camera: Camera, screen: tuple[int, int], seed: int, spread: float
) -> None:
    width, height = screen
    points = np.random.default_rng(seed).normal(size=(30, 3)) * spread + 7
    fitted = camera.fitted(points, width, height, margin=0.1)
    xy, _ = fitted.project(points, width, height)
    assert (fitted.azimuth, fitted.elevation) == (camera.azimuth, camera.elevation)
    # float32 places, hence a hair of slack.
    assert (xy >= [0.099 * width, 0.099 * height]).all()
    assert (xy <= [0.901 * width, 0.901 * height]).all()
    # As near as that: some point touches the margin.
    slack = np.minimum(xy, [width, height] - xy) / [width, height]
    assert slack.min() < 0.101


def test_fitting_one_point_or_none_stays_sane() -> None:
    assert FRONT.fitted(np.empty((0, 3)), WIDTH, HEIGHT) == FRONT
    assert FRONT.fitted([[np.nan, 0, 0]], WIDTH, HEIGHT) == FRONT
    for screen in ((0, HEIGHT), (WIDTH, 0), (0, 0)):
        assert FRONT.fitted([[1, 0, 0], [0, 0, 0]], *screen) == FRONT
    one = FRONT.fitted([[1, 2, 3]], WIDTH, HEIGHT)
    assert one.target == (1, 2, 3)
    assert one.distance > 0
    assert replace(FRONT, distance=9).fitted([[0, 0, 0]], WIDTH, HEIGHT).distance == 1


@given(camera=cameras, other=cameras)
def test_the_way_between_two_cameras_has_both_as_its_ends(camera: Camera, other: Camera) -> None:
    points = np.random.default_rng(3).normal(size=(5, 3))
    for share, end in ((0.0, camera), (1.0, other)):
        there = camera.towards(other, share)
        found, expected = there.project(points, WIDTH, HEIGHT), end.project(points, WIDTH, HEIGHT)
        assert np.allclose(found.depth, expected.depth, atol=1e-3)
        seen = expected.depth > 0.1
        assert np.allclose(found.xy[seen], expected.xy[seen], rtol=1e-2, atol=0.5)


def test_the_way_between_two_cameras_turns_the_short_way() -> None:
    before, after = Camera(azimuth=pi - 0.1), Camera(azimuth=-pi + 0.1)
    assert abs(before.towards(after, 0.5).azimuth) == pytest.approx(pi)


@given(camera=cameras, normal=st.tuples(*[st.floats(-1, 1)] * 3))
def test_facing_a_plane_looks_along_its_normal(
    camera: Camera, normal: tuple[float, float, float]
) -> None:
    length = float(np.linalg.norm(normal))
    if length < 1e-3 or abs(normal[1]) / length > 0.999:
        return  # straight from above the camera stops a degree before the pole
    faced = camera.facing(normal)
    assert abs(faced.axes[2] @ np.asarray(normal)) == pytest.approx(length)
    assert faced.axes[2] @ camera.axes[2] >= -1e-6
