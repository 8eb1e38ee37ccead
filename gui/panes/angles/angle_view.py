"""How angles are distributed: of the token vectors, of vectors that were made, and of chance.

Knows counts of pairs in bins of a tenth of a degree; no store.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.widgets.canvas import Canvas
from gui.widgets.charts.stroke import stroke
from gui.widgets.drawing_cache import line
from gui.widgets.legend_rows import SWATCH, TO_TEXT, placed

N_BINS = 1800
CHANCE = "text"
"""Colour of the curve by formula, which is dashed."""
ROW, FOOT, LEFT, RIGHT = 18.0, 34.0, 44.0, 12.0
HIGH_TITLE = 20.0
"""Of the vertical axis, above it."""
PER_BAR = 10
"""Bins that are drawn as one: a degree."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A distribution.

    Attributes:
        label: in the legend.
        tone: name of its colour.
        counts: pairs in each bin, ``[1800]``.
        largest: the largest absolute cosine; NaN where it says nothing.
    """

    label: str
    tone: str
    counts: NDArray[np.integer]
    largest: float = math.nan

    def share(self) -> NDArray[np.float64]:
        """Pairs per degree as a share of all, ``[180]``."""
        bars = self.counts.reshape(-1, PER_BAR).sum(-1)
        return bars / max(1, int(self.counts.sum()))


class AngleView(Canvas):
    """The distributions.

    Attributes:
        shown: what is drawn, the first filled.
        density: of chance, pairs per degree at the middle of each degree; None for none.
        bound: the largest absolute cosine can't be below it; 0 for none.
        degrees: how far from 90 degrees counts as nearly orthogonal.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Distribution of angles")
        self.shown: tuple[Shown, ...] = ()
        self.density: NDArray[np.float64] | None = None
        self.bound = 0.0
        self.degrees = 5
        self._hovered: int | None = None

    def show_angles(
        self,
        shown: tuple[Shown, ...],
        density: NDArray[np.float64] | None,
        bound: float,
        degrees: int,
    ) -> None:
        """Draw these."""
        self.shown, self.density, self.bound, self.degrees = shown, density, bound, degrees
        self.redraw()

    # ------------------------------------------------------------------------------ places

    @property
    def plot(self) -> QRectF:
        """Where the curves are."""
        room = QRectF(self.viewport().rect())
        return room.adjusted(LEFT, self.legend()[1] + HIGH_TITLE, -RIGHT, -FOOT)

    def legend(self) -> tuple[list[tuple[QRectF, str, str]], float]:
        """Swatch, colour and what it means, of each curve; and where the legend ends."""
        entries = [(one.tone, one.label) for one in self.shown]
        if self.density is not None:
            entries.append((CHANCE, "chance, by formula"))
        room = QRectF(LEFT, 4, self.viewport().width() - LEFT - RIGHT, 0)
        return placed(entries, room, ROW)

    @property
    def highest(self) -> float:
        """The share at the top of the axis."""
        tops = [float(one.share().max()) for one in self.shown]
        if self.density is not None and len(self.density):
            tops.append(float(self.density.max()))
        return max(max(tops, default=0.0), 1e-6) * 1.05

    def x_of(self, degrees: float) -> float:
        """Where an angle is."""
        return self.plot.left() + self.plot.width() * degrees / 180

    def y_of(self, share: float) -> float:
        """Where a share of the pairs is."""
        return self.plot.bottom() - self.plot.height() * min(1.0, share / self.highest)

    # ---------------------------------------------------------------------------- painting

    def paint_ground(self, painter: QPainter) -> None:
        if not self.shown and self.density is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        t, plot = theme.current(), self.plot
        near = QRectF(self.x_of(90 - self.degrees), plot.top(), 0, plot.height())
        near.setRight(self.x_of(90 + self.degrees))
        painter.fillRect(near, t.color("accent", 0.10))
        self._paint_axes(painter)
        for index, one in enumerate(self.shown):
            self._paint_curve(painter, one, filled=index == 0)
        if self.density is not None:
            points = [
                QPointF(self.x_of(at + 0.5), self.y_of(y)) for at, y in enumerate(self.density)
            ]
            painter.setPen(QPen(t.color("text", 0.8), 1.2, Qt.PenStyle.DashLine))
            painter.drawPolyline(QPolygonF(points))
        self._paint_largest(painter)
        self._paint_legend(painter)

    def _paint_curve(self, painter: QPainter, one: Shown, *, filled: bool) -> None:
        t, plot = theme.current(), self.plot
        steps: list[QPointF] = []
        for at, share in enumerate(one.share().tolist()):
            y = self.y_of(share)
            steps += [QPointF(self.x_of(at), y), QPointF(self.x_of(at + 1), y)]
        if filled:
            outline = [
                QPointF(plot.left(), plot.bottom()),
                *steps,
                QPointF(plot.right(), plot.bottom()),
            ]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(t.color(one.tone, 0.35))
            painter.drawPolygon(QPolygonF(outline))
            painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(t.color(one.tone), 1.6))
        stroke(painter, steps)

    def _paint_axes(self, painter: QPainter) -> None:
        t, plot, font = theme.current(), self.plot, theme.mono(theme.SMALL_FONT_SIZE)
        for degrees in range(0, 181, 30):
            x = self.x_of(degrees)
            painter.setPen(QPen(t.color("line"), 1))
            painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
            words = line(f"{degrees}°", font)
            painter.setPen(t.color("dim"))
            words.draw(
                painter, min(x - words.width / 2, plot.right() - words.width), plot.bottom() + 11
            )
        title = line("angle between two vectors", theme.sans(theme.SMALL_FONT_SIZE))
        title.draw(painter, plot.center().x() - title.width / 2, plot.bottom() + 25)
        top = line(f"{self.highest / 1.05:.1%}", font)
        top.draw(painter, plot.left() - top.width - 6, self.y_of(self.highest / 1.05))
        share = line("share of the pairs, per degree", theme.sans(theme.SMALL_FONT_SIZE))
        share.draw(painter, 4, plot.top() - HIGH_TITLE / 2)
        zero = line("0", font)
        zero.draw(painter, plot.left() - zero.width - 6, plot.bottom())
        painter.setPen(QPen(t.color("line"), 1))
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())

    def _paint_largest(self, painter: QPainter) -> None:
        """How near the nearest pair is, and how near it must be at least."""
        t, plot = theme.current(), self.plot
        marks = [(one.largest, one.tone, "nearest pair") for one in self.shown[1:]]
        if self.bound:
            marks.append((self.bound, "text", "Welch bound"))
        for index, (cosine, tone, words) in enumerate(marks):
            if not math.isfinite(cosine):
                continue
            degrees = math.degrees(math.acos(min(1.0, cosine)))
            painter.setPen(QPen(t.color(tone), 1.2, Qt.PenStyle.DotLine))
            for at in (degrees, 180 - degrees):
                painter.drawLine(
                    QPointF(self.x_of(at), plot.top()), QPointF(self.x_of(at), plot.bottom())
                )
            label = line(f"{words} {degrees:.1f}°", theme.sans(theme.SMALL_FONT_SIZE))
            left = max(plot.left() + 4, self.x_of(degrees) - label.width - 6)
            y = plot.top() + 10 + 16 * index
            # The line of another mark may run through it.
            ground = QRectF(left - 3, y - 8, label.width + 6, 16)
            painter.fillRect(ground, t.color("panel", 0.85))
            painter.setPen(t.color(tone))
            label.draw(painter, left, y)

    def _paint_legend(self, painter: QPainter) -> None:
        t, font = theme.current(), theme.sans(theme.SMALL_FONT_SIZE)
        for swatch, tone, said in self.legend()[0]:
            style = Qt.PenStyle.DashLine if tone == CHANCE else Qt.PenStyle.SolidLine
            painter.setPen(QPen(t.color(tone), 2, style))
            middle = swatch.center().y()
            painter.drawLine(
                QPointF(swatch.left(), middle), QPointF(swatch.left() + SWATCH, middle)
            )
            painter.setPen(t.color("dim"))
            line(said, font).draw(painter, swatch.left() + TO_TEXT, middle)

    # ------------------------------------------------------------------------------- mouse

    def hover(self, at: QPoint | None) -> None:
        inside = at is not None and self.plot.contains(QPointF(at))
        degree = (
            int(180 * (at.x() - self.plot.left()) / self.plot.width()) if at and inside else None
        )
        if degree != self._hovered:
            self._hovered = degree
            self.viewport().update()

    def paint_overlay(self, painter: QPainter) -> None:
        if self._hovered is not None:
            x = self.x_of(self._hovered)
            bar = QRectF(x, self.plot.top(), self.x_of(self._hovered + 1) - x, self.plot.height())
            painter.fillRect(bar, theme.current().color("text", 0.10))

    def tooltip(self, at: QPoint) -> str:
        degree = self._hovered
        if degree is None or not self.shown:
            return ""
        rows = [f"{degree}° to {degree + 1}°"]
        rows += [f"{one.label}: {one.share()[degree]:.2%} of the pairs" for one in self.shown]
        return "\n".join(rows)
