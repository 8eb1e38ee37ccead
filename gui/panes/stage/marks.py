"""What a scene is drawn with: cells, bars, words, arrows; each knows where its numbers are.

A mark paints itself and says which number lies under a point. Knows panels of an answer and the
theme; no operation, no store.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from gui import theme
from gui.widgets.cells import paint_cells
from gui.widgets.heat_map.cell_image import Kind, colors, hatch_brush, image
from model.probe.question import Array
from model.probe.scene.asks import Panel

if TYPE_CHECKING:
    from gui.panes.stage.changes import Changed, Ghost
    from gui.panes.stage.stacked import Divided, Stacks

Cell: TypeAlias = tuple[int, int]
"""Row and column of a panel."""

Signs: TypeAlias = Literal["both", "positive", "negative"]

GAP = 1.0
"""Between cells that are large enough to be told apart."""
LARGE_CELL = 7.0
FAR_OUT = 2.5
"""Times the size that 3 of 100 numbers exceed: of a normal distribution nothing lies past it."""
BELOW, ABOVE = "below 0", "above 0"
COLORS = 64.0
"""Width of the colours in a legend."""
FEW = 12
"""Of fewer numbers the largest is the end of the colours."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A panel's numbers as coloured cells.

    Attributes:
        panel: whose.
        box: where, all of them.
        kind: signed, or an amount from 0.
        limit: the end of the colour scale.
        upright: a vector stands as a column.
        strength: for each row, how much of its colour shows, 0 to 1; None for all.
    """

    panel: Panel
    box: QRectF
    kind: Kind = "diverging"
    limit: float = 1.0
    upright: bool = False
    strength: Array | None = None

    @property
    def values(self) -> Array:
        """As they are drawn, ``[rows, columns]``."""
        values: Array = self.panel.values_RC
        return values.T if self.upright else values

    def cell_at(self, point: QPointF) -> Cell | None:
        """The number under a point."""
        if not self.box.contains(point):
            return None
        rows, columns = self.values.shape
        row = min(int((point.y() - self.box.top()) / self.box.height() * rows), rows - 1)
        column = min(int((point.x() - self.box.left()) / self.box.width() * columns), columns - 1)
        return (column, row) if self.upright else (row, column)

    def rect_of(self, cell: Cell) -> QRectF:
        """Where a number is drawn."""
        row, column = (cell[1], cell[0]) if self.upright else cell
        rows, columns = self.values.shape
        high, wide = self.box.height() / rows, self.box.width() / columns
        return QRectF(self.box.left() + column * wide, self.box.top() + row * high, wide, high)

    def paint(self, painter: QPainter) -> None:
        values = self.values.astype(np.float64)
        # What a mask wrote shows the hatch beneath; what is no number has a colour of its own.
        seen = ~np.isneginf(values)
        if not seen.all():
            painter.fillRect(self.box, hatch_brush())
        drawn = np.where(np.isinf(values), np.sign(values) * self.limit, values)
        rgb = colors(np.where(seen, drawn, 0.0), self.kind, self.limit).astype(np.float64)
        if self.strength is not None:
            ground = _channels("panel")
            share = (0.22 + 0.78 * self.strength)[:, None, None]
            rgb = ground + (rgb - ground) * share
        picture = image(rgb.round().astype(np.uint8), seen)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(self.box, picture)
        rows, columns = values.shape
        high, wide = self.box.height() / rows, self.box.width() / columns
        pen = QPen(theme.current().color("panel"), GAP)
        painter.setPen(pen)
        if wide >= LARGE_CELL:
            for column in range(1, columns):
                x = self.box.left() + column * wide
                painter.drawLine(QPointF(x, self.box.top()), QPointF(x, self.box.bottom()))
        if high >= LARGE_CELL:
            for row in range(1, rows):
                y = self.box.top() + row * high
                painter.drawLine(QPointF(self.box.left(), y), QPointF(self.box.right(), y))


@dataclass(frozen=True, slots=True)
class Bars:
    """A row of numbers as bars, one below the other.

    Attributes:
        panel: of one row.
        box: all of them; each has an equal share of its height.
        limit: of the longest bar.
        signs: which way bars may go: both begin in the middle.
        told: which are written beside their bar.
        digits: of what is written.
    """

    panel: Panel
    box: QRectF
    limit: float
    signs: Signs = "both"
    told: frozenset[int] = frozenset()
    digits: int = 2

    @property
    def values(self) -> Array:
        values: Array = self.panel.values_RC[0]
        return values

    @property
    def _room(self) -> float:
        """For bars; the figures stand to their right."""
        return max(12.0, self.box.width() - 46.0)

    def cell_at(self, point: QPointF) -> Cell | None:
        """The number under a point."""
        if not self.box.contains(point):
            return None
        n = len(self.values)
        return 0, min(int((point.y() - self.box.top()) / self.box.height() * n), n - 1)

    def rect_of(self, cell: Cell) -> QRectF:
        """The line in which a number is drawn."""
        high = self.box.height() / len(self.values)
        return QRectF(self.box.left(), self.box.top() + cell[1] * high, self.box.width(), high)

    def paint(self, painter: QPainter) -> None:
        t = theme.current()
        share = {"both": 0.5, "positive": 0.0, "negative": 1.0}[self.signs]
        zero = self.box.left() + self._room * share
        reach = self._room * (0.5 if self.signs == "both" else 1.0)
        font = theme.mono(theme.SMALL_FONT_SIZE)
        painter.setFont(font)
        for i, value in enumerate(self.values):
            line = self.rect_of((0, i))
            thick = min(13.0, max(2.0, min(line.height() - 4, 0.62 * line.height() + 1)))
            middle = line.center().y()
            if math.isfinite(value):
                length = reach * min(1.0, abs(value) / self.limit) if self.limit > 0 else 0.0
                left = zero - length if value < 0 else zero
                bar = QRectF(left, middle - thick / 2, max(length, 0.75), thick)
                painter.fillRect(bar, t.color("negative" if value < 0 else "accent"))
            elif np.isneginf(value):
                bar = QRectF(self.box.left(), middle - thick / 2, self._room, thick)
                painter.fillRect(bar, hatch_brush())
            if i in self.told:
                text = figure(float(value), self.digits)
                painter.setPen(t.color("text"))
                painter.drawText(
                    line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text
                )


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text in a box, elided where it has no room."""

    text: str
    box: QRectF
    tone: str = "dim"
    align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft
    font: QFont = field(default_factory=theme.sans)

    def paint(self, painter: QPainter) -> None:
        painter.setFont(self.font)
        painter.setPen(theme.current().color(self.tone))
        text = QFontMetricsF(self.font).elidedText(
            self.text, Qt.TextElideMode.ElideRight, self.box.width()
        )
        # A row may be lower than its name, which stands above its middle and below it then.
        flags = self.align | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip
        painter.drawText(self.box, flags, text)

    def cell_at(self, point: QPointF) -> Cell | None:
        return None


