"""Points are drawn where the camera says, in the colour they were given; mouse and keys move it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDockWidget, QMainWindow
from pytestqt.qtbot import QtBot

from gui import theme
from gui.widgets.point_cloud.camera import Camera
from gui.widgets.point_cloud.overlay import Line, Mark, Overlay
from gui.widgets.point_cloud.renderer import (
    MANY,
    NO_GL_VARIABLE,
    Look,
    PointRenderer,
    RendererError,
    back_to_front,
    make_renderer,
)
from gui.widgets.point_cloud.software import SoftwareRenderer
from gui.widgets.point_cloud.view import PointCloudView

BACKGROUND = (13, 16, 21)
WIDTH, HEIGHT = 300, 200
CAMERA = Camera(azimuth=0.4, elevation=0.2, distance=5)
PLAIN = Look(BACKGROUND, size=7, near=0, far=1, faded=1)


def has_gl() -> bool:
    return QGuiApplication.platformName() not in ("offscreen", "minimal")


@pytest.fixture(autouse=True)
def dark_and_still(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    theme.set_current("dark")
    monkeypatch.setattr(theme, "MOTION_MS", 0)
    yield
    theme.set_current("dark")


@pytest.fixture(params=["software", pytest.param("OpenGL", marks=pytest.mark.gl)])
def renderer(request: pytest.FixtureRequest, qapp: QApplication) -> Iterator[PointRenderer]:
    made: PointRenderer
    if request.param == "OpenGL":
        if not has_gl():
            pytest.skip("no OpenGL on this platform")
        from gui.widgets.point_cloud.opengl import GLRenderer

        made = GLRenderer()
    else:
        made = SoftwareRenderer()
    yield made
    made.close()


def pixels(image: QImage) -> NDArray[np.uint8]:
    """``[height, width, 3]`` red, green, blue."""
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1, 4)
    return rows[:, : image.width(), 2::-1].copy()


def drawn(
    renderer: PointRenderer,
    points: object,
    colors: object,
    look: Look = PLAIN,
    camera: Camera = CAMERA,
    ratio: float = 1.0,
) -> NDArray[np.uint8]:
    renderer.set_points(np.asarray(points, np.float32))
    renderer.set_colors(np.asarray(colors, np.uint8))
    renderer.start(camera, look, WIDTH, HEIGHT, ratio)
    image = renderer.finish()
    assert image.devicePixelRatio() == ratio
    assert image.size() == QSize(WIDTH, HEIGHT) * ratio
    return pixels(image)


def centre_of(picture: NDArray[np.uint8], color: tuple[int, int, int]) -> NDArray[np.float64]:
    """Where a disc of that colour is: pixels weighted by how much of the colour is in them."""
    back = np.array(BACKGROUND, float)
    direction = np.array(color, float) - back
    share = (picture - back) @ direction / (direction @ direction)
    other = np.abs(picture - back - share[..., None] * direction).max(-1)
    share[(other > 3) | (share < 0.02)] = 0
    assert share.sum() > 3, f"no disc of {color}"
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]]
    return np.array([(share * (columns + 0.5)).sum(), (share * (rows + 0.5)).sum()]) / share.sum()


COLORS = [(250, 30, 20), (20, 240, 30), (30, 50, 250), (240, 230, 20), (230, 30, 240)]
SPREAD = [[0.7, 0.3, -0.5], [-0.9, 0.4, 0.2], [0.1, -0.5, 0.8], [1.2, -0.3, 0.3], [-0.6, -0.4, 0]]


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_points_are_drawn_where_the_camera_says(renderer: PointRenderer, ratio: float) -> None:
    picture = drawn(renderer, SPREAD, COLORS, ratio=ratio)
    places = CAMERA.project(SPREAD, WIDTH, HEIGHT).xy
    for color, place in zip(COLORS, places):
        away = np.abs(centre_of(picture, color) - ratio * place).max()
        # A disc of whole pixels can be off by half of one, a smooth one hardly at all.
        assert away < (0.15 if renderer.name == "OpenGL" else 0.75)


def test_points_have_the_colour_they_were_given(renderer: PointRenderer) -> None:
    picture = drawn(renderer, SPREAD, COLORS)
    places = CAMERA.project(SPREAD, WIDTH, HEIGHT).xy
    for color, (x, y) in zip(COLORS, places):
        assert np.abs(picture[int(y), int(x)].astype(int) - color).max() <= 1
    assert (picture[0, 0] == BACKGROUND).all()


def test_new_colours_and_points_replace_the_old(renderer: PointRenderer) -> None:
    before = drawn(renderer, SPREAD, COLORS)
    swapped = drawn(renderer, SPREAD, COLORS[::-1])
    moved = drawn(renderer, np.asarray(SPREAD) * 0.5, COLORS)
    fewer = drawn(renderer, SPREAD[:2], COLORS[:2])
    assert np.allclose(centre_of(before, COLORS[0]), centre_of(swapped, COLORS[-1]), atol=0.1)
    middle = np.array([WIDTH, HEIGHT]) / 2
    assert np.hypot(*(centre_of(moved, COLORS[1]) - middle)) < 0.7 * np.hypot(
        *(centre_of(before, COLORS[1]) - middle)
    )
    with pytest.raises(AssertionError, match="no disc"):
        centre_of(fewer, COLORS[3])


def test_the_nearer_point_covers_the_farther(renderer: PointRenderer) -> None:
    camera = Camera(azimuth=0, elevation=0, distance=5)
    for nearer in (0, 1):
        points = [[0, 0, 1 if nearer == 0 else -1], [0, 0, 1 if nearer == 1 else -1]]
        picture = drawn(renderer, points, COLORS[:2], camera=camera)
        assert np.abs(picture[100, 150].astype(int) - COLORS[nearer]).max() <= 1


def test_far_points_fade_and_shrink(renderer: PointRenderer) -> None:
    camera = Camera(azimuth=0, elevation=0, distance=5)
    look = Look(BACKGROUND, size=8, near=4, far=6, faded=0.25)
    points = [[-0.8, 0, 1.0], [0.0, 0, 0.0], [0.8, 0, -1.0], [1.8, 0, -3.0]]
    picture = drawn(renderer, points, [(250, 250, 250)] * 4, look, camera)
    xy, depth = camera.project(points, WIDTH, HEIGHT)
    back = np.array(BACKGROUND)
    for (x, y), opacity in zip(xy, look.opacities(depth)):
        expected = back + (250 - back) * opacity
        assert np.abs(picture[int(y), int(x)] - expected).max() <= 2
    assert look.opacities(depth).tolist() == pytest.approx([1, 0.625, 0.25, 0.25])
    widths = [int((picture[:, int(x) - 9 : int(x) + 9].max(-1).max(0) > 30).sum()) for x, _ in xy]
    assert widths[0] > widths[1] > widths[2] > widths[3]
    assert abs(widths[1] - 8) <= 2


def test_what_is_behind_the_viewer_is_not_drawn(renderer: PointRenderer) -> None:
    camera = Camera(azimuth=0, elevation=0, distance=5)
    picture = drawn(renderer, [[0, 0, 6], [0, 0, 5]], COLORS[:2], camera=camera)
    assert (picture == BACKGROUND).all()


def test_discs_are_cut_at_the_edges_and_nowhere_else(renderer: PointRenderer) -> None:
    camera = Camera(azimuth=0, elevation=0, distance=5)
    edge = camera.unproject(0.5, 60.0, 5, WIDTH, HEIGHT)
    picture = drawn(renderer, [edge], [(250, 250, 250)], camera=camera)
    lit = (picture != BACKGROUND).any(-1)
    assert lit[:, :5].any()
    assert not lit[:, 6:].any()
    outside = camera.unproject(-40.0, 60.0, 5, WIDTH, HEIGHT)
    assert (drawn(renderer, [outside], [(250, 250, 250)], camera=camera) == BACKGROUND).all()


def test_no_points_are_a_background(renderer: PointRenderer) -> None:
    picture = drawn(renderer, np.empty((0, 3)), np.empty((0, 3)))
    assert (picture == BACKGROUND).all()


@pytest.mark.gl
def test_both_renderers_draw_the_same_cloud(qapp: QApplication) -> None:
    if not has_gl():
        pytest.skip("no OpenGL on this platform")
    from gui.widgets.point_cloud.opengl import GLRenderer

    rng = np.random.default_rng(1)
    points = rng.normal(size=(3000, 3)) * 0.6
    colors = rng.integers(60, 255, size=(3000, 3))
    look = Look(BACKGROUND, size=4, near=4, far=6, faded=0.3)
    opengl = GLRenderer()
    try:
        pictures = [drawn(r, points, colors, look) for r in (opengl, SoftwareRenderer())]
    finally:
        opengl.close()
    # Rims differ; blurred over a few pixels, they may not.
    blurred = [
        picture[:198, :300].reshape(33, 6, 50, 6, 3).mean((1, 3)).astype(float)
        for picture in pictures
    ]
    assert np.abs(blurred[0] - blurred[1]).mean() < 6
    assert np.corrcoef(blurred[0].ravel(), blurred[1].ravel())[0, 1] > 0.98


def test_depths_are_sorted_from_far_to_near() -> None:
    depth = np.random.default_rng(0).uniform(1, 9, 5000).astype(np.float32)
    order = back_to_front(depth)
    assert sorted(order.tolist()) == list(range(5000))
    assert np.diff(depth[order]).max() <= (depth.max() - depth.min()) / 65535 + 1e-6
    assert back_to_front(np.empty(0, np.float32)).tolist() == []
    assert back_to_front(np.ones(3, np.float32)).tolist() == [0, 1, 2]


def test_opengl_can_be_refused_by_the_environment(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NO_GL_VARIABLE, "1")
    renderer, why = make_renderer(100)
    assert renderer.name == "software"
    assert NO_GL_VARIABLE in why


def test_a_platform_without_opengl_is_not_asked_for_it(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(NO_GL_VARIABLE, raising=False)
    monkeypatch.setattr(QGuiApplication, "platformName", lambda: "offscreen")
    renderer, why = make_renderer(100)
    assert renderer.name == "software"
    assert "offscreen" in why


@pytest.mark.gl
def test_an_emulated_opengl_draws_few_points_and_numpy_many(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_gl():
        pytest.skip("no OpenGL on this platform")
    from gui.widgets.point_cloud.opengl import GLRenderer

    view = PointCloudView()
    qtbot.addWidget(view)
    view.resize(WIDTH, HEIGHT)
    names = []
    for emulated in (True, False):
        monkeypatch.setattr(GLRenderer, "emulated", emulated)
        for n in (MANY, MANY + 1, MANY):
            points = np.linspace([-1, 0, 0], [1, 0, 0], n)
            view.set_points(points, np.full((n, 3), 200, np.uint8))
            view.set_home(points)
            assert pixels(view.grab().toImage()).max() > 100
            names.append((view.renderer_name, bool(view.fallback_reason)))
    opengl, software = ("OpenGL", False), ("software", True)
    assert names == [opengl, software, opengl, opengl, opengl, opengl]


# -------------------------------------------------------------------------------- the view


class Counting(SoftwareRenderer):
    """Counts pictures, and fails when told to."""

    name = "counting"

    def __init__(self) -> None:
        super().__init__()
        self.n_pictures = 0
        self.fails_at: str | None = None

    def start(self, *args: Any, **kwargs: Any) -> None:
        if self.fails_at == "start":
            raise RendererError("the context was lost")
        self.n_pictures += 1
        super().start(*args, **kwargs)

    def finish(self) -> QImage:
        if self.fails_at == "finish":
            raise RendererError("the context was lost")
        return super().finish()


@pytest.fixture
def counting() -> Counting:
    return Counting()


@pytest.fixture
def view(qtbot: QtBot, counting: Counting) -> PointCloudView:
    view = PointCloudView(renderer=counting)
    qtbot.addWidget(view)
    view.resize(WIDTH, HEIGHT)
    view.set_points(SPREAD, np.array(COLORS, np.uint8))
    view.set_home(SPREAD)
    with qtbot.waitExposed(view):
        view.show()
    return view


def spot(view: PointCloudView, index: int) -> QPoint:
    return QPointF(*view.project(view.shown_points[[index]]).xy[0].tolist()).toPoint()


def drag(
    view: PointCloudView,
    by: QPoint,
    button: Qt.MouseButton = Qt.MouseButton.LeftButton,
    modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    start = QPoint(150, 100)
    QTest.mousePress(view, button, modifier, start)
    move(view, start + by / 2, button, modifier)
    move(view, start + by, button, modifier)
    QTest.mouseRelease(view, button, modifier, start + by)


def move(
    view: PointCloudView,
    at: QPoint,
    button: Qt.MouseButton = Qt.MouseButton.NoButton,
    modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    """The mouse arrives there; QTest's own moves carry no button."""
    local, world = QPointF(at), QPointF(view.mapToGlobal(at))
    kind, none = QEvent.Type.MouseMove, Qt.MouseButton.NoButton
    QApplication.sendEvent(view, QMouseEvent(kind, local, world, none, button, modifier))


