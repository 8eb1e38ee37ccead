"""A slim strip that stands for the whole text: where in it one is, and what costs most.

Each column of pixels has the colour of the largest amount among its tokens. Knows the theme and
what it is given; no store.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Signal
from PySide6.QtGui import QColor, QHelpEvent, QImage, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QToolTip, QWidget

from gui import theme
from gui.widgets.cells import paint_cells
from gui.widgets.surprisal import ramp, signed_colors
from gui.widgets.tips import Tips

HEIGHT = 12
BAND = 5.0  # of the colours


class Overview(QWidget):
    """The whole text in one line.

    Signals:
        place_chosen: index of the token at a place that was pressed or dragged to.
    """

    place_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        Tips(self, self.show_tip)
        self.setFixedHeight(HEIGHT)
        self.setAccessibleName("Where in the text")
        self.setToolTip("The whole text: press or drag to go there")
        self._n = 0
        self._amounts: NDArray[np.float64] = np.empty(0)
        self._no_number: NDArray[np.bool_] = np.empty(0, np.bool_)
        self._signed = False
        self._seen = range(0)
        self._selected = -1
        self._image: QImage | None = None
        self._image_key: tuple[object, ...] = ()

    def set_amounts(
        self,
        amounts_T: NDArray[np.float64],
        no_number_T: NDArray[np.bool_] | None = None,
        *,
        signed: bool = False,
    ) -> None:
        """Show these, 0 to 1 a token.

        Args:
            amounts_T: NaN for none.
            no_number_T: where that is what was found; None for nowhere.
            signed: they are differences, from -1 to 1.
        """
        self._signed = signed
        self._amounts, self._n = amounts_T, len(amounts_T)
        self._no_number = np.zeros(self._n, np.bool_) if no_number_T is None else no_number_T
        self._image = None
        self.update()

    def set_seen(self, seen: range) -> None:
        """Frame the tokens that can be seen."""
        if seen != self._seen:
            self._seen = seen
            self.update()

    def set_selected(self, index: int) -> None:
        """Mark one token; -1 for none."""
        if index != self._selected:
            self._selected = index
            self.update()

    def x_of(self, index: float) -> float:
        """Where a token begins."""
        return self.width() * index / max(self._n, 1)

    def token_at(self, x: float) -> int:
        """The token at a place."""
        return max(0, min(int(x / max(self.width(), 1) * self._n), self._n - 1))

    def columns(self) -> NDArray[np.float64]:
        """The largest amount under each column of pixels; NaN where there is none."""
        if not len(self._starts):
            return np.empty(0)
        columns_C: NDArray[np.float64] = np.fmax.reduceat(self._amounts, self._starts)
        if self._signed:  # what is farthest from 0
            least_C = np.fmin.reduceat(self._amounts, self._starts)
            columns_C = np.where(-least_C > columns_C, least_C, columns_C)
        return columns_C

    @property
    def _starts(self) -> NDArray[np.intp]:
        """The first token of each column of pixels."""
        n = min(self.width(), self._n)
        return (np.arange(n) * self._n // max(n, 1)).astype(np.intp)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._n == 0:
            return
        t = theme.current()
        top = (self.height() - BAND) / 2
        with QPainter(self) as painter:
            paint_cells(painter, QRectF(0, top, self.width(), BAND), self._picture())
            left, right = self.x_of(self._seen.start), self.x_of(self._seen.stop)
            painter.setPen(t.color("dim"))
            width = max(right - left - 1, 3.0)
            painter.drawRect(QRectF(left + 0.5, top - 1.5, min(width, self.width() - 1), BAND + 2))
            if 0 <= self._selected < self._n:
                x = self.x_of(self._selected + 0.5)
                x = max(1.0, min(x, self.width() - 1.0))
                painter.fillRect(QRectF(x - 1, 0, 2, self.height()), t.color("accent"))

    def _picture(self) -> QImage:
        key = (self.width(), theme.current().name)
        if self._image is None or key != self._image_key:
            columns_C = self.columns()
            rows = np.nan_to_num(255 * np.clip(columns_C, 0, 1)).round().astype(np.intp)
            rgb = signed_colors(columns_C) if self._signed else ramp()[rows]
            bare = QColor(theme.current().line)
            rgb[np.isnan(columns_C)] = (bare.red(), bare.green(), bare.blue())
            none = theme.current().color("no_number")
            found_none = np.logical_or.reduceat(self._no_number, self._starts)
            rgb[found_none] = (none.red(), none.green(), none.blue())
            line = np.zeros((1, len(rgb), 4), np.uint8)
            line[0, :, 2::-1], line[0, :, 3] = rgb, 255
            image = QImage(line.tobytes(), len(rgb), 1, QImage.Format.Format_RGB32)
            self._image, self._image_key = image.copy(), key
        return self._image

    def show_tip(self, event: QHelpEvent) -> None:
        """Say what there is to say where the mouse is."""
        at = self.token_at(event.pos().x())
        words = f"{self.toolTip()}. Here: token {at:,} of {self._n:,}"
        QToolTip.showText(event.globalPos(), words, self)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._go(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons():
            self._go(event.position())

    def _go(self, place: QPointF) -> None:
        if self._n:
            self.place_chosen.emit(self.token_at(place.x()))
