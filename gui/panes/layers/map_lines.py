"""Where the columns and the lines of an operation map run.

Knows the layout's rows and Qt's paths; no colours, no painter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainterPath

from gui.panes.layers.map_layout import OperationGraph, Row

SPINE_X = 12.0
SPINE_WIDTH = 4.0
LANE_GAP = 6.0
BESIDE_FROM = 320
"""In narrower maps strips stand inside the rows."""
INSIDE_FROM = 100
"""In narrower rows there are none."""
MOST_STRIP = 560.0
LEAST_STRIP = 24.0
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
        inside: whether the strips stand inside the boxes, behind the labels, and not beside them.
    """

    spine: float
    left: float
    width: float
    lane_gap: float
    column: tuple[float, float] | None
    inside: bool = False

    @classmethod
    def of(cls, width: float, lane_width: float, margin: float) -> Geometry:
        """The columns of a map: strips beside the rows, inside them, or none, as there is room.

        Args:
            width: of the map.
            lane_width: of all lanes.
            margin: at its right side.
        """
        left = SPINE_X + 14 + lane_width
        room = width - left - margin
        if width >= BESIDE_FROM:
            box = min(max(0.5 * room, 120.0), 210.0)
            column = (left + box + 10, min(room - box - 10, MOST_STRIP))
            return cls(SPINE_X, left, float(int(box)), LANE_GAP, column)
        box = float(max(24, int(room)))
        if box < INSIDE_FROM:
            return cls(SPINE_X, left, box, LANE_GAP, None)
        strip = min(0.45 * box, 100.0)
        return cls(SPINE_X, left, box, LANE_GAP, (left + box - 7 - strip, strip), inside=True)

    def box(self, row: Row) -> QRectF:
        return QRectF(self.left, row.top, self.width, row.height)

    def strip(self, row: Row, n: int, label: float) -> QRectF | None:
        """Room for a strip of ``n`` values; short vectors stay short.

        Args:
            row: beside which, or in which it stands.
            n: how many values.
            label: width of the row's label, which goes first.
        """
        room = self.beside(row, label)
        if room is None or room.width() < min(LEAST_STRIP, n):
            return None
        width = min(room.width(), n * WIDEST_CELL)
        left = room.right() - width if self.inside else room.left()
        return QRectF(left, row.top + 4, width, row.height - 8)

    def beside(self, row: Row, label: float) -> QRectF | None:
        """Room for what is said about a row."""
        if self.column is None or row.kind == "section":
            return None
        left, width = self.column
        if not self.inside:
            return QRectF(left, row.top, width, row.height)
        right = left + width
        left = max(left, self.left + 7 + label + 8)
        return QRectF(left, row.top, right - left, row.height) if right > left else None

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


def ways_to(
    graph: OperationGraph,
    target: int,
    rows: Sequence[Row],
    lane_of: Mapping[int, int],
    geometry: Geometry,
) -> tuple[QPainterPath, ...]:
    """The lines along which an operation's inputs come to it."""
    row_of = rows_by_operation(rows)
    return tuple(
        way(graph, source, target, row_of, lane_of, geometry) for source in graph.inputs[target]
    )


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
