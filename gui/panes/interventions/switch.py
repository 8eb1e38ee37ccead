"""A switch: on or off, with a knob that stands at one of its ends.

Knows the theme only.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QWidget

from gui import theme
from gui.widgets.focus_ring import draw_focus

WIDTH, HEIGHT = 30, 18


class Switch(QAbstractButton):
    """On is told by the knob's place and by the colour."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.current()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            track = QRectF(3, (self.height() - 12) / 2, self.width() - 6, 12)
            painter.setPen(t.color("accent" if self.isChecked() else "dim"))
            painter.setBrush(t.color("accent" if self.isChecked() else "raised"))
            painter.drawRoundedRect(track, 6, 6)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(t.color("on_accent" if self.isChecked() else "dim"))
            x = track.right() - 6 if self.isChecked() else track.left() + 6
            painter.drawEllipse(QPointF(x, track.center().y()), 4, 4)
            if self.hasFocus():
                draw_focus(painter, QRectF(self.rect()))
