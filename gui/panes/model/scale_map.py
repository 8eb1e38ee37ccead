"""Models as squares of one scale: a parameter has the same area in all of them.

The open model may be a speck beside a published one. Then a lens shows it enlarged, and says by
how much. Knows trees of parameters; no store.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.model.parameter_tree import Node, counted_numbers, node_words
from gui.panes.model.treemap import Tile, paint_tiles, place_parts
from gui.widgets.canvas import Canvas
from gui.widgets.parts import share_words
from model.preview import short_count

GAP = 14.0
LENS = 84.0
LABELS = (110.0, 52.0, 46.0, 0.0)
"""Widths that the words below a square may have, the first that leaves room for the squares; at
0 only the open model and the largest keep theirs."""
SMALLEST_LARGEST = 36.0
"""Side that the largest square has at least before there is room for a lens."""
SMALLEST_SEEN = 30.0
"""Side below which the parts of the open model can't be read: the lens opens."""


@dataclass(frozen=True, slots=True)
class Sized:
    """A model to draw.

    Attributes:
        name: under its square.
        roots: its parts.
        own: whether it is the open model.
        source: where its sizes are published; empty for the open model.
    """

    name: str
    roots: tuple[Node, ...]
    own: bool = False
    source: str = ""

    @property
    def n(self) -> int:
        return sum(node.n for node in self.roots)


@dataclass(frozen=True, slots=True)
class Square:
    """A model, its square, the column that its words have, its tiles."""

    model: Sized
    rect: QRectF
    column: QRectF
    tiles: list[Tile]


