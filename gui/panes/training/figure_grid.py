"""Small figures with their names, in as many columns as there is room for.

Knows the theme; gets names and figures as text.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QHelpEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui import theme
from gui.widgets.tips import Tips

LINE = 18
COLUMN = 140
GAP = 16


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure.

    Attributes:
        label: what it is.
        value: as it is shown.
        tip: what exactly it is, for the tooltip.
    """

    label: str
    value: str
    tip: str = ""


class FigureGrid(QWidget):
    """Names on the left, figures on the right of each column."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        Tips(self, self.show_tip)
        self._name = name
        self.figures: tuple[Figure, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def say(self, figures: tuple[Figure, ...]) -> None:
        """Show these."""
        if figures == self.figures:
            return
        resized = len(figures) != len(self.figures)
        self.figures = figures
        words = "; ".join(f"{figure.label} {figure.value}" for figure in figures)
        self.setAccessibleName(f"{self._name}: {words}")
        if resized:
            self._fit()
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.setFixedHeight(LINE * max(1, -(-len(self.figures) // self._columns(self.width()))))

    def _columns(self, width: int) -> int:
        return max(1, (width + GAP) // (COLUMN + GAP))

    def cell(self, index: int) -> QRectF:
        """Where a figure is drawn."""
        n = self._columns(self.width())
        rows = -(-len(self.figures) // n)
        width = (self.width() - GAP * (n - 1)) / n
        column, row = divmod(index, rows)
        return QRectF(column * (width + GAP), row * LINE, width, LINE)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            t = theme.current()
            sans, mono = theme.sans(theme.SMALL_FONT_SIZE), theme.mono(theme.SMALL_FONT_SIZE + 0.5)
            words, digits = QFontMetricsF(sans), QFontMetricsF(mono)
            for index, figure in enumerate(self.figures):
                cell = self.cell(index)
                room = cell.width() - digits.horizontalAdvance(figure.value) - 6
                painter.setFont(sans)
                painter.setPen(t.color("dim"))
                label = words.elidedText(figure.label, Qt.TextElideMode.ElideRight, room)
                middle = Qt.AlignmentFlag.AlignVCenter
                painter.drawText(cell, Qt.AlignmentFlag.AlignLeft | middle, label)
                painter.setFont(mono)
                painter.setPen(t.color("text"))
                painter.drawText(cell, Qt.AlignmentFlag.AlignRight | middle, figure.value)

    def show_tip(self, event: QHelpEvent) -> None:
        """Say what there is to say where the mouse is."""
        for index, figure in enumerate(self.figures):
            if self.cell(index).contains(event.pos()):
                words = figure.tip or f"{figure.label}: {figure.value}"
                QToolTip.showText(event.globalPos(), words, self)
                return
        QToolTip.hideText()
