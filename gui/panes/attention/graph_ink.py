"""The ink of an attention graph: its edges and nodes, on whatever is painted on.

Thousands of curves are drawn as one picture a layer; a figure for print gets each as a curve. Each
head has a hue, or each sign of a difference; the others share a grey one. Knows an answer and
places; no widget.

Shape suffixes: E edges, N lines of pixels, P pixels, S sheets, T positions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from gui import theme
from gui.panes.attention.curve_raster import curve_opacity, ink
from gui.panes.attention.edges import Head
from gui.panes.attention.graph_layout import GraphPlace
from gui.session.sides import Sides
from gui.widgets.canvas import is_vector
from model.probe.question import Array
from model.probe.routes.asks import Routes, RoutesFound
from model.probe.routes_difference.asks import RoutesDifferenceFound

BEHIND = 0.35
"""Share of its opacity that is left to an edge that stays behind the others."""
FEW_EDGES, FEW_PIXELS = 512, 400_000
"""Pictures with so few edges and pixels are made together: each alone costs 0.1 ms of calls."""
SPARSE = 16.0
"""Where layers are closer than this, logical pixels, only nodes with an edge are drawn."""


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Edges of one colour.

    Attributes:
        name: for the legend.
        color: theirs.
        member_E: which.
    """

    name: str
    color: QColor
    member_E: Array


def by_head(edges: RoutesFound, colors: Mapping[Head, QColor]) -> tuple[Group, ...]:
    """The edges of each head that has a hue of its own."""
    return tuple(
        Group(f"L{layer}·{head}", color, (edges.layer_E == layer) & (edges.head_E == head))
        for (layer, head), color in colors.items()
    )


def by_sign(edges: RoutesDifferenceFound, sides: Sides) -> tuple[Group, ...]:
    """What weighs more in B, what more in A, and what only one of both has."""
    t, shared_E = theme.current(), edges.shared_E
    minus_E = np.nan_to_num(sides.minus(edges.own_E, edges.other_E))
    a, b = sides.places
    return (
        Group(f"more {b}", t.color("accent"), shared_E & (minus_E > 0)),
        Group(f"more {a}", t.color("negative"), shared_E & (minus_E < 0)),
        Group("a token of one text alone", t.color("dim"), ~shared_E),
    )


def ink_limit(edges: RoutesFound) -> float:
    """The weight that has all the ink: 1 or, of weights that can't reach it, their largest.

    These are what is left without the first token, what weights carry, and differences.
    """
    question = edges.question
    assert isinstance(question, Routes)
    whole = not (question.hide_first or question.valued or isinstance(edges, RoutesDifferenceFound))
    if not len(edges) or whole:
        return 1.0
    weight_E = np.nan_to_num(edges.weight_E)
    if isinstance(edges, RoutesDifferenceFound) and edges.shared_E.any():
        weight_E = weight_E[edges.shared_E]  # what one text lacks is drawn faintly
    largest = float(weight_E.max())
    return largest if largest > 0 else 1.0


