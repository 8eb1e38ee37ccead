"""Pinned heads' matrices, small, beside or below each other, with their names.

A click selects a head, a click on its cross takes it down. Knows answers, tokens' units and the
theme; no store.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.attention.difference import Difference
from gui.panes.attention.edges import Head
from gui.widgets.canvas import Canvas
from gui.widgets.cells import paint_cells
from gui.widgets.heat_map import cell_image
from gui.widgets.signs import draw_sign
from model.probe.pattern.asks import Pattern, PatternFound

NAME_HEIGHT = 20
GAP = 6
LARGEST = 220


@dataclass(frozen=True, slots=True, eq=False)
class Pinned:
    """A head of the strip.

    Attributes:
        head: which.
        found: its matrix; None while it is on its way.
        label: what kind of head it is, in a word or two; empty if it has none.
        difference: drawn instead of its numbers, where two sides are compared.
    """

    head: Head
    found: PatternFound | None = None
    label: str = ""
    difference: Difference | None = None


class PinnedStrip(Canvas):
    """The widget.

    Signals:
        head_chosen: layer and head that were clicked.
        head_unpinned: layer and head whose cross was clicked.
        cell_hovered: index of a head, and place in its answer's arrays, under the mouse; or None.

    Attributes:
        describe: gives the tooltip of such a place.
    """

    head_chosen = Signal(int, int)
    head_unpinned = Signal(int, int)
    cell_hovered = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Pinned heads")
        self.describe: Callable[[int, tuple[int, int]], str] | None = None
        self._pinned: tuple[Pinned, ...] = ()
        self._selected: Head = (0, 0)
        self._unit: int | None = None
        self._hide_first = False
        self._hovered: tuple[int, tuple[int, int]] | None = None

    @property
    def pinned(self) -> tuple[Pinned, ...]:
        """What is drawn."""
        return self._pinned

    def set_pinned(self, pinned: Sequence[Pinned], *, hide_first: bool = False) -> None:
        """Draw these heads."""
        self._pinned, self._hide_first = tuple(pinned), hide_first
        names = ", ".join(f"{layer}.{head}" for layer, head in (p.head for p in pinned))
        self.setAccessibleDescription(f"Heads {names}" if names else "")
        self.redraw()

    def set_marks(self, selected: Head, unit: int | None) -> None:
        """Outline the selected head, and a pinned token's row and column."""
        if (selected, unit) != (self._selected, self._unit):
            self._selected, self._unit = selected, unit
            self.viewport().update()

    @property
    def _apart_limit(self) -> float:
        """Where the colours of differences end: together, so that heads can be compared."""
        ends = [pinned.difference.limit for pinned in self._pinned if pinned.difference is not None]
        return max(ends, default=1.0)

    # ------------------------------------------------------------------------- places

    def box(self, index: int) -> QRectF:
        """Where a head's matrix is."""
        n, size = max(1, len(self._pinned)), self.viewport().size()
        upright = size.height() > size.width()
        each_w = size.width() if upright else size.width() / n
        each_h = size.height() / n if upright else size.height()
        side = min(each_w - GAP, each_h - NAME_HEIGHT - GAP, LARGEST)
        side = max(8.0, float(math.floor(side)))
        x = 0.0 if upright else index * (side + GAP)
        y = index * (side + NAME_HEIGHT + GAP) if upright else 0.0
        return QRectF(round(x), round(y) + NAME_HEIGHT, side, side)

    def _cross(self, index: int) -> QRectF:
        box = self.box(index)
        return QRectF(box.right() - 18, box.top() - NAME_HEIGHT + 1, 18, 18)

    def _index_at(self, at: QPoint) -> int | None:
        for index in range(len(self._pinned)):
            if self.box(index).adjusted(0, -NAME_HEIGHT, 0, 0).contains(QPointF(at)):
                return index
        return None

    def cell_at(self, at: QPoint) -> tuple[int, tuple[int, int]] | None:
        """The head under a point, and the place in its answer's arrays."""
        index = self._index_at(at)
        if index is None:
            return None
        found, box = self._pinned[index].found, self.box(index)
        if found is None or not box.contains(QPointF(at)):
            return None
        rows, columns = found.values.shape
        row = int((at.y() - box.top()) / box.height() * rows)
        column = int((at.x() - box.left()) / box.width() * columns)
        return index, (min(row, rows - 1), min(column, columns - 1))

    # ------------------------------------------------------------------------ painting

    def paint_ground(self, painter: QPainter) -> None:
        t = theme.current()
        for index, pinned in enumerate(self._pinned):
            box = self.box(index)
            painter.setFont(theme.mono(theme.SMALL_FONT_SIZE))
            painter.setPen(t.color("text"))
            line = QRectF(box.left(), box.top() - NAME_HEIGHT, box.width() - 20, NAME_HEIGHT)
            name = f"L{pinned.head[0]}·{pinned.head[1]} {pinned.label}".strip()
            name = painter.fontMetrics().elidedText(
                name, Qt.TextElideMode.ElideRight, int(line.width())
            )
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, name)
            draw_sign(painter, "close", self._cross(index), t.color("dim"))
            painter.fillRect(box, t.color("raised"))
            if pinned.found is not None:
                self._paint_matrix(painter, box, pinned.found, pinned.difference)

    def _paint_matrix(
        self, painter: QPainter, box: QRectF, found: PatternFound, difference: Difference | None
    ) -> None:
        question = found.question
        assert isinstance(question, Pattern)
        numbers, masked = found.values, found.masked
        if difference is not None:
            numbers, masked = difference.values, difference.missing
        drawn = ~masked
        if self._hide_first:
            drawn = drawn & (found.value_columns > 0)
        values = np.where(drawn & np.isfinite(numbers), numbers, 0)
        kind: cell_image.Kind = "sequential" if difference is None else "diverging"
        limit = 1.0
        if difference is not None:
            limit = self._apart_limit
        elif question.valued or self._hide_first or max(found.values.shape) > 64:
            limit = float(values.max(initial=0.0)) or 1.0
        k = math.ceil(max(values.shape) / max(1.0, box.width() * self.ratio))
        if k > 1:
            values, drawn = cell_image.pool_cells(values, drawn, k, kind)
        cell_image.fill_hatched(painter, box)
        rgb = cell_image.colors(values, kind, limit)
        paint_cells(painter, box, cell_image.image(rgb, drawn))

    def paint_overlay(self, painter: QPainter) -> None:
        t = theme.current()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for index, pinned in enumerate(self._pinned):
            box, found = self.box(index), pinned.found
            tone = "accent" if pinned.head == self._selected else "warning"
            painter.setPen(QPen(t.color(tone), 1))
            painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
            if found is None or self._unit is None:
                continue
            count = found.rows[1] - found.rows[0]
            each = box.height() / count
            painter.setPen(QPen(t.color("warning"), 1))
            for band in (
                QRectF(box.left(), box.top() + self._unit * each, box.width(), max(each, 1)),
                QRectF(box.left() + self._unit * each, box.top(), max(each, 1), box.height()),
            ):
                painter.drawRect(band.intersected(box))

    # ------------------------------------------------------------------ mouse and keys

    def hover(self, at: QPoint | None) -> None:
        cell = None if at is None else self.cell_at(at)
        if cell != self._hovered:
            self._hovered = cell
            self.cell_hovered.emit(cell)

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        index = self._index_at(at)
        if index is None:
            return
        layer, head = self._pinned[index].head
        if self._cross(index).contains(QPointF(at)):
            self.head_unpinned.emit(layer, head)
        else:
            self.head_chosen.emit(layer, head)

    def tooltip(self, at: QPoint) -> str:
        index, cell = self._index_at(at), self.cell_at(at)
        if index is not None and self._cross(index).contains(QPointF(at)):
            return "Take this head down"
        if cell is None or self.describe is None:
            return ""
        return self.describe(*cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        heads = [pinned.head for pinned in self._pinned]
        steps = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Down: 1,
        }
        step = steps.get(Qt.Key(event.key()))
        if step is None or not heads:
            event.ignore()
            return
        at = heads.index(self._selected) + step if self._selected in heads else 0
        self.head_chosen.emit(*heads[at % len(heads)])
