"""The attribution graph as it is drawn: nodes, edges, their legend, hover, and what is chosen.

Knows the answer and the labels that it is given; no store, no model.

Shape suffixes: E edges, N nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.circuit.axes import Axes, paint_legend
from gui.panes.circuit.layout import (
    CircuitPlace,
    handles,
    place,
    strongest_edges,
)
from gui.panes.circuit.paths import Paths
from gui.widgets.canvas import CAPTION_HEIGHT, Canvas
from gui.widgets.figure import is_figure
from gui.widgets.heat_map.layout import label_font
from gui.widgets.text import ink_on
from model.probe.graph.asks import LOGIT, GraphFound

TOP = 6
SLIM, WIDE = 0.8, 6.0
"""Width of the weakest and of the strongest edge, pixels."""


class CircuitView(Canvas):
    """The widget.

    Signals:
        node_chosen: index of a node that was clicked or reached by a key; -1 is the logit.
        edge_chosen: index of an edge that was clicked.
        position_hovered: the position whose node is under the mouse, or None.

    Attributes:
        describe_node, describe_edge: give tooltips.
        place: where things are.
    """

    node_chosen = Signal(int)
    edge_chosen = Signal(int)
    position_hovered = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Attribution graph: tokens are columns, layers are rows")
        self.describe_node: Callable[[int], str] | None = None
        self.describe_edge: Callable[[int], str] | None = None
        self.place = CircuitPlace()
        self._found: GraphFound | None = None
        self._labels: tuple[str, ...] = ()
        self._n_layers = 0
        self._position = 0
        self._n_edges = 0
        self._logit_label = ""
        self._unit = ""
        self._paths = Paths()
        self._window = QRectF()
        self._chosen: int | None = None
        self._hovered: tuple[int | None, int | None] = (None, None)  # node, edge

    # ------------------------------------------------------------------------ contents

    def set_graph(
        self,
        found: GraphFound | None,
        labels: Sequence[str] = (),
        n_layers: int = 0,
        position: int = 0,
        logit_label: str = "",
        unit: str = "",
    ) -> None:
        """Draw another graph.

        Args:
            found: what to draw; None for nothing.
            labels: one a token.
            n_layers: of the network.
            position: whose logit it is.
            logit_label: the token that is measured.
            unit: what nodes and edges are measured in.
        """
        self._found, self._labels, self._n_layers = found, tuple(labels), n_layers
        self._position, self._logit_label, self._unit = position, logit_label, unit
        self._hovered, self._chosen = (None, None), None
        self._lay_anew()

    def set_n_edges(self, n: int) -> None:
        """Draw the n strongest edges."""
        if n != self._n_edges:
            self._n_edges = n
            self._hovered = (None, None)
            self._lay_anew()

    def set_chosen(self, node: int | None) -> None:
        """Frame a node."""
        if node != self._chosen:
            self._chosen = node
            self.viewport().update()

    @property
    def found(self) -> GraphFound | None:
        return self._found

    @property
    def chosen(self) -> int | None:
        """The node that is framed."""
        return self._chosen

    @property
    def drawn_nodes(self) -> tuple[int, ...]:
        """The nodes that are drawn."""
        return tuple(node for node, rect in enumerate(self.place.rects) if not rect.isEmpty())

    @property
    def lit(self) -> tuple[frozenset[int], frozenset[int]]:
        """Nodes and edges on the paths through what the mouse is over; empty elsewhere."""
        node, edge = self._hovered
        if node is not None:
            return self._paths.through_node(node)
        if edge is not None:
            return self._paths.through_edge(edge)
        return frozenset(), frozenset()

    def width_of(self, edge: int) -> float:
        """How wide an edge is drawn, pixels."""
        assert self._found is not None
        largest = self._largest_edge
        share = abs(float(self._found.weight_E[edge])) / largest if largest else 0.0
        return SLIM + (WIDE - SLIM) * share

    def color_of(self, node: int) -> QColor:
        """The fill of a node: what it did, on the diverging map."""
        assert self._found is not None
        if node == LOGIT:
            return theme.current().color("raised")
        limit = self._limit
        value = float(self._found.relevance_N[node])
        return theme.diverging_color(value / limit if limit else 0.0)

    @property
    def _limit(self) -> float:
        found = self._found
        if found is None or not len(found.relevance_N):
            return 0.0
        return float(np.nanmax(np.abs(found.relevance_N)))

    @property
    def _largest_edge(self) -> float:
        found = self._found
        if found is None or not len(found.weight_E):
            return 0.0
        return float(np.nanmax(np.abs(found.weight_E)))

    # -------------------------------------------------------------------------- places

    def _lay_anew(self) -> None:
        found = self._found
        edges: NDArray[np.intp] = np.zeros(0, np.intp)
        if found is not None:
            edges = strongest_edges(found, self._n_edges)
        pairs = (
            []
            if found is None
            else [(int(edge), int(found.source_E[edge]), int(found.goal_E[edge])) for edge in edges]
        )
        self._paths = Paths(tuple(pairs))
        self._edges = edges
        self.lay_out()
        self.redraw()

    _edges: NDArray[np.intp] = np.zeros(0, np.intp)

    def lay_out(self) -> None:
        found = self._found
        if found is None:
            self.place = CircuitPlace()
            self.scroll_over(QSizeF(0, 0), QSizeF(1, 1))
            return
        size = self.maximumViewportSize()
        metrics = QFontMetricsF(label_font())
        left = metrics.horizontalAdvance("attn 00") + 14
        shown = [self._labels[at] for at in self._shown_positions()]
        bar = self.verticalScrollBar().sizeHint().width()
        for _ in range(2):  # the second time with the tokens that have a column, edges or not
            longest = max((metrics.horizontalAdvance(label) for label in shown), default=0.0)
            below = min(longest + 10, 0.24 * size.height(), 96.0)
            width, height = size.width() - left - 8, size.height() - TOP - below - CAPTION_HEIGHT
            room = QSize(max(20, int(width)), max(20, int(height)))
            self.place = place(found, self._edges, self._n_layers, self._position, room)
            shown = [self._labels[at] for at in np.flatnonzero(~np.isnan(self.place.x_T))]
        if self.place.size.height() > room.height() + 0.5:
            room.setWidth(max(20, room.width() - bar))
        if self.place.size.width() > room.width() + 0.5:
            room.setHeight(max(20, room.height() - bar))
        self.place = place(found, self._edges, self._n_layers, self._position, room)
        self._below = below
        self._window = QRectF(left, TOP, room.width(), room.height())
        self.scroll_over(self.place.size, QSizeF(self._window.size()))

    _below = 0.0

    def _shown_positions(self) -> set[int]:
        found = self._found
        assert found is not None
        ends = np.concatenate([found.source_E[self._edges], found.goal_E[self._edges]])
        at = {int(found.position_N[node]) for node in ends if node != LOGIT}
        return at | {self._position}

    @property
    def _origin(self) -> QPointF:
        """Where the content's corner is in the viewport."""
        return self._window.topLeft() - QPointF(self.scrolled)

    def node_rect(self, node: int) -> QRectF:
        """Where a node is in the viewport."""
        return self.place.rect(node).translated(self._origin)

    def node_at(self, at: QPoint) -> int | None:
        """The node under a point of the viewport; -1 is the logit."""
        if self._found is None or not self._window.contains(QPointF(at)):
            return None
        return self.place.node_at(QPointF(at) - self._origin)

    def edge_at(self, at: QPoint) -> int | None:
        """The edge under a point of the viewport."""
        if self._found is None or not self._window.contains(QPointF(at)):
            return None
        return self.place.edge_at(QPointF(at) - self._origin)

    # ------------------------------------------------------------------------ painting

    def paint_ground(self, painter: QPainter) -> None:
        if self._found is None:
            return
        labels = (self._labels, self._position, self._logit_label)
        Axes(self.place, self._window, self._origin, self._below, *labels).paint(painter)
        painter.save()
        painter.setClipRect(self._window)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(self._origin)
        self._paint_edges(painter, self.place.edges.tolist())
        self._paint_nodes(painter, (*self.drawn_nodes, LOGIT))
        painter.restore()
        area, widest = self.viewport().rect(), self._largest_edge
        paint_legend(painter, area, self._limit, self._unit, widest)

    def paint_overlay(self, painter: QPainter) -> None:
        if self._found is None or is_figure():
            return
        t = theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(self._window)
        nodes, edges = self.lit
        if nodes or edges:
            painter.fillRect(self._window, t.color("panel", 0.78))
            painter.translate(self._origin)
            self._paint_edges(
                painter, [edge for edge in self.place.edges.tolist() if edge in edges]
            )
            self._paint_nodes(painter, nodes)
            painter.translate(-self._origin)
        for node, tone in ((self._chosen, "accent"), (self._hovered[0], "text")):
            if node is not None and not self.place.rect(node).isEmpty():
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(t.color(tone), 1.8))
                painter.drawRoundedRect(self.node_rect(node).adjusted(-2, -2, 2, 2), 5, 5)

    def _paint_edges(self, painter: QPainter, edges: Sequence[int]) -> None:
        found, t = self._found, theme.current()
        assert found is not None
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for edge in edges:
            weight = float(found.weight_E[edge])
            share = abs(weight) / self._largest_edge if self._largest_edge else 0.0
            tone = "accent" if weight >= 0 else "negative"
            pen = QPen(t.color(tone, 0.28 + 0.6 * share), self.width_of(edge))
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            painter.setPen(pen)
            painter.drawPath(self._path(edge))

    def _path(self, edge: int) -> QPainterPath:
        found = self._found
        assert found is not None
        source = self.place.rect(int(found.source_E[edge]))
        goal = self.place.rect(int(found.goal_E[edge]))
        begin, first, second, end = handles(source, goal)
        path = QPainterPath(begin)
        path.cubicTo(first, second, end)
        return path

    def _paint_nodes(self, painter: QPainter, nodes: Collection[int]) -> None:
        found, t = self._found, theme.current()
        assert found is not None
        font = theme.mono(theme.SMALL_FONT_SIZE - 1)
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        for node in nodes:
            rect = self.place.rect(node)
            if rect.isEmpty():
                continue
            fill = self.color_of(node)
            is_head = node != LOGIT and found.head_N[node] >= 0
            painter.setPen(QPen(t.color("dim"), 1))
            painter.setBrush(fill)
            radius = rect.height() / 2 if is_head else 2.0
            painter.drawRoundedRect(rect, radius, radius)
            words = self._inside(node)
            if metrics.horizontalAdvance(words) <= rect.width() - 2 and rect.height() >= 10:
                painter.setPen(ink_on(fill))
                painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, words)

    def _inside(self, node: int) -> str:
        """What stands in a node: the head's number, or nothing that the row doesn't say."""
        found = self._found
        assert found is not None
        if node == LOGIT:
            return ""
        head = int(found.head_N[node])
        return str(head) if head >= 0 else ""

    # ------------------------------------------------------------------ mouse and keys

    def hover(self, at: QPoint | None) -> None:
        node = None if at is None else self.node_at(at)
        edge = None if at is None or node is not None else self.edge_at(at)
        if (node, edge) != self._hovered:
            self._hovered = (node, edge)
            self.viewport().update()
            found = self._found
            position = None
            if node is not None and found is not None:
                position = self._position if node == LOGIT else int(found.position_N[node])
            self.position_hovered.emit(position)

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        node = self.node_at(at)
        if node is not None:
            self.set_chosen(node)
            self.node_chosen.emit(node)
            return
        edge = self.edge_at(at)
        if edge is not None:
            self.edge_chosen.emit(edge)

    def tooltip(self, at: QPoint) -> str:
        node = self.node_at(at)
        if node is not None:
            return "" if self.describe_node is None else self.describe_node(node)
        edge = self.edge_at(at)
        return "" if edge is None or self.describe_edge is None else self.describe_edge(edge)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, -1),
            Qt.Key.Key_Down: (0, 1),
        }
        step = steps.get(Qt.Key(event.key()))
        node = None if step is None or self._found is None else self._next(*step)
        if node is None:
            event.ignore()
            return
        self.set_chosen(node)
        self.scroll_to(self.node_rect(node).adjusted(-8, -8, 8, 8), self._window)
        self.node_chosen.emit(node)

    def _next(self, right: int, down: int) -> int | None:
        """The nearest node in a direction; without a chosen one the logit."""
        drawn = (*self.drawn_nodes, LOGIT)
        if self._chosen is None or self.place.rect(self._chosen).isEmpty():
            return LOGIT
        here = self.place.rect(self._chosen).center()
        best, nearest = None, np.inf
        for node in drawn:
            away = self.place.rect(node).center() - here
            ahead = away.x() * right + away.y() * down
            aside = abs(away.y() if right else away.x())
            if ahead > 0.5 and (not right or aside < 1) and ahead + 0.3 * aside < nearest:
                best, nearest = node, ahead + 0.3 * aside
        return best
