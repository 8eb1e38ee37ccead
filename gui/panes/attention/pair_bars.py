"""The strongest pairs of a score as bars around zero, each with its words and its number.

Knows words and numbers; nothing of attention.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from gui import theme

ROW = 20


@dataclass(frozen=True, slots=True)
class Bar:
    """A line.

    Attributes:
        words: what it is, briefly.
        value: how much it adds or takes.
        more: the same for a tooltip and a screen reader.
    """

    words: str
    value: float
    more: str


class PairBars(QWidget):
    """As many lines as find room."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Strongest pairs")
        self._bars: tuple[Bar, ...] = ()

    @property
    def bars(self) -> tuple[Bar, ...]:
        """What is drawn, the strongest first."""
        return self._bars

    def set_bars(self, bars: tuple[Bar, ...]) -> None:
        """Draw others."""
        if bars != self._bars:
            self._bars = bars
            said = "; ".join(f"{bar.more}: {bar.value:+.2f}" for bar in bars)
            self.setAccessibleDescription(said)
            self.setToolTip("\n".join(f"{bar.value:+.3f}  {bar.more}" for bar in bars))
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, ROW * max(1, len(self._bars)))

    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.current()
        with QPainter(self) as painter:
            mono = theme.mono(theme.SMALL_FONT_SIZE)
            number = QFontMetricsF(mono).horizontalAdvance("−00.00") + 2
            track = min(90.0, 0.22 * self.width()) if self.width() >= 200 else 24.0
            largest = max((abs(bar.value) for bar in self._bars), default=0.0) or 1.0
            for row, bar in enumerate(self._bars):
                top = row * ROW
                if top + ROW > self.height():
                    break
                middle = track / 2
                long = abs(bar.value) / largest * middle
                left = middle if bar.value >= 0 else middle - long
                tone = "accent" if bar.value >= 0 else "negative"
                painter.fillRect(QRectF(middle, top + 3, 1, ROW - 6), t.color("line"))
                painter.fillRect(QRectF(left, top + 6, long, ROW - 12), t.color(tone))
                painter.setFont(mono)
                painter.setPen(t.color("text"))
                figure = f"{bar.value:+.2f}".replace("-", "−")
                painter.drawText(QRectF(track, top, number, ROW), _RIGHT, figure)
                painter.setFont(theme.sans(theme.SMALL_FONT_SIZE))
                painter.setPen(t.color("dim"))
                room = QRectF(track + number + 8, top, self.width() - track - number - 8, ROW)
                words = painter.fontMetrics().elidedText(
                    bar.words, Qt.TextElideMode.ElideRight, int(room.width())
                )
                painter.drawText(room, _LEFT, words)


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
"""Alignments of words and figures."""
