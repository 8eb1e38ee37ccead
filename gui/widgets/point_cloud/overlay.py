"""What is written and drawn over a cloud of points: lines, arrows, rings and labels.

Labels never overlap: those that matter most are placed first, others where room is left. Lines end
where the screen does. Painted with the same camera as the points, so a ring sits on its point.

Knows the theme and places in space; neither tokens nor the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import ceil, floor, hypot

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from gui import theme
from gui.widgets.canvas import is_vector
from gui.widgets.point_cloud.camera import Camera

Place = tuple[float, float, float]
Spot = tuple[float, float]
PAD = 3.0
GAP = 5.0  # between a point and its label
CELL = 4  # pixels of the grid in which taken room is noted
ARROW = 7.0
TOO_FAR = 1e5  # pixels; farther off coordinates would overflow the painter


@dataclass(frozen=True, slots=True)
class Mark:
    """A place that is shown, with or without a label.

    Attributes:
        at: where, in the cloud's space.
        text: its label; none if empty.
        tone: name of a theme colour, or "series 2" for one of its series.
        dot: diameter of a filled dot in pixels, 0 for none.
        ring: diameter of a ring in pixels, 0 for none.
        strong: bold, on a plate.
        rank: of several marks that want room, the one of lower rank gets it.
        token: the vocabulary id that it stands for, or None.
    """

    at: Place
    text: str = ""
    tone: str = "text"
    dot: float = 0.0
    ring: float = 0.0
    strong: bool = False
    rank: int = 9
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
        marks: those of equal rank in the order in which they are placed.
        ambient: ids of points that get a label where there is room, in order of preference.
        text_of: the label of such a point.
    """

    lines: tuple[Line, ...] = ()
    marks: tuple[Mark, ...] = ()
    ambient: Sequence[int] | NDArray[np.intp] = ()
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


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything of an overlay goes.

    Attributes:
        spots: ``[M, 2]`` of the marks on the screen.
        lines: ``[N, 2]`` of each line's places.
        labels: the labels that found room, with the mark that each belongs to.
    """

    spots: NDArray[np.float32]
    lines: tuple[NDArray[np.float32], ...]
    labels: tuple[tuple[Label, Mark], ...]


@dataclass(slots=True)
class _Room:
    """Which parts of the screen are taken: a grid of cells, a row of it the bits of a number.

    A box is asked about hundreds of times a frame, and for its few rows that is a fifth of the
    time of a NumPy slice.
    """

    width: float
    height: float
    taken: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.taken = [0] * (ceil(self.height / CELL) + 1)

    def free(self, left: float, top: float, width: float, height: float) -> bool:
        """Whether a box lies on the screen and nothing is in it."""
        right, bottom = left + width, top + height
        if left < 0 or top < 0 or right > self.width or bottom > self.height:
            return False
        cells = _cells(left, right)
        # Mapped: a generator takes twice as long.
        return not any(map(cells.__and__, self.taken[floor(top / CELL) : ceil(bottom / CELL)]))

    def take(self, box: QRectF) -> None:
        """Nothing else may be there; the box lies on the screen."""
        cells = _cells(box.left(), box.right())
        for row in range(floor(box.top() / CELL), ceil(box.bottom() / CELL)):
            self.taken[row] |= cells


def _cells(left: float, right: float) -> int:
    """The bits of the cells from left to right."""
    first = floor(left / CELL)
    return ((1 << (ceil(right / CELL) - first)) - 1) << first


def lay_out(
    overlay: Overlay,
    camera: Camera,
    width: int,
    height: int,
    ambient: NDArray[np.integer],
    places: NDArray[np.float32],
) -> Layout:
    """Find the place of everything, and room for labels.

    Args:
        overlay: what.
        camera: the points' camera.
        width, height: of the widget in logical pixels.
        ambient: ids of the points that get a label where there is room, A of the overlay's.
        places: ``[A, 2]`` of them on the screen, NaN where behind.
    """
    room = _Room(width, height)
    spots = camera.project([mark.at for mark in overlay.marks], width, height).xy
    lines = _project_lines(overlay.lines, camera, width, height)
    labels = _place_marks(overlay.marks, spots, room)
    limit = max(4, int(width * height / 16_000))
    labels += _place_ambient(overlay, ambient, places, room, limit)
    return Layout(spots, lines, tuple(labels))


def _project_lines(
    lines: Sequence[Line], camera: Camera, width: int, height: int
) -> tuple[NDArray[np.float32], ...]:
    """Where each line's places lie, ``[N, 2]``; all in one go, because each go costs 40 µs."""
    xy = camera.project([place for line in lines for place in line.points], width, height).xy
    ends = np.cumsum([len(line.points) for line in lines])
    return tuple(np.split(xy, ends[:-1])) if lines else ()


