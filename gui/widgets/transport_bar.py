"""|‹ ‹ ▶ › ›› ›|: buttons that step through something, a line of all its places, a speed.

Knows somebody who walks (`Walker`), and what one step is called; not what is walked through.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from gui import theme
from gui.widgets.progress_line import ProgressLine

Glyph = Literal["first", "back", "play", "pause", "forward", "part", "last"]


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
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            t = theme.current()
            color = t.color("text" if self.isEnabled() else "faint")
            center = QRectF(self.rect()).center()
            painter.translate(center)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color)
            # What plays is filled; a step is an open angle, or the two could not be told apart.
            if self.glyph == "play":
                painter.drawPolygon([QPointF(-3.5, -5.5), QPointF(5.5, 0), QPointF(-3.5, 5.5)])
                return
            if self.glyph == "pause":
                painter.drawRect(QRectF(-4.5, -5, 3, 10))
                painter.drawRect(QRectF(1.5, -5, 3, 10))
                return
            if self.glyph in ("back", "first"):
                painter.scale(-1, 1)
            pen = QPen(color, 1.8)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for x in (-3.0, 2.5) if self.glyph == "part" else (0.0,):
                painter.drawPolyline(
                    [QPointF(x - 2, -4.5), QPointF(x + 2.5, 0), QPointF(x - 2, 4.5)]
                )
            if self.glyph in ("first", "last"):
                painter.drawLine(QPointF(5.5, -4.5), QPointF(5.5, 4.5))


class Walker(Protocol):
    """Who steps, and says where it is: `gui.session.walking.Walking` is one."""

    changed: Any  # a signal: something of what follows is another

    @property
    def at(self) -> int: ...
    @property
    def n(self) -> int: ...
    @property
    def borders(self) -> tuple[int, ...]: ...
    @property
    def playing(self) -> bool: ...
    @property
    def speed(self) -> float: ...
    def words(self, index: int) -> str: ...
    def go_to(self, index: int) -> None: ...
    def first(self) -> None: ...
    def back(self) -> None: ...
    def toggle(self) -> None: ...
    def forward(self) -> None: ...
    def next_layer(self) -> None: ...
    def last(self) -> None: ...
    def next_speed(self) -> None: ...


class TransportBar(QWidget):
    """First, back, play, forward, next part, last; where it is; how fast playing goes.

    Args:
        walker: who walks.
        unit: what one step is, for the tooltips: ``"operation"``.
        part: what several steps are: ``"block"``.
        narrow: without the line and the button to the next part.
    """

    def __init__(
        self,
        walker: Walker,
        unit: str,
        part: str,
        parent: QWidget | None = None,
        *,
        narrow: bool = False,
    ) -> None:
        super().__init__(parent)
        self._walker = walker
        self.first = TransportButton("first", f"First {unit}", "Home", self)
        self.back = TransportButton("back", f"{unit.capitalize()} before", "Left", self)
        self.play = TransportButton("play", "Play", "Space", self)
        self.forward = TransportButton("forward", f"Next {unit}", "Right", self)
        self.part = TransportButton("part", f"Next {part}", "Down", self)
        self.last = TransportButton("last", f"Last {unit}", "End", self)
        self.line = ProgressLine(f"All {unit}s", self)
        self.line.describe = walker.words
        self.speed = QToolButton(self)
        self.speed.setProperty("flat", True)
        self.speed.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.speed.setFont(theme.mono(theme.SMALL_FONT_SIZE))
        self.speed.setToolTip("How fast it plays; click for the next speed")

        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(theme.TIGHT, 2, theme.TIGHT, 2)
        self._row.setSpacing(1)
        for button in (self.first, self.back, self.play, self.forward, self.part, self.last):
            self._row.addWidget(button)
        self._row.addWidget(self.line, 1)
        if narrow:
            self.line.hide()
            self.part.hide()
            self._row.addStretch(1)
        self._row.addWidget(self.speed)
        self.first.clicked.connect(walker.first)
        self.back.clicked.connect(walker.back)
        self.play.clicked.connect(walker.toggle)
        self.forward.clicked.connect(walker.forward)
        self.part.clicked.connect(walker.next_layer)
        self.last.clicked.connect(walker.last)
        self.speed.clicked.connect(walker.next_speed)
        self.line.sought.connect(walker.go_to)
        walker.changed.connect(self.show_walk)
        self.show_walk()

    @property
    def playing(self) -> bool:
        """Whether it steps by itself."""
        return self._walker.playing

    def add(self, widget: QWidget) -> None:
        """One more control at its right end."""
        self._row.addWidget(widget)

    def show_walk(self) -> None:
        """Show where the walker is, and what it can do."""
        walker = self._walker
        at, n = walker.at, walker.n
        for button in (self.first, self.back):
            button.setEnabled(n > 0 and at > 0)
        for button in (self.forward, self.part, self.last):
            button.setEnabled(at < n - 1)
        self.play.setEnabled(n > 0)
        self.line.show_place(at, n, walker.borders)
        text = "Pause" if walker.playing else "Play"
        if self.play.accessibleName() != text or self.play.glyph != text.lower():
            self.play.glyph = "pause" if walker.playing else "play"
            self.play.setToolTip(f"{text} (Space)")
            self.play.setAccessibleName(text)
            self.play.update()
        speed = f"{walker.speed:g}×"
        if self.speed.text() != speed:
            self.speed.setText(speed)
            self.speed.setAccessibleName(f"Speed {speed}")
