"""Where the nodes and edges of an attribution graph are: tokens are columns, sublayers are rows.

The lowest row are the embeddings, then attention and MLP of each layer, the logit is on top. A
column is as wide as the most heads that stand beside each other in it; of a text that has no room,
only tokens with a node have one. Rows without a node are low. Plain computing, without a widget.

Shape suffixes: N nodes, E edges, S points of a curve, T positions, R rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF

from model.probe.graph.asks import EMBEDDING, LOGIT, GraphFound

LEAST_UNIT, MOST_UNIT = 15.0, 52.0
"""Width of one node with its margin, pixels."""
LEAST_RISE, MOST_RISE = 12.0, 38.0
"""Height of a row that has nodes."""
EMPTY_ROW = 0.08
"""Height of a row without nodes, as a share of one with."""
ALL_COLUMNS = 22.0
"""From this width on every token of a text has a column."""
ASIDE = 24.0
"""Room at both sides for edges that bow."""
GAP = 0.35
"""Width of a place where tokens were left out, in units."""
MOST_ASIDE = 72.0
"""How far the handles of an edge that bows aside reach; the edge itself three quarters of it."""
POINTS = 20
"""Of a curve, for finding what is near the mouse."""

_SHARE_S = np.linspace(0, 1, POINTS)


@dataclass(frozen=True, slots=True, eq=False)
class CircuitPlace:
    """Places in the content, whose upper left corner is 0, 0.

    Attributes:
        size: of the content.
        unit: width of a node with its margin.
        x_T: middle of each token's column; NaN without one.
        width_T: width of each column.
        y_R: middle of each row, the embeddings first.
        used_R: which rows have nodes.
        rects: of each node; empty where it is not drawn.
        logit: of the logit.
        curves_ESP: points of each drawn edge, x and y.
        edges: indices of the drawn edges, weakest first.
    """

    size: QSizeF = field(default_factory=QSizeF)
    unit: float = LEAST_UNIT
    x_T: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    width_T: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    y_R: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    used_R: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    rects: tuple[QRectF, ...] = ()
    logit: QRectF = field(default_factory=QRectF)
    curves_ESP: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, POINTS, 2)))
    edges: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, np.intp))

    def rect(self, node: int) -> QRectF:
        """Where a node is; of `LOGIT` the logit."""
        return self.logit if node == LOGIT else self.rects[node]

    def node_at(self, at: QPointF) -> int | None:
        """The node at a point, or the nearest within three pixels."""
        for node, rect in enumerate((*self.rects, self.logit)):
            if not rect.isEmpty() and rect.adjusted(-2, -3, 2, 3).contains(at):
                return node if node < len(self.rects) else LOGIT
        return None

    def edge_at(self, at: QPointF, reach: float = 5.0) -> int | None:
        """The edge that is nearest to a point, if one is near."""
        if not len(self.edges):
            return None
        away_ES = np.hypot(self.curves_ESP[..., 0] - at.x(), self.curves_ESP[..., 1] - at.y())
        # Between two points of a curve the mouse may be half of their distance away.
        steps_E = np.hypot(*np.diff(self.curves_ESP, axis=1).max(axis=1).T)
        nearest_E = away_ES.min(axis=1) - 0.4 * steps_E
        index = int(nearest_E.argmin())
        return int(self.edges[index]) if nearest_E[index] < reach else None


def row_of(found: GraphFound, node: int) -> int:
    """The row of a node: 0 are embeddings, 2l + 1 is attention of layer l, 2l + 2 its MLP."""
    layer = int(found.layer_N[node])
    if layer == EMBEDDING:
        return 0
    return 2 * layer + (1 if found.head_N[node] >= 0 else 2)


def strongest_edges(found: GraphFound, n: int) -> NDArray[np.intp]:
    """Indices of the strongest edges, weakest of them first, so that strong ones lie on top."""
    order = np.argsort(-np.abs(found.weight_E), kind="stable")[:n]
    return order[::-1]


def drawn_nodes(found: GraphFound, edges: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which nodes an edge touches."""
    drawn_N = np.zeros(len(found.layer_N), bool)
    drawn_N[found.source_E[edges]] = True
    goals = found.goal_E[edges]
    drawn_N[goals[goals != LOGIT]] = True
    return drawn_N


