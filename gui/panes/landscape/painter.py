"""What stands on and around the surface: axes, the run's path, the ball, the legend.

Knows the theme, the field and the projection; no store, no mouse.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QImage,
    QLinearGradient,
    QPainter,
    QPainterPath,
    QPen,
    QRadialGradient,
)

from gui import theme
from gui.panes.landscape.field import Field, ticks
from gui.panes.landscape.relief import SURFACE, Place, Relief
from gui.panes.landscape.words import short

DOT, BALL = 2.6, 7.5
TICK = 5.0
HIDDEN = 0.035
"""What lies so much deeper than what a pixel shows is behind it."""
LEGEND = 112.0
LOWEST_COLOR = 0.13
"""Where on the colour map the lowest loss lies: its very end is the ground of the window."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A kept step on the picture.

    Attributes:
        step: its number.
        u, v: its place in the square.
        height: of the surface there.
    """

    step: int
    u: float
    v: float
    height: float


def surface_table() -> np.ndarray:
    """Colours of heights: the theme's map from where it leaves the ground."""
    rows = np.linspace(255 * LOWEST_COLOR, 255, 256).round().astype(int)
    return theme.sequential_table()[rows]


def image_of(relief: Relief) -> QImage:
    """The relief as an image of its own."""
    high, wide = relief.kind_HW.shape
    data = np.ascontiguousarray(relief.rgba_HW4)
    return QImage(data.data, wide, high, 4 * wide, QImage.Format.Format_RGBA8888).copy()


