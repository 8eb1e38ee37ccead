"""The program's icon, drawn by code: glass through which a token's way to the next is seen.

Its colours are its own, not the theme's: on a task bar it is the same, whatever theme is in force.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QLinearGradient, QPainter, QPen, QPixmap

SIZES = (16, 24, 32, 48, 64, 128, 256)
_TOP, _BOTTOM = "#1c2836", "#0d1015"
_EDGE, _LINE, _FROM, _TO = "#3a4a5c", "#56b8ff", "#ff9550", "#d9f0ff"


def app_icon() -> QIcon:
    """In all sizes that systems ask for; needs a QApplication."""
    icon = QIcon()
    for side in SIZES:
        pixmap = QPixmap(side, side)
        pixmap.fill(Qt.GlobalColor.transparent)
        with QPainter(pixmap) as painter:
            draw_icon(painter, QRectF(0, 0, side, side))
        icon.addPixmap(pixmap)
    return icon


def draw_icon(painter: QPainter, box: QRectF) -> None:
    """Draw it into a square."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(box.topLeft())
    painter.scale(box.width() / 64, box.height() / 64)
    glass = QLinearGradient(QPointF(0, 0), QPointF(0, 64))
    glass.setColorAt(0, QColor(_TOP))
    glass.setColorAt(1, QColor(_BOTTOM))
    painter.setBrush(glass)
    painter.setPen(QPen(QColor(_EDGE), 3))
    painter.drawRoundedRect(QRectF(2.5, 2.5, 59, 59), 14, 14)
    # Three tokens below, one above: who attends to whom, the strongest the brightest.
    above = QPointF(46, 17)
    for x, width, opacity in ((14.0, 3.0, 0.35), (30.0, 4.0, 0.6), (46.0, 6.0, 1.0)):
        below = QPointF(x, 47)
        color = QColor(_LINE)
        color.setAlphaF(opacity)
        pen = QPen(color, width)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawLine(below, above)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(_FROM))
    for x in (14, 30, 46):
        painter.drawEllipse(QPointF(x, 47), 5.5, 5.5)
    painter.setBrush(QColor(_TO))
    painter.drawEllipse(above, 7, 7)
    painter.restore()
