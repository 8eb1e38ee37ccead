"""A batch as the texts that it is: every window a paragraph, each token on its colour.

Only what is in view is painted. Knows the theme and what it is given; no store.
Shape suffixes: B windows, T tokens of one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.widgets.canvas import CAPTION_HEIGHT, Canvas
from gui.widgets.surprisal import color_of
from gui.widgets.text import hatch

ROW = 22.0
GAP = 8.0
"""Between two windows."""
MARGIN = 34.0
"""At the left, where a window's number stands."""
PAD = 2.5
BAR = 96.0


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """What is drawn.

    Attributes:
        words_BT: each token as it is shown.
        bits_BT: what each costs; NaN for the first, which nothing predicts, and where that is no
            number.
        means_B: of each window.
        limit: bits at the end of the colours.
    """

    words_BT: Sequence[Sequence[str]]
    bits_BT: NDArray[np.float64]
    means_B: NDArray[np.float64]
    limit: float


LEGENDS = (
    "−log p of each token · at the left the mean bits of a window · hatched: not predicted",
    "−log p · at the left: a window's mean · hatched: not predicted",
    "−log p · at the left: a window's mean",
    "−log p of each token",
    "−log p",
)
"""What the colours and numbers are, in as many words as have room."""


class BatchText(Canvas):
    """The paragraphs.

    Signals:
        token_chosen: ``(window, place)`` that was clicked or reached by a key.
    """

    token_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("A batch, each token by what it costs")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.describe: Callable[[int, int], str] | None = None
        self._texts: Texts | None = None
        self._x_BT: list[NDArray[np.float64]] = []
        self._row_BT: list[NDArray[np.intp]] = []
        self._wide_BT: list[NDArray[np.float64]] = []
        self._top_B: list[float] = []
        self._advances: dict[str, float] = {}
        self._current: tuple[int, int] | None = None
        self._hovered: tuple[int, int] | None = None

    @property
    def texts(self) -> Texts | None:
        return self._texts

    @property
    def current(self) -> tuple[int, int] | None:
        """The selected token: window and place."""
        return self._current

    def set_texts(self, texts: Texts | None) -> None:
        """Draw another batch."""
        self._texts = texts
        self._hovered = None
        self.lay_out()
        self.redraw()

    def set_current(self, current: tuple[int, int] | None) -> None:
        """Select a token, without reporting it."""
        if current == self._current:
            return
        self._current = current
        if current is not None and self._has(current):
            self.scroll_to(self.box(*current).adjusted(0, -6, 0, 6), self._window)
        self.viewport().update()

    def _has(self, at: tuple[int, int]) -> bool:
        return at[0] < len(self._x_BT) and at[1] < len(self._x_BT[at[0]])

    @property
    def _window(self) -> QRectF:
        size = self.viewport().size()
        return QRectF(0, 0, size.width(), max(1.0, size.height() - CAPTION_HEIGHT))

    # ------------------------------------------------------------------------- layout

    def lay_out(self) -> None:
        self._x_BT, self._row_BT, self._wide_BT, self._top_B = [], [], [], []
        texts = self._texts
        if texts is None:
            self.scroll_over(QSizeF(1, 1), self._window.size())
            return
        metrics = QFontMetricsF(theme.mono(theme.SMALL_FONT_SIZE + 0.5))
        room = max(60.0, self.maximumViewportSize().width() - MARGIN - 14)
        top = 2.0
        for words_T in texts.words_BT:
            wide_T = np.array([self._advance(metrics, word) for word in words_T])
            x_T, row_T = np.zeros(len(wide_T)), np.zeros(len(wide_T), np.intp)
            x, row = 0.0, 0
            for at, wide in enumerate(wide_T.tolist()):
                if x > 0 and x + wide > room:
                    x, row = 0.0, row + 1
                x_T[at], row_T[at] = x, row
                x += wide
            self._x_BT.append(x_T)
            self._row_BT.append(row_T)
            self._wide_BT.append(wide_T)
            self._top_B.append(top)
            top += (row + 1) * ROW + GAP
        self.scroll_over(QSizeF(1, top), self._window.size())

    def _advance(self, metrics: QFontMetricsF, word: str) -> float:
        if word not in self._advances:
            if len(self._advances) > 20_000:
                self._advances.clear()
            self._advances[word] = metrics.horizontalAdvance(word) + 2 * PAD
        return self._advances[word]

    def box(self, window: int, place: int) -> QRectF:
        """Where a token is in the viewport."""
        x = MARGIN + self._x_BT[window][place]
        y = self._top_B[window] + ROW * self._row_BT[window][place] - self.scrolled.y()
        return QRectF(x, y, self._wide_BT[window][place], ROW - 3)

    def token_at(self, at: QPoint) -> tuple[int, int] | None:
        """The token there."""
        y = at.y() + self.scrolled.y()
        if at.y() > self._window.bottom():
            return None
        window = int(np.searchsorted(self._top_B, y, side="right")) - 1
        if window < 0:
            return None
        row = int((y - self._top_B[window]) // ROW)
        x = at.x() - MARGIN
        x_T, wide_T = self._x_BT[window], self._wide_BT[window]
        hit = np.flatnonzero((self._row_BT[window] == row) & (x_T <= x) & (x < x_T + wide_T))
        return (window, int(hit[0])) if len(hit) else None

    # ----------------------------------------------------------------------- painting

    def paint_ground(self, painter: QPainter) -> None:
        texts = self._texts
        if texts is None:
            return
        t, high = theme.current(), self._window.bottom()
        mono = theme.mono(theme.SMALL_FONT_SIZE + 0.5)
        small = theme.mono(theme.SMALL_FONT_SIZE - 0.5)
        painter.setClipRect(self._window)
        middle = Qt.AlignmentFlag.AlignCenter
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for window, words_T in enumerate(texts.words_BT):
            top = self._top_B[window] - self.scrolled.y()
            end = top + (self._row_BT[window][-1] + 1) * ROW
            if end < 0 or top > high:
                continue
            painter.setFont(small)
            painter.setPen(t.color("dim"))
            mean = texts.means_B[window]
            painter.drawText(QRectF(0, top, MARGIN - 6, ROW - 3), right, f"{mean:.1f}")
            painter.setFont(mono)
            for place, word in enumerate(words_T):
                box = self.box(window, place)
                if box.bottom() < 0 or box.top() > high:
                    continue
                bits = texts.bits_BT[window, place]
                if math.isnan(bits) and place == 0:
                    hatch(painter, box, t.color("line"))
                elif math.isnan(bits):
                    painter.fillRect(box, t.color("no_number"))
                else:
                    painter.fillRect(box, color_of(min(bits / texts.limit, 1.0)))
                painter.setPen(t.color("text"))
                painter.drawText(box, middle, word)
        painter.setClipping(False)
        self._legend(painter, texts)

    def _legend(self, painter: QPainter, texts: Texts) -> None:
        t = theme.current()
        line = QRectF(4, self._window.bottom(), self.viewport().width() - 8, CAPTION_HEIGHT)
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.setFont(theme.mono(theme.SMALL_FONT_SIZE))
        painter.setPen(t.color("dim"))
        painter.drawText(line, left, "0")
        bar = QRectF(line.left() + 14, round(line.center().y() - 4), BAR, 8)
        for x in range(int(BAR)):
            painter.fillRect(QRectF(bar.left() + x, bar.top(), 1.5, 8), color_of(x / (BAR - 1)))
        painter.setPen(t.color("line"))
        painter.drawRect(bar)
        painter.setPen(t.color("dim"))
        end = f"≥ {texts.limit:.1f} bits = {texts.limit * math.log(2):.1f} nats"
        rest = line.adjusted(bar.right() + 6 - line.left(), 0, 0, 0)
        painter.drawText(rest, left, end)
        wide = QFontMetricsF(painter.font()).horizontalAdvance(end) + 14
        painter.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        rest = rest.adjusted(wide, 0, 0, 0)
        metrics = QFontMetricsF(painter.font())
        fits = (said for said in LEGENDS if metrics.horizontalAdvance(said) <= rest.width())
        painter.drawText(rest, left, next(fits, ""))

    def paint_overlay(self, painter: QPainter) -> None:
        t = theme.current()
        painter.setClipRect(self._window)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for at, color, width in (
            (self._hovered, t.color("text", 0.7), 1.0),
            (self._current, t.color("accent"), 1.8),
        ):
            if at is not None and self._has(at):
                painter.setPen(QPen(color, width))
                painter.drawRect(self.box(*at).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.setClipping(False)

    # --------------------------------------------------------------- mouse and keyboard

    def hover(self, at: QPoint | None) -> None:
        token = None if at is None or self._texts is None else self.token_at(at)
        if token != self._hovered:
            self._hovered = token
            self.viewport().update()

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        token = None if self._texts is None else self.token_at(at)
        if token is not None:
            self._choose(token)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        texts = self._texts
        key = Qt.Key(event.key())
        if texts is None or key not in _MOVES:
            super().keyPressEvent(event)
            return
        window, place = self._current or (0, -1)
        windows, places = _MOVES[key]
        window = min(max(window + windows, 0), len(texts.words_BT) - 1)
        n = len(texts.words_BT[window])
        self._choose((window, min(max(place + places, 0), n - 1)))

    def _choose(self, token: tuple[int, int]) -> None:
        self.set_current(token)
        self.token_chosen.emit(token)

    def tooltip(self, at: QPoint) -> str:
        token = None if self._texts is None else self.token_at(at)
        return "" if token is None or self.describe is None else self.describe(*token)

    def sizeHint(self) -> QSize:
        return QSize(420, 260)


_MOVES = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}