class Furnishing:
    """Paints around one picture.

    Args:
        field: what is drawn.
        place: the projection, in logical pixels.
        relief: what each pixel shows.
        ratio: pixels of the relief to a logical one.
        names: of both axes.
    """

    def __init__(
        self, field: Field, place: Place, relief: Relief, ratio: float, names: tuple[str, str]
    ) -> None:
        self._field, self._place, self._relief, self._ratio = field, place, relief, ratio
        self._names = names
        self._flat = place.look.tilt > 85

    # ----------------------------------------------------------------------------- axes

    def axes(self, painter: QPainter) -> None:
        """Both axes of the plane along the front, the losses at the left."""
        t = theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
        near = min(corners, key=lambda c: (round(self._place.depth(*c), 6), c[0]))
        painter.setPen(QPen(t.color("faint"), 1))
        for (u0, v0), (u1, v1) in zip(corners, corners[1:] + corners[:1]):
            if near in ((u0, v0), (u1, v1)) or self._flat:
                painter.drawLine(self._line((u0, v0, 0), (u1, v1, 0)))
        if not self._flat:
            painter.setPen(QPen(t.color("faint"), 1))
            for u, v in corners:
                if (u, v) != (-near[0], -near[1]):
                    top = self._field.surface(u, v)
                    painter.drawLine(self._line((u, v, 0), (u, v, 0 if top != top else top)))
        self._axis(painter, 0, near)
        self._axis(painter, 1, near)
        if not self._flat:
            self._losses(painter, corners)

    def _axis(self, painter: QPainter, which: int, near: tuple[int, int]) -> None:
        """One axis of the plane, along the edge at the front."""
        t = theme.current()
        low, high = (self._field.a, self._field.b)[which]
        fixed = near[1 - which]
        if self._flat:
            fixed = -1
        painter.setFont(theme.mono(theme.SMALL_FONT_SIZE))
        metrics = QFontMetricsF(painter.font())

        def at(along: float, beyond: float = 0.0) -> QPointF:
            across = fixed * (1 + beyond)
            u, v = (along, across) if which == 0 else (across, along)
            return QPointF(*self._place.project(u, v))

        outward = at(0, 0.2) - at(0)
        length = hypot(outward.x(), outward.y()) or 1.0
        out = outward / length
        widest = 0.0
        span = at(1) - at(-1)
        for value in ticks(low, high, max(2, min(7, int(hypot(span.x(), span.y()) / 42)))):
            along = 2 * (value - low) / (high - low) - 1
            foot = at(along)
            painter.setPen(QPen(t.color("faint"), 1))
            painter.drawLine(QLineF(foot, foot + out * TICK))
            text = short(value if abs(value) > 1e-12 else 0.0)
            width = metrics.horizontalAdvance(text)
            widest = max(widest, width)
            middle = foot + out * (TICK + 4 + abs(out.x()) * width / 2 + abs(out.y()) * 6)
            painter.setPen(t.color("text" if value == 0 else "dim"))
            painter.drawText(_box(middle, width + 4, 16), Qt.AlignmentFlag.AlignCenter, text)
        painter.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        metrics = QFontMetricsF(painter.font())
        name = self._names[which]
        if metrics.horizontalAdvance(name) > 1.2 * hypot(span.x(), span.y()):
            return  # no room: the tooltip says it
        painter.setPen(t.color("dim"))
        one, other = at(-1), at(1)
        if one.x() > other.x():
            one, other = other, one
        slope = QLineF(one, other).angle()
        middle = at(0) + out * (TICK + 12 + abs(out.x()) * widest + abs(out.y()) * 14)
        painter.save()
        painter.translate(middle)
        painter.rotate(-slope if slope <= 90 else 360 - slope)
        painter.drawText(
            _box(QPointF(0, 0), metrics.horizontalAdvance(name) + 8, 16),
            Qt.AlignmentFlag.AlignCenter,
            name,
        )
        painter.restore()

    def _losses(self, painter: QPainter, corners: Sequence[tuple[int, int]]) -> None:
        """Losses up the corner that is farthest to the left."""
        t = theme.current()
        u, v = min(corners, key=lambda c: self._place.project(*c)[0])
        painter.setFont(theme.mono(theme.SMALL_FONT_SIZE))
        painter.setPen(QPen(t.color("faint"), 1))
        painter.drawLine(self._line((u, v, 0), (u, v, 1)))
        last = float("inf")
        losses = [self._field.low, *self._field.levels()]
        for loss in losses:
            x, y = self._place.project(u, v, self._field.height(loss))
            painter.setPen(QPen(t.color("faint"), 1))
            painter.drawLine(QLineF(x - TICK, y, x, y))
            if last - y < 15:
                continue
            last = y
            painter.setPen(t.color("dim"))
            box = QRectF(x - TICK - 74, y - 8, 70, 16)
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(box, right, short(loss))
        x, y = self._place.project(u, v, 1)
        painter.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        painter.setPen(t.color("dim"))
        painter.drawText(QRectF(x - 60, y - 24, 120, 16), Qt.AlignmentFlag.AlignCenter, "loss")

    def level_labels(self, painter: QPainter, stops: Sequence[Stop]) -> None:
        """On a map: which loss each line is, where it crosses a diagonal beside the path."""
        if not self._flat:
            return
        t = theme.current()
        painter.setFont(theme.mono(theme.SMALL_FONT_SIZE))
        metrics = QFontMetricsF(painter.font())
        levels = self._field.levels()
        heights = np.array([self._field.height(loss) for loss in levels])
        taken = [QPointF(*self._place.project(stop.u, stop.v)) for stop in stops]
        n = len(self._field.heights_FF) - 1
        for flip in (False, True):
            along = np.linspace(-0.96, 0.96, 400)
            rows = ((along + 1) / 2 * n).round().astype(int)
            columns = rows[::-1] if flip else rows
            profile = self._field.heights_FF[rows, columns]
            for loss, height in zip(levels, heights, strict=True):
                crossed = np.flatnonzero(np.diff(np.sign(profile - height)))
                for i in crossed:
                    v, u = along[i], along[len(along) - 1 - i] if flip else along[i]
                    at = QPointF(*self._place.project(float(u), float(v)))
                    if any(hypot(at.x() - o.x(), at.y() - o.y()) < 44 for o in taken):
                        continue
                    taken.append(at)
                    text = short(loss)
                    box = _box(at, metrics.horizontalAdvance(text) + 6, 14)
                    painter.setPen(Qt.PenStyle.NoPen)
                    painter.setBrush(t.color("panel", 0.6))
                    painter.drawRect(box)
                    painter.setPen(t.color("dim"))
                    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    # ----------------------------------------------------------------------- on the surface

    def path(self, painter: QPainter, stops: Sequence[Stop]) -> None:
        """The run's steps on the surface, one after another."""
        t = theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        seen, behind = QPainterPath(), QPainterPath()
        for one, other in itertools.pairwise(stops):
            places = self._between(one, other)
            for (first, hidden), (second, also) in itertools.pairwise(places):
                line = behind if hidden or also else seen
                line.moveTo(first)
                line.lineTo(second)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(t.color("text", 0.22), 1.2))
        painter.drawPath(behind)
        painter.setPen(QPen(t.color("background", 0.75), 4.2))
        painter.drawPath(seen)
        painter.setPen(QPen(_path_color(), 1.8))
        painter.drawPath(seen)
        for stop in stops:
            at, hidden = self._on(stop.u, stop.v, stop.height)
            if hidden:
                continue
            painter.setPen(QPen(t.color("background", 0.8), 1))
            painter.setBrush(_path_color())
            painter.drawEllipse(at, DOT, DOT)

    def names(self, painter: QPainter, stops: Sequence[Stop], some: Sequence[int]) -> None:
        """The numbers of some steps beside their dots, as far as there is room."""
        t = theme.current()
        painter.setFont(theme.mono(theme.SMALL_FONT_SIZE))
        metrics = QFontMetricsF(painter.font())
        taken: list[QRectF] = []
        for which in some:
            stop = stops[which]
            at, hidden = self._on(stop.u, stop.v, stop.height)
            text = f"step {stop.step:,}"  # beside them stand losses
            box = QRectF(at.x() + 8, at.y() - 18, metrics.horizontalAdvance(text) + 6, 14)
            if hidden or any(box.intersects(other) for other in taken):
                continue
            taken.append(box)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(t.color("panel", 0.8))
            painter.drawRoundedRect(box, 2, 2)
            painter.setPen(t.color("text"))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def centre(self, painter: QPainter) -> None:
        """A cross where the weights are that the plane goes through."""
        u, v = self._field.place(0.0, 0.0)
        at, _ = self._on(u, v, self._field.surface(u, v))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for color, width in ((theme.current().color("background", 0.8), 4.0), (_path_color(), 1.6)):
            painter.setPen(QPen(color, width))
            painter.drawLine(QLineF(at.x() - 5, at.y(), at.x() + 5, at.y()))
            painter.drawLine(QLineF(at.x(), at.y() - 5, at.x(), at.y() + 5))

    def ball(self, painter: QPainter, stop: Stop) -> None:
        """Where the run is at the step in view."""
        at, _ = self._on(stop.u, stop.v, stop.height)
        at = QPointF(at.x(), at.y() - (0 if self._flat else BALL * 0.7))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if not self._flat:
            painter.setBrush(theme.current().color("background", 0.45))
            painter.drawEllipse(QPointF(at.x() + 2, at.y() + BALL * 0.8), BALL, BALL * 0.5)
        color = QColor(theme.current().series[1])
        light = QRadialGradient(at.x() - BALL * 0.35, at.y() - BALL * 0.4, BALL * 1.5)
        light.setColorAt(0, color.lighter(165))
        light.setColorAt(0.45, color)
        light.setColorAt(1, color.darker(190))
        painter.setBrush(light)
        painter.setPen(QPen(theme.current().color("background", 0.8), 1))
        painter.drawEllipse(at, BALL, BALL)

    def _between(self, one: Stop, other: Stop) -> list[tuple[QPointF, bool]]:
        """A way over the surface from one step to the next."""
        far = hypot(other.u - one.u, other.v - one.v)
        n = max(2, min(60, int(far * 60)))
        found = []
        for share in np.linspace(0, 1, n):
            u = one.u + share * (other.u - one.u)
            v = one.v + share * (other.v - one.v)
            height = self._field.surface(u, v)
            found.append(self._on(u, v, 0.0 if height != height else height))
        return found

    def _on(self, u: float, v: float, height: float) -> tuple[QPointF, bool]:
        """A point of the surface on the screen, and whether something is in front of it."""
        if height != height:
            height = 0.0
        x, y = self._place.project(u, v, height)
        kind, depth = self._relief.kind_HW, self._relief.depth_HW
        column, row = int(x * self._ratio), int(y * self._ratio)
        hidden = False
        if 0 <= row < kind.shape[0] and 0 <= column < kind.shape[1] and not self._flat:
            before = self._place.depth(u, v) - float(depth[row, column])
            hidden = kind[row, column] >= SURFACE and before > HIDDEN
        return QPointF(x, y), hidden

    def _line(self, one: tuple[float, float, float], other: tuple[float, float, float]) -> QLineF:
        return QLineF(QPointF(*self._place.project(*one)), QPointF(*self._place.project(*other)))


