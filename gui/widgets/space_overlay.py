"""What is written and drawn over a cloud of points: lines, arrows, rings and labels.

Labels never overlap: those that matter most are placed first, others where room is left. Lines end
where the screen does. Painted with the same camera as the points, so a ring sits on its point.

Knows the theme and places in space; neither tokens nor the store.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import ceil, floor, hypot

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from gui import theme
from gui.widgets.camera import Camera

Place = tuple[float, float, float]
PAD = 3.0
GAP = 5.0  # between a point and its label
CELL = 4  # pixels of the grid in which taken room is noted
ARROW = 7.0


@dataclass(frozen=True, slots=True)
class Mark:
    """A place that is shown, with or without a label.

    Attributes:
        at: where, in the cloud's space.
        text: its label; none if empty.
        tone: name of a theme colour, or "series 2" for one of its series.
        dot: diameter of a filled dot in pixels, 0 for none.
        ring: diameter of a ring in pixels, 0 for none.
        strong: bold, and the label is written even if the screen is full; a plate behind it.
        token: the vocabulary id that it stands for, or None.
    """

    at: Place
    text: str = ""
    tone: str = "text"
    dot: float = 0.0
    ring: float = 0.0
    strong: bool = False
    token: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A polyline in space.

    Attributes:
        points: at least two places.
        tone: as of a mark.
        width: in pixels.
        opacity: 0 to 1.
        arrow: a head at the last place.
        dashed: for what is only a guide.
    """

    points: tuple[Place, ...]
    tone: str = "accent"
    width: float = 1.5
    opacity: float = 1.0
    arrow: bool = False
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Overlay:
    """Everything that is drawn over the points.

    Attributes:
        lines: from back to front.
        marks: the most important first: it is placed first.
        ambient: ids of points that get a label where there is room, in order of preference.
        text_of: the label of such a point.
    """

    lines: tuple[Line, ...] = ()
    marks: tuple[Mark, ...] = ()
    ambient: Sequence[int] = ()
    text_of: Callable[[int], str] = str


@dataclass(frozen=True, slots=True)
class Label:
    """A label as it was placed.

    Attributes:
        text: what it says.
        box: where, in logical pixels.
        anchor: the point on the screen that it belongs to.
        token: the vocabulary id, or None.
    """

    text: str
    box: QRectF
    anchor: QPointF
    token: int | None


@dataclass(slots=True)
class _Room:
    """Which parts of the screen are taken."""

    width: float
    height: float
    taken: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.taken = np.zeros((ceil(self.height / CELL) + 1, ceil(self.width / CELL) + 1), bool)

    def holds(self, box: QRectF) -> bool:
        return (
            box.left() >= 0
            and box.top() >= 0
            and box.right() <= self.width
            and box.bottom() <= self.height
        )

    def free(self, box: QRectF) -> bool:
        return self.holds(box) and not self._cells(box).any()

    def take(self, box: QRectF) -> None:
        self._cells(box)[:] = True

    def _cells(self, box: QRectF) -> NDArray[np.bool_]:
        left, top = max(0, floor(box.left() / CELL)), max(0, floor(box.top() / CELL))
        return self.taken[top : ceil(box.bottom() / CELL), left : ceil(box.right() / CELL)]


def paint(
    painter: QPainter,
    overlay: Overlay,
    camera: Camera,
    width: int,
    height: int,
    places: NDArray[np.float32],
    reserved: Sequence[QRectF] = (),
) -> tuple[Label, ...]:
    """Paint it and say which labels found room.

    Args:
        painter: on the widget, in logical pixels.
        overlay: what.
        camera: the points' camera.
        width, height: of the widget.
        places: ``[N, 2]`` of all points on the screen, NaN where behind; for ambient labels.
        reserved: boxes that no label may touch.

    Returns:
        The labels, in the order in which they were placed.
    """
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for line in overlay.lines:
        _paint_line(painter, line, camera, width, height)
    room = _Room(width, height)
    for box in reserved:
        room.take(box)
    spots = _spots(overlay.marks, camera, width, height)
    _paint_dots(painter, overlay.marks, spots, room)
    labels = _place_marks(overlay.marks, spots, room)
    limit = max(4, int(width * height / 16_000))
    labels += _place_ambient(overlay, places, room, limit)
    for label, mark in labels:
        _paint_label(painter, label, mark)
    return tuple(label for label, _ in labels)


def _color(tone: str, opacity: float = 1.0) -> QColor:
    t = theme.current()
    if not tone.startswith("series "):
        return t.color(tone, opacity)
    color = QColor(t.series[int(tone.removeprefix("series "))])
    color.setAlphaF(opacity)
    return color


# --------------------------------------------------------------------------------- labels

_AMBIENT = Mark((0.0, 0.0, 0.0), tone="dim")


def _font(mark: Mark) -> QFont:
    return theme.mono(theme.SMALL_FONT_SIZE, bold=mark.strong)


@lru_cache(maxsize=4096)
def _text_size(text: str, strong: bool) -> QSizeF:
    metrics = QFontMetricsF(theme.mono(theme.SMALL_FONT_SIZE, bold=strong))
    return QSizeF(metrics.horizontalAdvance(text) + 2 * PAD, metrics.height())


def _spots(marks: Sequence[Mark], camera: Camera, width: int, height: int) -> NDArray[np.float32]:
    if not marks:
        return np.empty((0, 2), np.float32)
    return camera.project([mark.at for mark in marks], width, height).xy


