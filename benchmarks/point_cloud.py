"""Frames a second of the embedding space: up to a million points that turn, at 900 x 700.

Whole frames of the widget as it is used, on the screen: points drawn, read back, labels placed and
painted, everything shown. Beside it pyqtgraph's GLScatterPlotItem, the usual way to draw such a
cloud in Qt, its frames read back so that they are known to be finished. In turns, so that other
work on the machine hits all alike. In the software view of more than 20,000 points a part is drawn
while it turns, all of up to 300,000 when it rests: both are measured, the rows say which. Needs a
display with OpenGL (`make bench` sees to it).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from benchmarks.rows import Row
from gui.widgets.point_cloud.camera import Camera
from gui.widgets.point_cloud.opengl import GLRenderer
from gui.widgets.point_cloud.overlay import Overlay
from gui.widgets.point_cloud.renderer import PointRenderer
from gui.widgets.point_cloud.software import SoftwareRenderer
from gui.widgets.point_cloud.thinning import MOVING, STILL, step_of
from gui.widgets.point_cloud.view import PointCloudView

N_POINTS = 50_000
SIZE = (900, 700)
TURNS = 7
FRAMES = 20
TARGETS = {50_000: 100.0, 250_000: 60.0, 1_000_000: 20.0}
HOVER_MS = 5.0

Draw = Callable[[float], None]
"""Draws one frame, finished when it returns; the argument is the azimuth."""


def run() -> list[Row]:
    """OpenGL and pyqtgraph in turns, then the software view of ever more points."""
    if QApplication.instance() is None:  # pyqtgraph keeps one program for all of its widgets
        QApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    app = QApplication.instance() or QApplication([])
    points = cloud()
    opengl = GLRenderer()
    views = {"opengl": view(points, opengl)}
    draws: dict[str, Draw] = {name: _turning(widget) for name, widget in views.items()}
    other, draws["pyqtgraph"] = pyqtgraph_view(points)
    seconds: dict[str, list[float]] = {name: [] for name in draws}
    try:
        for turn in range(TURNS + 1):
            for name, draw in draws.items():
                taken = _frames(draw)
                if turn:  # the first is for compilers and caches
                    seconds[name] += taken
    finally:
        for widget in (*views.values(), other):
            widget.close()
        device = opengl.device
        opengl.close()
        app.processEvents()
    rate = {name: 1 / median(taken) for name, taken in seconds.items()}
    theirs = rate["pyqtgraph"]
    what = f"{N_POINTS:,} points, {SIZE[0]} x {SIZE[1]}"
    rows = [
        Row(
            f"{what}, OpenGL ({device.split(' (')[0]}); beside pyqtgraph",
            rate["opengl"],
            theirs,
            rate["opengl"] / theirs,
            "frames/s",
            "≥ 50 frames/s",
        ),
    ]
    for n, target in TARGETS.items():
        rows += _many(app, n, target)
    return rows


def _many(app: QCoreApplication, n: int, target: float) -> list[Row]:
    """The software view, which the pane takes where OpenGL is emulated, beside pyqtgraph."""
    points = cloud(n)
    ours = view(points, SoftwareRenderer())
    theirs, draw = pyqtgraph_view(points)
    turning = _turning(ours)
    seconds: dict[str, list[float]] = {"ours": [], "theirs": [], "rest": [], "hover": []}
    few = 3 if n > N_POINTS else 10
    try:
        for turn in range(4):
            mine, other = _frames(turning, 20), _frames(draw, few)
            QTest.qWait(300)
            rest = _rest(ours)
            hover = [_hover(ours, at) for at in range(20)]
            if turn:
                for name, some in zip(seconds, (mine, other, [rest], hover)):
                    seconds[name] += some
    finally:
        ours.close()
        theirs.close()
        app.processEvents()
    taken = {name: median(several) for name, several in seconds.items()}
    rate, beside = 1 / taken["ours"], 1 / taken["theirs"]
    what, step = f"{n:,} points, software view", step_of(n, MOVING)
    at_rest = step_of(n, STILL)
    part = "all" if at_rest == 1 else f"one in {at_rest}"
    hover_ms = 1000 * taken["hover"]
    return [
        Row(
            f"{what}, turned (one in {step} drawn); pyqtgraph (all)",
            rate,
            beside,
            rate / beside,
            "frames/s",
            f"≥ {target:.0f} frames/s",
        ),
        Row(
            f"{what}, at rest ({part} drawn)",
            1000 * taken["rest"],
            1000 * taken["theirs"],
            taken["rest"] / taken["theirs"],
            "ms",
            "one frame",
        ),
        Row(f"{what}: hover", hover_ms, None, hover_ms / HOVER_MS, "ms", "≤ 5 ms"),
    ]


def _rest(widget: PointCloudView) -> float:
    start = time.perf_counter()
    widget.set_points(widget.shown_points, np.full((len(widget.shown_points), 3), 148, np.uint8))
    widget.repaint()
    return time.perf_counter() - start


def _hover(widget: PointCloudView, at: int) -> float:
    start = time.perf_counter()
    widget.nearest_to(300.0 + 9 * at, 340.0)
    return time.perf_counter() - start


def cloud(n: int = N_POINTS) -> NDArray[np.float32]:
    """Points as dense in the middle and as long in one direction as a vocabulary is."""
    spread = np.array([0.9, 0.6, 0.5])
    return (np.random.default_rng(0).standard_normal((n, 3)) * spread).astype(np.float32)


def view(points: NDArray[np.float32], renderer: PointRenderer) -> PointCloudView:
    """The widget on the screen, with labels, drawn by that renderer."""
    widget = PointCloudView(renderer=renderer)
    widget.resize(*SIZE)
    widget.set_points(points, np.full((len(points), 3), 148, np.uint8))
    widget.set_home(points)
    ambient = np.argsort(-np.linalg.norm(points, axis=1))[:1500].tolist()
    widget.set_overlay(Overlay(ambient=ambient))
    _show(widget)
    return widget


def pyqtgraph_view(points: NDArray[np.float32]) -> tuple[QWidget, Draw]:
    """What else one would use, at the same size with the same points."""
    import pyqtgraph.opengl as gl

    widget = gl.GLViewWidget()
    widget.setBackgroundColor("#0d1015")
    widget.resize(*SIZE)
    item = gl.GLScatterPlotItem(pos=points, color=(0.58, 0.58, 0.58, 1.0), size=3.0, pxMode=True)
    item.setGLOptions("translucent")
    widget.addItem(item)
    widget.setCameraPosition(distance=6)
    _show(widget)

    def draw(azimuth: float) -> None:
        widget.opts["azimuth"] = np.degrees(azimuth)
        widget.grabFramebuffer()

    return widget, draw


def _turning(widget: PointCloudView) -> Draw:
    start = widget.camera

    def draw(azimuth: float) -> None:
        widget.set_camera(Camera(start.target, azimuth, start.elevation, start.distance))
        widget.repaint()

    return draw


def _show(widget: QWidget) -> None:
    widget.show()
    QTest.qWaitForWindowExposed(widget)
    QTest.qWait(50)


def _frames(draw: Draw, n: int = FRAMES) -> list[float]:
    """Seconds of each frame of a turn."""
    taken = []
    for frame in range(n):
        start = time.perf_counter()
        draw(0.3 * frame)
        taken.append(time.perf_counter() - start)
    return taken