def wheel(view: PointCloudView, at: QPoint, notches: int) -> None:
    QApplication.sendEvent(
        view,
        QWheelEvent(
            QPointF(at),
            QPointF(view.mapToGlobal(at)),
            QPoint(),
            QPoint(0, 120 * notches),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        ),
    )


def test_all_of_home_is_in_sight(view: PointCloudView) -> None:
    xy = view.project(SPREAD).xy
    assert (xy > 0).all()
    assert (xy < [WIDTH, HEIGHT]).all()
    view.resize(500, 120)
    xy = view.project(SPREAD).xy
    assert (xy > 0).all()
    assert (xy < [500, 120]).all()


def test_dragging_turns_and_a_double_click_resets(view: PointCloudView) -> None:
    before = view.camera
    drag(view, QPoint(60, 20))
    turned = view.camera
    assert (turned.azimuth, turned.elevation) != (before.azimuth, before.elevation)
    assert (turned.target, turned.distance) == (before.target, before.distance)
    QTest.mouseDClick(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier(0), QPoint(9, 9))
    assert view.camera == before


@pytest.mark.parametrize(
    ("button", "modifier"),
    [
        (Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier),
        (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier),
    ],
)
def test_a_right_or_shift_drag_moves(
    view: PointCloudView, button: Qt.MouseButton, modifier: Qt.KeyboardModifier
) -> None:
    before = view.project([view.camera.target]).xy[0]
    target = view.camera.target
    drag(view, QPoint(30, -16), button, modifier)
    after = view.project([target]).xy[0]
    assert (after - before).tolist() == pytest.approx([30, -16], abs=1)