def _boxes(spot: QPointF, size: QSizeF, reach: float) -> tuple[QRectF, ...]:
    """Where a label may stand: right of its point, left, above, below."""
    w, h = size.width(), size.height()
    gap = reach + GAP - PAD
    x, y = spot.x(), spot.y()
    return (
        QRectF(x + gap, y - h / 2, w, h),
        QRectF(x - gap - w, y - h / 2, w, h),
        QRectF(x - w / 2, y - gap - h, w, h),
        QRectF(x - w / 2, y + gap, w, h),
    )


def _place_marks(
    marks: Sequence[Mark], spots: NDArray[np.float32], room: _Room
) -> list[tuple[Label, Mark]]:
    placed: list[tuple[Label, Mark]] = []
    for mark, (x, y) in zip(marks, spots.tolist()):
        if not mark.text or not (0 <= x <= room.width and 0 <= y <= room.height):
            continue
        spot = QPointF(x, y)
        size = _text_size(mark.text, mark.strong)
        boxes = _boxes(spot, size, max(mark.dot, mark.ring) / 2)
        box = next((box for box in boxes if room.free(box)), None)
        if box is None and mark.strong:
            # One that must be read goes where it can stand, over lesser things if need be.
            box = next((box for box in boxes if room.holds(box)), None)
        if box is not None:
            room.take(box)
            placed.append((Label(mark.text, box, spot, mark.token), mark))
    return placed


def _place_ambient(
    overlay: Overlay, places: NDArray[np.float32], room: _Room, limit: int
) -> list[tuple[Label, Mark]]:
    """Labels for as many other points as fit, up to a limit that keeps the view calm."""
    placed: list[tuple[Label, Mark]] = []
    if not len(overlay.ambient) or not len(places):
        return placed
    order = np.asarray(overlay.ambient)
    xy = places[order]
    inside = (xy[:, 0] >= 0) & (xy[:, 0] < room.width) & (xy[:, 1] >= 0) & (xy[:, 1] < room.height)
    labelled = {mark.token for mark in overlay.marks}
    tried = 0
    for token, (x, y) in zip(order[inside].tolist(), xy[inside].tolist()):
        if len(placed) >= limit or tried >= 5 * limit:
            break
        tried += 1
        if token in labelled:
            continue
        text = overlay.text_of(token)
        spot = QPointF(x, y)
        box = _boxes(spot, _text_size(text, False), 1.0)[0]
        # Some air around them: a crowd of labels says less than a few.
        if room.free(box.adjusted(-4, -2, 4, 2)):
            room.take(box)
            placed.append((Label(text, box, spot, token), _AMBIENT))
    return placed


def _paint_label(painter: QPainter, label: Label, mark: Mark) -> None:
    t = theme.current()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(t.color("background", 0.82 if mark.strong else 0.55))
    painter.drawRoundedRect(label.box.adjusted(0, 1, 0, -1), 3, 3)
    painter.setFont(_font(mark))
    painter.setPen(_color(mark.tone))
    painter.drawText(label.box, Qt.AlignmentFlag.AlignCenter, label.text)


# ----------------------------------------------------------------------- dots and lines


def _paint_dots(
    painter: QPainter, marks: Sequence[Mark], spots: NDArray[np.float32], room: _Room
) -> None:
    t = theme.current()
    # The most important is painted last, on top.
    for mark, (x, y) in reversed(list(zip(marks, spots.tolist()))):
        if not (-20 <= x <= room.width + 20 and -20 <= y <= room.height + 20):
            continue
        color = _color(mark.tone)
        if mark.dot:
            painter.setPen(QPen(t.color("background"), 1))
            painter.setBrush(color)
            painter.drawEllipse(QPointF(x, y), mark.dot / 2, mark.dot / 2)
        if mark.ring:
            painter.setPen(QPen(color, 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(x, y), mark.ring / 2, mark.ring / 2)


def _paint_line(painter: QPainter, line: Line, camera: Camera, width: int, height: int) -> None:
    spots = camera.project(line.points, width, height).xy
    pen = QPen(_color(line.tone, line.opacity), line.width)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if line.dashed:
        pen.setDashPattern([3, 3])
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    run: list[QPointF] = []
    for x, y in spots.tolist():
        # Behind the viewer, or so far off that coordinates would overflow the painter.
        if not (abs(x) < 1e5 and abs(y) < 1e5):
            _stroke(painter, run)
            run = []
        else:
            run.append(QPointF(x, y))
    _stroke(painter, run)
    if line.arrow and len(run) >= 2:
        _paint_head(painter, run[-2], run[-1], line)


def _stroke(painter: QPainter, run: list[QPointF]) -> None:
    if len(run) >= 2:
        painter.drawPolyline(QPolygonF(run))


def _paint_head(painter: QPainter, before: QPointF, tip: QPointF, line: Line) -> None:
    dx, dy = tip.x() - before.x(), tip.y() - before.y()
    length = hypot(dx, dy)
    if length < 2:
        return
    size = min(ARROW, length)
    dx, dy = dx / length * size, dy / length * size
    base = QPointF(tip.x() - dx, tip.y() - dy)
    side = QPointF(-dy * 0.45, dx * 0.45)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QBrush(_color(line.tone, line.opacity)))
    painter.drawPolygon(QPolygonF([tip, base + side, base - side]))
