"""A thin line that says how much of something is done. Knows the theme only."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from gui import theme


class ShareLine(QWidget):
    """The line.

    Args:
        name: what it is about, for screen readers.

    Attributes:
        share: 0 to 1; None where nothing goes on.
    """

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.share: float | None = None
        self.setFixedHeight(2)
        self.setAccessibleName(name)

    def set_share(self, share: float | None) -> None:
        """0 to 1; None where nothing goes on."""
        if share != self.share:
            self.share = share
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.share is None:
            return
        t = theme.current()
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), t.color("line"))
            done = QRectF(0, 0, self.width() * max(self.share, 0.02), self.height())
            painter.fillRect(done, t.color("accent"))
