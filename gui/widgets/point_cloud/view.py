"""The widget in which a person turns a cloud of points, points at one and picks it.

Shows the picture of a renderer, paints an overlay on it, turns mouse and keys into a camera. The
picture is kept: hovering and labels never draw the points again.

Knows points by their index; neither tokens nor the store.
"""

from __future__ import annotations

from math import hypot

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PySide6.QtCore import QElapsedTimer, QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QHideEvent,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme
from gui.widgets.canvas import is_vector
from gui.widgets.figure import is_figure, painting_figure
from gui.widgets.focus_ring import draw_focus
from gui.widgets.point_cloud import overlay as space_overlay
from gui.widgets.point_cloud import vector
from gui.widgets.point_cloud.camera import Camera, Projected
from gui.widgets.point_cloud.looking import FRAME_MS, CameraView, eased, extent_of, sign_of
from gui.widgets.point_cloud.overlay import Label, Overlay
from gui.widgets.point_cloud.renderer import MANY, Look, PointRenderer, RendererError, make_renderer
from gui.widgets.point_cloud.software import SoftwareRenderer
from gui.widgets.point_cloud.thinning import MOVING, STILL, Thinned, step_of

REACH = 14.0  # how far from the mouse a point may be, in pixels
CLICK = 4.0  # a press that moves less than this is a click
LABELS_MOVING = 2_000
"""Of so many points the label is tried while very many points move."""
REST_MS = 120
"""Without a move for so long, all points are drawn."""
CALM_FRAME_MS = 45
"""A way in four pictures, where somebody else needs the processor."""


