"""The line above a plot: what its curves are and what they are worth, here or under the mouse.

Knows the theme; gets its words from the plot.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme


@dataclass(frozen=True, slots=True)
class Entry:
    """A curve.

    Attributes:
        label: what it is.
        value: a figure, may be empty.
        color: as ``#rrggbb``.
        style: of its line.
        dots: whether its points are marked.
    """

    label: str
    value: str
    color: str
    style: Qt.PenStyle = Qt.PenStyle.SolidLine
    dots: bool = False


class LegendLine(QWidget):
    """Entries from left to right, a note at the right end where there is room."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.entries: tuple[Entry, ...] = ()
        self.note = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(18)

    def say(self, entries: tuple[Entry, ...], note: str) -> None:
        """Show these."""
        if (entries, note) != (self.entries, self.note):
            self.entries, self.note = entries, note
            words = "; ".join(f"{entry.label} {entry.value}" for entry in entries)
            self.setAccessibleName(f"{words}; {note}")
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, 18)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            t = theme.current()
            sans, mono = theme.sans(theme.SMALL_FONT_SIZE), theme.mono(theme.SMALL_FONT_SIZE)
            words, figures = QFontMetricsF(sans), QFontMetricsF(mono)
            x, middle, height = 2.0, self.height() / 2, float(self.height())
            left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            for entry in self.entries:
                label = words.horizontalAdvance(entry.label)
                value = figures.horizontalAdvance(entry.value)
                if x + 18 + label + 5 + value > self.width() and x > 2:
                    break
                painter.setPen(QPen(QColor(entry.color), 1.6, entry.style))
                painter.drawLine(QPointF(x, middle), QPointF(x + 13, middle))
                if entry.dots:
                    painter.setBrush(painter.pen().color())
                    painter.drawEllipse(QPointF(x + 6.5, middle), 1.8, 1.8)
                x += 18
                painter.setFont(sans)
                painter.setPen(t.color("dim"))
                painter.drawText(QRectF(x, 0, label + 2, height), left, entry.label)
                x += label + 5
                painter.setFont(mono)
                painter.setPen(t.color("text"))
                painter.drawText(QRectF(x, 0, value + 2, height), left, entry.value)
                x += value + 14
            note = words.horizontalAdvance(self.note)
            if self.note and x + note + 4 <= self.width():
                painter.setFont(sans)
                painter.setPen(t.color("dim"))
                right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                painter.drawText(QRectF(x, 0, self.width() - x - 4, height), right, self.note)
