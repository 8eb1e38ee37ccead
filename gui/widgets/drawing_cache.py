"""Boxes and short texts that are drawn again and again, kept ready.

Laying a text out and smoothing a round corner cost far more than putting the result on the
screen; a map of rows has many of both in every frame. Knows Qt's painter, nothing of what is
drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPen, QStaticText

from gui import theme

_MOST = 2048


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text in one font, laid out."""

    static: QStaticText
    font: QFont
    width: float
    height: float

    def draw(self, painter: QPainter, left: float, middle: float) -> None:
        """Draw it with the painter's pen, vertically centred."""
        painter.setFont(self.font)
        painter.drawStaticText(QPointF(left, round(middle - self.height / 2)), self.static)


class DrawingCache:
    """Keeps what was drawn once, for one widget."""

    def __init__(self) -> None:
        self._fonts: dict[str, tuple[QFont, QFontMetricsF]] = {}
        self._texts: dict[tuple[str, str], Text] = {}
        self._boxes: dict[tuple[int, int, int, int, float], QImage] = {}

    def add_font(self, name: str, font: QFont) -> None:
        """Name a font for `text`."""
        self._fonts[name] = font, QFontMetricsF(font)

    def text(self, words: str, font: str, room: float | None = None) -> Text:
        """A line of text, cut with an ellipsis if it is wider than ``room``."""
        key = words, font
        found = self._texts.get(key)
        if found is None:
            if len(self._texts) > _MOST:
                self._texts.clear()
            face, metrics = self._fonts[font]
            static = QStaticText(words)
            static.setTextFormat(Qt.TextFormat.PlainText)
            static.prepare(font=face)
            found = Text(static, face, metrics.horizontalAdvance(words), metrics.height())
            self._texts[key] = found
        if room is None or found.width <= room:
            return found
        cut = self._fonts[font][1].elidedText(words, Qt.TextElideMode.ElideRight, room)
        return self.text(cut, font)

    def box(self, width: int, height: int, fill: QColor, border: QColor, ratio: float) -> QImage:
        """A box with round corners.

        Args:
            width, height: in logical pixels.
            fill, border: colours.
            ratio: device pixels to a logical one.
        """
        key = width, height, fill.rgba(), border.rgba(), ratio
        found = self._boxes.get(key)
        if found is None:
            if len(self._boxes) > _MOST:
                self._boxes.clear()
            format_ = QImage.Format.Format_ARGB32_Premultiplied
            found = QImage(round(width * ratio), round(height * ratio), format_)
            found.setDevicePixelRatio(ratio)
            found.fill(Qt.GlobalColor.transparent)
            painter = QPainter(found)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(border, 1))
            painter.setBrush(fill)
            inner = QRectF(0.5, 0.5, width - 1, height - 1)
            painter.drawRoundedRect(inner, theme.RADIUS, theme.RADIUS)
            painter.end()
            self._boxes[key] = found
        return found
