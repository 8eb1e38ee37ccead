"""The words below an attention graph: whose hues are whose, and what is drawn.

In one line where they fit; else the hues have a line and the words as many as they need, as long as
most of the room is left to the graph. Knows the theme and rectangles; no answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from gui import theme
from gui.panes.attention.graph_ink import Group
from gui.widgets.canvas import CAPTION_HEIGHT

SQUARE = 12
GAP = 10
MOST = 5
"""The caption has at most one of so many parts of the height, or one line."""


@dataclass(frozen=True, slots=True)
class GraphCaption:
    """What is said below.

    Attributes:
        text: what is drawn, in words.
        groups: edges that have a colour of their own.
        others: whether there are edges without one.
    """

    text: str = ""
    groups: tuple[Group, ...] = ()
    others: bool = False

    def height(self, width: float, whole: float) -> int:
        """Pixels that it takes of a graph's whole height, at a width."""
        lines = 1
        if not self._fits_in_one(width):
            lines = self._text_lines(width) + bool(self.groups)
        most = max(1, int(whole / MOST // self._pitch))
        return CAPTION_HEIGHT + round((min(lines, most) - 1) * self._pitch)

    def paint(self, painter: QPainter, area: QRectF) -> None:
        """Into the area that it asked for, or into less."""
        painter.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        line = QRectF(area.left(), area.top(), area.width(), CAPTION_HEIGHT)
        more = area.height() >= CAPTION_HEIGHT + self._pitch - 1
        if self.groups and more and not self._fits_in_one(area.width()):
            self._paint_hues(painter, line, 0.0)
            line = area.adjusted(0, self._pitch, 0, 0)
        elif self.groups:
            line.setLeft(self._paint_hues(painter, line, 120.0))
        elif more:
            line = area
        painter.setPen(theme.current().color("dim"))
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        text = self.text
        if self._wrapped(line.width()) > line.height() + 1:
            lines = max(1, int(line.height() // self._pitch))
            room = line.width() * lines * (1.0 if lines == 1 else 0.9)
            text = _metrics().elidedText(text, Qt.TextElideMode.ElideRight, room)
        painter.drawText(line, left | Qt.TextFlag.TextWordWrap, text)

    @property
    def _pitch(self) -> float:
        return _metrics().lineSpacing()

    def _entries(self) -> list[tuple[str, QColor, str]]:
        entries = [(group.name, group.color, "text") for group in self.groups]
        if self.others and entries:
            entries.append(("others", theme.current().color("dim"), "dim"))
        return entries

    def _fits_in_one(self, width: float) -> bool:
        hues = sum(_width(name) + SQUARE + GAP for name, _, _ in self._entries())
        return hues + _width(self.text) <= width

    def _wrapped(self, width: float) -> float:
        return _wrapped_height(self.text, width)

    def _text_lines(self, width: float) -> int:
        return max(1, round(self._wrapped(width) / self._pitch))

    def _paint_hues(self, painter: QPainter, line: QRectF, kept: float) -> float:
        """As many as leave so much room behind them; gives where that begins."""
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        line = QRectF(line)
        for name, color, tone in self._entries():
            wide = _width(name)
            if line.width() < SQUARE + wide + kept:
                break
            painter.fillRect(QRectF(line.left(), line.center().y() - 4, 8, 8), color)
            painter.setPen(theme.current().color(tone))
            painter.drawText(line.adjusted(SQUARE, 0, 0, 0), left, name)
            line.setLeft(line.left() + SQUARE + wide + GAP)
        return line.left()


@cache
def _metrics() -> QFontMetricsF:
    return QFontMetricsF(theme.sans(theme.SMALL_FONT_SIZE))


@lru_cache(maxsize=256)
def _width(words: str) -> float:
    """Measured once: a graph asks three times at each edit, whose heads keep their names."""
    return _metrics().horizontalAdvance(words)


@lru_cache(maxsize=64)
def _wrapped_height(words: str, width: float) -> float:
    flags = int(Qt.TextFlag.TextWordWrap)
    return _metrics().boundingRect(QRectF(0, 0, width, 1e4), flags, words).height()
