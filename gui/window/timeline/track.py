"""The line of a training's steps: loss, kept steps as ticks, the one in view; clicked and dragged.

Knows the session's timeline, and curves that it is given; no request.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFontMetrics,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui import theme
from gui.widgets.charts.stroke import stroke
from gui.widgets.focus_ring import draw_focus
from gui.widgets.text import as_written
from gui.widgets.tips import Tips
from gui.window.timeline.places import Places, labelled

EDGE = 10.0
HEIGHT = 46
LABELS = 13.0
"""Height of the line of step numbers below."""
TICK = 6.0
LIVE_ROOM = 8.0


@dataclass(frozen=True, slots=True)
class Curve:
    """Something that was measured at steps.

    Attributes:
        title: what it is, with its unit.
        steps: ``[n]`` rising.
        values: ``[n]``.
        dots: whether its points are marked: there are few.
        low, high: ends of its axis; None takes those of its values.
        log: whether its axis is logarithmic.
        upside_down: whether small values stand at the top: ranks.
    """

    title: str
    steps: NDArray[np.int64]
    values: NDArray[np.float64]
    dots: bool = False
    low: float | None = None
    high: float | None = None
    log: bool = False
    upside_down: bool = False

    def share(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """How high values stand, from 0 at the bottom to 1."""
        known = self.values[np.isfinite(self.values)]
        if not len(known):
            return np.zeros_like(values)
        low = float(known.min()) if self.low is None else self.low
        high = float(known.max()) if self.high is None else self.high
        if self.log:
            values = np.log(np.maximum(values, 1e-9))
            low, high = math.log(max(low, 1e-9)), math.log(max(high, 1e-9))
        up = np.clip((values - low) / (high - low), 0, 1) if high > low else 0.5 + 0 * values
        return 1 - up if self.upside_down else up


class Track(QWidget):
    """The line.

    Signals:
        sought: the kept step that was clicked, dragged or gone to; None for what learns now.
        moved: so many kept steps on, or back.
        compared: a step was clicked that others are compared with.
        toggled: play, or pause.
    """

    sought = Signal(object)
    moved = Signal(int)
    compared = Signal(int)
    toggled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        Tips(self, self.show_tip)
        self._steps: tuple[int, ...] = ()
        self._names: dict[int, str] = {}
        self._newest: int | None = None
        self._at: int | None = None
        self._compared: int | None = None
        self._marked: int | None = None
        self._mark_words = ""
        self._live = False
        self._hovered: int | float | None = math.nan  # None is what learns now
        self._dragged = False
        self.loss: Curve | None = None
        self.measured: Curve | None = None
        self._drawn: dict[object, tuple[object, QPolygonF]] = {}
        self.setAccessibleName("Training steps")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    # -------------------------------------------------------------------------- content

    def show_steps(self, names: Sequence[tuple[int, str]], newest: int | None) -> None:
        """Say which steps were kept, and which is being learned."""
        now = tuple(step for step, _ in names), newest
        if now != (self._steps, self._newest):
            self._steps, self._newest = now
            self._names = dict(names)
            self.update()

    def show_place(self, step: int | None, *, live: bool) -> None:
        """Say which step is in view.

        Args:
            step: its number; None if that is not known.
            live: whether it is what learns now.
        """
        if (step, live) != (self._at, self._live):
            self._at, self._live = step, live
            self.setAccessibleDescription(self.words(None if live else step))
            self.update()

    def show_compared(self, step: int | None) -> None:
        """Mark the step that the one in view is compared with."""
        if step != self._compared:
            self._compared = step
            self.update()

    def show_mark(self, step: int | None, words: str) -> None:
        """Mark a step at which something happens.

        Args:
            step: which; None for none.
            words: what, for the tooltip.
        """
        if (step, words) != (self._marked, self._mark_words):
            self._marked, self._mark_words = step, words
            self.update()

    def show_curves(self, loss: Curve | None, measured: Curve | None) -> None:
        """Draw these behind the steps."""
        self.loss, self.measured = loss, measured
        self.update()

    def words(self, step: int | None) -> str:
        """What is known of a step, for the tooltip; of None, what learns now."""
        if step is None:
            if self._newest is None:
                return ""
            parts = [f"live · step {self._newest:,}"]
            step = self._newest
        else:
            name = self._names.get(step, "")
            parts = [f"step {step:,}", name]
        for curve in (self.loss, self.measured):
            value = value_at(curve, step)
            if curve is not None and value is not None:
                parts.append(f"{curve.title} {value:.4g}")
        if step == self._marked:
            parts.append(self._mark_words)
        return " · ".join(filter(None, parts))

    # --------------------------------------------------------------------------- places

    @property
    def places(self) -> Places:
        """Where the steps lie now."""
        return Places(self._steps, EDGE, max(EDGE + 1, self.width() - EDGE), self._newest)

    @property
    def here(self) -> float:
        """Where the knob is."""
        places = self.places
        if self._live:
            return places.right
        return places.x_of(0 if self._at is None else self._at)

    def sizeHint(self) -> QSize:
        return QSize(400, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, HEIGHT)

    # ------------------------------------------------------------------------- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._steps:
            return
        t, places = theme.current(), self.places
        bottom = self.height() - LABELS
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint_curves(painter, places, bottom)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(QPen(t.color("line"), 1))
            painter.drawLine(QPointF(places.left, bottom), QPointF(places.right, bottom))
            self._paint_ticks(painter, places, bottom)
            self._paint_labels(painter, places)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            if self._compared is not None:
                x = places.x_of(self._compared)
                painter.setPen(QPen(t.color("negative"), 1.5, Qt.PenStyle.DashLine))
                painter.drawLine(QPointF(x, 2), QPointF(x, bottom))
            if self._marked is not None:
                x = places.x_of(self._marked)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(t.color("good"))
                flag = [QPointF(x, 2), QPointF(x + 7, 5.5), QPointF(x, 9)]
                painter.drawPolygon(QPolygonF(flag))
                painter.setPen(QPen(t.color("good"), 1))
                painter.drawLine(QPointF(x, 2), QPointF(x, bottom))
            x = self.here
            painter.setPen(QPen(t.color("accent"), 1.5))
            painter.drawLine(QPointF(x, 5), QPointF(x, bottom))
            painter.setBrush(t.color("accent"))
            painter.drawEllipse(QPointF(x, 5), 3.5, 3.5)
            if self.hasFocus():
                draw_focus(painter, QRectF(self.rect()))

    def _paint_curves(self, painter: QPainter, places: Places, bottom: float) -> None:
        t = theme.current()
        for curve, tone, width in ((self.loss, "dim", 1.0), (self.measured, "good", 1.5)):
            if curve is None:
                continue
            line = self._line(curve, places, bottom)
            painter.setPen(QPen(t.color(tone), width))
            stroke(painter, [line.at(at) for at in range(line.size())])
            if curve.dots:
                painter.setBrush(t.color(tone))
                painter.setPen(Qt.PenStyle.NoPen)
                for at in range(line.size()):
                    painter.drawEllipse(line.at(at), 1.8, 1.8)

    def _line(self, curve: Curve, places: Places, bottom: float) -> QPolygonF:
        key = (places, bottom, len(curve.steps))
        known = self._drawn.get(id(curve))
        if known is not None and known[0] == key:
            return known[1]
        if curve.dots:
            found = np.isfinite(curve.values)
            x_n = np.array([places.x_of(step) for step in curve.steps[found]])
            values = curve.values[found]
        else:
            x_n, values = places.curve(curve.steps, curve.values)
        y_n = bottom - 2 - curve.share(values) * (bottom - 9)
        line = QPolygonF([QPointF(x, y) for x, y in zip(x_n, y_n, strict=True)])
        kept = {id(one) for one in (self.loss, self.measured) if one is not None}
        self._drawn = {key: line for key, line in self._drawn.items() if key in kept}
        self._drawn[id(curve)] = key, line
        return line

    def _paint_ticks(self, painter: QPainter, places: Places, bottom: float) -> None:
        t = theme.current()
        for step in self._steps:
            x = round(places.x_of(step))
            hovered = step == self._hovered
            painter.setPen(t.color("text" if hovered else "dim"))
            high = TICK + 4 if hovered else TICK
            painter.drawLine(QPointF(x, bottom), QPointF(x, bottom - high))
        if self._newest is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(t.color("good"))
            painter.drawEllipse(QPointF(places.right, bottom), 3, 3)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_labels(self, painter: QPainter, places: Places) -> None:
        font = theme.mono(theme.SMALL_FONT_SIZE - 1)
        painter.setFont(font)
        painter.setPen(theme.current().color("dim"))
        metrics = QFontMetrics(font)
        widest = metrics.horizontalAdvance(f"{self.places.stops[-1]:,}") + 14
        room = int((places.right - places.left) / widest)
        for step in labelled(places.stops, room):
            newest = self._newest is not None and step == places.stops[-1]
            text = "live" if newest else f"{step:,}"
            wide = metrics.horizontalAdvance(text)
            x = min(max(places.x_of(step) - wide / 2, 1.0), self.width() - wide - 1.0)
            painter.drawText(QPointF(x, self.height() - 3), text)

    # --------------------------------------------------------------------------- events

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._steps:
            stop = self.places.stop_at(event.position().x())
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                if stop is not None:
                    self.compared.emit(stop)
                return
            self._dragged = True
            self.sought.emit(stop)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not self._steps:
            return
        stop = self.places.stop_at(event.position().x())
        if stop != self._hovered:
            self._hovered = stop
            self.update()
            if self._dragged:
                self.sought.emit(stop)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragged = False

    def leaveEvent(self, event: QEvent) -> None:
        self._hovered = math.nan
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        steps = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_PageUp: -5,
            Qt.Key.Key_PageDown: 5,
        }
        if not self._steps or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            super().keyPressEvent(event)
        elif key in steps:
            self.moved.emit(steps[key])
        elif key == Qt.Key.Key_Home:
            self.sought.emit(self._steps[0])
        elif key == Qt.Key.Key_End:
            self.sought.emit(None if self._newest is not None else self._steps[-1])
        elif key == Qt.Key.Key_Space:
            self.toggled.emit()
        else:
            super().keyPressEvent(event)

    def show_tip(self, event: QHelpEvent) -> None:
        """Say what there is to say where the mouse is."""
        if self._steps:
            words = self.words(self.places.stop_at(event.pos().x()))
            QToolTip.showText(event.globalPos(), as_written(words), self)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()


def value_at(curve: Curve | None, step: int) -> float | None:
    """What a curve says of a step: its last value there or just before; None before the first."""
    if curve is None:
        return None
    at = int(np.searchsorted(curve.steps, step, side="right")) - 1
    if at < 0 and len(curve.steps) and curve.steps[0] <= step + 1:
        at = 0
    if at < 0 or not math.isfinite(curve.values[at]):
        return None
    return float(curve.values[at])