def place(
    found: GraphFound, edges: NDArray[np.intp], n_layers: int, position: int, room: QSize
) -> CircuitPlace:
    """Find places as large as the room allows.

    Args:
        found: the graph.
        edges: that are drawn.
        n_layers: of the network.
        position: whose logit it is.
        room: that is seen at once; the content may be larger.
    """
    n_tokens = found.subject.n_tokens
    drawn_N = drawn_nodes(found, edges)
    nodes = [int(node) for node in np.flatnonzero(drawn_N)]
    rows = {node: row_of(found, node) for node in nodes}
    beside: dict[tuple[int, int], list[int]] = {}
    for node in nodes:
        beside.setdefault((rows[node], int(found.position_N[node])), []).append(node)
    units_T = np.zeros(n_tokens)
    for (_, at), some in beside.items():
        units_T[at] = max(units_T[at], len(some))
    units_T[position] = max(units_T[position], 1)
    unit, x_T, width_T, width = _columns(units_T, room.width() - 2 * ASIDE)
    x_T, width = x_T + ASIDE, width + 2 * ASIDE
    n_rows = 2 * n_layers + 2
    used_R = np.zeros(n_rows, bool)
    used_R[[0, n_rows - 1, *rows.values()]] = True
    weights_R = np.where(used_R, 1.0, EMPTY_ROW)
    rise = min(max(room.height() / weights_R.sum(), LEAST_RISE), MOST_RISE)
    height = max(float(rise * weights_R.sum()), float(room.height()))
    rise = height / weights_R.sum()
    heights_R = weights_R * rise
    y_R = height - (np.cumsum(heights_R) - heights_R / 2)
    rects = [QRectF()] * len(found.layer_N)
    high = min(18.0, max(rise - 9, 0.55 * rise))
    wide = min(30.0, unit - 3)
    for (row, at), some in beside.items():
        some.sort(key=lambda node: int(found.head_N[node]))
        for index, node in enumerate(some):
            x = x_T[at] + (index - (len(some) - 1) / 2) * unit
            rects[node] = QRectF(x - wide / 2, y_R[row] - high / 2, wide, high)
    logit = QRectF(x_T[position] - wide / 2, y_R[-1] - high / 2, wide, high)
    curves = [
        _curve(
            rects[int(found.source_E[edge])],
            logit if found.goal_E[edge] == LOGIT else rects[int(found.goal_E[edge])],
        )
        for edge in edges
    ]
    return CircuitPlace(
        QSizeF(width, height),
        unit,
        x_T,
        width_T,
        y_R,
        used_R,
        tuple(rects),
        logit,
        np.array(curves).reshape(-1, POINTS, 2),
        edges,
    )


def _columns(
    units_T: NDArray[np.float64], room: float
) -> tuple[float, NDArray[np.float64], NDArray[np.float64], float]:
    """How wide a node is, where each token's column is, how wide each, how wide all are."""
    wide_T = np.maximum(units_T, 1.0)
    if room / wide_T.sum() < ALL_COLUMNS:
        hidden_T = units_T == 0
        begins_T = hidden_T & ~np.concatenate([[False], hidden_T[:-1]])
        wide_T = np.where(hidden_T, np.where(begins_T, GAP, 0.0), wide_T)
    unit = min(max(room / wide_T.sum(), LEAST_UNIT), MOST_UNIT)
    width_T = wide_T * unit
    right_T = np.cumsum(width_T)
    width = max(float(right_T[-1]), room)
    left = (width - right_T[-1]) / 2
    x_T = np.where(wide_T >= 1, left + right_T - width_T / 2, np.nan)
    return unit, x_T, width_T, width


def handles(source: QRectF, goal: QRectF) -> tuple[QPointF, QPointF, QPointF, QPointF]:
    """Beginning, both handles and end of an edge, from the top of a node to the bottom of another.

    Where one stands right above the other, but not next, it bows to the left: it would be hidden by
    the nodes between.
    """
    begin = QPointF(source.center().x(), source.top())
    end = QPointF(goal.center().x(), goal.bottom())
    high = begin.y() - end.y()
    bend = QPointF(0, max(4.0, 0.5 * abs(high)))
    aside = QPointF(0, 0)
    if abs(begin.x() - end.x()) < 1 and high > 2.5 * source.height():
        aside = QPointF(-min(source.width() / 2 + 8 + 0.14 * high, MOST_ASIDE), 0)
    return begin, begin - bend + aside, end + bend + aside, end


def _curve(source: QRectF, goal: QRectF) -> NDArray[np.float64]:
    """Points of an edge, ``[S, 2]``."""
    t_S1 = _SHARE_S[:, None]
    p = [np.array([at.x(), at.y()]) for at in handles(source, goal)]
    return np.asarray(
        (1 - t_S1) ** 3 * p[0]
        + 3 * (1 - t_S1) ** 2 * t_S1 * p[1]
        + 3 * (1 - t_S1) * t_S1**2 * p[2]
        + t_S1**3 * p[3]
    )
