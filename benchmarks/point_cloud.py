"""Frames a second of the embedding space: 50,000 points that turn, at 900 x 700.

Whole frames of the widget as it is used, on the screen: points drawn, read back, labels placed and
painted, everything shown. Beside it pyqtgraph's GLScatterPlotItem, the usual way to draw such a
cloud in Qt, its frames read back so that they are known to be finished. In turns, so that other
work on the machine hits all alike. Needs a display with OpenGL (`make bench` sees to it).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np
from numpy.typing import NDArray
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from benchmarks.rows import Row
from gui.widgets.point_cloud.camera import Camera
from gui.widgets.point_cloud.opengl import GLRenderer
from gui.widgets.point_cloud.overlay import Overlay
from gui.widgets.point_cloud.renderer import PointRenderer
from gui.widgets.point_cloud.software import SoftwareRenderer
from gui.widgets.point_cloud.view import PointCloudView

N_POINTS = 50_000
SIZE = (900, 700)
TURNS = 7
FRAMES = 20
TARGET = 50.0

Draw = Callable[[float], None]
"""Draws one frame, finished when it returns; the argument is the azimuth."""


def run() -> list[Row]:
    """OpenGL, software and pyqtgraph, in turns."""
    app = QApplication.instance() or QApplication([])
    points = cloud()
    opengl = GLRenderer()
    views = {"opengl": view(points, opengl), "software": view(points, SoftwareRenderer())}
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
    return [
        Row(
            f"{what}, OpenGL ({device.split(' (')[0]}); beside pyqtgraph",
            rate["opengl"],
            theirs,
            rate["opengl"] / theirs,
            "frames/s",
            "≥ 50 frames/s",
        ),
        Row(
            # What the pane takes where OpenGL is emulated: see make_renderer.
            f"{what}, software view",
            rate["software"],
            None,
            rate["software"] / TARGET,
            "frames/s",
            "≥ 50 frames/s",
        ),
    ]


def cloud() -> NDArray[np.float32]:
    """Points as dense in the middle and as long in one direction as a vocabulary is."""
    spread = np.array([0.9, 0.6, 0.5])
    return (np.random.default_rng(0).standard_normal((N_POINTS, 3)) * spread).astype(np.float32)


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


def _frames(draw: Draw) -> list[float]:
    """Seconds of each frame of a turn."""
    taken = []
    for frame in range(FRAMES):
        start = time.perf_counter()
        draw(0.3 * frame)
        taken.append(time.perf_counter() - start)
    return taken
