"""What draws a cloud of points: one interface, two renderers behind it.

A renderer turns points and a camera into a picture, and no more; `PointCloudView` shows the
picture and paints labels over it. So the OpenGL one never owns a part of a window: docks may float
and come back, a window may be printed at another scale, and no other widget pays for it.

Knows neither tokens nor panes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QGuiApplication, QImage

from gui.widgets.point_cloud.camera import Camera

NO_GL_VARIABLE = "GLASSFORMER_NO_GL"
SMALLEST = 1.0  # diameter in logical pixels; smaller points would flicker
LARGEST = 3.0  # times the size at the target
MANY = 15_000  # points from which an emulated OpenGL is left aside


class RendererError(Exception):
    """A renderer can't be had or has failed; the message says why, in a few words."""


@dataclass(frozen=True, slots=True)
class Look:
    """How points are drawn.

    Attributes:
        background: red, green, blue, 0 to 255.
        size: diameter in logical pixels of a point as far away as the camera's target.
        near, far: depths between which points fade.
        faded: opacity of a point at ``far`` and beyond; 1 means that nothing fades.
    """

    background: tuple[int, int, int]
    size: float = 4.0
    near: float = 0.0
    far: float = 1.0
    faded: float = 0.25

    def diameters(self, depth: NDArray[np.float32], camera: Camera) -> NDArray[np.float32]:
        """Diameters in logical pixels at depths: nearer points are larger."""
        with np.errstate(divide="ignore"):
            perspective = np.float32(self.size * camera.distance) / depth
        return np.clip(perspective, SMALLEST, LARGEST * self.size)

    def opacities(self, depth: NDArray[np.float32]) -> NDArray[np.float32]:
        """Opacities at depths: farther points are fainter."""
        share = (depth - np.float32(self.near)) * np.float32(1 / max(self.far - self.near, 1e-9))
        return 1 - np.clip(share, 0, 1) * np.float32(1 - self.faded)


class PointRenderer(Protocol):
    """Draws points into a picture."""

    name: str
    """For the person: "OpenGL" or "software"."""

    def set_points(self, points_N3: NDArray[np.float32]) -> None:
        """Take new places; colours stay if their number does."""

    def set_colors(self, rgb_N3: NDArray[np.uint8]) -> None:
        """Take one colour a point."""

    def start(
        self, camera: Camera, look: Look, width: int, height: int, ratio: float = 1.0
    ) -> None:
        """Begin a picture; other work can be done until `finish`.

        Args:
            camera: from where.
            look: how.
            width, height: in logical pixels.
            ratio: device pixels per logical pixel.

        Raises:
            RendererError: it can't, and won't be able to.
        """

    def finish(self) -> QImage:
        """The picture that was begun.

        Returns:
            An opaque picture of ``width * ratio`` by ``height * ratio`` pixels, whose device
            pixel ratio is set.

        Raises:
            RendererError: it can't, and won't be able to.
        """

    def close(self) -> None:
        """Give back what it holds."""


def make_renderer(n_points: int) -> tuple[PointRenderer, str]:
    """The best renderer that works here for so many points.

    Where OpenGL is itself software, it draws smoother discs, but each costs it four times what it
    costs NumPy: many points are then drawn by NumPy.

    Returns:
        The renderer, and why it isn't OpenGL ("" if it is).
    """
    from gui.widgets.point_cloud.software import SoftwareRenderer

    why = _no_gl()
    if not why:
        from gui.widgets.point_cloud.opengl import GLRenderer

        try:
            renderer = GLRenderer()
        except RendererError as error:
            why = str(error)
        else:
            if n_points <= MANY or not renderer.emulated:
                return renderer, ""
            renderer.close()
            why = f"OpenGL is emulated here, which is slower for {n_points:,} points"
    return SoftwareRenderer(), why


def _no_gl() -> str:
    """Why OpenGL isn't even tried."""
    if os.environ.get(NO_GL_VARIABLE, "0") not in ("", "0"):
        return f"{NO_GL_VARIABLE} is set"
    platform = QGuiApplication.platformName()
    if platform in ("offscreen", "minimal", "minimalegl", "vnc", "linuxfb"):
        return f"the {platform} platform has no OpenGL"
    return ""


def back_to_front(depth: NDArray[np.float32]) -> NDArray[np.intp]:
    """Indices from the farthest point to the nearest, by 65,536 steps of depth.

    Integers of 16 bits are sorted by radix: 50,000 in half a millisecond, a tenth of the time
    that floats take. Points of NaN, which aren't drawn, are left out.
    """
    hidden = np.isnan(depth)
    if hidden.any():
        seen = np.flatnonzero(~hidden)
        return seen[back_to_front(depth[seen])]
    if len(depth) == 0:
        return np.empty(0, dtype=np.intp)
    least, most = float(depth.min()), float(depth.max())
    scale = np.float32(65535 / max(most - least, 1e-30))
    return np.argsort(((most - depth) * scale).astype(np.uint16), kind="stable")
