"""Attention as a graph: tokens are columns, layers are rows, weights are edges.

The lowest row is the embedding; an edge of layer l runs from its key in the row beneath the layer
to its query in the layer's own row. The paths that feed one position are lit.

Knows edges and labels that it is given; no store, no model.

Shape suffixes: E edges, N points along an edge.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.widgets.attention_edges import Edges, feeding
from gui.widgets.canvas import CAPTION_HEIGHT, Canvas

SMALLEST_STEP = 7.0
LARGEST_STEP = 96.0
SMALLEST_RISE = 18.0
LARGEST_RISE = 120.0
REACH = 5.0
"""How near to an edge the mouse must be, logical pixels."""


class AttentionGraph(Canvas):
    """The widget.

    Signals:
        edge_hovered: index of the edge under the mouse, or None.
        edge_chosen: index of an edge that was clicked.
        position_hovered: the position whose node or label is under the mouse, or None.
        position_chosen: a position that was clicked or reached by a key.
        layer_stepped: +1 or -1, asked for by the arrow keys.

    Attributes:
        describe: gives the tooltip of an edge.
    """

    edge_hovered = Signal(object)
    edge_chosen = Signal(int)
    position_hovered = Signal(object)
    position_chosen = Signal(int)
    layer_stepped = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Attention graph: tokens are columns, layers are rows")
        self.describe: Callable[[int], str] | None = None
        self._edges: Edges | None = None
        self._labels: tuple[str, ...] = ()
        self._n_layers = 0
        self._caption = ""
        self._colors: dict[tuple[int, int], QColor] = {}
        self._position = -1
        self._lit_E: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._lit_rows: list[set[int]] = []
        self._order_E: NDArray[np.intp] = np.zeros(0, np.intp)
        self._painted = 0  # how many of `_order_E` are on the ground
        self._edge: int | None = None
        self._hovered: int | None = None
        self._lit_position: int | None = None
        self._step = SMALLEST_STEP
        self._rise = SMALLEST_RISE
        self._window = QRectF()
        self._label_length = 0.0
        self._flat = False  # labels lie; they stand where columns are narrow

    # ------------------------------------------------------------------------ contents

    def set_edges(
        self,
        edges: Edges | None,
        labels: Sequence[str],
        n_layers: int,
        caption: str,
        colors: Mapping[tuple[int, int], QColor] | None = None,
    ) -> None:
        """Draw another graph.

        Args:
            edges: what to draw; None for nothing.
            labels: one a token.
            n_layers: layers above the embedding.
            caption: what is drawn, and what was left out.
            colors: of each head's edges, where heads are told apart.
        """
        self._edges = edges
        self._labels = tuple(labels)
        self._n_layers = n_layers
        self._caption = caption
        self._colors = dict(colors or {})
        self._edge = None
        self._find_paths()
        self.lay_out()
        self.redraw()

    @property
    def edges(self) -> Edges | None:
        return self._edges

    @property
    def lit_E(self) -> NDArray[np.bool_]:
        """Which edges are on a path to the selected position."""
        return self._lit_E

    @property
    def caption(self) -> str:
        return self._caption

    def set_position(self, position: int) -> None:
        """Light the paths that feed this position."""
        if position != self._position:
            self._position = position
            self._find_paths()
            self.redraw()

    def set_lit(self, position: int | None) -> None:
        """Light a column from outside, as the mouse would."""
        if position != self._lit_position:
            self._lit_position = position
            self.viewport().update()

    def _find_paths(self) -> None:
        edges = self._edges
        if edges is None:
            self._lit_E, self._lit_rows = np.zeros(0, np.bool_), []
            self._order_E = np.zeros(0, np.intp)
            return
        if 0 <= self._position < len(self._labels):
            self._lit_E, self._lit_rows = feeding(edges, self._position, self._n_layers)
        else:
            self._lit_E = np.zeros(len(edges), np.bool_)
            self._lit_rows = [set() for _ in range(self._n_layers + 1)]
        # Weak beneath strong, what is lit above all.
        weakest_first = np.arange(len(edges))[::-1]
        lit = self._lit_E[weakest_first]
        self._order_E = np.concatenate([weakest_first[~lit], weakest_first[lit]])

    # ------------------------------------------------------------------------- places

    def lay_out(self) -> None:
        if not self._labels:
            self.scroll_over(QSize(), QSize())
            return
        size = self.maximumViewportSize()
        metrics = QFontMetricsF(theme.mono(theme.SMALL_FONT_SIZE))
        left = math.ceil(metrics.horizontalAdvance("embed")) + 16
        widest = max(metrics.horizontalAdvance(label) for label in self._labels)
        n = len(self._labels)
        self._label_length = min(widest, 0.3 * size.height(), 100.0)
        room_w = max(20.0, size.width() - left - 14)
        self._step = min(max(room_w / n, SMALLEST_STEP), LARGEST_STEP)
        self._flat = widest + 6 <= self._step
        bottom = metrics.height() if self._flat else self._label_length
        top = 10.0
        room_h = max(20.0, size.height() - top - bottom - CAPTION_HEIGHT - 12)
        rise = (room_h - 12) / self._n_layers
        self._rise = min(max(rise, SMALLEST_RISE), LARGEST_RISE)
        whole_w, whole_h = n * self._step, self._n_layers * self._rise + 12
        bar = self.verticalScrollBar().sizeHint().width()
        bars_h = whole_w > room_w + 0.5
        bars_v = whole_h > room_h - (bar if bars_h else 0) + 0.5
        bars_h = whole_w > room_w - (bar if bars_v else 0) + 0.5
        room_w -= bar if bars_v else 0
        room_h -= bar if bars_h else 0
        seen_w, seen_h = min(whole_w, room_w), min(whole_h, room_h)
        self._window = QRectF(
            left + (room_w - seen_w) / 2, top + (room_h - seen_h) / 2, seen_w, seen_h
        )
        self.scroll_over(
            QSize(math.ceil(whole_w - 0.5), math.ceil(whole_h - 0.5)),
            QSize(math.ceil(seen_w - 0.5), math.ceil(seen_h - 0.5)),
        )

    def node_at(self, row: int, position: int) -> QPointF:
        """Where a node is in the viewport; row 0 is the embedding, row l + 1 layer l."""
        at = self.scrolled
        return QPointF(
            self._window.left() + (position + 0.5) * self._step - at.x(),
            self._window.top() + 6 + (self._n_layers - row) * self._rise - at.y(),
        )

    def edge_path(self, index: int) -> QPainterPath:
        """The curve of an edge in the viewport, from key up to query."""
        assert self._edges is not None
        layer = int(self._edges.layer_E[index])
        start = self.node_at(layer, int(self._edges.key_E[index]))
        end = self.node_at(layer + 1, int(self._edges.query_E[index]))
        middle = (start.y() + end.y()) / 2
        path = QPainterPath(start)
        path.cubicTo(start.x(), middle, end.x(), middle, end.x(), end.y())
        return path

    def edge_at(self, at: QPoint) -> int | None:
        """The edge under a point, the nearest if there are several."""
        edges = self._edges
        if edges is None or not len(edges) or not self._window.contains(QPointF(at)):
            return None
        base = self.node_at(0, 0)
        layer = math.floor((base.y() - at.y()) / self._rise)
        candidates_E = np.nonzero(edges.layer_E == layer)[0]
        if not len(candidates_E):
            return None
        t_N = np.linspace(0, 1, 25)
        bend_N = t_N**2 * (3 - 2 * t_N)  # x of the curve: 3t² - 2t³
        climb_N = 1.5 * t_N * (1 - t_N) + t_N**3  # y of it, from 0 to 1
        key_E = base.x() + edges.key_E[candidates_E] * self._step
        query_E = base.x() + edges.query_E[candidates_E] * self._step
        x_EN = key_E[:, None] + (query_E - key_E)[:, None] * bend_N
        y_N = base.y() - (layer + climb_N) * self._rise
        # Distance to each piece between two points of each curve.
        dx_EN, dy_N = np.diff(x_EN, axis=1), np.diff(y_N)
        from_x_EN, from_y_N = at.x() - x_EN[:, :-1], at.y() - y_N[:-1]
        along_EN = (from_x_EN * dx_EN + from_y_N * dy_N) / (dx_EN**2 + dy_N**2)
        along_EN = np.clip(along_EN, 0, 1)
        apart_E = np.hypot(from_x_EN - along_EN * dx_EN, from_y_N - along_EN * dy_N).min(axis=1)
        nearest = int(apart_E.argmin())
        return int(candidates_E[nearest]) if apart_E[nearest] <= REACH else None

    def position_at(self, at: QPoint) -> int | None:
        """The position whose column a point is in."""
        if not self._labels or not self._window.left() <= at.x() < self._window.right():
            return None
        position = math.floor((at.x() + self.scrolled.x() - self._window.left()) / self._step)
        return position if 0 <= position < len(self._labels) else None

    # ------------------------------------------------------------------------ painting

    def paint_ground(self, painter: QPainter) -> None:
        self._painted = 0
        if self._edges is None:
            return
        t = theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_axes(painter)
        painter.setClipRect(self._window.adjusted(-4, -4, 4, 4))
        painter.setPen(QPen(t.color("line"), 1))
        for position in range(len(self._labels)):
            painter.drawLine(self.node_at(0, position), self.node_at(self._n_layers, position))

    def paint_more(self, painter: QPainter, seconds: float) -> bool:
        if self._edges is None:
            return True
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(self._window.adjusted(-4, -4, 4, 4))
        start = perf_counter()
        while self._painted < len(self._order_E):
            index = int(self._order_E[self._painted])
            painter.setPen(self._pen(index, bool(self._lit_E[index])))
            painter.drawPath(self.edge_path(index))
            self._painted += 1
            if perf_counter() - start > seconds:
                return False
        self._paint_nodes(painter)
        return True

    def _pen(self, index: int, lit: bool) -> QPen:
        assert self._edges is not None
        t = theme.current()
        weight = min(1.0, float(self._edges.weight_E[index]))
        head = (int(self._edges.layer_E[index]), int(self._edges.head_E[index]))
        color = QColor(self._colors.get(head, t.color("accent" if lit else "dim")))
        color.setAlphaF(0.45 + 0.55 * weight if lit else 0.12 + 0.48 * weight)
        # Qt draws a width of 1 many times faster than any other.
        return QPen(color, 1.0 if weight < 0.15 else 0.8 + 2.4 * weight)

    def _paint_nodes(self, painter: QPainter) -> None:
        t = theme.current()
        radius = min(3.0, self._step / 4)
        lit, unlit = [], []
        for row, reached in enumerate(self._lit_rows):
            for position in range(len(self._labels)):
                node = self.node_at(row, position)
                (lit if position in reached else unlit).append(node)
        for nodes, color, size in (
            (unlit, t.color("faint"), radius),
            (lit, t.color("accent"), radius * 1.3),
        ):
            pen = QPen(color, 2 * size)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            painter.drawPoints(nodes)

    def _paint_axes(self, painter: QPainter) -> None:
        t = theme.current()
        font = theme.mono(theme.SMALL_FONT_SIZE)
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        painter.setPen(t.color("dim"))
        window = self._window
        for row in range(0, self._n_layers + 1, max(1, math.ceil(metrics.height() / self._rise))):
            y = self.node_at(row, 0).y()
            if window.top() <= y <= window.bottom():
                box = QRectF(0, y - 10, window.left() - 10, 20)
                painter.drawText(box, _RIGHT, f"L{row - 1}" if row else "embed")
        room = 0 if self._flat else metrics.height()
        for position in range(0, len(self._labels), max(1, math.ceil((room - 2) / self._step))):
            self._paint_label(painter, position)
        self._paint_caption(painter)

    def _paint_caption(self, painter: QPainter) -> None:
        t = theme.current()
        painter.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        metrics = QFontMetricsF(painter.font())
        area = QRectF(theme.SPACE, self.viewport().height() - CAPTION_HEIGHT, 0, CAPTION_HEIGHT)
        area.setRight(self.viewport().width() - 4)
        for (layer, head), color in self._colors.items():
            name = f"L{layer}·{head}"
            if area.width() < metrics.horizontalAdvance(name) + 120:
                break
            painter.fillRect(QRectF(area.left(), area.center().y() - 4, 8, 8), color)
            area.setLeft(area.left() + 12)
            painter.setPen(t.color("text"))
            painter.drawText(area, _LEFT, name)
            area.setLeft(area.left() + metrics.horizontalAdvance(name) + 10)
        painter.setPen(t.color("dim"))
        shown = metrics.elidedText(self._caption, Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, _LEFT, shown)

    def _paint_label(self, painter: QPainter, position: int, ground: QColor | None = None) -> None:
        metrics = QFontMetricsF(painter.font())
        x = self.node_at(0, position).x()
        if not self._window.left() <= x <= self._window.right():
            return
        top, height = self._window.bottom() + 4, metrics.height()
        if self._flat:
            box = QRectF(x - self._step / 2, top, self._step, height)
            if ground is not None:
                painter.fillRect(box, ground)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._labels[position])
            return
        text = metrics.elidedText(
            self._labels[position], Qt.TextElideMode.ElideRight, self._label_length + 0.5
        )
        painter.save()
        painter.translate(x, top)
        painter.rotate(-90)
        box = QRectF(-self._label_length - 2, -height / 2, self._label_length + 2, height)
        if ground is not None:
            painter.fillRect(box, ground)
        painter.drawText(box, _RIGHT, text)
        painter.restore()

    def paint_overlay(self, painter: QPainter) -> None:
        if self._edges is None:
            return
        t = theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.mono(theme.SMALL_FONT_SIZE))
        lit = {self._hovered, self._lit_position}
        if self._edge is not None:
            lit |= {int(self._edges.query_E[self._edge]), int(self._edges.key_E[self._edge])}
        marked = [(position, "text") for position in lit if position is not None]
        marked.append((self._position, "accent"))
        for position, color in marked:
            if 0 <= position < len(self._labels):
                painter.setPen(t.color(color))
                self._paint_label(painter, position, t.color("panel"))
        painter.setClipRect(self._window.adjusted(-4, -4, 4, 4))
        for position in {self._hovered, self._lit_position} - {None}:
            if position < len(self._labels):
                column = QRectF(self.node_at(0, position).x() - self._step / 2, 0, self._step, 1e4)
                painter.fillRect(column.intersected(self._window), t.color("text", 0.06))
        if self._edge is not None:
            width = self._pen(self._edge, True).widthF() + 1.2
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(t.color("text"), width))
            painter.drawPath(self.edge_path(self._edge))

    # ------------------------------------------------------------------ mouse and keys

    def hover(self, at: QPoint | None) -> None:
        edge = None if at is None else self.edge_at(at)
        position = None
        if at is not None and edge is None:
            position = self.position_at(at)
        if (edge, position) == (self._edge, self._hovered):
            return
        was_edge, was_position = self._edge, self._hovered
        self._edge, self._hovered = edge, position
        self.viewport().update()
        if position != was_position:
            self.position_hovered.emit(position)
        if edge != was_edge:
            self.edge_hovered.emit(edge)

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        edge = self.edge_at(at)
        if edge is not None:
            self.edge_chosen.emit(edge)
            return
        position = self.position_at(at)
        if position is not None:
            self.position_chosen.emit(position)

    def tooltip(self, at: QPoint) -> str:
        edge = self.edge_at(at)
        if edge is not None and self.describe is not None:
            return self.describe(edge)
        position = self.position_at(at)
        return "" if position is None else f"{self._labels[position]}  position {position}"

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        last = len(self._labels) - 1
        if key == Qt.Key.Key_Left and last >= 0:
            self.position_chosen.emit(max(0, self._position - 1))
        elif key == Qt.Key.Key_Right and last >= 0:
            self.position_chosen.emit(min(last, self._position + 1))
        elif key == Qt.Key.Key_Up:
            self.layer_stepped.emit(1)
        elif key == Qt.Key.Key_Down:
            self.layer_stepped.emit(-1)
        else:
            event.ignore()


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
