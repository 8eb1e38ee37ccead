"""Marks of parts that make a whole: columns of stacked parts, and a line that is divided.

Knows panels of an answer and the theme; no operation, no store.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from gui import theme
from gui.panes.stage.marks import Cell
from gui.widgets.heat_map.cell_image import hatch_brush
from model.probe.question import Array
from model.probe.scene.asks import Panel

N_TOLD = 4
"""So many parts have a colour of their own; all others share one."""


def part_color(rank: int) -> QColor:
    """Of the part of a rank."""
    t = theme.current()
    return QColor(t.parts[rank]) if 0 <= rank < N_TOLD else t.color("faint")


@dataclass(frozen=True, slots=True)
class Stacks:
    """For each number of a vector its parts, stacked: those above 0 upwards, the others down.

    A number under a point is the whole: the vector's own.

    Attributes:
        panel: the vector that the parts add up to, of one row.
        parts: ``[parts, columns]``.
        ranks: of each part, for its colour; beyond `N_TOLD` it has none of its own.
        box: all columns.
        limit: of what reaches from the middle to an edge.
        swatches: where the colour of each part is shown.
    """

    panel: Panel
    parts: Array
    ranks: tuple[int, ...]
    box: QRectF
    limit: float
    swatches: tuple[QRectF, ...] = ()

    def cell_at(self, point: QPointF) -> Cell | None:
        """The number whose column is under a point."""
        if not self.box.contains(point):
            return None
        n = self.parts.shape[1]
        return 0, min(int((point.x() - self.box.left()) / self.box.width() * n), n - 1)

    def rect_of(self, cell: Cell) -> QRectF:
        """A number's column."""
        wide = self.box.width() / self.parts.shape[1]
        return QRectF(self.box.left() + cell[1] * wide, self.box.top(), wide, self.box.height())

    def piece(self, part: int, column: int) -> QRectF:
        """Where one part of one number is drawn."""
        value = float(self.parts[part, column])
        below = self.parts[:part, column]
        same = below[(below >= 0) == (value >= 0)]
        start = float(same[np.isfinite(same)].sum())
        middle, scale = self.box.center().y(), self.box.height() / 2 / self.limit
        ends = sorted((middle - start * scale, middle - (start + value) * scale))
        whole = self.rect_of((0, column))
        gap = 1.0 if whole.width() > 4 else 0.0
        return QRectF(whole.left() + gap / 2, ends[0], whole.width() - gap, ends[1] - ends[0])

    def paint(self, painter: QPainter) -> None:
        t = theme.current()
        middle = self.box.center().y()
        painter.fillRect(QRectF(self.box.left(), middle, self.box.width(), 1), t.color("line"))
        n_parts, n = self.parts.shape
        for part in range(n_parts):
            color = part_color(self.ranks[part])
            for column in range(n):
                if np.isfinite(self.parts[part, column]):
                    painter.fillRect(self.piece(part, column), color)
        painter.setPen(QPen(t.color("text"), 1.6))
        for column, value in enumerate(self.panel.values_RC[0]):
            if np.isfinite(value):
                rect = self.rect_of((0, column))
                y = middle - float(value) / self.limit * self.box.height() / 2
                y = min(max(y, self.box.top()), self.box.bottom())
                painter.drawLine(QPointF(rect.left() + 1, y), QPointF(rect.right() - 1, y))
        for part, box in enumerate(self.swatches):
            painter.fillRect(box, part_color(self.ranks[part]))


@dataclass(frozen=True, slots=True)
class Divided:
    """A line from 0 to 1 with the part of each of some shares; what is left is hatched.

    Attributes:
        panel: the shares, of one row.
        starts: where the part of each begins.
        box: the whole line.
    """

    panel: Panel
    starts: Array
    box: QRectF

    def cell_at(self, point: QPointF) -> Cell | None:
        """The share under a point."""
        if not self.box.contains(point):
            return None
        at = (point.x() - self.box.left()) / self.box.width()
        shares = self.panel.values_RC[0]
        inside = np.flatnonzero((self.starts <= at) & (at < self.starts + shares))
        return (0, int(inside[0])) if len(inside) else None

    def rect_of(self, cell: Cell) -> QRectF:
        """A share's part of the line."""
        start, share = float(self.starts[cell[1]]), float(self.panel.values_RC[0, cell[1]])
        left = self.box.left() + start * self.box.width()
        return QRectF(left, self.box.top(), share * self.box.width(), self.box.height())

    def paint(self, painter: QPainter) -> None:
        t = theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(self.box, hatch_brush())
        for i, share in enumerate(self.panel.values_RC[0]):
            if share > 0:
                rect = self.rect_of((0, i))
                painter.fillRect(rect, t.color("panel"))
                painter.fillRect(rect, t.color("accent", max(0.3, 1.0 - 0.22 * i)))
        painter.setPen(QPen(t.color("line"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(self.box)
