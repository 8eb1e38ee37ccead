"""Boxes and short texts that are drawn again and again, kept ready.

Laying a text out and smoothing a round corner cost far more than putting the result on the
screen; a map of rows has many of both in every frame. Knows Qt's painter, nothing of what is
drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPen, QStaticText

from gui import theme
from gui.widgets.canvas import is_vector

_MOST = 2048
BOX_BYTES = 4 * 2**20
"""Of boxes that are kept: a pane that is made wider by its edge needs others at every pixel."""


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


def line(
    words: str,
    font: QFont,
    room: float | None = None,
    elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
) -> Text:
    """A line of text, cut with an ellipsis if it is wider than ``room``."""
    return _line(words, _face(font), room, elide)


def _face(font: QFont) -> str:
    """The key under which a font is kept."""
    key = font.key()
    if key not in _faces:
        # By the font itself: its key leaves out features and the axes of a variable font.
        _faces[key] = QFont(font), QFontMetricsF(font)
    return key


@lru_cache(maxsize=_MOST)
def _line(words: str, key: str, room: float | None, elide: Qt.TextElideMode) -> Text:
    font, metrics = _faces[key]
    width = metrics.horizontalAdvance(words)
    if room is not None and width > room:
        words = metrics.elidedText(words, elide, room)
        width = metrics.horizontalAdvance(words)
    static = QStaticText(words)
    static.setTextFormat(Qt.TextFormat.PlainText)
    static.prepare(font=font)
    return Text(static, font, width, metrics.height())


_faces: dict[str, tuple[QFont, QFontMetricsF]] = {}
"""A dozen: the theme's fonts in their sizes."""


class DrawingCache:
    """Keeps what was drawn once, for one widget."""

    def __init__(self) -> None:
        self._fonts: dict[str, str] = {}  # keys: Qt writes one anew whenever it is asked
        self._boxes: dict[tuple[int, int, int, int, float], QImage] = {}
        self._n_bytes = 0  # of the boxes

    def add_font(self, name: str, font: QFont) -> None:
        """Name a font for `text`."""
        self._fonts[name] = _face(font)

    def text(self, words: str, font: str, room: float | None = None) -> Text:
        """A line of text, cut with an ellipsis if it is wider than ``room``."""
        return _line(words, self._fonts[font], room, Qt.TextElideMode.ElideRight)

    def put_box(self, painter: QPainter, at: QRectF, fill: QColor, border: QColor) -> None:
        """Put a box with round corners down; in a figure of curves and letters, drawn anew."""
        if is_vector(painter):
            painter.save()
            _draw_box(painter, at, fill, border)
            painter.restore()
            return
        ratio = painter.device().devicePixelRatioF()
        image = self.box(int(at.width()), int(at.height()), fill, border, ratio)
        painter.drawImage(at.topLeft(), image)

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
            format_ = QImage.Format.Format_ARGB32_Premultiplied
            found = QImage(round(width * ratio), round(height * ratio), format_)
            found.setDevicePixelRatio(ratio)
            found.fill(Qt.GlobalColor.transparent)
            with QPainter(found) as painter:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                _draw_box(painter, QRectF(0, 0, width, height), fill, border)
            self._n_bytes += found.sizeInBytes()
            if self._n_bytes > BOX_BYTES:
                self._boxes.clear()
                self._n_bytes = found.sizeInBytes()
            self._boxes[key] = found
        return found

    @property
    def n_bytes(self) -> int:
        """Of the boxes that are kept."""
        return self._n_bytes


def _draw_box(painter: QPainter, at: QRectF, fill: QColor, border: QColor) -> None:
    painter.setPen(QPen(border, 1))
    painter.setBrush(fill)
    painter.drawRoundedRect(at.adjusted(0.5, 0.5, -0.5, -0.5), theme.RADIUS, theme.RADIUS)
