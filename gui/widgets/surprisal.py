"""Surprisal as a colour: the ramp, its legend, the figure below a chip.

The ramp is the warm half of the diverging map, up to where text still reads well on it. Of a
difference both halves are used so, as everywhere: more is blue, less is orange. Knows the theme; no
store, no model.
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
    return _readable(name, theme.diverging_table(theme.THEMES[name])[127::-1])


@cache
def _more(name: str) -> NDArray[np.uint8]:
    return _readable(name, theme.diverging_table(theme.THEMES[name])[128:])


def _readable(name: str, half: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The half of a map up to where text still reads well on it, as 256 colours."""
    chosen, rgb = theme.THEMES[name], half.astype(np.float64)
    text = chosen.color("text")
    # The rounding of a blend may cost a hair of contrast.
    reads = [contrast(text, QColor(*map(round, row))) >= READABLE + 0.05 for row in rgb]
    n = len(reads) if all(reads) else reads.index(False)
    at = np.linspace(0, n - 1, 256)
    blended = np.stack([np.interp(at, np.arange(n), rgb[:n, c]) for c in range(3)], axis=1)
    table: NDArray[np.uint8] = blended.round().astype(np.uint8)
    table.flags.writeable = False
    return table


def signed_colors(amounts: NDArray[np.float64]) -> NDArray[np.uint8]:
    """``[..., 3]`` colours for -1 (less) to 1 (more) of the scale."""
    name = theme.current().name
    rows = (255 * np.clip(np.abs(np.nan_to_num(amounts)), 0, 1)).round().astype(np.intp)
    return np.where((amounts > 0)[..., None], _more(name)[rows], _ramp(name)[rows])


def signed_color(amount: float) -> QColor:
    """The colour of a difference between -1 and 1."""
    r, g, b = signed_colors(np.array(amount))
    return QColor(int(r), int(g), int(b))


def color_of(amount: float) -> QColor:
    """The colour of an amount between 0 and 1."""
    r, g, b = ramp()[round(255 * min(max(amount, 0.0), 1.0))]
    return QColor(int(r), int(g), int(b))


def figure(bits: float) -> str:
    """Bits in at most four characters."""
    if math.isnan(bits):
        return NOTHING
    return f"{bits:.1f}" if bits < 99.95 else f"{min(bits, 9999):.0f}"


def signed_figure(bits: float) -> str:
    """A difference in at most five characters."""
    if math.isnan(bits):
        return NOTHING
    if abs(bits) < 0.05:
        return "0.0"
    return f"{bits:+.1f}" if abs(bits) < 99.95 else f"{max(-9999, min(bits, 9999)):+.0f}"


class SurprisalLegend(QWidget):
    """The colour scale of surprisal: from 0 bits to what a uniform guess costs."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._limit = 1.0
        self._difference = ""
        self._font = theme.mono(theme.SMALL_FONT_SIZE - 0.5)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self.setAccessibleName("Colour scale of surprisal")

    def set_difference(self, bits: float, name: str) -> None:
        """Show the scale of a difference: what it is called, and where it ends on both sides."""
        self._limit, self._difference = bits, name
        self.updateGeometry()
        self.setToolTip(
            f"{name}: blue tokens cost more bits there, orange ones fewer, up to {bits:.2f}."
        )
        self.update()

    def set_limit(self, bits: float) -> None:
        """Where the scale ends."""
        self._limit, self._difference = bits, ""
        self.updateGeometry()
        self.setToolTip(
            f"0 bits: the model was certain of this token. {bits:.2f} bits: as costly as a "
            "uniform guess over the vocabulary; anything above has the same colour."
        )
        self.update()

    @property
    def _label(self) -> str:
        if self._difference:
            return f"+{self._limit:.1f} {self._difference}, bits"
        return f"≥ {self._limit:.1f} bits"

    @property
    def _least(self) -> str:
        return f"−{self._limit:.1f}" if self._difference else "0"

    @property
    def _around(self) -> int:
        """Width of the figures at both ends of the bar."""
        return (
            math.ceil(QFontMetricsF(self._font).horizontalAdvance(self._least + self._label)) + 13
        )

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
            zero_width = metrics.horizontalAdvance(self._least)
            bar_width = min(float(WIDEST_BAR), self.width() - self._around)
            if bar_width < 2:
                return
            middle = self.height() / 2
            left = zero_width + 6
            for x in range(int(bar_width)):
                at = x / (bar_width - 1)
                color = signed_color(2 * at - 1) if self._difference else color_of(at)
                painter.fillRect(QRectF(left + x, middle - 4, 1.5, 8), color)
            painter.setPen(theme.current().color("line"))
            painter.drawRect(QRectF(left - 0.5, middle - 4.5, bar_width + 1, 9))
            painter.setPen(theme.current().color("dim"))
            flags = int(Qt.AlignmentFlag.AlignVCenter)
            painter.drawText(QRectF(0, 0, zero_width + 1, self.height()), flags, self._least)
            painter.drawText(
                QRectF(left + bar_width + 6, 0, label_width + 1, self.height()), flags, self._label
            )