def paint(painter: QPainter, overlay: Overlay, layout: Layout) -> None:
    """Paint it on a widget, in logical pixels."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for line, spots in zip(overlay.lines, layout.lines):
        _paint_line(painter, line, spots)
    _paint_dots(painter, overlay.marks, layout.spots)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    for strong in (False, True):
        painter.setFont(_font(strong))
        ascent = QFontMetricsF(_font(strong)).ascent()
        for label, mark in layout.labels:
            if mark.strong == strong:
                _paint_label(painter, label, mark, ascent)


def tone_color(tone: str, opacity: float = 1.0) -> QColor:
    """The colour of a mark's or a line's tone."""
    t = theme.current()
    if not tone.startswith("series "):
        return t.color(tone, opacity)
    color = QColor(t.series[int(tone.removeprefix("series "))])
    color.setAlphaF(opacity)
    return color


# --------------------------------------------------------------------------------- labels

_AMBIENT = Mark((0.0, 0.0, 0.0), tone="dim")


def _font(strong: bool) -> QFont:
    return theme.mono(theme.SMALL_FONT_SIZE, bold=strong)


@lru_cache(maxsize=8192)
def _text_size(text: str, strong: bool) -> tuple[float, float]:
    metrics = QFontMetricsF(_font(strong))
    return metrics.horizontalAdvance(text) + 2 * PAD, metrics.height()


def _corners(x: float, y: float, w: float, h: float, reach: float) -> Iterator[Spot]:
    """Where a label's top left corner may be: right of its point, left, above, below, aslant."""
    gap = reach + GAP - PAD
    yield x + gap, y - h / 2
    yield x - gap - w, y - h / 2
    yield x - w / 2, y - gap - h
    yield x - w / 2, y + gap
    yield x + gap / 2, y - gap / 2 - h
    yield x - gap / 2 - w, y - gap / 2 - h
    yield x + gap / 2, y + gap / 2
    yield x - gap / 2 - w, y + gap / 2


def _place_marks(
    marks: Sequence[Mark], spots: NDArray[np.float32], room: _Room
) -> list[tuple[Label, Mark]]:
    placed: list[tuple[Label, Mark]] = []
    ranked = sorted(zip(marks, spots.tolist()), key=lambda pair: pair[0].rank)
    for mark, (x, y) in ranked:
        if not mark.text or not (0 <= x <= room.width and 0 <= y <= room.height):
            continue
        w, h = _text_size(mark.text, mark.strong)
        for left, top in _corners(x, y, w, h, max(mark.dot, mark.ring) / 2):
            if room.free(left, top, w, h):
                box = QRectF(left, top, w, h)
                room.take(box)
                placed.append((Label(mark.text, box, QPointF(x, y), mark.token), mark))
                break
    return placed