def test_the_wheel_zooms_at_the_mouse(view: PointCloudView) -> None:
    camera, at = view.camera, QPoint(220, 60)
    held = camera.unproject(220, 60, camera.distance, WIDTH, HEIGHT)
    wheel(view, at, 2)
    assert view.camera.distance < camera.distance
    assert view.project([held]).xy[0].tolist() == pytest.approx([220, 60], abs=0.5)
    wheel(view, at, -2)
    assert view.camera.distance == pytest.approx(camera.distance)


def test_keys_turn_zoom_and_reset(view: PointCloudView) -> None:
    before = view.camera
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Up, Qt.Key.Key_Plus):
        last = view.camera
        QTest.keyClick(view, key)
        assert view.camera != last
    QTest.keyClick(view, Qt.Key.Key_Home)
    assert view.camera == before


def test_a_camera_that_was_moved_stays_when_home_changes(view: PointCloudView) -> None:
    drag(view, QPoint(60, 20))
    moved = view.camera
    view.set_home(np.asarray(SPREAD) * 3)
    view.resize(320, 260)
    assert view.camera == moved


def test_hovering_says_which_point_and_draws_none_anew(
    view: PointCloudView, counting: Counting, qtbot: QtBot
) -> None:
    view.repaint()
    n_pictures = counting.n_pictures
    seen: list[object] = []
    view.point_hovered.connect(seen.append)
    for index in (2, 0):
        move(view, spot(view, index))
        view.repaint()
    move(view, QPoint(2, 2))
    assert seen == [2, 0, None]
    view.set_overlay(Overlay(marks=(Mark((0.0, 0.0, 0.0), "here"),)))
    view.repaint()
    assert counting.n_pictures == n_pictures
    drag(view, QPoint(10, 0))
    view.repaint()
    assert counting.n_pictures == n_pictures + 1