class ScaleMap(Canvas):
    """The widget."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Models to scale: area is the number of parameters")
        self._models: tuple[Sized, ...] = ()
        self._squares: list[Square] = []
        self._lens = QRectF()
        self._lens_tiles: list[Tile] = []
        self._hovered: tuple[Square, Tile | None] | None = None

    def set_models(self, models: tuple[Sized, ...]) -> None:
        """Draw these, smallest first."""
        ordered = tuple(sorted(models, key=lambda model: (model.n, model.name)))
        if ordered != self._models:
            self._models = ordered
            self._hovered = None
            self.lay_out()
            self.redraw()

    @property
    def squares(self) -> list[Square]:
        """What is drawn, from left to right."""
        return self._squares

    @property
    def lens(self) -> QRectF:
        """Where the open model is shown enlarged; empty where that is not needed."""
        return self._lens

    @property
    def enlarged(self) -> float:
        """By how much the lens enlarges, per side; 1 without a lens."""
        own = next((s for s in self._squares if s.model.own), None)
        if own is None or self._lens.isNull() or own.rect.width() <= 0:
            return 1.0
        return self._lens.width() / own.rect.width()

    # ------------------------------------------------------------------------- places

    def lay_out(self) -> None:
        self._squares, self._lens, self._lens_tiles = [], QRectF(), []
        models = [model for model in self._models if model.n]
        if not models:
            return
        area = QRectF(self.viewport().rect()).adjusted(8, 6, -8, -4)
        line = QFontMetricsF(theme.sans(theme.SMALL_FONT_SIZE)).height()
        words = 2 * line + 2
        own = next((model for model in models if model.own), None)
        scale, labels = self._scale(models, area, area.height() - words)
        if own is not None and scale * math.sqrt(own.n) < SMALLEST_SEEN:
            side = min(LENS, area.height() - words - line - 8, area.width() / 4)
            if side >= 24:
                beside = area.adjusted(side + GAP, 0, 0, 0)
                found = self._scale(models, beside, area.height() - words)
                if found[0] * math.sqrt(models[-1].n) >= SMALLEST_LARGEST:
                    self._lens = QRectF(area.left(), area.top() + line + 2, side, side)
                    self._lens_tiles = place_parts(own.roots, self._lens)
                    area, (scale, labels) = beside, found
        x = area.left()
        for model, label in zip(models, labels):
            side = scale * math.sqrt(model.n)
            width = max(side, label)
            bottom = area.bottom() - words
            rect = QRectF(x + (width - side) / 2, bottom - side, side, side)
            column = QRectF(x, bottom + 2, width, words)
            self._squares.append(Square(model, rect, column, place_parts(model.roots, rect)))
            x += width + GAP

    def _scale(self, models: list[Sized], area: QRectF, height: float) -> tuple[float, list[float]]:
        """Pixels of side per square root of a parameter, and the widths of the words below.

        Words give way where they would leave the squares too little room.
        """
        largest = math.sqrt(max(model.n for model in models))
        room = area.width() - GAP * (len(models) - 1)
        most = max(0.0, height) / largest
        scale, labels = 0.0, [0.0] * len(models)
        for width in LABELS:
            kept = [width or model.own or model is models[-1] for model in models]
            labels = [
                self._label_width(model, width or LABELS[-2]) if keep else 0.0
                for model, keep in zip(models, kept)
            ]
            scale = _fitting(models, labels, room, most)
            if scale >= 0.8 * most or scale * largest >= 100:
                break
        return scale, labels

    def _label_width(self, model: Sized, most: float) -> float:
        metrics = QFontMetricsF(theme.sans(theme.SMALL_FONT_SIZE))
        figure = QFontMetricsF(theme.mono(theme.SMALL_FONT_SIZE - 0.5))
        least = figure.horizontalAdvance(short_count(model.n)) + 4
        return max(least, min(most, metrics.horizontalAdvance(_short(model, most)) + 2))

    def sizeHint(self) -> QSize:
        return QSize(420, 200)

    # ------------------------------------------------------------------------ painting

    def paint_ground(self, painter: QPainter) -> None:
        t = theme.current()
        for square in self._squares:
            paint_tiles(painter, square.tiles, square.model.n)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            own = square.model.own
            painter.setPen(QPen(t.color("accent" if own else "line"), 1))
            painter.drawRect(square.rect)
            self._paint_words(painter, square)
            if own and not self._lens.isNull():
                self._paint_lens(painter, square)

    def _paint_words(self, painter: QPainter, square: Square) -> None:
        t, model, column = theme.current(), square.model, square.column
        figures = QFontMetricsF(theme.mono(theme.SMALL_FONT_SIZE - 0.5))
        if figures.horizontalAdvance(short_count(model.n)) > column.width():
            return  # no room: the tooltip says it
        metrics = QFontMetricsF(theme.sans(theme.SMALL_FONT_SIZE))
        line = metrics.height()
        centre = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter
        painter.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        painter.setPen(t.color("accent" if model.own else "text"))
        names = (model.name, _short(model, 0))
        name = next((n for n in names if metrics.horizontalAdvance(n) <= column.width()), "")
        painter.drawText(QRectF(column.left(), column.top(), column.width(), line), centre, name)
        painter.setFont(theme.mono(theme.SMALL_FONT_SIZE - 0.5))
        painter.setPen(t.color("dim"))
        below = QRectF(column.left(), column.top() + line, column.width(), line)
        painter.drawText(below, centre, short_count(model.n))

    def _paint_lens(self, painter: QPainter, own: Square) -> None:
        t, lens = theme.current(), self._lens
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(t.color("accent", 0.6), 1))
        centre, radius = own.rect.center(), max(5.0, own.rect.width() * 0.75)
        painter.drawEllipse(centre, radius, radius)
        painter.drawLine(lens.topRight(), centre + QPointF(0, -radius))
        painter.drawLine(lens.bottomRight(), centre + QPointF(-radius * 0.7, radius * 0.7))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        paint_tiles(painter, self._lens_tiles, own.model.n)
        painter.setPen(QPen(t.color("accent"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(lens)
        painter.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        painter.setPen(t.color("accent"))
        line = QFontMetricsF(painter.font()).height()
        above = QRectF(lens.left(), lens.top() - line - 2, lens.width() + 2 * GAP, line)
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(above, left, f"enlarged {self.enlarged:,.0f} ×")

    def paint_overlay(self, painter: QPainter) -> None:
        if self._hovered is not None:
            t = theme.current()
            square, tile = self._hovered
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(t.color("text", 0.7), 1))
            painter.drawRect(tile.rect if tile is not None else square.rect)

    # --------------------------------------------------------------------------- mouse

    def at(self, point: QPointF) -> tuple[Square, Tile | None] | None:
        """The model, and its part, under a point."""
        own = next((s for s in self._squares if s.model.own), None)
        if own is not None and self._lens.contains(point):
            return own, _tile(self._lens_tiles, point)
        for square in self._squares:
            # A speck is hard to hit: a few pixels around it count, and so do its words.
            grip = max(0.0, 6 - square.rect.width() / 2)
            if square.rect.adjusted(-grip, -grip, grip, grip).contains(point):
                return square, _tile(square.tiles, point)
            if square.column.contains(point):
                return square, None
        return None

    def hover(self, at: QPoint | None) -> None:
        found = None if at is None else self.at(QPointF(at))
        if found != self._hovered:
            self._hovered = found
            self.viewport().update()

    def tooltip(self, at: QPoint) -> str:
        found = self.at(QPointF(at))
        if found is None:
            return ""
        square, tile = found
        model = square.model
        lines = [f"{model.name}: {counted_numbers(model.n)}"]
        if tile is not None:
            lines.append(node_words(tile.node, model.n))
        else:
            lines += [f"{node.label} {share_words(node.n, model.n)}" for node in model.roots]
        if square.rect.width() < 1:
            lines.append(f"at this scale {square.rect.width():.2f} pixels wide")
        if model.source:
            lines.append(model.source)
        return "\n".join(lines)


def _fitting(models: list[Sized], labels: list[float], room: float, most: float) -> float:
    """The largest scale at which all squares and words find room side by side."""

    def width(scale: float) -> float:
        return sum(max(scale * math.sqrt(m.n), label) for m, label in zip(models, labels))

    if width(most) <= room:
        return most
    low, high = 0.0, most
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if width(middle) <= room else (low, middle)
    return low


def _tile(tiles: list[Tile], point: QPointF) -> Tile | None:
    return next((tile for tile in reversed(tiles) if tile.rect.contains(point)), None)


def _short(model: Sized, width: float) -> str:
    """A name that fits a narrow column: the family's own is known from the others."""
    if width >= 60:
        return model.name
    return "yours" if model.own else model.name.removeprefix("GPT-2 ").removesuffix(" 175B")
