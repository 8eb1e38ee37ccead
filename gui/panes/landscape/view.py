"""The surface, turned by mouse and keys: as a block seen from above, or as a map.

While it is turned it is drawn coarsely; once it rests, in full. Knows the field, the relief and
what stands around it; no store.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from gui import theme
from gui.panes.landscape import words
from gui.panes.landscape.field import Field, Scale, field_of
from gui.panes.landscape.painter import Furnishing, Stop, image_of, legend, surface_table
from gui.panes.landscape.relief import NOTHING, TALL, Look, Place, Relief, draw
from gui.widgets.figure import is_figure
from gui.widgets.focus_ring import draw_focus
from gui.widgets.text import as_written
from gui.widgets.tips import Tips
from model.probe.landscape.asks import LandscapeFound

HOME = Look()
MAP = Look(0.0, 90.0, 1.0)
FINE, COARSE = 385, 161
"""Places of the field's side, at rest and while it is turned."""
REST_MS = 140
TURN, TILT = 5.0, 4.0
"""Degrees by a key."""
LEAST_TILT, MOST_TILT = 12.0, 84.0
CAPTION = 20
PIXELS = 700_000
"""Of the surface on the screen, at most."""
NEAR_STEP = 9.0
"""Pixels within which a step is pointed at."""