def test_a_click_picks_and_a_drag_does_not(view: PointCloudView, qtbot: QtBot) -> None:
    with qtbot.waitSignal(view.point_clicked) as clicked:
        QTest.mouseClick(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier(0), spot(view, 3))
    assert clicked.args == [3]
    with qtbot.assertNotEmitted(view.point_clicked):
        drag(view, QPoint(30, 0))


def test_of_points_in_one_place_the_front_one_is_picked(view: PointCloudView) -> None:
    x, y = 150.0, 100.0
    column = [view.camera.unproject(x, y, depth, WIDTH, HEIGHT) for depth in (6, 4, 5)]
    view.set_points(column, np.array(COLORS[:3], np.uint8))
    assert view.nearest_to(x, y) == 1
    assert view.nearest_to(x + 40, y) is None


def test_a_renderer_that_fails_is_replaced(view: PointCloudView, counting: Counting) -> None:
    expected = pixels(view.grab().toImage())
    for where in ("start", "finish"):
        counting.fails_at = where
        view._renderer = counting
        drag(view, QPoint(10, 0))
        view.grab()
        assert view.renderer_name == "software"
        assert view.fallback_reason == "the context was lost"
        view.reset_view()
        assert np.array_equal(pixels(view.grab().toImage()), expected)