class PointCloudView(CameraView):
    """A cloud of points in 3D.

    Drag turns, the wheel zooms at the mouse, right or Shift drag moves, a double click resets;
    arrow keys turn, + and - zoom, Home resets. Seen flat, a drag and the arrow keys move.

    Args:
        renderer: what draws the points; by default the best that works here, found when the first
            picture is needed.

    Signals:
        point_hovered: index of the point under the mouse, or None.
        point_clicked: index of the point that was clicked.
        point_added: index of a point that was clicked with Ctrl, and +1; with Ctrl and Shift −1.
        menu_wanted: index of the point under the mouse, or None, and where on the screen a menu
            was asked for: by a right click that moved nothing, or by a key.
        points_moved: the points have come a step nearer to where they go.
        camera_moved: the view was turned, moved, zoomed or fitted.
    """

    point_hovered = Signal(object)
    point_clicked = Signal(int)
    point_added = Signal(int, int)
    menu_wanted = Signal(object, object)
    points_moved = Signal()

    def __init__(
        self, parent: QWidget | None = None, renderer: PointRenderer | None = None
    ) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.labels: tuple[Label, ...] = ()
        self.fallback_reason = ""
        self._renderer = renderer
        self._renderer_is_given = renderer is not None
        self._points = np.empty((0, 3), dtype=np.float32)
        self._shown = self._points
        self._rgb: NDArray[np.uint8] = np.empty((0, 3), dtype=np.uint8)
        self._overlay = Overlay()
        self._hovered: int | None = None
        self._picture: QImage | None = None
        self._picture_key: tuple[object, ...] = ()
        self._places: Projected | None = None
        self._thinned = Thinned()
        self._drawing: PointRenderer | None = None
        self._moves = QTimer(self)
        self._moves.setSingleShot(True)
        self._moves.setInterval(REST_MS)
        self._moves.timeout.connect(self.update)
        self._pressed: QPointF | None = None
        self._dragged = QPointF()
        self._moved = False
        self._from = self._points
        self._clock = QElapsedTimer()
        self._motion = QTimer(self)
        self._motion.timeout.connect(self._step_motion)

    # ------------------------------------------------------------------------ contents

    def set_points(
        self, points_N3: ArrayLike, rgb_N3: NDArray[np.uint8], *, calm: bool = False
    ) -> None:
        """Show these points; if there are as many as before, they move to their new places.

        Args:
            points_N3: places; those of NaN are not drawn.
            rgb_N3: a colour each.
            calm: move in few pictures, and so does the camera if it follows.
        """
        points = np.array(points_N3, dtype=np.float32).reshape(-1, 3)
        same = len(points) == len(self._shown) and len(points) > 0
        moves = same and theme.MOTION_MS > 0 and self.isVisible()
        self._points = points
        self._frame_ms = CALM_FRAME_MS if calm else FRAME_MS
        self._rgb = np.ascontiguousarray(rgb_N3, dtype=np.uint8)
        self._extent = extent_of(points)
        if (len(points) > MANY) != (len(self._shown) > MANY) and not self._renderer_is_given:
            self._drop_renderer()
        if self._renderer is not None:
            self._renderer.set_colors(self._rgb)
        if moves and not np.array_equal(points, self._shown):
            self._from = self._shown
            self._clock.start()
            self._motion.start(self._frame_ms)
        else:
            self._motion.stop()
            self._show_points(points)

    def set_overlay(self, overlay: Overlay) -> None:
        """Draw this over the points."""
        self._overlay = overlay
        self._soon.start(0)

    @property
    def overlay(self) -> Overlay:
        """What is drawn over the points."""
        return self._overlay

    @property
    def shown_points(self) -> NDArray[np.float32]:
        """``[N, 3]``: where the points are drawn now; while they move, on their way."""
        return self._shown

    @property
    def moving(self) -> bool:
        """Whether points or the camera are on their way."""
        return self._motion.isActive() or self._flying.isActive()

    @property
    def extent(self) -> float:
        """Radius of the cloud around the origin of its space, outliers left aside."""
        return self._extent

    @property
    def hovered(self) -> int | None:
        """Index of the point under the mouse."""
        return self._hovered

    @property
    def renderer_name(self) -> str:
        """What draws the points, "" before the first picture."""
        return "" if self._renderer is None else self._renderer.name

    def nearest_to(self, x: float, y: float, reach: float = REACH) -> int | None:
        """The point that is nearest on the screen; of several in one place, the front one."""
        xy, depth = self._projected()
        if len(xy) == 0:
            return None
        away = (xy[:, 0] - np.float32(x)) ** 2 + (xy[:, 1] - np.float32(y)) ** 2
        near = np.flatnonzero(away <= reach**2)  # NaN is never near
        if len(near) == 0:
            return None
        closest = away[near].min()
        ties = near[away[near] <= closest + 1.0]
        return int(ties[np.argmin(depth[ties])])

    # ------------------------------------------------------------------------- drawing

    def picture_from(self, camera: Camera) -> QImage:
        """Look from there, and give what is then seen, with all points."""
        self.set_camera(camera)
        self._moves.stop()
        with painting_figure():
            return self.grab().toImage()

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            # The device's ratio, not the screen's: a picture may be asked for at another.
            ratio = painter.device().devicePixelRatioF()
            look = self._look()
            size = (self.width(), self.height())
            if is_vector(painter):
                ratio = vector.RATIO
                if len(self._shown) <= vector.MOST_DISCS:
                    self._paint_vector(painter, look)
                    return
            hurried = self._moves.isActive() and self.is_software
            step = step_of(len(self._shown), MOVING if hurried else STILL)
            key = (self.camera, look, size, ratio, step)
            stale = self._picture is None or key != self._picture_key
            if stale:
                self._start(look, ratio, step)
            # While the points are drawn, room is found for what goes over them.
            layout = space_overlay.lay_out(
                self._overlay, self.camera, *size, *self._ambient(few=hurried and step > 1)
            )
            self.labels = tuple(label for label, _ in layout.labels)
            if stale:
                self._picture, self._picture_key = self._finish(look, ratio), key
            assert self._picture is not None
            painter.drawImage(QPointF(0, 0), self._picture)
            space_overlay.paint(painter, self._overlay, layout)
            if self.hasFocus() and not is_figure():
                draw_focus(painter, QRectF(self.rect()))

    def _paint_vector(self, painter: QPainter, look: Look) -> None:
        box = QRectF(self.rect())
        vector.paint_discs(painter, box, self._shown, self._rgb, self.camera, look)
        layout = space_overlay.lay_out(
            self._overlay, self.camera, self.width(), self.height(), *self._ambient(few=False)
        )
        space_overlay.paint(painter, self._overlay, layout)

    def _ambient(self, *, few: bool) -> tuple[NDArray[np.integer], NDArray[np.float32]]:
        """Which points get a label where there is room, and where those are on the screen."""
        order = np.asarray(self._overlay.ambient, np.intp)
        if few:
            order = order[:LABELS_MOVING]
            return order, self.project(self._shown[order]).xy
        return order, self._projected().xy[order]

    def _start(self, look: Look, ratio: float, step: int) -> None:
        if self._renderer is None:
            self._renderer, self.fallback_reason = make_renderer(len(self._shown))
            self._fill(self._renderer)
        self._drawing = self._renderer
        if step > 1 and self.is_software:
            self._drawing = self._thinned.renderer(self._shown, self._rgb, step)
        try:
            self._drawing.start(self.camera, look, self.width(), self.height(), ratio)
        except RendererError as error:
            self._fall_back(error, look, ratio)

    def _finish(self, look: Look, ratio: float) -> QImage:
        assert self._drawing is not None
        try:
            return self._drawing.finish()
        except RendererError as error:
            return self._fall_back(error, look, ratio).finish()

    def _fall_back(self, error: RendererError, look: Look, ratio: float) -> PointRenderer:
        """Go on without OpenGL."""
        self.fallback_reason = str(error)
        self._renderer = self._drawing = SoftwareRenderer()
        self._fill(self._renderer)
        self._renderer.start(self.camera, look, self.width(), self.height(), ratio)
        return self._renderer

    def _look(self) -> Look:
        background = theme.current().color("background")
        n = max(len(self._shown), 1)
        # Many points are small points, so that a cloud of any number keeps its shape.
        size = float(np.clip(10.4 - 1.88 * np.log10(n), 1.5, 7.0))
        size *= min(max(min(self.width(), self.height()) / 600, 0.5), 1.2)
        middle = float(np.linalg.norm(self.camera.eye))
        return Look(
            background=(background.red(), background.green(), background.blue()),
            size=size,
            near=middle - self._extent,
            far=middle + self._extent,
            faded=1.0 if self.camera.flat else 0.22,
        )

    def _drop_renderer(self) -> None:
        """The next picture is drawn by what is then best."""
        if self._renderer is not None:
            self._renderer.close()
        self._renderer, self.fallback_reason = None, ""

    def _fill(self, renderer: PointRenderer) -> None:
        renderer.set_points(self._shown)
        renderer.set_colors(self._rgb)

    def _looked_from_elsewhere(self) -> None:
        self._places = None
        self._hurry()

    def _hurry(self) -> None:
        """The view moves: of very many points fewer are drawn, until it rests."""
        if len(self._shown) > MOVING:
            self._moves.start()

    @property
    def is_software(self) -> bool:
        """Whether the processor draws: each point costs time."""
        return isinstance(self._renderer, SoftwareRenderer)

    def _show_points(self, points: NDArray[np.float32]) -> None:
        self._shown = points
        self._places = None
        self._picture = None
        if self._renderer is not None:
            self._renderer.set_points(points)
        self.points_moved.emit()
        self._soon.start(0)

    def _step_motion(self) -> None:
        share = eased(self._clock)
        if share >= 1 or not self.isVisible():
            self._motion.stop()
            self._show_points(self._points)
            return
        self._hurry()
        self._show_points(self._from + (self._points - self._from) * np.float32(share))

    def _projected(self) -> Projected:
        if self._places is None:
            self._places = self.project(self._shown)
        return self._places

    # ----------------------------------------------------------------- mouse and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = self._dragged = event.position()
        self._moved = False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        here = event.position()
        if self._pressed is None:
            self._hover(self.nearest_to(here.x(), here.y()))
            return
        start = self._pressed
        if not self._moved and hypot(here.x() - start.x(), here.y() - start.y()) < CLICK:
            return
        self._moved = True
        dx, dy = here.x() - self._dragged.x(), here.y() - self._dragged.y()
        self._dragged = here
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        turns = event.buttons() & Qt.MouseButton.LeftButton and not shift
        if turns and not self.camera.flat:
            self._touch(self.camera.rotated(dx, dy))
        else:
            self._touch(self.camera.panned(dx, dy, self.width(), self.height()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        clicked = self._pressed is not None and not self._moved
        self._pressed = None
        if not clicked:
            return
        index = self.nearest_to(event.position().x(), event.position().y())
        sign = sign_of(event.modifiers())
        if event.button() == Qt.MouseButton.RightButton and index is not None:
            self.menu_wanted.emit(index, event.globalPosition().toPoint())
        elif event.button() == Qt.MouseButton.LeftButton and index is not None:
            if sign:
                self.point_added.emit(index, sign)
            else:
                self.point_clicked.emit(index)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """By a key; the mouse's right button may be about to move the cloud."""
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            self.menu_wanted.emit(self._hovered, self.mapToGlobal(self.rect().center()))
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.reset_view()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._picture = None

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(None)
        super().leaveEvent(event)

    def sizeHint(self) -> QSize:
        return QSize(640, 480)

    def minimumSizeHint(self) -> QSize:
        return QSize(80, 60)

    def _hover(self, index: int | None) -> None:
        if index != self._hovered:
            self._hovered = index
            shapes = Qt.CursorShape
            self.setCursor(shapes.ArrowCursor if index is None else shapes.PointingHandCursor)
            self.point_hovered.emit(index)
