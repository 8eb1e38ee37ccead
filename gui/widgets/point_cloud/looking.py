"""A widget with a camera: turned, moved and zoomed by hand or flown, with a first view.

Knows places in space; what is drawn there is its subclass's.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PySide6.QtCore import QElapsedTimer, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.widgets.point_cloud.camera import Camera, Projected

FRAME_MS = 16


class CameraView(QWidget):
    """Arrow keys turn, + and - zoom, Home resets, the wheel zooms at the mouse.

    Attributes:
        camera: from where it is looked.

    Signals:
        camera_moved: the view was turned, moved, zoomed or fitted.
    """

    camera_moved = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.camera = Camera()
        self._home: NDArray[np.float32] | None = None
        self._untouched = True
        self._shows_part = False
        self._seen_home = False
        self._frame_ms = FRAME_MS
        self._extent = 1.0
        self._flight = (self.camera, self.camera)
        self._flight_clock = QElapsedTimer()
        self._flying = QTimer(self)
        self._flying.timeout.connect(self._step_flight)
        # In the next turn of the event loop: what is put together for a picture costs as much as
        # the picture, and events wait for one of them, not for both.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.update)

    def _looked_from_elsewhere(self) -> None:
        """The camera has moved, or the widget has another size."""

    def set_home(self, points: ArrayLike) -> None:
        """What a reset brings into view. Until a person has moved the camera, so does this."""
        self._home = np.asarray(points, dtype=np.float32).reshape(-1, 3)
        if self._untouched:
            self._go_home(fly=self._seen_home, frame_ms=self._frame_ms)
            self._seen_home = True

    def project(self, points: ArrayLike) -> Projected:
        """Where places lie on this widget."""
        return self.camera.project(points, self.width(), self.height())

    def set_camera(self, camera: Camera) -> None:
        """Look from there, at once."""
        self._flying.stop()
        self._look_from(camera)

    def fly_to(self, camera: Camera, *, by_hand: bool = False) -> None:
        """Look from there, on a short way so that a person sees where things went.

        Args:
            camera: from where.
            by_hand: a person chose it: it stays when the points change.
        """
        if by_hand:
            self._untouched = self._shows_part = False
        self._fly_to(camera, FRAME_MS)

    def _fly_to(self, camera: Camera, frame_ms: int) -> None:
        if theme.MOTION_MS <= 0 or not self.isVisible():
            self.set_camera(camera)
            return
        self._flight = (self.camera, camera)
        self._flight_clock.start()
        self._flying.start(frame_ms)

    def reset_view(self) -> None:
        """The first view again: from the first direction, everything that is home in sight."""
        self._untouched, self._shows_part = True, False
        self._go_home(fly=True, direction=Camera(flat=self.camera.flat))

    def set_flat(self, *, flat: bool) -> None:
        """See the first two axes alone, as on paper, or all three in depth."""
        if flat == self.camera.flat:
            return
        self._flying.stop()
        self._look_from(replace(Camera() if not flat else self.camera, flat=flat))
        if self._home is not None and not self._shows_part:
            self._untouched = True
            self._go_home(fly=False)

    def show_part(self, points: ArrayLike, normal: ArrayLike | None = None) -> None:
        """Bring some places into sight, from the front of the plane with this normal."""
        self._untouched = False
        self._shows_part = True
        camera = self.camera if normal is None else self.camera.facing(normal)
        camera = camera.fitted(points, self.width(), self.height(), 0.2)
        self._fly_to(camera, self._frame_ms)

    @property
    def shows_part(self) -> bool:
        """Whether `show_part` chose what is seen, and a person hasn't moved since."""
        return self._shows_part

    def start_anew(self) -> None:
        """Other points are to come: what was looked at before says nothing of them."""
        self._untouched, self._shows_part, self._seen_home = True, False, False

    def leave_part(self) -> None:
        """Back to the first view, if `show_part` left it and a person hasn't moved since."""
        if self._shows_part:
            self.reset_view()

    def bring_back(self, place: ArrayLike) -> None:
        """Back to the first view, if a place isn't in sight."""
        x, y = self.project(place).xy[0].tolist()
        if not (0 <= x < self.width() and 0 <= y < self.height()):
            self.reset_view()

    def _go_home(
        self, *, fly: bool, direction: Camera | None = None, frame_ms: int = FRAME_MS
    ) -> None:
        if self._home is None or len(self._home) == 0 or self.width() < 2:
            return
        camera = (direction or self.camera).fitted(self._home, self.width(), self.height(), 0.06)
        if fly:
            self._fly_to(camera, frame_ms)
        else:
            self.set_camera(camera)

    def _touch(self, camera: Camera) -> None:
        self._untouched = self._shows_part = False
        self.set_camera(camera)

    def _look_from(self, camera: Camera) -> None:
        if camera != self.camera:
            self.camera = camera
            self._looked_from_elsewhere()
            self._soon.start(0)
            self.camera_moved.emit()

    def _step_flight(self) -> None:
        start, end = self._flight
        share = eased(self._flight_clock)
        if share >= 1 or not self.isVisible():
            self._flying.stop()
            self._look_from(end)
        else:
            self._look_from(start.towards(end, share))

    # ----------------------------------------------------------------- mouse and keys

    def wheelEvent(self, event: QWheelEvent) -> None:
        steps = event.angleDelta().y() / 120
        if steps:
            self._zoom(steps, event.position())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        turns = {
            Qt.Key.Key_Left: (-20, 0),
            Qt.Key.Key_Right: (20, 0),
            Qt.Key.Key_Up: (0, -20),
            Qt.Key.Key_Down: (0, 20),
        }
        key = Qt.Key(event.key())
        if key in turns:
            dx, dy = turns[key]
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier or self.camera.flat:
                self._touch(self.camera.panned(dx, dy, self.width(), self.height()))
            else:
                self._touch(self.camera.rotated(dx, dy))
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self._zoom(1, QPointF(self.width() / 2, self.height() / 2))
        elif key == Qt.Key.Key_Minus:
            self._zoom(-1, QPointF(self.width() / 2, self.height() / 2))
        elif key == Qt.Key.Key_Home:
            self.reset_view()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: object) -> None:
        self._looked_from_elsewhere()
        if self._untouched:
            self._go_home(fly=False)

    def _zoom(self, steps: float, at: QPointF) -> None:
        size = (self.width(), self.height())
        self._touch(self.camera.zoomed(steps, at.x(), at.y(), *size, self._extent))


def eased(clock: QElapsedTimer) -> float:
    """How far a motion has come: slow, fast, slow; 1 where motion is off."""
    share = min(clock.elapsed() / theme.MOTION_MS, 1.0) if theme.MOTION_MS > 0 else 1.0
    return share * share * (3 - 2 * share)


def sign_of(modifiers: Qt.KeyboardModifier) -> int:
    """What a click means in a sum: with Ctrl plus, with Ctrl and Shift minus; else nothing: 0."""
    if not modifiers & Qt.KeyboardModifier.ControlModifier:
        return 0
    return -1 if modifiers & Qt.KeyboardModifier.ShiftModifier else 1


def extent_of(points: NDArray[np.float32]) -> float:
    """The radius that 99 of 100 points lie within: a few outliers must not fade all others."""
    lengths = np.linalg.norm(points, axis=1)
    lengths = lengths[np.isfinite(lengths)]
    if len(lengths) == 0:
        return 1.0
    return float(np.quantile(lengths, 0.99)) or 1.0
