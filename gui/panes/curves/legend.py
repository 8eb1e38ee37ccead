"""Which colour is what: the parts of the network, layers as a row or a scale.

Knows charts and the theme.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPen

from gui import theme
from gui.panes.curves.ink import color_of, layer_color
from gui.panes.curves.layout import LEGEND
from gui.panes.curves.series import Chart
from gui.widgets.drawing_cache import line as text_line
from model.train.watches import HELD_OUT


def paint_legend(painter: QPainter, width: float, charts: Sequence[Chart], n_layers: int) -> None:
    """Paint the line above the charts.

    Args:
        painter: to paint with.
        width: of the line.
        charts: whose curves are named.
        n_layers: of the network.
    """
    t, n = theme.current(), n_layers
    painter.fillRect(QRectF(0, 0, width, LEGEND), t.color("panel"))
    places = {line.place: line for chart in charts for line in chart.lines}
    font = theme.sans(theme.SMALL_FONT_SIZE)
    x, middle = 2.0, LEGEND / 2 - 1

    def entry(words: str, color: object) -> None:
        nonlocal x
        painter.setPen(QPen(color, 2))  # type: ignore[call-overload]
        painter.drawLine(QPointF(x, middle), QPointF(x + 12, middle))
        painter.setPen(t.color("dim"))
        said = text_line(words, font)
        said.draw(painter, x + 16, middle)
        x += 16 + said.width + 10

    unseen = "validation, held out" if HELD_OUT in places else "validation"
    for place, words in (("train", "train"), ("validation", unseen), ("embed", "embed")):
        if place in places:
            entry(words, color_of(places[place], n))
    if n <= 6:
        for layer in range(n):
            entry(f"layer {layer}" if layer == 0 else f"{layer}", layer_color(layer, n))
    else:
        first = text_line("layer 0", font)
        painter.setPen(t.color("dim"))
        first.draw(painter, x, middle)
        x += first.width + 5
        for layer in range(n):
            width = 72 / n
            painter.fillRect(
                QRectF(x + layer * width, middle - 3, width + 0.5, 6), layer_color(layer, n)
            )
        x += 77
        painter.setPen(t.color("dim"))
        last = text_line(f"{n - 1}", font)
        last.draw(painter, x, middle)
        x += last.width + 10
    if "unembed" in places:
        entry("unembed", color_of(places["unembed"], n))