def legend(painter: QPainter, box: QRectF, field: Field, ball: bool, path: bool) -> None:
    """Colours with both ends and the scale; what the marks are, as far as there is room."""
    t = theme.current()
    left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
    painter.setFont(theme.mono(theme.SMALL_FONT_SIZE))
    metrics = QFontMetricsF(painter.font())
    x = box.left()
    low, high = short(field.low), short(field.high)
    painter.setPen(t.color("dim"))
    painter.drawText(QRectF(x, box.top(), 80, box.height()), left, low)
    x += metrics.horizontalAdvance(low) + 6
    bar = QRectF(x, round(box.center().y() - 4), LEGEND, 8)
    ramp = QLinearGradient(bar.topLeft(), bar.topRight())
    table = surface_table()
    for i in range(0, 256, 15):
        ramp.setColorAt(i / 255, QColor(*(int(c) for c in table[i])))
    painter.setPen(QPen(t.color("line"), 1))
    painter.setBrush(ramp)
    painter.drawRect(bar)
    x = bar.right() + 6
    painter.setPen(t.color("dim"))
    painter.drawText(QRectF(x, box.top(), 80, box.height()), left, high)
    x += metrics.horizontalAdvance(high) + 8
    painter.setFont(theme.sans(theme.SMALL_FONT_SIZE))
    metrics = QFontMetricsF(painter.font())
    dim = t.color("dim")
    said = [("", f"nats a token{' (log scale)' if field.scale == 'log' else ''}", dim)]
    said += [("— ", "kept steps", _path_color())] if path else [("+ ", "centre", _path_color())]
    said += [("● ", "step in view", QColor(t.series[1]))] if ball else []
    for mark, word, color in said:
        width, before = metrics.horizontalAdvance(mark + word), metrics.horizontalAdvance(mark)
        if x + width > box.right():
            return
        painter.setPen(color)
        painter.drawText(QRectF(x, box.top(), before + 2, box.height()), left, mark)
        painter.setPen(dim)
        painter.drawText(QRectF(x + before, box.top(), width + 2, box.height()), left, word)
        x += width + 16


def _box(middle: QPointF, width: float, height: float) -> QRectF:
    return QRectF(middle.x() - width / 2, middle.y() - height / 2, width, height)


def _path_color() -> QColor:
    return theme.current().color("text")
