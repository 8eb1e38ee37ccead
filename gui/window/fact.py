"""A few words in a bar: a dot, a text, always the same room.

Knows the theme only.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme
from gui.widgets.drawing_cache import line

DOT_ROOM = 14


class Fact(QWidget):
    """Words that change often, in a place that doesn't: no layout runs for another text.

    Args:
        what: its name for screen readers, which read the text after it.
        widest: the longest text that there should be room for.
        font: from the theme.
        tone: name of a theme colour.
        dot: whether a dot stands in front.
    """

    def __init__(
        self,
        what: str,
        widest: str,
        parent: QWidget | None = None,
        *,
        font: QFont | None = None,
        tone: str = "dim",
        dot: bool = False,
    ) -> None:
        super().__init__(parent)
        self._what = what
        self._tone = tone
        self._dot = "faint"
        self._left = DOT_ROOM if dot else 0
        self.text = ""
        self.setFont(font or theme.sans(theme.SMALL_FONT_SIZE + 0.5))
        metrics = QFontMetrics(self.font())
        self._room = QSize(self._left + metrics.horizontalAdvance(widest), metrics.height() + 2)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(what)

    def say(self, text: str, *, dot: str = "faint") -> None:
        """Show a text, and the dot in a colour of the theme."""
        if (text, dot) != (self.text, self._dot):
            self.text, self._dot = text, dot
            self.setAccessibleName(f"{self._what}: {text}")
            self.update()

    def sizeHint(self) -> QSize:
        return self._room

    def minimumSizeHint(self) -> QSize:
        return QSize(self._left + 24, self._room.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.current()
        with QPainter(self) as painter:
            if self._left:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(t.color(self._dot))
                painter.drawEllipse(QPointF(5, self.height() / 2), 3, 3)
            painter.setPen(t.color(self._tone))
            shown = line(self.text, self.font(), self.width() - self._left)
            shown.draw(painter, float(self._left), self.height() / 2)
