"""How an operation map looks: the stream, its branches, rows, strips of values.

Knows a painter, the layout and the figures; nothing of mouse, scrolling or the store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QPainter, QPainterPath, QPen

from gui import theme
from gui.widgets.map_layout import OperationGraph, Row
from gui.widgets.trace_figures import TraceFigures, Vector, columns

SPINE_WIDTH = 4.0
NODE = 5.0
WIDEST_CELL = 10.0
_PORT = 4.0  # a row is entered above its middle and left below it
_CORNER = 4.0
_TICK = 14.0  # where a line between neighbouring rows stands


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
    rows: Sequence[Row],
    lane_of: Mapping[int, int],
    geometry: Geometry,
) -> QPainterPath:
    """The line from what writes an activation to what reads it; empty if one has no row."""
    path = QPainterPath()
    a = next((row for row in rows if row.holds(source)), None)
    b = next((row for row in rows if row.holds(target)), None)
    if a is None or b is None or a is b:
        return path
    g = geometry
    end_y = b.middle - (0 if target in graph.stream else _PORT)
    if source in graph.stream:
        path.moveTo(g.spine, a.middle)
        if target in graph.stream:
            path.lineTo(g.spine, b.middle)
        else:
            _turn_right(path, g.spine, end_y, g.left)
        return path
    lane = lane_of.get(source)
    if lane is None:
        path.moveTo(g.left + _TICK, a.top + a.height)
        path.lineTo(g.left + _TICK, b.top)
        return path
    x, start_y = g.lane(lane), a.middle + _PORT
    path.moveTo(g.left, start_y)
    path.lineTo(x + _CORNER, start_y)
    path.quadTo(x, start_y, x, start_y + _CORNER)
    if target in graph.stream and _enters_spine(graph, source, target):
        path.lineTo(x, end_y - _CORNER)
        path.quadTo(x, end_y, x - _CORNER, end_y)
        path.lineTo(g.spine + NODE, end_y)
    else:
        _turn_right(path, x, end_y, g.left)
    return path


def _enters_spine(graph: OperationGraph, source: int, target: int) -> bool:
    """Whether the target adds it to the stream; the embedding, a beginning, only reads it."""
    return target in graph.sums_of(source)


def _turn_right(path: QPainterPath, x: float, y: float, to: float) -> None:
    path.lineTo(x, y - _CORNER)
    path.quadTo(x, y, x + _CORNER, y)
    path.lineTo(to, y)


class MapPainter:
    """Paints one frame of a map."""

    def __init__(
        self,
        painter: QPainter,
        *,
        graph: OperationGraph,
        rows: Sequence[Row],
        lanes: Mapping[int, int],
        geometry: Geometry,
        figures: TraceFigures | None,
        strips: dict[tuple[int, int], QImage],
        current: int,
        hovered: tuple[str, int] | None,
    ) -> None:
        self.p = painter
        self.graph = graph
        self.rows = rows
        self.lanes = lanes
        self.g = geometry
        self.figures = figures
        self.strips = strips
        self.current = current
        self.hovered = hovered
        self.row_of = {
            index: row
            for row in rows
            if row.kind != "section"
            for index in range(row.first, row.last + 1)
        }
        self.t = theme.current()
        self.label_font = theme.sans(theme.FONT_SIZE - 0.5)
        self.figure_font = theme.mono(theme.SMALL_FONT_SIZE - 0.5)
        self.small_font = theme.sans(theme.SMALL_FONT_SIZE)
        self.label_metrics = QFontMetricsF(self.label_font)
        self.figure_metrics = QFontMetricsF(self.figure_font)

    def paint(self, seen: QRectF, from_y: float, t: float, ways: Sequence[QPainterPath]) -> None:
        """Paint what is in ``seen``.

        Args:
            seen: part of the map, in its own pixels.
            from_y: where the current row was before.
            t: how far the motion is, 0 to 1.
            ways: lines along which a value flows now.
        """
        if not self.rows:
            return
        lit = self.row_of.get(self.current)
        lit_y = None if lit is None else from_y * (1 - t) + lit.middle * t
        self._spine(lit_y)
        self._lines(seen)
        for row in self.rows:
            if row.top < seen.bottom() + 1 and row.top + row.height > seen.top() - 1:
                self._row(row)
        self._nodes(seen, lit_y)
        self._flow(ways, t)

    # --------------------------------------------------------------- stream and lines

    def _spine(self, lit_y: float | None) -> None:
        ends = self._spine_ends()
        if ends is None:
            return
        top, bottom = ends
        x = self.g.spine - SPINE_WIDTH / 2
        radius = SPINE_WIDTH / 2
        self.p.setPen(Qt.PenStyle.NoPen)
        self.p.setBrush(self.t.color("line"))
        self.p.drawRoundedRect(QRectF(x, top, SPINE_WIDTH, bottom - top), radius, radius)
        if lit_y is not None and lit_y > top:
            self.p.setBrush(self.t.color("accent", 0.75))
            filled = min(lit_y, bottom) - top
            self.p.drawRoundedRect(QRectF(x, top, SPINE_WIDTH, filled), radius, radius)

    def _spine_ends(self) -> tuple[float, float] | None:
        if not self.graph.stream:
            return None
        last = max(max(self.graph.readers[index], default=index) for index in self.graph.stream)
        top, bottom = self.row_of[min(self.graph.stream)], self.row_of[last]
        return top.middle, bottom.middle - _PORT

    def _lines(self, seen: QRectF) -> None:
        faint = QPen(self.t.color("faint", 0.7), 1)
        lit_in = QPen(self.t.color("accent"), 1.6)
        lit_out = QPen(self.t.color("accent", 0.55), 1.6, Qt.PenStyle.DotLine)
        self.p.setBrush(Qt.BrushStyle.NoBrush)
        emphasised: list[tuple[QPainterPath, QPen, bool]] = []
        for target, row in self.row_of.items():
            if row.kind == "folded":
                if target == row.first and _meets(row, seen):
                    self._fold_lines(row, faint)
                continue
            if target in self.graph.stream and _meets(row, seen):
                # A stream operation works on the spine; a thin line leads to its name.
                self.p.setPen(lit_in if target == self.current else faint)
                self.p.drawLine(
                    QPointF(self.g.spine + NODE, row.middle), QPointF(self.g.left, row.middle)
                )
            for source in self.graph.inputs[target]:
                path = self._way(source, target)
                lit = self.current in (source, target)
                arrow = target not in self.graph.stream
                if lit:
                    pen = lit_in if target == self.current else lit_out
                    emphasised.append((path, pen, arrow))
                elif path.boundingRect().adjusted(-1, -1, 1, 1).intersects(seen):
                    if source in self.graph.stream:
                        path = self._way_off(target)
                    self._line(path, faint, arrow)
        for path, pen, arrow in emphasised:
            self._line(path, pen, arrow)

    def _way(self, source: int, target: int) -> QPainterPath:
        return way(self.graph, source, target, self.rows, self.lanes, self.g)

    def _way_off(self, target: int) -> QPainterPath:
        """Only the branch: the spine itself is drawn already."""
        path = QPainterPath()
        if target in self.graph.stream:
            return path
        y = self.row_of[target].middle - _PORT
        path.moveTo(self.g.spine, y - _CORNER)
        path.quadTo(self.g.spine, y, self.g.spine + _CORNER, y)
        path.lineTo(self.g.left, y)
        return path

    def _line(self, path: QPainterPath, pen: QPen, arrow: bool) -> None:
        if path.isEmpty():
            return
        self.p.setPen(pen)
        self.p.setBrush(Qt.BrushStyle.NoBrush)
        self.p.drawPath(path)
        end = path.currentPosition()
        if arrow and end.x() == self.g.left:
            self.p.setPen(Qt.PenStyle.NoPen)
            self.p.setBrush(pen.color())
            self.p.drawPolygon(
                [end, QPointF(end.x() - 4, end.y() - 2.5), QPointF(end.x() - 4, end.y() + 2.5)]
            )

    def _fold_lines(self, row: Row, pen: QPen) -> None:
        """A folded part: a way off the stream, and back to the sum if the sum is in it."""
        g, y = self.g, row.middle
        out = QPainterPath(QPointF(g.spine, y - 2 * _CORNER))
        _turn_right(out, g.spine, y - _PORT, g.left)
        lit = row.holds(self.current)
        pen = QPen(self.t.color("accent"), 1.6) if lit else pen
        self._line(out, pen, True)
        sums = [i for i in range(row.first, row.last + 1) if i in self.graph.stream]
        back = QPainterPath(QPointF(g.left, y + _PORT))
        if sums:
            back.lineTo(g.spine + NODE, y + _PORT)
        else:
            # Its result is added further down: in a parallel block, at the block's one sum.
            x = g.lane(0)
            written = self.graph.written_by(row.first, row.last)
            ends = [self.row_of[s] for i in written for s in self.graph.sums_of(i)]
            if not ends:
                return
            end = ends[0].middle + _PORT
            back.lineTo(x + _CORNER, y + _PORT)
            back.quadTo(x, y + _PORT, x, y + _PORT + _CORNER)
            back.lineTo(x, end - _CORNER)
            back.quadTo(x, end, x - _CORNER, end)
            back.lineTo(g.spine + NODE, end)
        self._line(back, pen, False)

    def _nodes(self, seen: QRectF, lit_y: float | None) -> None:
        """Where the stream begins, and every sum on it."""
        for index in sorted(self.graph.stream):
            row = self.row_of[index]
            if not _meets(row, seen):
                continue
            y = row.middle + (_PORT if row.kind == "folded" else 0)
            passed = lit_y is not None and y <= lit_y + 0.5
            is_lit = index == self.current and row.kind == "operation"
            edge = self.t.color("accent" if passed else "faint")
            self.p.setPen(QPen(edge, 1.4))
            self.p.setBrush(self.t.color("accent_soft" if is_lit else "panel"))
            center = QPointF(self.g.spine, y)
            if self.graph.operations[index].kind != "add":
                self.p.setBrush(edge)
                self.p.drawEllipse(center, NODE - 2, NODE - 2)
                continue
            self.p.drawEllipse(center, NODE, NODE)
            arm = NODE - 2.2
            self.p.drawLine(center - QPointF(arm, 0), center + QPointF(arm, 0))
            self.p.drawLine(center - QPointF(0, arm), center + QPointF(0, arm))

    def _flow(self, ways: Sequence[QPainterPath], t: float) -> None:
        self.p.setPen(Qt.PenStyle.NoPen)
        for path in ways:
            if path.isEmpty():
                continue
            at = path.pointAtPercent(min(max(t, 0.0), 1.0))
            self.p.setBrush(self.t.color("accent", 0.25))
            self.p.drawEllipse(at, 6.5, 6.5)
            self.p.setBrush(self.t.color("accent"))
            self.p.drawEllipse(at, 3, 3)

    # --------------------------------------------------------------------------- rows

    def _row(self, row: Row) -> None:
        if row.kind == "section":
            self._section(row)
            return
        lit, hovered = row.holds(self.current), row.key == self.hovered
        feeds = any(row.holds(i) for i in self.graph.inputs[self.current])
        fill = "accent_soft" if lit else "raised" if hovered else "panel"
        border = self.t.color("accent" if lit else "line")
        if feeds and not lit:
            border = self.t.color("accent", 0.6)
        elif hovered and not lit:
            border = self.t.color("faint")
        box = self.g.box(row).adjusted(0.5, 0.5, -0.5, -0.5)
        self.p.setPen(QPen(border, 1))
        self.p.setBrush(self.t.color(fill))
        self.p.drawRoundedRect(box, theme.RADIUS, theme.RADIUS)
        self._texts(row, box, lit)
        if self.g.column is not None:
            self._beside(row)

    def _texts(self, row: Row, box: QRectF, lit: bool) -> None:
        inner = box.adjusted(7, 0, -6, 0)
        figure = self.figure(row)
        label_width = self.label_metrics.horizontalAdvance(row.label)
        figure_width = self.figure_metrics.horizontalAdvance(figure)
        # The figure gives way first: a tooltip has it too.
        if figure and label_width + 6 + figure_width <= inner.width():
            self.p.setFont(self.figure_font)
            self.p.setPen(
                self.t.color("text" if lit else "dim" if row.kind == "folded" else "faint")
            )
            flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            self.p.drawText(inner, flags, figure)
        self.p.setFont(self.label_font)
        self.p.setPen(self.t.color("text"))
        label = self.label_metrics.elidedText(row.label, Qt.TextElideMode.ElideRight, inner.width())
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        self.p.drawText(inner, flags, label)

    def figure(self, row: Row) -> str:
        """The shape of an operation's output, or how much a folded part writes."""
        if self.figures is None:
            return ""
        ops = self.graph.operations
        if row.kind == "operation":
            return self.figures.shape(ops[row.first])
        ratio = fold_ratio(row, self.graph, self.figures)
        return "" if ratio is None else f"+{ratio:.2f}"

    def _section(self, row: Row) -> None:
        box = self.g.box(row)
        hovered = row.key == self.hovered
        color = self.t.color("text" if hovered else "dim")
        self.p.setFont(self.small_font)
        self.p.setPen(color)
        metrics = QFontMetricsF(self.small_font)
        self.p.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, row.label)
        x, y = box.left() + metrics.horizontalAdvance(row.label) + 10, row.middle + 0.5
        self.p.setPen(QPen(color, 1.3))
        if row.unfolded:
            corners = [QPointF(x - 3, y - 1.5), QPointF(x, y + 1.5), QPointF(x + 3, y - 1.5)]
        else:
            corners = [QPointF(x - 1.5, y - 3), QPointF(x + 1.5, y), QPointF(x - 1.5, y + 3)]
        self.p.drawPolyline(corners)
        if row.unfolded and self.figures is not None:
            self._words(self.figures.whose(), row, "faint")

    def _beside(self, row: Row) -> None:
        """The values of a row's output, or a few words where those say more."""
        index = strip_operation(row, self.graph)
        if self.figures is None or index is None or self.g.column is None:
            return
        op = self.graph.operations[index]
        vector = self.figures.vector(op)
        box = None if vector is None else self.g.strip(row, len(vector.values))
        if vector is not None and box is not None:
            self.p.save()
            self.p.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            self.p.drawImage(box, self._image(index, vector, int(box.width())))
            self.p.restore()
            return
        missing = self.figures.missing(op)
        words = "not recorded · click to fetch" if missing else self.figures.words(op)
        self._words(words, row, "text" if row.holds(self.current) else "dim")

    def _words(self, words: str, row: Row, color: str) -> None:
        if not words or self.g.column is None:
            return
        left, width = self.g.column
        font = theme.mono(theme.SMALL_FONT_SIZE - 0.5)
        self.p.setFont(font)
        self.p.setPen(self.t.color(color))
        words = QFontMetricsF(font).elidedText(words, Qt.TextElideMode.ElideRight, width)
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        self.p.drawText(QRectF(left, row.top, width, row.height), flags, words)

    def _image(self, index: int, vector: Vector, width: int) -> QImage:
        key = index, width
        if key not in self.strips:
            shown = vector.values[columns(vector.values, width).picks].astype(np.float64)
            shown[~np.isfinite(shown)] = np.nan
            if vector.signed:
                rgb = theme.diverging_rgb(shown, vector.limit)
            else:
                rgb = theme.sequential_rgb(shown)
            n, format_ = len(rgb), QImage.Format.Format_RGB888
            # A copy, because a QImage does not keep the array's memory alive.
            image = QImage(np.ascontiguousarray(rgb).data, n, 1, 3 * n, format_)
            self.strips[key] = image.copy()
        return self.strips[key]


def strip_operation(row: Row, graph: OperationGraph) -> int | None:
    """Whose values a row shows: the operation's own, or what a folded part writes."""
    if row.kind == "operation":
        return row.first
    written = graph.written_by(row.first, row.last) if row.kind == "folded" else ()
    return written[-1] if written else None


def fold_ratio(row: Row, graph: OperationGraph, figures: TraceFigures) -> float | None:
    """How much a folded part adds, relative to the stream before it."""
    names = ratio_names(row, graph)
    return None if names is None else figures.ratio(*names)


def ratio_names(row: Row, graph: OperationGraph) -> tuple[str, str] | None:
    """What a part writes and the stream that it is added to."""
    written = graph.written_by(row.first, row.last)
    if not written:
        return None
    total = graph.sums_of(written[-1])[0]
    ops = graph.operations
    return ops[written[-1]].output, ops[graph.inputs[total][0]].output


def _meets(row: Row, seen: QRectF) -> bool:
    return row.top - row.height < seen.bottom() and row.top + 2 * row.height > seen.top()