def test_points_travel_to_their_new_places(
    view: PointCloudView, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setattr(theme, "MOTION_MS", 200)
    start, end = view.shown_points.copy(), view.shown_points + np.float32(0.5)
    positions: list[float] = []
    view.points_moved.connect(lambda: positions.append(float(view.shown_points[0, 0])))
    view.set_points(end, np.array(COLORS, np.uint8))
    assert np.array_equal(view.shown_points, start)
    qtbot.waitUntil(lambda: not view.moving, timeout=5000)
    assert np.array_equal(view.shown_points, end)
    assert positions == sorted(positions)
    assert len(positions) >= 2


def test_without_motion_points_are_there_at_once(view: PointCloudView) -> None:
    view.set_points(view.shown_points + 1, np.array(COLORS, np.uint8))
    assert not view.moving
    assert view.shown_points[0, 0] == pytest.approx(SPREAD[0][0] + 1)


def test_nothing_moves_in_a_hidden_view(
    view: PointCloudView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(theme, "MOTION_MS", 200)
    view.hide()
    view.set_points(view.shown_points + 1, np.array(COLORS, np.uint8))
    view.reset_view()
    assert not view.moving


def test_a_picture_at_another_scale_is_drawn_at_that_scale(view: PointCloudView) -> None:
    image = QImage(view.size() * 2, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(2)
    view.render(image)
    picture = pixels(image)
    places = view.project(SPREAD).xy * 2
    for (x, y), color in zip(places, COLORS):
        # Faded by depth, so only the hue is compared: the strongest channel is the same.
        found = picture[int(y), int(x)].astype(int)
        assert int(np.argmax(found)) == int(np.argmax(color))
        assert found.max() > 40


@pytest.mark.gl
def test_a_floated_dock_is_not_blank(qtbot: QtBot) -> None:
    """A QOpenGLWidget would be, unless contexts are shared; and its window would be made anew."""
    if not has_gl():
        pytest.skip("no OpenGL on this platform")
    window = QMainWindow()
    qtbot.addWidget(window)
    window.resize(600, 400)
    with qtbot.waitExposed(window):
        window.show()
    dock = QDockWidget("space", window)
    view = PointCloudView()
    dock.setWidget(view)
    window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
    view.set_points(SPREAD, np.array(COLORS, np.uint8))
    view.set_home(SPREAD)
    for floating in (False, True, False):
        dock.setFloating(floating)
        qtbot.wait(50)
        picture = pixels(view.grab().toImage())
        assert view.renderer_name == "OpenGL"
        for (x, y), color in zip(view.project(SPREAD).xy, COLORS):
            found = picture[int(y), int(x)].astype(int)
            assert int(np.argmax(found)) == int(np.argmax(color))
    dock.setFloating(False)


# ----------------------------------------------------------------------------- the overlay


def test_a_ring_sits_on_its_point(view: PointCloudView) -> None:
    at = (0.3, 0.2, -0.1)
    view.set_points([[9.0, 9.0, 9.0]], np.array([[0, 0, 0]], np.uint8))
    view.set_overlay(Overlay(marks=(Mark(at, tone="accent", ring=20),)))
    picture = pixels(view.grab().toImage()).astype(int)
    accent = QColor(theme.current().accent)
    close = np.abs(picture - [accent.red(), accent.green(), accent.blue()]).max(-1) < 60
    rows, columns = np.nonzero(close)
    x, y = view.project([at]).xy[0]
    middle = np.array([(columns.min() + columns.max() + 1) / 2, (rows.min() + rows.max() + 1) / 2])
    assert np.abs(middle - [x, y]).max() < 1
    assert abs(np.ptp(columns) + 1 - 21) <= 2


def test_a_line_runs_through_its_places(view: PointCloudView) -> None:
    places = ((-0.8, -0.3, 0.0), (0.0, 0.4, 0.5), (0.9, 0.0, -0.4))
    view.set_points([[9.0, 9.0, 9.0]], np.array([[0, 0, 0]], np.uint8))
    view.set_overlay(Overlay(lines=(Line(places, "series 2", width=3),)))
    picture = pixels(view.grab().toImage()).astype(int)
    green = QColor(theme.current().series[2])
    middles = [np.mean(pair, axis=0) for pair in pairwise(places)]
    for x, y in view.project(np.array([*places[1:-1], *middles])).xy:
        found = picture[int(y), int(x)]
        assert np.abs(found - [green.red(), green.green(), green.blue()]).max() < 30


def test_a_line_that_goes_behind_the_viewer_is_cut(view: PointCloudView) -> None:
    eye = view.camera.eye
    behind = tuple((eye * 2).tolist())
    view.set_overlay(Overlay(lines=(Line(((0.0, 0.0, 0.0), behind, (0.1, 0.0, 0.0))),)))
    view.grab()  # would overflow the painter, or warn


def test_labels_never_overlap_and_the_first_mark_is_served_first(view: PointCloudView) -> None:
    rng = np.random.default_rng(2)
    points = rng.normal(size=(400, 3)) * 0.4
    view.resize(500, 400)
    view.set_points(points, np.full((400, 3), 99, np.uint8))
    view.set_home(points)
    marks = tuple(
        Mark(tuple(point), f"mark-{i}", strong=i % 2 == 0, dot=5, token=i)
        for i, point in enumerate(points[:60].tolist())
    )
    view.set_overlay(Overlay(marks=marks, ambient=range(400), text_of=lambda i: f"token {i}"))
    view.grab()
    boxes = [label.box for label in view.labels]
    assert view.labels[0].token == 0
    for i, box in enumerate(boxes):
        assert view.rect().toRectF().contains(box)
        assert not any(box.intersects(other) for other in boxes[:i])
    ambient = [label for label in view.labels if label.text.startswith("token")]
    assert ambient
    named = {mark.token for mark in marks}
    assert not named & {label.token for label in ambient}
    for label in view.labels:
        assert label.token is not None
        place = view.project(view.shown_points[[label.token]]).xy[0]
        assert [label.anchor.x(), label.anchor.y()] == pytest.approx(place.tolist(), abs=0.01)


def test_labels_of_points_that_are_out_of_sight_are_left_out(view: PointCloudView) -> None:
    eye = view.camera.eye
    marks = (Mark(tuple((eye * 2).tolist()), "behind"), Mark((90.0, 0.0, 0.0), "far to the side"))
    view.set_overlay(Overlay(marks=marks))
    view.grab()
    assert view.labels == ()


def test_an_arrow_of_no_length_is_no_trouble(view: PointCloudView) -> None:
    plain = pixels(view.grab().toImage())
    view.set_overlay(Overlay(lines=(Line(((9.0, 9.0, 9.0), (9.0, 9.0, 9.0)), arrow=True),)))
    assert np.array_equal(pixels(view.grab().toImage()), plain)