class GraphInk:
    """Paints one graph at one place.

    Args:
        edges: of the graph.
        lit_E: which edges lead to the selected position.
        reached: which nodes do, row by position.
        groups: edges that have a colour of their own; the others share a grey one. Empty where
            all are of one kind.
        place: where.

    Attributes:
        width_E: of each stroke, logical pixels.
    """

    def __init__(
        self,
        edges: RoutesFound,
        lit_E: NDArray[np.bool_],
        reached: NDArray[np.bool_],
        groups: Sequence[Group],
        place: GraphPlace,
    ) -> None:
        self._edges = edges
        self._lit_E = lit_E
        self._reached = reached
        self._groups = tuple(groups)
        self._place = place
        weight_E = np.nan_to_num(np.clip(edges.weight_E / ink_limit(edges), 0, 1))
        weight_E = weight_E.astype(np.float64)
        # Finer where columns are narrow.
        self.width_E = 0.8 + min(2.6, max(1.4, place.step / 8)) * weight_E
        self._opacity_E = np.where(lit_E, 0.45 + 0.5 * weight_E, 0.1 + 0.5 * weight_E)
        # What heads park at the first token stays behind what they read.
        self._opacity_E *= np.where((edges.key_E == 0) & (edges.query_E > 0), BEHIND, 1)
        if isinstance(edges, RoutesDifferenceFound):  # of the others there is no difference
            self._opacity_E *= np.where(edges.shared_E, 1, BEHIND)
            self.width_E = np.where(edges.shared_E, self.width_E, 0.8)
        # A sheet holds a layer's edges of one colour, and sheets lie in the order of their keys:
        # the lit ones above the unlit.
        group_E = np.zeros(len(edges), np.intp)
        for number, group in enumerate(self._groups, 1):
            group_E[group.member_E] = number
        self._n_of_layer = 2 * (len(self._groups) + 1)
        key_E = edges.layer_E.astype(np.intp) * self._n_of_layer
        key_E += lit_E * (len(self._groups) + 1) + group_E
        self._sheets, self._sheet_E, self._n_edges_S = np.unique(
            key_E, return_inverse=True, return_counts=True
        )
        self._order_E = np.argsort(self._sheet_E, kind="stable")
        self._pictures: dict[int, tuple[int, QImage]] = {}

    def paint_layer(self, painter: QPainter, layer: int, scrolled: QPoint, ratio: float) -> None:
        """Paint a layer's edges, lit above unlit."""
        top, bottom = (self._place.node(row, 0, scrolled).y() for row in (layer + 1, layer))
        if bottom < self._place.window.top() or top > self._place.window.bottom():
            return
        if is_vector(painter):
            self._draw_curves(painter, layer, scrolled)
            return
        left = self._place.window.left() - 4
        first, end = np.searchsorted(self._sheets, (layer, layer + 1) * np.array(self._n_of_layer))
        for sheet in range(first, end):
            if sheet not in self._pictures:
                self._picture(sheet, scrolled, ratio)
            begin, image = self._pictures.pop(sheet)
            painter.drawImage(QPointF(left + begin / ratio, top), image)

    def _draw_curves(self, painter: QPainter, layer: int, scrolled: QPoint) -> None:
        """A layer's edges, each as a curve of its own."""
        edges, opacity_E = self._edges, self._opacity_E
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for index in self._order_E[edges.layer_E[self._order_E] == layer]:
            faded = QColor(self._color(self._sheets[self._sheet_E[index]]))
            faded.setAlphaF(float(opacity_E[index]))
            painter.setPen(QPen(faded, float(self.width_E[index])))
            query, key = int(edges.query_E[index]), int(edges.key_E[index])
            painter.drawPath(self._place.path(layer, query, key, scrolled))

    def _picture(self, sheet: int, scrolled: QPoint, ratio: float) -> None:
        """Make a sheet's picture, and those of the next ones where they are small."""
        height = round(self._place.rise * ratio)
        length = math.ceil((self._place.window.width() + 8) * ratio)
        n_edges, n_sheets = np.cumsum(self._n_edges_S[sheet:]), np.arange(len(self._sheets) - sheet)
        small = (n_edges <= FEW_EDGES) & ((n_sheets + 1) * height * length <= FEW_PIXELS)
        end = sheet + max(1, int(small.sum()))
        begin_E, end_E = np.searchsorted(self._sheet_E[self._order_E], (sheet, end))
        index_E = self._order_E[begin_E:end_E]
        x_T = self._place.x_T + (4 - scrolled.x())
        begin, opacity_SNP = curve_opacity(
            x_T[self._edges.key_E[index_E]] * ratio,
            x_T[self._edges.query_E[index_E]] * ratio,
            self.width_E[index_E] * ratio,
            self._opacity_E[index_E],
            height,
            length,
            self._sheet_E[index_E] - sheet,
        )
        images = ink(opacity_SNP, [self._color(key) for key in self._sheets[sheet:end]])
        for at, image in enumerate(images, sheet):
            image.setDevicePixelRatio(ratio)
            self._pictures[at] = begin, image

    def _color(self, key: int) -> QColor:
        """Of a sheet's edges."""
        at = int(key) % self._n_of_layer
        lit, group = divmod(at, len(self._groups) + 1)
        if group:
            return self._groups[group - 1].color
        return theme.current().color("accent" if lit and not self._groups else "dim")

    def paint_nodes(self, painter: QPainter, scrolled: QPoint) -> None:
        """Paint where tokens are in each layer, those that lead to the selected one above."""
        t = theme.current()
        radius = min(3.0, self._place.step / 4, self._place.rise / 5)
        x_T, y_R = self._place.grid(scrolled)
        window, step, at_T = self._place.window, self._place.step, np.array(x_T)
        in_view_T = (at_T >= window.left() - step) & (at_T <= window.right() + step)
        seen = np.broadcast_to(self._place.shown_T, self._reached.shape)
        if self._place.rise < SPARSE:  # only where an edge ends: more would be a grey sheet
            seen = self._ends()
        for nodes, color, size in (
            (seen & in_view_T & ~self._reached, t.color("faint"), radius),
            (seen & in_view_T & self._reached, t.color("text"), radius * 1.2),
        ):
            pen = QPen(color, 2 * size)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            at = np.argwhere(nodes).tolist()
            painter.drawPoints([QPointF(x_T[position], y_R[row]) for row, position in at])

    def _ends(self) -> NDArray[np.bool_]:
        """The nodes at which an edge begins or ends, and where what is reached comes out."""
        ends = np.zeros(self._reached.shape, np.bool_)
        ends[self._edges.layer_E, self._edges.key_E] = True
        ends[self._edges.layer_E + 1, self._edges.query_E] = True
        ends[-1] |= self._reached[-1]
        return ends
