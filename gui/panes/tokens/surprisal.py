"""Surprisal as a colour: the ramp, its legend, the figure below a chip.

The ramp is the warm half of the diverging map, up to where text still reads well on it. Knows the
theme; no store, no model.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme
from gui.widgets.text import READABLE, contrast

NOTHING = "–"
WIDEST_BAR, LEAST_BAR = 72, 24
WIDEST = "00.0"
"""The longest figure: all chips have room for it, so that nothing moves when the figures come."""


def ramp() -> NDArray[np.uint8]:
    """``[256, 3]`` colours for 0 to 1 of the scale, in the theme in force."""
    return _ramp(theme.current().name)


@cache
def _ramp(name: str) -> NDArray[np.uint8]:
    chosen = theme.THEMES[name]
    warm = theme.diverging_table(chosen)[127::-1].astype(np.float64)
    text = chosen.color("text")
    # The rounding of a blend may cost a hair of contrast.
    reads = [contrast(text, QColor(*map(round, rgb))) >= READABLE + 0.05 for rgb in warm]
    n = len(reads) if all(reads) else reads.index(False)
    at = np.linspace(0, n - 1, 256)
    blended = np.stack([np.interp(at, np.arange(n), warm[:n, c]) for c in range(3)], axis=1)
    table: NDArray[np.uint8] = blended.round().astype(np.uint8)
    table.flags.writeable = False
    return table


def color_of(amount: float) -> QColor:
    """The colour of an amount between 0 and 1."""
    r, g, b = ramp()[round(255 * min(max(amount, 0.0), 1.0))]
    return QColor(int(r), int(g), int(b))


def figure(bits: float) -> str:
    """Bits in at most four characters."""
    if math.isnan(bits):
        return NOTHING
    return f"{bits:.1f}" if bits < 99.95 else f"{min(bits, 9999):.0f}"


class SurprisalLegend(QWidget):
    """The colour scale of surprisal: from 0 bits to what a uniform guess costs."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._limit = 1.0
        self._font = theme.mono(theme.SMALL_FONT_SIZE - 0.5)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self.setAccessibleName("Colour scale of surprisal")

    def set_limit(self, bits: float) -> None:
        """Where the scale ends."""
        self._limit = bits
        self.updateGeometry()
        self.setToolTip(
            f"0 bits: the model was certain of this token. {bits:.2f} bits: as costly as a "
            "uniform guess over the vocabulary; anything above has the same colour."
        )
        self.update()

    @property
    def _label(self) -> str:
        return f"≥ {self._limit:.1f} bits"

    @property
    def _around(self) -> int:
        """Width of the figures at both ends of the bar."""
        return math.ceil(QFontMetricsF(self._font).horizontalAdvance("0" + self._label)) + 13

    def sizeHint(self) -> QSize:
        return QSize(self._around + WIDEST_BAR, 16)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 16)

    @property
    def least_width(self) -> int:
        """Narrower, there is no bar to be seen."""
        return self._around + LEAST_BAR

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setFont(self._font)
            metrics = QFontMetricsF(self._font)
            label_width = metrics.horizontalAdvance(self._label)
            zero_width = metrics.horizontalAdvance("0")
            bar_width = min(float(WIDEST_BAR), self.width() - self._around)
            if bar_width < 2:
                return
            middle = self.height() / 2
            left = zero_width + 6
            for x in range(int(bar_width)):
                painter.fillRect(
                    QRectF(left + x, middle - 4, 1.5, 8), color_of(x / (bar_width - 1))
                )
            painter.setPen(theme.current().color("line"))
            painter.drawRect(QRectF(left - 0.5, middle - 4.5, bar_width + 1, 9))
            painter.setPen(theme.current().color("dim"))
            flags = int(Qt.AlignmentFlag.AlignVCenter)
            painter.drawText(QRectF(0, 0, zero_width, self.height()), flags, "0")
            painter.drawText(
                QRectF(left + bar_width + 6, 0, label_width + 1, self.height()), flags, self._label
            )
