"""How an operation map looks: the stream, its branches, rows, strips of values.

Knows a painter, the layout and the figures; nothing of mouse, scrolling or the store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QImage, QPainter, QPainterPath, QPen

from gui import theme
from gui.panes.layers.block_head import BlockHead
from gui.panes.layers.changes import Changes, of_row, paint_mark
from gui.panes.layers.figures import Figures
from gui.panes.layers.map_layout import OperationGraph, Row, strip_operation
from gui.panes.layers.map_lines import (
    CORNER,
    LEAST_STRIP,
    NODE,
    PORT,
    SPINE_WIDTH,
    Geometry,
    rows_by_operation,
    turn_right,
    way,
)
from gui.panes.layers.strips import Key, strip_images
from gui.panes.layers.words import fold_ratio, relative_difference
from gui.reading.operation_tones import tone_of
from gui.reading.vectors import Reading
from gui.widgets.cells import paint_cells
from gui.widgets.drawing_cache import DrawingCache


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
        figures: Figures | None,
        strips: dict[Key, QImage],
        cache: DrawingCache,
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
        self._boxes: list[tuple[QRectF, Key, Reading]] = []
        self.cache = cache
        self.current = current
        self.hovered = hovered
        self.row_of = rows_by_operation(rows)
        self.t = theme.current()

    def paint_network(self, seen: QRectF, lit_y: float | None) -> None:
        """Paint what the architecture and the current operation say; no figure of a trace.

        Args:
            seen: part of the map, in its own pixels.
            lit_y: down to where the stream is lit.
        """
        if not self.rows:
            return
        self._spine(lit_y)
        self._lines(seen)
        for row in self._seen_rows(seen):
            self._row(row, hovered=False)
        self._nodes(seen, lit_y)

    def paint_values(self, seen: QRectF) -> None:
        """Paint what a trace and the mouse say, over the network.

        Args:
            seen: part of the map, in its own pixels.
        """
        for row in self._seen_rows(seen):
            if row.key == self.hovered:
                self._row(row, hovered=True)
            if row.kind == "section":
                if self.figures is not None:
                    self._head(row).paint_words(self.figures)
            elif self.g.inside:
                if row.kind == "folded" or not self._beside(row):
                    self._figure(row)
            else:
                self._figure(row)
                self._beside(row)
        self._paint_strips()

    def paint_changes(self, seen: QRectF, changed: Changes) -> None:
        """Mark the rows whose operations are changed."""
        for row in self._seen_rows(seen):
            if of_row(row, changed):
                paint_mark(self.p, self.g.box(row))

    def paint_flow(self, ways: Sequence[QPainterPath], t: float) -> None:
        """Paint values on their way.

        Args:
            ways: lines along which a value flows now.
            t: how far the motion is, 0 to 1.
        """
        self.p.setPen(Qt.PenStyle.NoPen)
        for path in ways:
            if path.isEmpty():
                continue
            at = path.pointAtPercent(min(max(t, 0.0), 1.0))
            self.p.setBrush(self.t.color("accent", 0.25))
            self.p.drawEllipse(at, 6.5, 6.5)
            self.p.setBrush(self.t.color("accent"))
            self.p.drawEllipse(at, 3, 3)

    def lit_until(self, from_y: float, t: float) -> float | None:
        """Down to where the stream is lit.

        Args:
            from_y: where the current row was before.
            t: how far the motion is, 0 to 1.
        """
        lit = self.row_of.get(self.current)
        return None if lit is None else from_y * (1 - t) + lit.middle * t

    def _seen_rows(self, seen: QRectF) -> list[Row]:
        return [
            row
            for row in self.rows
            if row.top < seen.bottom() + 1 and row.top + row.height > seen.top() - 1
        ]

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
        return top.middle, bottom.middle - PORT

    def _lines(self, seen: QRectF) -> None:
        faint = QPen(self.t.color("faint", 0.7), 1)
        lit_in = QPen(self.t.color("accent"), 1.6)
        lit_out = QPen(self.t.color("accent", 0.55), 1.6, Qt.PenStyle.DotLine)
        self.p.setBrush(Qt.BrushStyle.NoBrush)
        emphasised: list[tuple[QPainterPath, QPen]] = []
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
                if lit:
                    pen = lit_in if target == self.current else lit_out
                    emphasised.append((path, pen))
                elif path.boundingRect().adjusted(-1, -1, 1, 1).intersects(seen):
                    if source in self.graph.stream:
                        path = self._way_off(target)
                    self._line(path, faint)
        for path, pen in emphasised:
            self._line(path, pen)

    def _way(self, source: int, target: int) -> QPainterPath:
        return way(self.graph, source, target, self.row_of, self.lanes, self.g)

    def _way_off(self, target: int) -> QPainterPath:
        """Only the branch: the spine itself is drawn already."""
        path = QPainterPath()
        if target in self.graph.stream:
            return path
        y = self.row_of[target].middle - PORT
        path.moveTo(self.g.spine, y - CORNER)
        path.quadTo(self.g.spine, y, self.g.spine + CORNER, y)
        path.lineTo(self.g.left, y)
        return path

    def _line(self, path: QPainterPath, pen: QPen) -> None:
        if path.isEmpty():
            return
        self.p.setPen(pen)
        self.p.setBrush(Qt.BrushStyle.NoBrush)
        self.p.drawPath(path)
        end = path.currentPosition()
        if end.x() == self.g.left:
            self.p.setPen(Qt.PenStyle.NoPen)
            self.p.setBrush(pen.color())
            self.p.drawPolygon(
                [end, QPointF(end.x() - 4, end.y() - 2.5), QPointF(end.x() - 4, end.y() + 2.5)]
            )

    def _fold_lines(self, row: Row, pen: QPen) -> None:
        """A folded part: a way off the stream, and back to the sum if the sum is in it."""
        g, y = self.g, row.middle
        out = QPainterPath(QPointF(g.spine, y - 2 * CORNER))
        turn_right(out, g.spine, y - PORT, g.left)
        lit = row.holds(self.current)
        pen = QPen(self.t.color("accent"), 1.6) if lit else pen
        self._line(out, pen)
        sums = [i for i in range(row.first, row.last + 1) if i in self.graph.stream]
        back = QPainterPath(QPointF(g.left, y + PORT))
        if sums:
            back.lineTo(g.spine + NODE, y + PORT)
        else:
            # Its result is added further down: in a parallel block, at the block's one sum.
            x = g.lane(0)
            written = self.graph.written_by(row.first, row.last)
            ends = [self.row_of[s] for i in written for s in self.graph.sums_of(i)]
            if not ends:
                return
            end = ends[0].middle + PORT
            back.lineTo(x + CORNER, y + PORT)
            back.quadTo(x, y + PORT, x, y + PORT + CORNER)
            back.lineTo(x, end - CORNER)
            back.quadTo(x, end, x - CORNER, end)
            back.lineTo(g.spine + NODE, end)
        self._line(back, pen)

    def _nodes(self, seen: QRectF, lit_y: float | None) -> None:
        """Where the stream begins, and every sum on it."""
        for index in sorted(self.graph.stream):
            row = self.row_of[index]
            if not _meets(row, seen):
                continue
            if row.kind == "folded" and self.graph.operations[index].kind != "add":
                continue  # a norm after the sum, which has its sign here already
            y = row.middle + (PORT if row.kind == "folded" else 0)
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

    # --------------------------------------------------------------------------- rows

    def _head(self, row: Row) -> BlockHead:
        return BlockHead(self.p, self.g, self.cache, row)

    def _row(self, row: Row, *, hovered: bool) -> None:
        if row.kind == "section":
            self._head(row).paint_label(hovered=hovered)
            return
        lit = row.holds(self.current)
        feeds = any(row.holds(i) for i in self.graph.inputs[self.current])
        fill = "accent_soft" if lit else "raised" if hovered else "panel"
        border = self.t.color("accent" if lit else "line")
        if feeds and not lit:
            border = self.t.color("accent", 0.6)
        elif hovered and not lit:
            border = self.t.color("faint")
        box = self.g.box(row)
        self.cache.put_box(self.p, box, self.t.color(fill), border)
        own = row.kind == "operation"
        tone = tone_of(self.graph.operations[row.first]) if own else "text"
        self.p.setPen(self.t.color(tone))
        inner = _inner(box)
        self.cache.text(row.label, "label", inner.width()).draw(self.p, inner.left(), row.middle)

    def _figure(self, row: Row) -> None:
        inner = _inner(self.g.box(row))
        label = self.cache.text(row.label, "label", inner.width())
        figure = self.cache.text(self.figure(row), "figure")
        # The figure gives way first: a tooltip has it too.
        if label.width + 6 + figure.width <= inner.width():
            self.p.setPen(self.t.color("text" if row.holds(self.current) else "dim"))
            figure.draw(self.p, inner.right() - figure.width, row.middle)

    def figure(self, row: Row) -> str:
        """The shape of an operation's output, or how much a folded part writes."""
        if self.figures is None:
            return ""
        ops = self.graph.operations
        if self.figures.two_sides is not None:
            apart = relative_difference(row, self.graph, self.figures)
            return "" if apart is None else f"Δ {apart:.2f}" if np.isfinite(apart) else "Δ ∞"
        if row.kind == "operation":
            return self.figures.shape(ops[row.first])
        ratio = fold_ratio(row, self.graph, self.figures)
        if ratio is None:
            return ""
        return f"+{ratio:.2f}" if np.isfinite(ratio) else "NaN" if np.isnan(ratio) else "+∞"

    def _beside(self, row: Row) -> bool:
        """The values of a row's output, or a few words where those say more; whether there are."""
        index = strip_operation(row, self.graph)
        if self.figures is None or index is None:
            return False
        op = self.graph.operations[index]
        label = self.cache.text(row.label, "label").width
        strip = self.figures.strip(op)
        if strip is None:
            tone = "text" if row.holds(self.current) else "dim"
            room, words = self.g.beside(row, label), self.figures.words(op)
            if room is not None and self.cache.text(words, "figure").width > room.width():
                words = self.figures.words(op, brief=True)
            return self._words(words, room, tone)
        box = self.g.strip(row, len(strip.values), label)
        if box is not None:
            self._boxes.append((box, (index, int(box.width())), strip))
        return True

    def _paint_strips(self) -> None:
        """Paint the strips that were met on the way."""
        missing = {key: strip for _, key, strip in self._boxes if key not in self.strips}
        if missing:
            self.strips.update(strip_images(missing))
        self.p.save()
        self.p.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for box, key, _ in self._boxes:
            paint_cells(self.p, box, self.strips[key])
        self.p.restore()
        self._boxes.clear()

    def _words(self, words: str, room: QRectF | None, tone: str) -> bool:
        if not words or room is None or room.width() < LEAST_STRIP:
            return False
        shown = self.cache.text(words, "figure", room.width())
        self.p.setPen(self.t.color(tone))
        left = room.right() - shown.width if self.g.inside else room.left()
        shown.draw(self.p, left, room.center().y())
        return True


def _inner(box: QRectF) -> QRectF:
    """Where a row's words are."""
    return box.adjusted(7, 0, -7, 0)


def fonts() -> dict[str, QFont]:
    """The fonts of a map, by the names that it uses for them."""
    return {
        "label": theme.sans(theme.FONT_SIZE - 0.5),
        "figure": theme.mono(theme.SMALL_FONT_SIZE - 0.5),
        "small": theme.sans(theme.SMALL_FONT_SIZE),
    }


def _meets(row: Row, seen: QRectF) -> bool:
    return row.top - row.height < seen.bottom() and row.top + 2 * row.height > seen.top()
