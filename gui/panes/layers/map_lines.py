"""Where the columns and the lines of an operation map run.

Knows the layout's rows and Qt's paths; no colours, no painter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainterPath

from gui.panes.layers.map_layout import OperationGraph, Row

SPINE_WIDTH = 4.0
NODE = 5.0
WIDEST_CELL = 10.0
PORT = 4.0  # a row is entered above its middle and left below it
CORNER = 4.0
TICK = 14.0  # where a line between neighbouring rows stands


@dataclass(frozen=True, slots=True)
class Geometry:
    """Columns of the map in pixels.

    Attributes:
        spine: x of the residual stream.
        left, width: of the rows' boxes.
        lane_gap: distance between lanes.
        column: x and width of the strips, or None.
    """

    spine: float
    left: float
    width: float
    lane_gap: float
    column: tuple[float, float] | None

    def box(self, row: Row) -> QRectF:
        return QRectF(self.left, row.top, self.width, row.height)

    def strip(self, row: Row, n: int) -> QRectF | None:
        """Room for a strip of ``n`` values; short vectors stay short."""
        if self.column is None or row.kind == "section":
            return None
        left, width = self.column
        return QRectF(left, row.top + 4, min(width, n * WIDEST_CELL), row.height - 8)

    def lane(self, number: int) -> float:
        return self.left - 9 - number * self.lane_gap


def way(
    graph: OperationGraph,
    source: int,
    target: int,
    row_of: Mapping[int, Row],
    lane_of: Mapping[int, int],
    geometry: Geometry,
) -> QPainterPath:
    """The line from what writes an activation to what reads it; empty inside one row."""
    path = QPainterPath()
    a, b = row_of[source], row_of[target]
    if a is b:
        return path
    g = geometry
    joins = source in graph.stream or _enters_spine(graph, source, target)
    end_y = b.middle - (0 if target in graph.stream and joins else PORT)
    if source in graph.stream:
        path.moveTo(g.spine, a.middle)
        if target in graph.stream:
            path.lineTo(g.spine, b.middle)
        else:
            turn_right(path, g.spine, end_y, g.left)
        return path
    lane = lane_of.get(source)
    if lane is None:
        path.moveTo(g.left + TICK, a.top + a.height)
        path.lineTo(g.left + TICK, b.top)
        return path
    x, start_y = g.lane(lane), a.middle + PORT
    path.moveTo(g.left, start_y)
    path.lineTo(x + CORNER, start_y)
    path.quadTo(x, start_y, x, start_y + CORNER)
    if joins:
        path.lineTo(x, end_y - CORNER)
        path.quadTo(x, end_y, x - CORNER, end_y)
        path.lineTo(g.spine + NODE, end_y)
    else:
        turn_right(path, x, end_y, g.left)
    return path


def _enters_spine(graph: OperationGraph, source: int, target: int) -> bool:
    """Whether the target adds it to the stream; the embedding, a beginning, only reads it."""
    return target in graph.sums_of(source)


def turn_right(path: QPainterPath, x: float, y: float, to: float) -> None:
    """Down to ``y``, then with a round corner to the right."""
    path.lineTo(x, y - CORNER)
    path.quadTo(x, y, x + CORNER, y)
    path.lineTo(to, y)


def rows_by_operation(rows: Sequence[Row]) -> dict[int, Row]:
    """The row that stands for each operation."""
    return {
        index: row
        for row in rows
        if row.kind != "section"
        for index in range(row.first, row.last + 1)
    }