def _place_ambient(
    overlay: Overlay,
    order: NDArray[np.integer],
    places: NDArray[np.float32],
    room: _Room,
    limit: int,
) -> list[tuple[Label, Mark]]:
    """Labels for as many other points as fit, up to a limit that keeps the view calm."""
    placed: list[tuple[Label, Mark]] = []
    if not len(order):
        return placed
    x, y = places[:, 0], places[:, 1]
    inside = (x >= 0) & (x < room.width) & (y >= 0) & (y < room.height)
    inside &= ~np.isin(order, [mark.token for mark in overlay.marks if mark.token is not None])
    tried = np.flatnonzero(inside)[: 5 * limit]
    for token, (x, y) in zip(order[tried].tolist(), places[tried].tolist()):
        if len(placed) >= limit:
            break
        text = overlay.text_of(token)
        w, h = _text_size(text, False)
        left, top = x + GAP - PAD + 1, y - h / 2
        # Some air around them: a crowd of labels says less than a few.
        if left >= 4 and room.free(left - 4, top - 2, w + 8, h + 4):
            box = QRectF(left, top, w, h)
            room.take(box)
            placed.append((Label(text, box, QPointF(x, y), token), _AMBIENT))
    return placed


def _paint_label(painter: QPainter, label: Label, mark: Mark, ascent: float) -> None:
    plate = theme.current().color("background", 0.82 if mark.strong else 0.55)
    painter.fillRect(label.box.adjusted(0, 1, 0, -1), plate)
    painter.setPen(tone_color(mark.tone))
    painter.drawText(QPointF(label.box.left() + PAD, label.box.top() + ascent), label.text)


# ----------------------------------------------------------------------- dots and lines


def _paint_dots(painter: QPainter, marks: Sequence[Mark], spots: NDArray[np.float32]) -> None:
    edge = QPen(theme.current().color("background"), 1)
    colors = {tone: tone_color(tone) for tone in {mark.tone for mark in marks}}
    # The most important is painted last, on top.
    ranked = sorted(zip(marks, spots.tolist()), key=lambda pair: -pair[0].rank)
    filled = ""  # the tone that the painter is set to fill with; there are hundreds of one tone
    for mark, (x, y) in ranked:
        if not (abs(x) < TOO_FAR and abs(y) < TOO_FAR):
            continue
        if mark.dot:
            if filled != mark.tone:
                painter.setPen(edge)
                painter.setBrush(colors[mark.tone])
                filled = mark.tone
            painter.drawEllipse(QPointF(x, y), mark.dot / 2, mark.dot / 2)
        if mark.ring:
            painter.setPen(QPen(colors[mark.tone], 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(x, y), mark.ring / 2, mark.ring / 2)
            filled = ""


_NOT_SHIFTED = (QPointF(),)
_AROUND = (QPointF(), QPointF(0.0, -1.0), QPointF(0.87, 0.5), QPointF(-0.87, 0.5))


def _paint_line(painter: QPainter, line: Line, spots: NDArray[np.float32]) -> None:
    # Qt draws a smooth line of one pixel 6 to 30 times as fast as a wider one (6.11, raster).
    thin = line.width <= 1 or is_vector(painter)
    pen = QPen(tone_color(line.tone, line.opacity), line.width if thin else 1.0)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    shifts = _NOT_SHIFTED if thin else [at * (line.width - 1) / 2 for at in _AROUND]
    if line.dashed:
        pen.setDashPattern([3, 3])
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    run: list[QPointF] = []
    for x, y in spots.tolist():
        if not (abs(x) < TOO_FAR and abs(y) < TOO_FAR):  # NaN is behind the viewer
            _stroke(painter, run, shifts)
            run = []
        else:
            run.append(QPointF(x, y))
    _stroke(painter, run, shifts)
    if line.arrow and len(run) >= 2:
        _paint_head(painter, run[-2], run[-1], line)


def _stroke(painter: QPainter, run: list[QPointF], shifts: Sequence[QPointF]) -> None:
    if len(run) >= 2:
        polyline = QPolygonF(run)
        for shift in shifts:
            painter.drawPolyline(polyline.translated(shift))


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
    painter.setBrush(QBrush(tone_color(line.tone, line.opacity)))
    painter.drawPolygon(QPolygonF([tip, base + side, base - side]))