class LandscapeView(QWidget):
    """The picture.

    Signals:
        step_chosen: number of a step that was clicked.

    Attributes:
        flat: whether it is a map.
    """

    step_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Cost surface")
        Tips(self, self._show_tip)
        self.flat = False
        self.look = HOME
        self._map = MAP
        self._scale: Scale = "linear"
        self._found: LandscapeFound | None = None
        self._fields: dict[int, Field] = {}
        self._stops: tuple[Stop, ...] = ()
        self._step: int | None = None
        self._relief: Relief | None = None
        self._image = QImage()
        self._drawn: tuple[object, ...] = ()
        self._dragged: QPointF | None = None
        self._pressed: QPointF | None = None
        self._turning = False
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._at_rest)

    # ------------------------------------------------------------------------- contents

    @property
    def found(self) -> LandscapeFound | None:
        return self._found

    @property
    def stops(self) -> tuple[Stop, ...]:
        """The kept steps that are drawn."""
        return self._stops

    @property
    def scale(self) -> Scale:
        return self._scale

    @property
    def field(self) -> Field | None:
        """The surface as it is drawn at rest."""
        return None if self._found is None else self._field(FINE)

    def show_found(self, found: LandscapeFound | None) -> None:
        """Draw another answer."""
        before, self._found = self._found, found
        if found is before:
            return
        if found is not None and before is not None and _looks_alike(found, before):
            return  # the same picture, told again with how far the next one is
        self._anew()

    def set_scale(self, scale: Scale) -> None:
        """Heights and colours by the loss or by its logarithm."""
        if scale != self._scale:
            self._scale = scale
            self._anew()

    def set_flat(self, flat: bool) -> None:
        """A map, or a block."""
        if flat != self.flat:
            self.flat = flat
            self.update()

    def set_step(self, step: int | None) -> None:
        """Where the ball is."""
        if step != self._step:
            self._step = step
            self.update()

    @property
    def ball(self) -> Stop | None:
        """The step in view, if it is one of those drawn."""
        return next((stop for stop in self._stops if stop.step == self._step), None)

    def start_anew(self) -> None:
        """Look from where it was looked at first."""
        if self.flat:
            self._map = MAP
        else:
            self.look = HOME
        self.update()

    def _anew(self) -> None:
        self._fields.clear()
        found = self._found
        self._stops = ()
        if found is not None and words.shows_path(found):
            field = self._field(FINE)
            places = [field.place(float(a), float(b)) for a, b in found.path_S2]
            self._stops = tuple(
                Stop(int(step), u, v, field.surface(u, v))
                for step, (u, v) in zip(found.steps_S, places, strict=True)
            )
        self.setAccessibleDescription("" if found is None else words.here(found))
        self.update()

    def _field(self, n: int) -> Field:
        assert self._found is not None
        if n not in self._fields:
            self._fields[n] = field_of(self._found, self._scale, n)
        return self._fields[n]

    # --------------------------------------------------------------------------- places

    @property
    def _now(self) -> Look:
        return self._map if self.flat else self.look

    def place(self) -> Place:
        """The projection into this widget, logical pixels."""
        look = self._now
        wide, high = float(self.width()), float(self.height() - CAPTION)
        if self.flat:
            scale = max(20.0, min((wide - 150) / 2, (high - 66) / 2)) * look.zoom
            return Place(look, wide / 2 + 18, 12 + scale / look.zoom, scale)
        tilt = math.radians(look.tilt)
        tall = TALL * math.cos(tilt)
        deep = 1.4143 * math.sin(tilt)
        scale = max(
            20.0, min((wide - 190) / 2.83, (high - (58 if high > 220 else 42)) / (2 * deep + tall))
        )
        middle = 20 + scale * (deep + tall)
        return Place(look, wide / 2 + 14, middle, scale * look.zoom)

    def stop_at(self, at: QPointF) -> int | None:
        """Which of the steps is there."""
        place, best = self.place(), None
        for which, stop in enumerate(self._stops):
            height = 0.0 if math.isnan(stop.height) else stop.height
            x, y = place.project(stop.u, stop.v, height)
            away = math.hypot(x - at.x(), y - at.y())
            if away <= NEAR_STEP and (best is None or away < best[0]):
                best = away, which
        return None if best is None else best[1]

    def plane_at(self, at: QPointF) -> tuple[float, float] | None:
        """The place of the plane under a point of the picture; None where there is none."""
        relief, ratio = self._relief, self._ratio()
        if relief is None or self._found is None:
            return None
        row, column = int(at.y() * ratio), int(at.x() * ratio)
        high, wide = relief.kind_HW.shape
        if not (0 <= row < high and 0 <= column < wide) or relief.kind_HW[row, column] == NOTHING:
            return None
        u, v = float(relief.u_HW[row, column]), float(relief.v_HW[row, column])
        return self._field(FINE).at(u, v)

    # ------------------------------------------------------------------------- painting

    def _ratio(self) -> float:
        ratio = float(self.devicePixelRatioF())
        if is_figure():
            return ratio
        # A picture of more pixels would hold the window up; it is enlarged smoothly.
        most = (PIXELS / max(1, self.width() * self.height())) ** 0.5
        return min(ratio, most) * (0.5 if self._turning else 1.0)

    def _draw(self) -> tuple[Relief, Field]:
        """The relief as it is now, drawn if something has changed."""
        field = self._field(COARSE if self._turning and not is_figure() else FINE)
        ratio, place, t = self._ratio(), self.place(), theme.current()
        key = (field, place, ratio, t.name, self.size())
        if self._relief is None or key != self._drawn:
            pixels = Place(place.look, place.x * ratio, place.y * ratio, place.scale * ratio)
            size = max(2, int(self.height() * ratio)), max(2, int(self.width() * ratio))
            levels = np.array([field.height(loss) for loss in field.levels()], np.float32)
            dark, bright = (t.background, t.text) if t.name == "dark" else (t.text, t.background)
            self._relief = draw(
                field.heights_FF,
                pixels,
                size,
                surface_table(),
                levels,
                (_rgb(dark), _rgb(bright)),
                _rgb(t.no_number),
                _rgb(t.line),
            )
            self._image = image_of(self._relief)
            self._drawn = key
        return self._relief, field

    def paintEvent(self, event: QPaintEvent) -> None:
        found = self._found
        with QPainter(self) as painter:
            if found is not None:
                relief, field = self._draw()
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
                ratio = self._ratio()
                size = QSizeF(self._image.width() / ratio, self._image.height() / ratio)
                painter.drawImage(QRectF(QPointF(0, 0), size), self._image)
                around = Furnishing(field, self.place(), relief, ratio, words.axis_names(found))
                around.axes(painter)
                around.level_labels(painter, self._stops)
                around.path(painter, self._stops)
                if not self._stops:
                    around.centre(painter)
                around.names(painter, self._stops, self._named())
                ball = self.ball
                if ball is not None:
                    around.ball(painter, ball)
                box = QRectF(4, self.height() - CAPTION, self.width() - 8, CAPTION)
                legend(painter, box, field, ball is not None, bool(self._stops))
            if self.hasFocus() and not is_figure():
                draw_focus(painter, QRectF(self.rect()))

    def _named(self) -> Sequence[int]:
        """Steps whose numbers are written: the one in view, both ends, some between."""
        n = len(self._stops)
        if not n:
            return ()
        now = [i for i, stop in enumerate(self._stops) if stop.step == self._step]
        between = range(n - 1, -1, -max(1, n // 4))
        return tuple(dict.fromkeys((*now, n - 1, 0, *between)))

    # ------------------------------------------------------------------- mouse and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = self._dragged = event.position()
            event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragged is None:
            over = self.stop_at(event.position()) is not None
            shape = Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor
            self.setCursor(shape)
            return
        moved = event.position() - self._dragged
        self._dragged = event.position()
        if not self.flat and self._found is not None:
            self._turn(-0.4 * moved.x(), 0.35 * moved.y())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed, self._dragged = self._pressed, None, None
        if pressed is None or (event.position() - pressed).manhattanLength() > 4:
            return
        which = self.stop_at(event.position())
        if which is not None:
            self.step_chosen.emit(self._stops[which].step)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.stop_at(event.position()) is None:
            self.start_anew()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._zoom(1.0015 ** event.angleDelta().y())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        turns = {
            Qt.Key.Key_Left: (TURN, 0.0),
            Qt.Key.Key_Right: (-TURN, 0.0),
            Qt.Key.Key_Up: (0.0, TILT),
            Qt.Key.Key_Down: (0.0, -TILT),
        }
        if key in turns and not self.flat:
            self._turn(*turns[Qt.Key(key)])
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self._zoom(1.15)
        elif key == Qt.Key.Key_Minus:
            self._zoom(1 / 1.15)
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_0):
            self.start_anew()
        else:
            super().keyPressEvent(event)

    def _turn(self, turn: float, tilt: float) -> None:
        look = self.look
        self.look = replace(
            look,
            turn=(look.turn + turn + 180) % 360 - 180,
            tilt=min(max(look.tilt + tilt, LEAST_TILT), MOST_TILT),
        )
        self._move()

    def _zoom(self, by: float) -> None:
        zoom = min(max(self._now.zoom * by, 0.5), 6.0)
        if self.flat:
            self._map = replace(self._map, zoom=zoom)
        else:
            self.look = replace(self.look, zoom=zoom)
        self._move()

    def _move(self) -> None:
        self._turning = True
        self._rest.start()
        self.update()

    def _at_rest(self) -> None:
        self._turning = False
        self.update()

    def focusInEvent(self, event: QEvent) -> None:
        self.update()

    def focusOutEvent(self, event: QEvent) -> None:
        self.update()

    def tip(self, at: QPointF) -> str:
        """What there is to say of a place of the picture."""
        found = self._found
        if found is None:
            return ""
        which = self.stop_at(at)
        if which is not None:
            return words.about_step(found, which, self._field(FINE))
        place = self.plane_at(at)
        return "" if place is None else words.about_place(found, *place)

    def _show_tip(self, event: QHelpEvent) -> None:
        text = self.tip(QPointF(event.pos()))
        if text:
            QToolTip.showText(event.globalPos(), as_written(text), self)
        else:
            QToolTip.hideText()

    def sizeHint(self) -> QSize:
        return QSize(560, 340)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 140)


def _looks_alike(one: LandscapeFound, other: LandscapeFound) -> bool:
    """Whether both give the same picture."""
    return (
        one.question == other.question
        and one.subject == other.subject
        and np.array_equal(one.steps_S, other.steps_S)
        and np.array_equal(one.a_X, other.a_X)
        and np.array_equal(one.loss_YX, other.loss_YX)
    )


def _rgb(name: str) -> tuple[int, int, int]:
    return int(name[1:3], 16), int(name[3:5], 16), int(name[5:7], 16)
