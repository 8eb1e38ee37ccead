"""Where a person looks at a cloud of points from, and where on the screen a point then lies.

The one projection: both renderers, the labels over them and the picking under the mouse use it, so
that they can't disagree. NumPy only: knows no Qt, no OpenGL, no tokens.

Screen coordinates are logical pixels from the top left corner. At azimuth 0 and elevation 0 the
first axis points to the right, the second up, the third to the viewer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import asin, atan2, cos, exp, pi, radians, sin, tan
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

FIELD_OF_VIEW = radians(32)
"""Of the shorter side of the screen: long enough a lens that the cloud is hardly distorted."""

NEAR = 0.02
"""What is nearer than this share of the distance to the target isn't drawn."""

FAR = 60.0
"""Nor is what is farther than this many distances; only OpenGL's depth range needs an end."""

STEEPEST = radians(89)


class Projected(NamedTuple):
    """Points on the screen.

    Attributes:
        xy: ``[N, 2]`` float32, logical pixels; NaN for a point that is behind the viewer.
        depth: ``[N]`` float32, distance from the viewer along the line of sight, in the units of
            the points.
    """

    xy: NDArray[np.float32]
    depth: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Camera:
    """A viewer on a sphere around a target, always upright.

    Attributes:
        target: the point in the middle of the screen.
        azimuth, elevation: where on the sphere, in radians.
        distance: the sphere's radius, in the units of the points.
        flat: the first two axes alone are seen, as on paper: nothing turns, near is as far.
    """

    target: tuple[float, float, float] = (0.0, 0.0, 0.0)
    azimuth: float = 0.5
    elevation: float = 0.3
    distance: float = 4.0
    flat: bool = False

    # ----------------------------------------------------------------- where it stands

    @property
    def axes(self) -> NDArray[np.float64]:
        """``[3, 3]``: right, up, and back towards the viewer, as unit vectors."""
        if self.flat:
            return np.eye(3)
        sa, ca = sin(self.azimuth), cos(self.azimuth)
        se, ce = sin(self.elevation), cos(self.elevation)
        return np.array([[ca, 0.0, -sa], [-sa * se, ce, -ca * se], [sa * ce, se, ca * ce]])

    @property
    def eye(self) -> NDArray[np.float64]:
        """Where the viewer is."""
        return np.asarray(self.target) + self.distance * self.axes[2]

    def focal_length(self, width: float, height: float) -> float:
        """Pixels on the screen of one unit at a depth of one unit."""
        return min(width, height) / 2 / tan(FIELD_OF_VIEW / 2)

    # --------------------------------------------------------------------- projection

    def project(self, points: ArrayLike, width: float, height: float) -> Projected:
        """Where points lie on a screen of that size.

        Args:
            points: ``[N, 3]``.
            width, height: of the screen in logical pixels.
        """
        array = np.asarray(points, dtype=np.float32).reshape(-1, 3)
        # Right and down in pixels at a depth of 1, and the depth: one product for all three.
        focal = self.focal_length(width, height)
        axes = self.axes * np.array([[focal], [-focal], [-1.0]])
        shift = np.array([0.0, 0.0, self.distance]) - axes @ np.asarray(self.target)
        x, y, depth = axes.astype(np.float32) @ array.T + shift.astype(np.float32)[:, None]
        if self.flat:
            depth = np.full(len(array), self.distance, dtype=np.float32)
        xy = np.empty((2, len(array)), dtype=np.float32)
        with np.errstate(divide="ignore", invalid="ignore"):
            np.divide(x, depth, out=xy[0])
            np.divide(y, depth, out=xy[1])
        xy += np.array([[width / 2], [height / 2]], dtype=np.float32)
        xy[:, depth <= NEAR * self.distance] = np.nan
        return Projected(xy.T, depth)

    def unproject(
        self, x: float, y: float, depth: float, width: float, height: float
    ) -> NDArray[np.float64]:
        """The point ``[3]`` that lies at a place on the screen at a depth."""
        per_pixel = depth / self.focal_length(width, height)
        seen = np.array(  # of what is flat the depth is the distance
            [
                (x - width / 2) * per_pixel,
                (height / 2 - y) * per_pixel,
                self.distance - depth,
            ]
        )
        return np.asarray(self.target) + seen @ self.axes

    def matrix(self, width: float, height: float) -> NDArray[np.float32]:
        """The same projection as OpenGL wants it.

        Returns:
            ``[4, 4]``: clip coordinates are this times ``(x, y, z, 1)``; ``w`` is the depth.
        """
        focal = self.focal_length(width, height)
        near, far = NEAR * self.distance, FAR * self.distance
        view = np.eye(4)
        view[:3, :3] = self.axes
        view[:3, 3] = -self.axes @ self.eye
        clip = np.zeros((4, 4))
        clip[0, 0] = 2 * focal / width
        clip[1, 1] = 2 * focal / height
        clip[2, 2] = -(far + near) / (far - near)
        clip[2, 3] = -2 * far * near / (far - near)
        clip[3, 2] = -1.0
        if self.flat:  # everything is as far as the target
            clip[2] = 0.0, 0.0, -1 / FAR, -self.distance / FAR
            clip[3] = 0.0, 0.0, 0.0, self.distance
        return (clip @ view).astype(np.float32)

    # -------------------------------------------------------------------- moving about

    def rotated(self, dx: float, dy: float) -> Camera:
        """After a drag by so many pixels: half a turn in 500; what is flat doesn't turn."""
        if self.flat:
            return self
        elevation = min(max(self.elevation + dy * pi / 500, -STEEPEST), STEEPEST)
        azimuth = (self.azimuth - dx * pi / 500 + pi) % (2 * pi) - pi
        return replace(self, azimuth=azimuth, elevation=elevation)

    def panned(self, dx: float, dy: float, width: float, height: float) -> Camera:
        """After the cloud was dragged by so many pixels: the target's plane follows the mouse."""
        per_pixel = self.distance / self.focal_length(width, height)
        right, up, _ = self.axes
        target = np.asarray(self.target) - right * dx * per_pixel + up * dy * per_pixel
        return replace(self, target=_triple(target))

    def zoomed(
        self, steps: float, x: float, y: float, width: float, height: float, extent: float
    ) -> Camera:
        """Nearer by some notches of a wheel; what lies under the mouse stays under it.

        Args:
            steps: positive is nearer; a notch is a seventh.
            x, y: where the mouse is.
            width, height: of the screen.
            extent: radius of the cloud; the distance stays between a thousandth of it and a
                hundred times.
        """
        held = self.unproject(x, y, self.distance, width, height)
        distance = min(max(self.distance * exp(-steps / 7), 1e-3 * extent), 1e2 * extent)
        nearer = replace(self, distance=distance)
        drift = nearer.unproject(x, y, distance, width, height) - held
        return replace(nearer, target=_triple(np.asarray(self.target) - drift))

    def fitted(self, points: ArrayLike, width: float, height: float, margin: float = 0.1) -> Camera:
        """From the same direction, so near that all points are just in view.

        Args:
            points: ``[N, 3]``; those that aren't finite are ignored. None: nothing changes.
            width, height: of the screen; without extent (it is being laid out) nothing changes.
            margin: share of the screen left free at each side.
        """
        array = np.asarray(points, dtype=np.float64).reshape(-1, 3)
        array = array[np.isfinite(array).all(1)]
        if len(array) == 0 or min(width, height) <= 0:
            return self
        middle = (array.min(0) + array.max(0)) / 2
        seen = (array - middle) @ self.axes.T
        if self.flat:
            seen[:, 2] = 0.0
        # A point at x, y, z (z to the viewer) is inside if focal * |x| / (distance - z) is at
        # most half the free width; the same for y.
        focal = self.focal_length(width, height)
        free_x = width * (0.5 - margin)
        free_y = height * (0.5 - margin)
        need_x = seen[:, 2] + focal * np.abs(seen[:, 0]) / free_x
        need_y = seen[:, 2] + focal * np.abs(seen[:, 1]) / free_y
        distance = float(max(need_x.max(), need_y.max()))
        if distance <= 0:  # one point, or many in one place
            distance = float(np.linalg.norm(middle)) or 1.0
        # Nothing may come nearer than the near plane.
        distance = max(distance, float(seen[:, 2].max()) / (1 - 2 * NEAR))
        return replace(self, target=_triple(middle), distance=distance)

    def facing(self, normal: ArrayLike) -> Camera:
        """Turned so that a plane with this normal is seen from the front.

        Of its two sides it is the one that is nearer to the present direction.
        """
        back = np.asarray(normal, dtype=np.float64)
        length = float(np.linalg.norm(back))
        if length == 0 or self.flat:
            return self
        back = back / length * (1 if back @ self.axes[2] >= 0 else -1)
        elevation = min(max(asin(min(max(back[1], -1.0), 1.0)), -STEEPEST), STEEPEST)
        return replace(self, azimuth=atan2(back[0], back[2]), elevation=elevation)

    def towards(self, other: Camera, share: float) -> Camera:
        """A part of the way to another camera: 0 is here, 1 is there."""
        turn = (other.azimuth - self.azimuth + pi) % (2 * pi) - pi
        here, there = np.asarray(self.target), np.asarray(other.target)
        return Camera(
            target=_triple(here + (there - here) * share),
            azimuth=(self.azimuth + turn * share + pi) % (2 * pi) - pi,
            elevation=self.elevation + (other.elevation - self.elevation) * share,
            distance=self.distance * (other.distance / self.distance) ** share,
            flat=other.flat,
        )


def _triple(vector: NDArray[np.float64]) -> tuple[float, float, float]:
    return float(vector[0]), float(vector[1]), float(vector[2])
