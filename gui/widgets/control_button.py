"""The one button of small controls: a part of a segmented control, an option, or a mere press.

What is in force, what is on, what the mouse is over and what has the keyboard look different from
each other. Knows the theme; not what a press does.
"""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import (
    QAction,
    QEnterEvent,
    QFocusEvent,
    QFontMetrics,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget

from gui import theme
from gui.widgets.signs import draw_sign

Kind = Literal["segment", "option", "press"]
SIGN = "sign"
"""Property of an action: the name of the sign that its button carries instead of words."""
PAD = 10
SIGN_WIDTH = 26
_BY_KEYBOARD = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)


class ControlButton(QToolButton):
    """A button that is painted by the house.

    It takes the keyboard by Tab only: who clicks an option goes on with the pane's keys.

    Args:
        kind: a *segment* chooses one of several, an *option* is on or off, a *press* does
            something.
        sign: drawn instead of the words, which are then in the tooltip.

    Attributes:
        first, last: of a segment: whether it is at an end of its control.
    """

    def __init__(self, kind: Kind, parent: QWidget | None = None, *, sign: str = "") -> None:
        super().__init__(parent)
        self.kind: Kind = kind
        self.sign = sign
        self.first = self.last = True
        self._ringed = False
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        self.setCheckable(kind != "press")

    @classmethod
    def of(cls, action: QAction, parent: QWidget | None = None) -> ControlButton:
        """The button of an action: what kind it is and which sign it has is the action's."""
        group = action.actionGroup()
        kind: Kind = "press"
        if action.isCheckable():
            kind = "segment" if group is not None and group.isExclusive() else "option"
        button = cls(kind, parent, sign=str(action.property(SIGN) or ""))
        button.setDefaultAction(action)
        button.setAccessibleName(action.text())
        if button.sign:
            button.setToolTip(f"{action.text()}: {_uncapitalised(action.toolTip())}")
        return button

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(self.font())
        if self.sign:
            width = SIGN_WIDTH
        else:
            width = metrics.horizontalAdvance(self.text()) + 2 * PAD
        return QSize(width, metrics.height() + 9)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    # ------------------------------------------------------------------------- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.current()
        on, lit = self.isChecked(), self.underMouse() and self.isEnabled()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            if self.kind == "segment":
                tone = self._paint_segment(painter, on, lit)
            else:
                tone = self._paint_box(painter, on, lit)
            if not self.isEnabled():
                tone = "disabled"
            if self._ringed:
                self._paint_ring(painter)
            if self.sign:
                color = t.color("faint" if tone == "disabled" else tone)
                draw_sign(painter, self.sign, QRectF(self.rect()), color)
            else:
                painter.setFont(self.font())
                painter.setPen(t.color(tone))
                painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())

    def _paint_segment(self, painter: QPainter, on: bool, lit: bool) -> str:
        """A part of one track; what is in force lies on it. Returns the tone of its words."""
        t = theme.current()
        # Drawn beyond an edge at which the next part begins, and cut off there.
        over = 2.0 * theme.RADIUS
        track = QRectF(self.rect()).adjusted(
            0.5 if self.first else -over, 0.5, -0.5 if self.last else over, -0.5
        )
        painter.setPen(QPen(t.color("line"), 1))
        painter.setBrush(t.color("track"))
        painter.drawRoundedRect(track, theme.RADIUS + 1, theme.RADIUS + 1)
        if on and self.isEnabled():
            painter.setPen(QPen(t.color("line"), 1))
            painter.setBrush(t.color("active"))
            painter.drawRoundedRect(self._inside(), theme.RADIUS, theme.RADIUS)
        return "text" if on or lit else "dim"

    def _paint_box(self, painter: QPainter, on: bool, lit: bool) -> str:
        """An option that is on is filled; one that is off is bare. Returns its tone."""
        t = theme.current()
        if not self.isEnabled():
            fill = ""  # on which a dimmer text could not be read
        elif self.isDown():
            fill = "line"
        elif on:
            fill = "accent_soft"
        else:
            fill = "raised" if lit else ""
        if fill:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(t.color(fill))
            painter.drawRoundedRect(self._inside(), theme.RADIUS, theme.RADIUS)
        if on:
            return "accent"
        return "text" if lit or self.kind == "press" else "dim"

    def _paint_ring(self, painter: QPainter) -> None:
        width = float(theme.FOCUS_WIDTH)
        painter.setPen(QPen(theme.current().color("focus"), width))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        box = QRectF(self.rect()).adjusted(width / 2, width / 2, -width / 2, -width / 2)
        painter.drawRoundedRect(box, theme.RADIUS, theme.RADIUS)

    def _inside(self) -> QRectF:
        return QRectF(self.rect()).adjusted(2.5, 2.5, -2.5, -2.5)

    # ------------------------------------------------------------------- mouse and keyboard

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._ringed = event.reason() in _BY_KEYBOARD
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._ringed = False
        self.update()

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.update()


def make_primary(button: QPushButton) -> None:
    """Let a button be the one that its pane is there for."""
    button.setProperty("primary", True)


def mark_primary(button: QPushButton, *, on: bool) -> None:
    """Let it be that, or no more: of a pane in which the next thing to do changes."""
    if bool(button.property("primary")) != on:
        button.setProperty("primary", on)
        button.style().unpolish(button)  # the style sheet asks for it only then
        button.style().polish(button)


def _uncapitalised(sentence: str) -> str:
    """A sentence that goes on after a colon; names in capitals stay as they are."""
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]
