"""Where an attention graph's nodes are, and which of its edges is near a point.

Where a text is too long for a column a token, those that no edge touches share what is left over:
the rest of the text is a thin axis.

Plain computing, without a widget. Shape suffixes: E edges, N points along an edge, R rows of
nodes, T positions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, QSizeF
from PySide6.QtGui import QFontMetricsF, QPainterPath

from gui.widgets.canvas import CAPTION_HEIGHT
from gui.widgets.heat_map.layout import label_font, label_widths
from model.probe.routes.asks import RoutesFound

SMALLEST_STEP = 7.0
LARGEST_STEP = 96.0
NARROWEST = 2.5
"""Of the columns that edges touch, where not all have room."""
GAP = 10.0
"""Of a stretch of tokens that no edge touches."""
SMALLEST_RISE = 3.0
LARGEST_RISE = 120.0
REACH = 5.0
"""How near to an edge the mouse must be, logical pixels."""


@dataclass(frozen=True, slots=True)
class GraphPlace:
    """Where things are, in logical pixels.

    Attributes:
        x_T: of every token's column, from the left edge of the whole.
        shown_T: whether it has room of its own; the others share the gaps between.
        n_layers: rows above the embedding.
        step: how wide a column is.
        rise: from row to row.
        window: of the viewport, through which the graph is seen.
        whole: size of the graph.
        label_length: room for a token's text where it stands.
        flat: whether tokens lie below their columns; where those are narrow, they stand.
    """

    x_T: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    shown_T: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    n_layers: int = 0
    step: float = SMALLEST_STEP
    rise: float = SMALLEST_RISE
    window: QRectF = field(default_factory=QRectF)
    whole: QSizeF = field(default_factory=QSizeF)
    label_length: float = 0.0
    flat: bool = False

    def node(self, row: int, position: int, scrolled: QPoint) -> QPointF:
        """A node in the viewport; row 0 is the embedding, row l + 1 layer l."""
        return QPointF(
            self.window.left() + float(self.x_T[position]) - scrolled.x(),
            self.window.top() + 6 + (self.n_layers - row) * self.rise - scrolled.y(),
        )

    def grid(self, scrolled: QPoint) -> tuple[list[float], list[float]]:
        """X of every column and y of every row, the lowest first: many nodes at once."""
        x_T = self.window.left() - scrolled.x() + self.x_T
        y_R = self.node(0, 0, scrolled).y() - self.rise * np.arange(self.n_layers + 1)
        return x_T.tolist(), y_R.tolist()

    def path(self, layer: int, query: int, key: int, scrolled: QPoint) -> QPainterPath:
        """The curve of an edge in the viewport, from key up to query."""
        start, end = self.node(layer, key, scrolled), self.node(layer + 1, query, scrolled)
        middle = (start.y() + end.y()) / 2
        path = QPainterPath(start)
        path.cubicTo(start.x(), middle, end.x(), middle, end.x(), end.y())
        return path

    def position_at(self, point: QPoint, scrolled: QPoint) -> int | None:
        """The position whose column a point is in."""
        if not self.window.left() <= point.x() < self.window.right():
            return None
        return int(np.abs(self.x_T - (point.x() + scrolled.x() - self.window.left())).argmin())

    def labelled(self, positions: Sequence[int], marked: int, room: float) -> list[int]:
        """The positions whose labels can stand beside each other; near ones give way.

        Args:
            positions: that are in view, in order.
            marked: one that is written in any case.
            room: that a label needs, logical pixels.
        """
        kept, end = list[int](), -math.inf
        at = float(self.x_T[marked]) if 0 <= marked < len(self.x_T) else math.inf
        for position in positions:
            x = float(self.x_T[position])
            if x - end >= room and (abs(x - at) >= room or position == marked):
                kept.append(position)
                end = x
        return kept

    def edge_at(self, edges: RoutesFound, point: QPoint, scrolled: QPoint) -> int | None:
        """The edge within reach of a point, the nearest if there are several."""
        if not self.window.contains(QPointF(point)):
            return None
        base = self.node(0, 0, scrolled)
        layer = math.floor((base.y() - point.y()) / self.rise)
        candidates_E = np.nonzero(edges.layer_E == layer)[0]
        if not len(candidates_E):
            return None
        t_N = np.linspace(0, 1, 25)
        bend_N = t_N**2 * (3 - 2 * t_N)  # x of the curve, from 0 to 1
        climb_N = 1.5 * t_N * (1 - t_N) + t_N**3  # y of it
        left = self.window.left() - scrolled.x()
        key_E = left + self.x_T[edges.key_E[candidates_E]]
        query_E = left + self.x_T[edges.query_E[candidates_E]]
        x_EN = key_E[:, None] + (query_E - key_E)[:, None] * bend_N
        y_N = base.y() - (layer + climb_N) * self.rise
        # Distance to each piece between two points of each curve.
        dx_EN, dy_N = np.diff(x_EN, axis=1), np.diff(y_N)
        from_x_EN, from_y_N = point.x() - x_EN[:, :-1], point.y() - y_N[:-1]
        along_EN = (from_x_EN * dx_EN + from_y_N * dy_N) / (dx_EN**2 + dy_N**2)
        along_EN = np.clip(along_EN, 0, 1)
        apart_E = np.hypot(from_x_EN - along_EN * dx_EN, from_y_N - along_EN * dy_N).min(axis=1)
        nearest = int(apart_E.argmin())
        return int(candidates_E[nearest]) if apart_E[nearest] <= REACH else None


def place_graph(
    labels: tuple[str, ...],
    n_layers: int,
    size: QSize,
    bar: int,
    kept_T: NDArray[np.bool_],
    caption: int = CAPTION_HEIGHT,
) -> GraphPlace:
    """Spread columns and rows over the room.

    Args:
        labels: one a token.
        n_layers: rows above the embedding.
        size: of the viewport without scroll bars.
        bar: how wide a scroll bar is.
        kept_T: which tokens have a column in any case.
        caption: height of the words below.
    """
    metrics = QFontMetricsF(label_font())
    left, top = math.ceil(metrics.horizontalAdvance("embed")) + 16, 10
    widths = label_widths(labels)
    room_w = max(20.0, size.width() - left - 14.0)
    shown_T = kept_T if len(labels) * SMALLEST_STEP > room_w else np.ones(len(labels), np.bool_)
    widest = max(width for width, shown in zip(widths, shown_T, strict=True) if shown)
    label_length = min(widest, 0.3 * size.height(), 100.0)
    step, x_T, width = _columns(shown_T, room_w)
    flat = widest + 6 <= step
    below = metrics.height() if flat else label_length
    room_h = size.height() - top - below - caption - 12
    if width > room_w + 0.5:
        room_h -= bar
    room_h = max(20.0, room_h)
    rise = min(max((room_h - 12) / n_layers, SMALLEST_RISE), LARGEST_RISE)
    rise = float(math.floor(rise))  # rows lie on whole pixels
    height = n_layers * rise + 12
    if height > room_h + 0.5:  # its bar takes room from the columns
        room_w -= bar
        step, x_T, width = _columns(shown_T, room_w)
        flat = flat and widest + 6 <= step
    whole = QSizeF(width, height)
    seen = whole.boundedTo(QSizeF(room_w, room_h))
    x = round(left + (room_w - seen.width()) / 2)
    y = round(top + (room_h - seen.height()) / 2)
    window = QRectF(x, y, seen.width(), seen.height())
    return GraphPlace(x_T, shown_T, n_layers, step, rise, window, whole, label_length, flat)


def _columns(shown_T: NDArray[np.bool_], room: float) -> tuple[float, NDArray[np.float64], float]:
    """How wide a column is, where each token's is, and how wide all are."""
    n_shown = max(1, int(shown_T.sum()))
    hidden_T = ~shown_T
    begins_T = hidden_T & ~np.concatenate([[False], hidden_T[:-1]])
    n_gaps = int(begins_T.sum())
    gap = min(GAP, 0.25 * room / n_gaps) if n_gaps else 0.0
    least = NARROWEST if n_gaps else SMALLEST_STEP
    step = min(max((room - n_gaps * gap) / n_shown, least), LARGEST_STEP)
    # Tokens without a column share their stretch evenly.
    length_of_gap = np.bincount(np.cumsum(begins_T)[hidden_T], minlength=n_gaps + 1)
    wide_T = np.full(len(shown_T), step)
    wide_T[hidden_T] = gap / length_of_gap[np.cumsum(begins_T)[hidden_T]]
    right_T = np.cumsum(wide_T)
    return step, right_T - wide_T / 2, float(right_T[-1])
