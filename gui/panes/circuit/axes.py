"""Paints what stands around an attribution graph: rows and their names, tokens, the legend.

Knows places and labels; not what nodes are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen

from gui import theme
from gui.panes.circuit.layout import CircuitPlace
from gui.widgets.canvas import CAPTION_HEIGHT
from gui.widgets.heat_map.color_bar import paint_color_bar
from gui.widgets.heat_map.layout import label_font, thinned


@dataclass(frozen=True, slots=True)
class Axes:
    """One painting.

    Attributes:
        place: where nodes are in the content.
        window: through which the content is seen.
        origin: where the content's corner is in the viewport.
        below: room for the tokens, pixels.
        labels: one a token.
        position: whose logit it is.
        logit_label: what stands beside the logit.
    """

    place: CircuitPlace
    window: QRectF
    origin: QPointF
    below: float
    labels: tuple[str, ...]
    position: int
    logit_label: str

    def paint(self, painter: QPainter) -> None:
        """Rows with their names, tokens, the logit's label."""
        font = label_font()
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        self._paint_rows(painter, metrics)
        self._paint_logit_label(painter, metrics)
        shown = [at for at in range(len(self.labels)) if not np.isnan(self.place.x_T[at])]
        wide_T = self.place.width_T
        flat = all(metrics.horizontalAdvance(self.labels[at]) + 4 <= wide_T[at] for at in shown)
        narrowest = min((wide_T[at] for at in shown), default=1.0)
        apart = 0.0 if flat else (metrics.height() - 3) / narrowest
        marked = shown.index(self.position) if self.position in shown else None
        kept = thinned(range(len(shown)), apart, marked)
        if marked is not None and marked not in kept:
            kept.append(marked)
        for index in kept:
            self._paint_token(painter, metrics, shown[index], flat=flat)

    def _paint_rows(self, painter: QPainter, metrics: QFontMetricsF) -> None:
        window, y_R = self.window, self.place.y_R
        last = len(y_R) - 1
        painter.setPen(QPen(theme.current().color("line"), 1))
        for row in range(1, last, 2):  # below each layer that has nodes
            if not self.place.used_R[row : row + 2].any():
                continue
            y = round(self.origin.y() + (y_R[row - 1] + y_R[row]) / 2) + 0.5
            if window.top() <= y <= window.bottom():
                painter.drawLine(QPointF(window.left(), y), QPointF(window.right(), y))
        painter.setPen(theme.current().color("dim"))
        before = np.inf
        for row in np.flatnonzero(self.place.used_R).tolist():
            y = self.origin.y() + y_R[row]
            seen = window.top() <= y <= window.bottom()
            if seen and before - y >= metrics.height() - 4:
                before = y
                box = QRectF(0, y - 10, window.left() - 6, 20)
                painter.drawText(box, _RIGHT, row_name(row, last))

    def _paint_logit_label(self, painter: QPainter, metrics: QFontMetricsF) -> None:
        """Beside its node: on the left where the right has no room."""
        rect = self.place.logit.translated(self.origin)
        if rect.isEmpty() or not self.window.contains(rect.center()):
            return
        wide, high = metrics.horizontalAdvance(self.logit_label), metrics.height()
        box = QRectF(rect.right() + 5, rect.center().y() - high / 2, wide + 2, high)
        if box.right() > self.window.right():
            box.moveRight(rect.left() - 5)
        painter.setPen(theme.current().color("text"))
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, self.logit_label)

    def _paint_token(
        self, painter: QPainter, metrics: QFontMetricsF, at: int, *, flat: bool
    ) -> None:
        x = self.origin.x() + self.place.x_T[at]
        if not self.window.left() <= x <= self.window.right():
            return
        label, wide = self.labels[at], self.place.width_T[at]
        painter.setPen(theme.current().color("accent" if at == self.position else "dim"))
        top = self.window.bottom() + 4
        if flat:
            box = QRectF(x - wide / 2, top, wide, metrics.height())
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, label)
            return
        length = self.below - 6
        painter.save()
        painter.translate(x, top)
        painter.rotate(-90)
        box = QRectF(-length, -metrics.height() / 2, length, metrics.height())
        text = metrics.elidedText(label, Qt.TextElideMode.ElideRight, length)
        painter.drawText(box, _RIGHT, text)
        painter.restore()


def row_name(row: int, last: int) -> str:
    """What stands left of a row."""
    if row in (0, last):
        return "embed" if row == 0 else "logit"
    return f"{'attn' if row % 2 else 'MLP'} {(row - 1) // 2}"


def paint_legend(painter: QPainter, area: QRect, limit: float, unit: str, widest: float) -> None:
    """What colours and widths mean, in the lowest line of an area.

    Args:
        painter: to paint with.
        area: all of the view.
        limit: of the colours of nodes.
        unit: of nodes and edges.
        widest: the strength of the widest edge.
    """
    line = QRectF(8, area.bottom() + 1 - CAPTION_HEIGHT, area.width() - 12, CAPTION_HEIGHT)
    edge = f"widest edge {widest:.3g}"
    titles = (
        f"what a node did, {unit} · {edge} · round: head, square: MLP · orange speaks against",
        f"what a node did, {unit} · {edge} · orange speaks against",
        f"{unit} · {edge}",
        unit,
    )
    paint_color_bar(painter, line, "diverging", limit or 1.0, title=titles)


_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
