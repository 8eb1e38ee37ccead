"""Attention as a graph: tokens are columns, layers are rows, weights are edges.

The lowest row is the embedding; an edge of layer l runs from its key in the row beneath the layer
to its query in the layer's own row. The paths that feed one position are lit. Each head has a hue,
the heaviest ones one of their own. Of a long text only the tokens that an edge touches have a
column.

Knows the answer and the labels that it is given; no store, no model. Shape suffixes: E edges, T
positions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.attention.edges import Head, feeding, touched
from gui.panes.attention.graph_caption import GraphCaption
from gui.panes.attention.graph_ink import GraphInk, Group, by_head
from gui.panes.attention.graph_label import RIGHT, paint_label
from gui.panes.attention.graph_layout import GraphPlace, place_graph
from gui.widgets.canvas import Canvas
from gui.widgets.heat_map.layout import label_font, thinned
from model.probe.routes.asks import RoutesFound


class AttentionGraph(Canvas):
    """The widget.

    Signals:
        edge_hovered: index of the edge under the mouse, or None.
        edge_chosen: index of an edge that was clicked.
        position_hovered: the position whose node or label is under the mouse, or None.
        position_chosen: a position that was clicked or reached by a key.
        layer_stepped: +1 or -1, asked for by the arrow keys.
        edge_stepped: +1 or -1: the next edge, asked for by E, Enter and Shift+E.

    Attributes:
        describe: gives the tooltip of an edge.
        opened: the edge that has a card; None for none.
    """

    edge_hovered = Signal(object)
    edge_chosen = Signal(int)
    position_hovered = Signal(object)
    position_chosen = Signal(int)
    layer_stepped = Signal(int)
    edge_stepped = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Attention graph: tokens are columns, layers are rows")
        self.describe: Callable[[int], str] | None = None
        self._edges: RoutesFound | None = None
        self._labels: tuple[str, ...] = ()
        self._n_layers = 0
        self._caption = GraphCaption()
        self._colors: dict[Head, QColor] = {}
        self._groups: tuple[Group, ...] = ()
        self._tones: dict[int, str] = {}
        self._ends: tuple[int, ...] = ()
        self._position = -1
        self._lit_E: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._reached: NDArray[np.bool_] = np.zeros((0, 0), np.bool_)  # nodes, row by position
        self._ink: GraphInk | None = None  # of what is on the ground
        self._painted = 0  # how many layers are on the ground
        self._edge: int | None = None
        self._hovered: int | None = None
        self.opened: int | None = None
        self._lit_position: int | None = None
        self._pinned: int | None = None
        self._place = GraphPlace()

    # ------------------------------------------------------------------------ contents

    def set_edges(
        self,
        edges: RoutesFound | None,
        labels: Sequence[str],
        n_layers: int,
        caption: str,
        colors: Mapping[Head, QColor] | None = None,
        position: int = -1,
        *,
        groups: Sequence[Group] | None = None,
        tones: Mapping[int, str] | None = None,
        ends: tuple[int, ...] = (),
    ) -> None:
        """Draw another graph.

        Args:
            edges: what to draw; None for nothing.
            labels: one a token.
            n_layers: layers above the embedding.
            caption: what is drawn, and what was left out.
            colors: of the heads that have a hue of their own; the others share a grey one. Empty
                where heads aren't told apart.
            position: whose paths are lit.
            groups: edges of one colour each, where that is not their head's.
            tones: of the theme, for tokens that are not written like the others.
            ends: positions whose paths are lit together: the last of two texts.
        """
        self._position = position
        self._edges = edges
        self._ends = ends
        self._tones = dict(tones or {})
        self._labels = tuple(labels)
        self._n_layers = n_layers
        self._colors = dict(colors or {})
        self._groups = ()
        if edges is not None:
            self._groups = by_head(edges, self._colors) if groups is None else tuple(groups)
        self._caption = GraphCaption(caption, self._legend, self._has_others)
        self._edge = self.opened = None
        self._find_paths()
        self.lay_out()
        self._reveal(position)
        self.redraw()

    @property
    def edges(self) -> RoutesFound | None:
        return self._edges

    @property
    def colors(self) -> Mapping[Head, QColor]:
        """The hues of the heads that have one."""
        return self._colors

    @property
    def lit_E(self) -> NDArray[np.bool_]:
        """Which edges are on a path to the selected position."""
        return self._lit_E

    @property
    def caption(self) -> str:
        return self._caption.text

    @property
    def _has_others(self) -> bool:
        """Whether there are edges without a colour of their own."""
        if self._edges is None:
            return False
        named_E = np.zeros(len(self._edges), np.bool_)
        for group in self._groups:
            named_E |= group.member_E
        return not named_E.all()

    @property
    def _legend(self) -> tuple[Group, ...]:
        """The colours that are named: those of heads always, others where there are such edges."""
        return tuple(group for group in self._groups if self._colors or group.member_E.any())

    def set_position(self, position: int) -> None:
        """Light the paths that feed this position."""
        if position != self._position:
            self._position = position
            self._find_paths()
            if not 0 <= position < len(self._place.shown_T) or not self._place.shown_T[position]:
                self.lay_out()
            self._reveal(position)
            self.redraw()

    def _reveal(self, position: int) -> None:
        """Scroll sideways so that a column is seen."""
        if not 0 <= position < len(self._place.x_T):
            return
        x, window = self.node_at(0, position).x(), self._place.window
        column = QRectF(x - self._place.step / 2, window.top(), self._place.step, 1)
        self.scroll_to(column, window)

    def set_lit(self, position: int | None) -> None:
        """Light a column from outside, as the mouse would."""
        if position != self._lit_position:
            self._lit_position = position
            self.viewport().update()

    def set_open(self, index: int | None) -> None:
        """Outline the edge that has a card."""
        if index != self.opened:
            self.opened = index
            self.viewport().update()

    def set_pinned(self, position: int | None) -> None:
        """Outline a column that stays outlined wherever the selection goes."""
        if position != self._pinned:
            self._pinned = position
            self.viewport().update()

    def _find_paths(self) -> None:
        edges, n = self._edges, len(self._labels)
        if edges is not None and 0 <= self._position < n:
            together = self._ends if self._position in self._ends else (self._position,)
            self._lit_E, self._reached = feeding(edges, together, n, self._n_layers)
        else:
            self._lit_E = np.zeros(0 if edges is None else len(edges), np.bool_)
            self._reached = np.zeros((self._n_layers + 1, n), np.bool_)

    # ------------------------------------------------------------------------- places

    def lay_out(self) -> None:
        if not self._labels:
            self._place = GraphPlace()
        else:
            bar = self.verticalScrollBar().sizeHint().width()
            size = self.maximumViewportSize()
            low = self._caption_height(size)
            self._place = place_graph(self._labels, self._n_layers, size, bar, self._kept(), low)
        self.scroll_over(self._place.whole, self._place.window.size())

    def _kept(self) -> NDArray[np.bool_]:
        """Which tokens have a column in any case: those of edges, and the selected one."""
        n = len(self._labels)
        kept_T = np.zeros(n, np.bool_) if self._edges is None else touched(self._edges, n)
        kept_T[min(max(self._position, 0), n - 1)] = True
        return kept_T

    @property
    def columns(self) -> list[int]:
        """The positions that have a column of their own."""
        return [int(at) for at in np.flatnonzero(self._place.shown_T)]

    def node_at(self, row: int, position: int) -> QPointF:
        """Where a node is in the viewport; row 0 is the embedding, row l + 1 layer l."""
        return self._place.node(row, position, self.scrolled)

    def edge_path(self, index: int) -> QPainterPath:
        """The curve of an edge in the viewport, from key up to query."""
        e = self._edges
        assert e is not None
        layer, query, key = int(e.layer_E[index]), int(e.query_E[index]), int(e.key_E[index])
        return self._place.path(layer, query, key, self.scrolled)

    def edge_at(self, at: QPoint) -> int | None:
        """The edge under a point, the nearest if there are several."""
        if self._edges is None:
            return None
        return self._place.edge_at(self._edges, at, self.scrolled)

    def position_at(self, at: QPoint) -> int | None:
        """The position whose column a point is in."""
        return self._place.position_at(at, self.scrolled)

    # ------------------------------------------------------------------------ painting

    def paint_ground(self, painter: QPainter) -> None:
        self._painted, self._ink = 0, None
        if self._edges is None:
            return
        t = theme.current()
        self._ink = GraphInk(self._edges, self._lit_E, self._reached, self._groups, self._place)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_axes(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setClipRect(self._place.window.adjusted(-4, -4, 4, 4))
        painter.setPen(QPen(t.color("line"), 1))
        x_T, y_R = self._place.grid(self.scrolled)
        seen = self._seen
        painter.drawLines([QLineF(x_T[at], y_R[0], x_T[at], y_R[-1]) for at in seen])
        if not self._place.shown_T.all():  # the rest of the text, from its first token to its last
            painter.drawLine(QLineF(x_T[0], y_R[0], x_T[-1], y_R[0]))
        # The residual stream carries what was reached on to the next layer.
        painter.setPen(QPen(t.color("text", 0.3), 1))
        painter.drawLines(
            [
                QLineF(x_T[position], y_R[row - 1], x_T[position], y_R[row])
                for position in seen
                for row in np.flatnonzero(self._reached[1:, position]) + 1
            ]
        )

    def paint_more(self, painter: QPainter, seconds: float) -> bool:
        if self._ink is None:
            return True
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(self._place.window.adjusted(-4, -4, 4, 4))
        start = perf_counter()
        while self._painted < self._n_layers:
            self._ink.paint_layer(painter, self._painted, self.scrolled, self.ratio)
            self._painted += 1
            if perf_counter() - start > seconds:
                return False
        self._ink.paint_nodes(painter, self.scrolled)
        return True

    def _paint_axes(self, painter: QPainter) -> None:
        t = theme.current()
        font = label_font()
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        painter.setPen(t.color("dim"))
        window = self._place.window
        rows = range(self._n_layers + 1)
        for row in thinned(rows, metrics.height() / self._place.rise):
            y = self.node_at(row, 0).y()
            if window.top() <= y <= window.bottom():
                box = QRectF(0, y - 10, window.left() - 10, 20)
                painter.drawText(box, RIGHT, f"L{row - 1}" if row else "embed")
        room = 0 if self._place.flat else metrics.height() - 2
        for position in self._place.labelled(self._seen, self._position, room):
            painter.setPen(t.color(self._tones.get(position, "dim")))
            self._paint_label(painter, position)
        self._paint_caption(painter)

    @property
    def _seen(self) -> list[int]:
        """The positions whose columns are in view."""
        place = self._place
        left, right = self.scrolled.x() - place.step, self.scrolled.x() + place.window.width()
        seen_T = place.shown_T & (place.x_T >= left) & (place.x_T <= right + place.step)
        return [int(at) for at in np.flatnonzero(seen_T)]

    def _paint_caption(self, painter: QPainter) -> None:
        size = self.viewport().size()
        high = self._caption_height(size)
        left = theme.SPACE
        self._caption.paint(
            painter, QRectF(left, size.height() - high, size.width() - left - 4, high)
        )

    def _caption_height(self, size: QSize) -> int:
        return self._caption.height(size.width() - theme.SPACE - 4, size.height())

    def _paint_label(self, painter: QPainter, position: int, ground: QColor | None = None) -> None:
        x = self.node_at(0, position).x()
        paint_label(painter, self._place, x, self._labels[position], ground)

    def paint_overlay(self, painter: QPainter) -> None:
        if self._edges is None:
            return
        t = theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(label_font())
        lit = {self._hovered, self._lit_position}
        if self._edge is not None:
            lit |= {int(self._edges.query_E[self._edge]), int(self._edges.key_E[self._edge])}
        marked = [(index, "text") for index in lit if index is not None]
        marked.append((-1 if self._pinned is None else self._pinned, "warning"))
        marked.append((self._position, "accent"))
        for position, tone in marked:
            if 0 <= position < len(self._labels):
                painter.setPen(t.color(tone))
                self._paint_label(painter, position, t.color("panel"))
        painter.setClipRect(self._place.window.adjusted(-4, -4, 4, 4))
        step = self._place.step
        for index in (self._hovered, self._lit_position):
            if index is not None and index < len(self._labels):
                column = QRectF(self.node_at(0, index).x() - step / 2, 0, step, 1e4)
                painter.fillRect(column.intersected(self._place.window), t.color("text", 0.06))
        if self._pinned is not None and self._pinned < len(self._labels):
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(t.color("warning"), 1.2, Qt.PenStyle.DashLine))
            column = QRectF(self.node_at(0, self._pinned).x() - step / 2, 0, step, 1e4)
            painter.drawRect(column.intersected(self._place.window.adjusted(-3, -3, 3, 3)))
        for edge, tone in ((self.opened, "accent"), (self._edge, "text")):
            if edge is not None and self._ink is not None:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(t.color(tone), self._ink.width_E[edge] + 1.2))
                painter.drawPath(self.edge_path(edge))

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
        elif key in (Qt.Key.Key_E, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            back = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            self.edge_stepped.emit(-1 if back else 1)
        else:
            event.ignore()
