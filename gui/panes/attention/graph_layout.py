"""Where an attention graph's nodes are, and which of its edges is near a point.

Plain computing, without a widget. Shape suffixes: E edges, N points along an edge, R rows of
nodes, T positions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, QSizeF
from PySide6.QtGui import QFontMetricsF, QPainterPath

from gui.panes.attention.edges import Edges
from gui.widgets.canvas import CAPTION_HEIGHT
from gui.widgets.heat_map.layout import label_font, label_widths

SMALLEST_STEP = 7.0
LARGEST_STEP = 96.0
SMALLEST_RISE = 12.0
LARGEST_RISE = 120.0
REACH = 5.0
"""How near to an edge the mouse must be, logical pixels."""


@dataclass(frozen=True, slots=True)
class GraphPlace:
    """Where things are, in logical pixels.

    Attributes:
        n_tokens, n_layers: columns, and rows above the embedding.
        step: from column to column.
        rise: from row to row.
        window: of the viewport, through which the graph is seen.
        whole: size of the graph.
        label_length: room for a token's text where it stands.
        flat: whether tokens lie below their columns; where those are narrow, they stand.
    """

    n_tokens: int = 0
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
            self.window.left() + (position + 0.5) * self.step - scrolled.x(),
            self.window.top() + 6 + (self.n_layers - row) * self.rise - scrolled.y(),
        )

    def grid(self, scrolled: QPoint) -> tuple[list[float], list[float]]:
        """X of every column and y of every row, the lowest first: many nodes at once."""
        first = self.node(0, 0, scrolled)
        x_T = first.x() + self.step * np.arange(self.n_tokens)
        y_R = first.y() - self.rise * np.arange(self.n_layers + 1)
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
        position = math.floor((point.x() + scrolled.x() - self.window.left()) / self.step)
        return position if 0 <= position < self.n_tokens else None

    def edge_at(self, edges: Edges, point: QPoint, scrolled: QPoint) -> int | None:
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
        key_E = base.x() + edges.key_E[candidates_E] * self.step
        query_E = base.x() + edges.query_E[candidates_E] * self.step
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


def place_graph(labels: tuple[str, ...], n_layers: int, size: QSize, bar: int) -> GraphPlace:
    """Spread columns and rows over the room.

    Args:
        labels: one a token.
        n_layers: rows above the embedding.
        size: of the viewport without scroll bars.
        bar: how wide a scroll bar is.
    """
    metrics = QFontMetricsF(label_font())
    left, top = math.ceil(metrics.horizontalAdvance("embed")) + 16, 10
    n, widest = len(labels), max(label_widths(labels))
    label_length = min(widest, 0.3 * size.height(), 100.0)
    room_w = max(20.0, size.width() - left - 14.0)
    step = min(max(room_w / n, SMALLEST_STEP), LARGEST_STEP)
    flat = widest + 6 <= step
    below = metrics.height() if flat else label_length
    room_h = size.height() - top - below - CAPTION_HEIGHT - 12
    if n * SMALLEST_STEP > room_w:
        room_h -= bar
    room_h = max(20.0, room_h)
    rise = min(max((room_h - 12) / n_layers, SMALLEST_RISE), LARGEST_RISE)
    rise = float(math.floor(rise))  # rows lie on whole pixels
    height = n_layers * rise + 12
    if height > room_h + 0.5:  # its bar takes room from the columns
        room_w -= bar
        step = max(min(step, room_w / n), SMALLEST_STEP)
        flat = flat and widest + 6 <= step
    whole = QSizeF(n * step, height)
    seen = whole.boundedTo(QSizeF(room_w, room_h))
    x = round(left + (room_w - seen.width()) / 2)
    y = round(top + (room_h - seen.height()) / 2)
    window = QRectF(x, y, seen.width(), seen.height())
    return GraphPlace(n, n_layers, step, rise, window, whole, label_length, flat)
