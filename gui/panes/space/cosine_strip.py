"""A cosine at every place of a way through the layers, as a line: click or drag to look at one.

Knows numbers, labels and the theme; no store.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme
from gui.widgets.canvas import Canvas

HEIGHT, LOW_HEIGHT = 100, 72
LEFT, RIGHT, TOP, BOTTOM = 30.0, 8.0, 25.0, 16.0


class CosineStrip(Canvas):
    """The line, with the place that is looked at.

    Signals:
        picked: a place was pointed at, counted from 0.
    """

    picked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Cosine after every layer")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(HEIGHT)
        self._values: NDArray[np.floating] = np.zeros(0)
        self._labels: tuple[str, ...] = ()
        self._title = ""
        self._current: int | None = None
        self._hovered: int | None = None

    def set_low(self, *, low: bool) -> None:
        """Whether there is little height."""
        self.setFixedHeight(LOW_HEIGHT if low else HEIGHT)

    @property
    def values(self) -> NDArray[np.floating]:
        """What is drawn."""
        return self._values

    @property
    def current(self) -> int | None:
        """The place that is looked at."""
        return self._current

    def show_values(
        self,
        values: NDArray[np.floating],
        labels: Sequence[str],
        current: int | None,
        title: str,
    ) -> None:
        """Show these.

        Args:
            values: cosines; NaN where there is none.
            labels: of the places.
            current: the place that is looked at.
            title: of what they are.
        """
        same = np.array_equal(values, self._values, equal_nan=True) and self._labels == tuple(
            labels
        )
        if same and (current, title) == (self._current, self._title):
            return
        self._values, self._labels = values, tuple(labels)
        self._current, self._title = current, title
        told = ", ".join(
            f"{label} {value:.3f}" for label, value in zip(self._labels, values.tolist())
        )
        self.setAccessibleDescription(f"{title}: {told}" if told else "")
        self.redraw()

    # ------------------------------------------------------------------------- places

    @property
    def low(self) -> float:
        """Where the scale begins: at 0, or below the least."""
        finite = self._values[np.isfinite(self._values)]
        least = float(finite.min(initial=0.0))
        return 0.0 if least >= 0 else max(-1.0, np.floor(least * 5) / 5)

    def spot(self, at: int) -> QPointF:
        """Where a place's value is drawn."""
        n = max(2, len(self._values))
        width = self.viewport().width() - LEFT - RIGHT
        tall = self.viewport().height() - TOP - BOTTOM
        share = (float(self._values[at]) - self.low) / (1 - self.low)
        return QPointF(LEFT + width * at / (n - 1), TOP + tall * (1 - share))

    def place_at(self, x: float) -> int | None:
        """The place under the mouse."""
        n = len(self._values)
        width = self.viewport().width() - LEFT - RIGHT
        if not n or width <= 0:
            return None
        return int(np.clip(round((x - LEFT) / width * (n - 1)), 0, n - 1))

    # ------------------------------------------------------------------------ painting

    def paint_ground(self, painter: QPainter) -> None:
        t = theme.current()
        width, height = self.viewport().width(), self.viewport().height()
        small = theme.sans(theme.SMALL_FONT_SIZE - 0.5)
        painter.setFont(small)
        metrics = QFontMetricsF(small)
        painter.setPen(t.color("dim"))
        painter.drawText(QPointF(0, metrics.ascent() + 1), self._title)
        if not len(self._values):
            return
        bottom = height - BOTTOM
        for value in (self.low, 1.0):
            y = TOP + (bottom - TOP) * (1 - (value - self.low) / (1 - self.low))
            painter.setPen(QPen(t.color("line"), 1))
            painter.drawLine(QPointF(LEFT, y), QPointF(width - RIGHT, y))
            painter.setPen(t.color("dim"))
            box = QRectF(0, y - 8, LEFT - 5, 16)
            aligned = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(box, aligned, f"{value:g}")
        self._paint_names(painter, metrics, bottom)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(t.color("accent"), 1.5))
        run: list[QPointF] = []
        for at, value in enumerate(self._values.tolist()):
            if np.isfinite(value):
                run.append(self.spot(at))
            else:
                painter.drawPolyline(QPolygonF(run))
                run = []
        painter.drawPolyline(QPolygonF(run))
        painter.setBrush(t.color("accent"))
        painter.setPen(Qt.PenStyle.NoPen)
        for at, value in enumerate(self._values.tolist()):
            if np.isfinite(value):
                painter.drawEllipse(self.spot(at), 1.8, 1.8)

    def _paint_names(self, painter: QPainter, metrics: QFontMetricsF, bottom: float) -> None:
        """The names of places, evenly as many as find room; the last one always."""
        painter.setPen(theme.current().color("dim"))
        labels, width = self._labels, self.viewport().width()
        wides = [metrics.horizontalAdvance(label) for label in labels]
        step = max(1.0, self._x(1) - self._x(0))
        every = int(np.ceil((max(wides) + 8) / step))
        last_left = width - wides[-1]
        for at in range(len(labels) - 1, -1, -1):
            left = min(max(self._x(at) - wides[at] / 2, 0.0), width - wides[at])
            is_last = at == len(labels) - 1
            if is_last or (at % every == 0 and left + wides[at] + 8 < last_left):
                painter.drawText(QPointF(left, bottom + metrics.ascent() + 2), labels[at])

    def _x(self, at: int) -> float:
        n = max(2, len(self._values))
        return LEFT + (self.viewport().width() - LEFT - RIGHT) * at / (n - 1)

    def paint_overlay(self, painter: QPainter) -> None:
        t = theme.current()
        bottom = self.viewport().height() - BOTTOM
        for at, tone in ((self._hovered, "dim"), (self._current, "text")):
            if at is None or at >= len(self._values):
                continue
            x = self._x(at)
            painter.setPen(QPen(t.color(tone), 1))
            painter.drawLine(QPointF(x, TOP), QPointF(x, bottom))
            if tone == "text" and np.isfinite(self._values[at]):
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setBrush(t.color("accent"))
                painter.setPen(QPen(t.color("panel"), 1))
                painter.drawEllipse(self.spot(at), 4, 4)
                painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)

    # ----------------------------------------------------------------- mouse and keys

    def hover(self, at: QPoint | None) -> None:
        place = None if at is None else self.place_at(at.x())
        if place != self._hovered:
            self._hovered = place
            self.viewport().update()

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        self._pick(self.place_at(at.x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._pick(self.place_at(event.position().x()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        step = steps.get(Qt.Key(event.key()))
        if step is None or not len(self._values):
            super().keyPressEvent(event)
            return
        at = len(self._values) - 1 if self._current is None else self._current + step
        self._pick(min(max(at, 0), len(self._values) - 1))

    def _pick(self, at: int | None) -> None:
        if at is not None and at != self._current:
            self.picked.emit(at)

    def tooltip(self, at: QPoint) -> str:
        place = self.place_at(at.x())
        if place is None:
            return ""
        return (
            f"{self._title}\n{self._labels[place]}: {self._values[place]:.6f}\n"
            "Click or drag to look there; arrow keys step."
        )

    def sizeHint(self) -> QSize:
        return QSize(200, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(30, HEIGHT)