@dataclass(frozen=True, slots=True)
class Lines:
    """A line through points, perhaps with an arrow at its end."""

    points: tuple[QPointF, ...]
    tone: str = "line"
    width: float = 1.2
    arrow: bool = False
    dotted: bool = False

    def paint(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        color = theme.current().color(self.tone)
        style = Qt.PenStyle.DotLine if self.dotted else Qt.PenStyle.SolidLine
        painter.setPen(QPen(color, self.width, style))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF(list(self.points)))
        if self.arrow and len(self.points) > 1:
            end, before = self.points[-1], self.points[-2]
            length = math.hypot(end.x() - before.x(), end.y() - before.y())
            if length > 0.5:
                dx, dy = (end.x() - before.x()) / length, (end.y() - before.y()) / length
                size = min(6.0, 0.6 * length)
                base = QPointF(end.x() - size * dx, end.y() - size * dy)
                side = QPointF(-dy * size / 2, dx * size / 2)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(color)
                painter.drawPolygon(QPolygonF([end, base + side, base - side]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def cell_at(self, point: QPointF) -> Cell | None:
        return None


@dataclass(frozen=True, slots=True)
class Dots:
    """A panel's numbers as points of a plot.

    Attributes:
        panel: whose numbers stand on the vertical axis.
        points: where, one a number.
        told: which are drawn larger.
    """

    panel: Panel
    points: tuple[QPointF, ...]
    told: frozenset[int] = frozenset()

    def cell_at(self, point: QPointF) -> Cell | None:
        """The nearest within a few pixels."""
        best, nearest = None, 7.0
        for i, at in enumerate(self.points):
            far = math.hypot(at.x() - point.x(), at.y() - point.y())
            if far < nearest:
                best, nearest = (0, i), far
        return best

    def rect_of(self, cell: Cell) -> QRectF:
        """Around a point."""
        at = self.points[cell[1]]
        return QRectF(at.x() - 4, at.y() - 4, 8, 8)

    def paint(self, painter: QPainter) -> None:
        t = theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(Qt.PenStyle.NoPen)
        for i, point in enumerate(self.points):
            value = float(self.panel.values_RC[0, i])
            told = i in self.told
            painter.setBrush(t.color("negative" if value < 0 else "accent", 1.0 if told else 0.55))
            size = 3.2 if told else 1.8
            painter.drawEllipse(point, size, size)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


@dataclass(frozen=True, slots=True)
class Legend:
    """What the colours of cells mean, and at which number they end.

    Attributes:
        box: its line.
        ends: what is drawn, and where its colours end; what has no room is left out.
        other: the side whose numbers are outlines and thin strips; empty where there are none.
    """

    box: QRectF
    ends: tuple[tuple[str, float], ...] = ()
    other: str = ""

    @property
    def words(self) -> str:
        """What stands behind the colours."""
        font = QFontMetricsF(theme.sans(theme.SMALL_FONT_SIZE))
        room = self.box.width() - font.horizontalAdvance(BELOW) - COLORS - 16
        ghosts = f"; outlines and thin strips: {self.other}" if self.other else ""
        for n in range(len(self.ends), 0, -1):
            # What is written stands last, and is told in any case.
            told = ", ".join(f"{name} ±{limit:.3g}" for name, limit in self.ends[-n:])
            words = f"{ABOVE}; the colours end at {told}{ghosts}"
            if font.horizontalAdvance(words) <= room:
                return words
        return ABOVE + ghosts

    def paint(self, painter: QPainter) -> None:
        t = theme.current()
        font = theme.sans(theme.SMALL_FONT_SIZE)
        painter.setFont(font)
        painter.setPen(t.color("dim"))
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(self.box, left, BELOW)
        x = self.box.left() + QFontMetricsF(font).horizontalAdvance(BELOW) + 8
        table = theme.diverging_table()
        bar = QRectF(round(x), round(self.box.center().y() - 4), COLORS, 8)
        paint_cells(painter, bar, image(table[None], np.ones((1, len(table)), np.bool_)))
        painter.setPen(t.color("dim"))
        painter.drawText(
            self.box.adjusted(bar.right() + 8 - self.box.left(), 0, 0, 0), left, self.words
        )

    def cell_at(self, point: QPointF) -> Cell | None:
        return None


Mark: TypeAlias = "Grid | Bars | Legend | Words | Lines | Dots | Stacks | Divided | Changed | Ghost"
Numbered: TypeAlias = "Grid | Bars | Dots | Stacks | Divided"


def figure(value: float, digits: int = 2) -> str:
    """A number beside a bar."""
    if math.isnan(value):
        return "no number"
    if math.isinf(value):
        return "−∞" if value < 0 else "∞"
    if value != 0 and abs(value) < 0.5 * 10**-digits:
        return f"{value:.0e}".replace("e-0", "e-").replace("-", "−")
    return f"{value:.{digits}f}".replace("-", "−")


def signs_of(*arrays: Array) -> Signs:
    """Which way the bars of these numbers go."""
    finite = np.concatenate([values[np.isfinite(values)].ravel() for values in arrays])
    if finite.size and (finite <= 0).all() and (finite < 0).any():
        return "negative"
    return "positive" if (finite >= 0).all() else "both"


def limit_of(*arrays: Array) -> float:
    """The largest finite magnitude among them; 1 where there is none."""
    largest = 0.0
    for values in arrays:
        finite = np.abs(values[np.isfinite(values)])
        largest = max(largest, float(finite.max()) if finite.size else 0.0)
    return largest or 1.0


def color_limit(*arrays: Array) -> float:
    """Where the colours of cells end: at the largest number, or before those that stand far out.

    In a real model a few dimensions are many times as large as all others, which would all look
    like 0 beside them. What lies past the end has its colour.
    """
    top = limit_of(*arrays)
    sizes = np.concatenate([np.abs(values[np.isfinite(values)]).ravel() for values in arrays])
    if sizes.size < FEW:
        return top
    usual = FAR_OUT * float(np.quantile(sizes.astype(np.float64), 0.97))
    return min(top, usual) if usual > 0 else top


def _channels(name: str) -> Array:
    color = theme.current().color(name)
    return np.array([color.red(), color.green(), color.blue()], dtype=np.float64)
