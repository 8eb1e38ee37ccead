"""|◀ ◀ play ▶ ▶|: buttons that step through something, and a clock that steps by itself.

Knows neither what is stepped through nor where it is; it asks, its owner steps and says when the
end is reached.
"""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from gui import theme

Glyph = Literal["first", "back", "play", "pause", "forward", "last"]

SPEEDS = (0.5, 1.0, 2.0, 4.0)
STEP_MS = 600
"""Time of one step while playing at speed 1."""


class TransportButton(QToolButton):
    """A flat button with a drawn glyph, so that it looks the same with every font."""

    def __init__(self, glyph: Glyph, text: str, keys: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.glyph: Glyph = glyph
        self.setProperty("flat", True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolTip(f"{text} ({keys})" if keys else text)
        self.setAccessibleName(text)
        self.setFixedSize(QSize(28, 24))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        t = theme.current()
        color = t.color("text" if self.isEnabled() else "faint")
        center = QRectF(self.rect()).center()
        painter.translate(center)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        right = QPolygonF([QPointF(-3.5, -5), QPointF(5, 0), QPointF(-3.5, 5)])
        if self.glyph in ("back", "first"):
            painter.scale(-1, 1)
        if self.glyph == "pause":
            painter.drawRect(QRectF(-4.5, -5, 3, 10))
            painter.drawRect(QRectF(1.5, -5, 3, 10))
        else:
            painter.drawPolygon(right)
        if self.glyph in ("first", "last"):
            painter.setPen(QPen(color, 1.6))
            painter.drawLine(QPointF(6.5, -4.5), QPointF(6.5, 4.5))
        painter.end()


class TransportBar(QWidget):
    """First, back, play, forward, last; and how fast playing goes.

    Signals:
        first_requested, back_requested, forward_requested, last_requested: go there.
        playing_changed: it plays now, or no longer.

    Args:
        unit: what one step is, for the tooltips: ``"operation"``.
    """

    first_requested = Signal()
    back_requested = Signal()
    forward_requested = Signal()
    last_requested = Signal()
    playing_changed = Signal()

    def __init__(self, unit: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.first = TransportButton("first", f"First {unit}", "Home", self)
        self.back = TransportButton("back", f"{unit.capitalize()} before", "Left", self)
        self.play = TransportButton("play", "Play", "Space", self)
        self.forward = TransportButton("forward", f"Next {unit}", "Right", self)
        self.last = TransportButton("last", f"Last {unit}", "End", self)
        self.speed = QToolButton(self)
        self.speed.setProperty("flat", True)
        self.speed.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.speed.setFont(theme.mono(theme.SMALL_FONT_SIZE))
        self.speed.setToolTip("How fast it plays; click for the next speed")
        self._speed = 1
        self._clock = QTimer(self)
        self._clock.timeout.connect(self.forward_requested)

        row = QHBoxLayout(self)
        row.setContentsMargins(theme.TIGHT, 2, theme.TIGHT, 2)
        row.setSpacing(1)
        for button in (self.first, self.back, self.play, self.forward, self.last):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.speed)
        self.first.clicked.connect(self.first_requested)
        self.back.clicked.connect(self.back_requested)
        self.play.clicked.connect(self.toggle)
        self.forward.clicked.connect(self.forward_requested)
        self.last.clicked.connect(self.last_requested)
        self.speed.clicked.connect(self.next_speed)
        self._show_speed()

    @property
    def playing(self) -> bool:
        return self._clock.isActive()

    def toggle(self) -> None:
        """Play, or pause."""
        if self.playing:
            self.stop()
        else:
            self.start()

    def start(self) -> None:
        """Step forward again and again."""
        self._clock.start(round(STEP_MS / SPEEDS[self._speed]))
        self._show_playing()

    def stop(self) -> None:
        """No more steps by itself."""
        if self.playing:
            self._clock.stop()
            self._show_playing()

    def next_speed(self) -> None:
        """The next of the speeds, after the fastest the slowest."""
        self._speed = (self._speed + 1) % len(SPEEDS)
        if self.playing:
            self._clock.start(round(STEP_MS / SPEEDS[self._speed]))
        self._show_speed()

    def set_ends(self, *, at_first: bool, at_last: bool) -> None:
        """Say which buttons have nowhere to go."""
        self.first.setEnabled(not at_first)
        self.back.setEnabled(not at_first)
        self.forward.setEnabled(not at_last)
        self.last.setEnabled(not at_last)

    def _show_playing(self) -> None:
        self.play.glyph = "pause" if self.playing else "play"
        text = "Pause" if self.playing else "Play"
        self.play.setToolTip(f"{text} (Space)")
        self.play.setAccessibleName(text)
        self.play.update()
        self.playing_changed.emit()

    def _show_speed(self) -> None:
        text = f"{SPEEDS[self._speed]:g}×"
        self.speed.setText(text)
        self.speed.setAccessibleName(f"Speed {text}")
