"""How full the cache is: a bar from no token to the whole context. Knows numbers and words."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme
from gui.widgets.drawing_cache import line

HEIGHT = 22
BAR = 6.0


class Gauge(QWidget):
    """The bar, with words on both sides."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.share = self.room = 0.0
        self._words = ("", "")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("How full the cache is")

    def show_share(self, share: float, room: float, left: str, right: str) -> None:
        """Say how full it is.

        Args:
            share: of the whole that is filled, 0 to 1.
            room: share that buffers are there for.
            left, right: words before and behind the bar.
        """
        self.share, self.room, self._words = share, room, (left, right)
        self.setAccessibleDescription(f"{left} of {right}: {share:.1%}")
        self.setToolTip(f"Filled: {share:.1%} of a full context. Lighter: room that is held ready.")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(80, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        t, font, middle = theme.current(), theme.mono(theme.SMALL_FONT_SIZE), self.height() / 2
        left, right = (line(words, font) for words in self._words)
        with QPainter(self) as painter:
            painter.setPen(t.color("text"))
            left.draw(painter, 0, middle)
            painter.setPen(t.color("dim"))
            right.draw(painter, self.width() - right.width, middle)
            bar = QRectF(0, round(middle - BAR / 2), self.width(), BAR)
            bar.adjust(left.width + 10, 0, -right.width - 10, 0)
            if bar.width() < 20:
                return
            painter.fillRect(bar, t.color("track"))
            for share, color in ((self.room, "accent_soft"), (self.share, "accent")):
                part = QRectF(bar)
                part.setWidth(max(1.0, bar.width() * min(share, 1.0)) if share else 0.0)
                painter.fillRect(part, t.color(color))
            painter.setPen(t.color("line"))
            painter.drawRect(bar)
