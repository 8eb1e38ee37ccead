"""Features that share dimensions: what each is written as, and how many are stored.

In two dimensions as arrows; in more, which features overlap with which, as a picture of ``W.T W``.
Knows a training's result; no store.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRectF, QSizeF
from PySide6.QtGui import QColor, QImage, QPainter, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.theme.color_maps import diverging_rgb
from gui.widgets.canvas import Canvas
from gui.widgets.cells import paint_cells
from gui.widgets.drawing_cache import line
from gui.widgets.heat_map.color_bar import paint_color_bar
from model import messages as m
from model.counting import counted

GAP, TITLE, LOW, LEGEND = 12.0, 20.0, 36.0, 22.0
MOST_NUMBERED = 8
"""Features whose colours stand in the legend."""
ARROWS = "an arrow a feature, 0 the most important; the circle is length 1"
OVERLAPS = (
    "how much of one feature is read in another, WᵀW; rows and columns from the most important on",
    "how much of one feature is read in another",
    "WᵀW",
)
STORED = 0.5
"""The squared length above which a feature is called stored: `model.vectors.superposition`'s."""


class ToyView(Canvas):
    """A panel for each density."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Features that share dimensions")
        self.toy: m.ToyTrained | None = None
        self._hovered: int | None = None

    def show_toy(self, toy: m.ToyTrained | None) -> None:
        """Draw another state."""
        if toy is not self.toy:
            self.toy = toy
            self.lay_out()
            self.redraw()

    # ------------------------------------------------------------------------------ places

    @property
    def per_row(self) -> int:
        """Panels beside each other: all, or half of them where that makes them larger."""
        n = 0 if self.toy is None else len(self.toy.densities)
        wide, high = self.viewport().width(), self.viewport().height()

        def side(columns: int) -> float:
            rows = math.ceil(n / columns)
            free = (high - GAP - LEGEND) / rows - GAP - TITLE - LOW
            return min((wide - GAP) / columns - GAP, free)

        return max(range(1, n + 1), key=side) if n else 1

    @property
    def side(self) -> float:
        """Of a panel."""
        n = 1 if self.toy is None else len(self.toy.densities)
        rows = math.ceil(n / self.per_row)
        wide = (self.viewport().width() - GAP) / self.per_row - GAP
        high = (self.viewport().height() - GAP - LEGEND) / rows - GAP - TITLE - LOW
        return max(30.0, min(wide, high))

    def lay_out(self) -> None:
        n = 0 if self.toy is None else len(self.toy.densities)
        rows = math.ceil(n / self.per_row)
        high = GAP + LEGEND + rows * (self.side + TITLE + LOW + GAP)
        content = QSizeF(self.viewport().width(), high)
        self.scroll_over(content, QSizeF(self.viewport().size()))

    def panel(self, index: int) -> QRectF:
        """Where the picture of a density is, in the viewport."""
        row, column = divmod(index, self.per_row)
        step = self.side + GAP
        n = min(self.per_row, 1 if self.toy is None else len(self.toy.densities))
        left = max(GAP, (self.viewport().width() - n * step + GAP) / 2)
        return QRectF(
            left + column * step,
            GAP + LEGEND + TITLE + row * (self.side + TITLE + LOW + GAP) - self.scrolled.y(),
            self.side,
            self.side,
        )

    # ---------------------------------------------------------------------------- painting

    def paint_ground(self, painter: QPainter) -> None:
        toy = self.toy
        if toy is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        t, small = theme.current(), theme.sans(theme.SMALL_FONT_SIZE)
        self._paint_legend(painter, toy.w_SDN.shape[2], arrows=toy.w_SDN.shape[1] == 2)
        for index, density in enumerate(toy.densities):
            box = self.panel(index)
            title = line(f"present {density:.0%}", small, box.width())
            painter.setPen(t.color("dim"))
            title.draw(painter, box.left(), box.top() - TITLE / 2)
            painter.fillRect(box, t.color("raised"))
            w_DN = toy.w_SDN[index]
            if len(w_DN) == 2:
                self._paint_arrows(painter, box, w_DN)
            else:
                self._paint_overlaps(painter, box, w_DN)
            stored = line(f"{stored_in(toy)[index]} of {w_DN.shape[1]} stored", small, box.width())
            painter.setPen(t.color("text"))
            stored.draw(painter, box.left(), box.bottom() + 11)
            lost = line(f"error {toy.loss_S[index]:.2g}", theme.mono(theme.SMALL_FONT_SIZE))
            painter.setPen(t.color("dim"))
            lost.draw(painter, box.left(), box.bottom() + 27)

    def _paint_legend(self, painter: QPainter, n: int, *, arrows: bool) -> None:
        """What is drawn in the panels, in one line above them."""
        t, left = theme.current(), self.panel(0).left()
        room = QRectF(left, 6 - self.scrolled.y(), self.viewport().width() - left - GAP, LEGEND - 6)
        if not arrows:
            paint_color_bar(painter, room, "diverging", 1.0, title=OVERLAPS)
            return
        x, y = left, room.center().y()
        for feature in range(min(n, MOST_NUMBERED)):
            painter.setPen(QColor(t.series[feature % len(t.series)]))
            number = line(str(feature), theme.mono(theme.SMALL_FONT_SIZE))
            number.draw(painter, x, y)
            x += number.width + 6
        painter.setPen(t.color("dim"))
        words = line(ARROWS, theme.sans(theme.SMALL_FONT_SIZE), max(0.0, room.right() - x - 4))
        words.draw(painter, x + 4, y)

    def _paint_arrows(self, painter: QPainter, box: QRectF, w_DN: NDArray[np.floating]) -> None:
        """Each feature's vector; the circle is length 1."""
        t = theme.current()
        radius = box.width() / 2 / 1.3
        painter.setPen(QPen(t.color("line"), 1))
        painter.drawEllipse(box.center(), radius, radius)
        series = t.series
        for feature in reversed(range(w_DN.shape[1])):
            x, y = (float(v) for v in w_DN[:, feature])
            tip = box.center() + QPointF(x * radius, -y * radius)
            painter.setPen(QPen(QColor(series[feature % len(series)]), 2))
            painter.drawLine(box.center(), tip)
            painter.setBrush(theme.current().color("panel"))
            painter.drawEllipse(tip, 2.5, 2.5)

    @staticmethod
    def _paint_overlaps(painter: QPainter, box: QRectF, w_DN: NDArray[np.floating]) -> None:
        rgb = np.ascontiguousarray(diverging_rgb(w_DN.T @ w_DN, 1.0))
        n = len(rgb)
        image = QImage(rgb.tobytes(), n, n, 3 * n, QImage.Format.Format_RGB888)
        paint_cells(painter, box, image.convertToFormat(QImage.Format.Format_RGB32))

    # ------------------------------------------------------------------------------- mouse

    def tooltip(self, at: QPoint) -> str:
        toy = self.toy
        for index in range(0 if toy is None else len(toy.densities)):
            box = self.panel(index)
            if toy is None or not box.contains(QPointF(at)):
                continue
            w_DN = toy.w_SDN[index]
            if len(w_DN) == 2:
                shares = ", ".join(f"{share:.2f}" for share in toy.shared_SN[index][:8])
                return f"length and direction of each feature\ndimensions for each: {shares}"
            n = w_DN.shape[1]
            row = min(n - 1, int(n * (at.y() - box.top()) / box.height()))
            column = min(n - 1, int(n * (at.x() - box.left()) / box.width()))
            value = float(w_DN[:, row] @ w_DN[:, column])
            if row == column:
                return f"feature {row}: squared length {value:.2f}"
            return f"features {row} and {column}: {value:+.2f} of one is read in the other"
        return ""


def stored_in(toy: m.ToyTrained) -> list[int]:
    """How many features each density stores."""
    stored: list[int] = (np.square(toy.w_SDN).sum(1) > STORED).sum(-1).tolist()
    return stored


def sentence(toy: m.ToyTrained) -> str:
    """What is seen here."""
    stored, (d, n) = stored_in(toy), toy.w_SDN.shape[1:]
    often, rarely = stored[0], stored[-1]
    said = (
        f"{n} features in {counted(d, 'dimension')}. Always present, {often} are stored, the most "
        f"important ones; present {toy.densities[-1]:.0%} of the time, {rarely} are"
    )
    if rarely > d:
        said += ": more than there are dimensions, because two are seldom there at once"
    said += "."
    if toy.step < toy.steps:
        return f"Step {toy.step:,} of {toy.steps:,}. {said}"
    return said
