"""A token under its column of an attention graph: flat, or standing where columns are narrow.

Knows places and words; no answer, no widget.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from gui.panes.attention.graph_layout import GraphPlace

RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def paint_label(
    painter: QPainter, place: GraphPlace, x: float, text: str, ground: QColor | None = None
) -> None:
    """Paint a token with the painter's pen and font, if its column is in view.

    Args:
        painter: of the viewport.
        place: where the graph is.
        x: of its column, in the viewport.
        text: the token.
        ground: painted beneath it, over what is there.
    """
    if not place.window.left() <= x <= place.window.right():
        return
    metrics = QFontMetricsF(painter.font())
    top, height = place.window.bottom() + 4, metrics.height()
    if place.flat:
        box = QRectF(x - place.step / 2, top, place.step, height)
        if ground is not None:
            painter.fillRect(box, ground)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        return
    text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, place.label_length + 0.5)
    painter.save()
    painter.translate(x, top)
    painter.rotate(-90)
    length = place.label_length + 2
    box = QRectF(-length, -height / 2, length, height)
    if ground is not None:
        painter.fillRect(box, ground)
    painter.drawText(box, RIGHT, text)
    painter.restore()
