"""A thin line that says how far an answer is that a pane waits for.

Knows a share; no store.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from gui import theme

HEIGHT = 2


class WaitingLine(QWidget):
    """The line; hidden while nothing is waited for."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.share: float | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName("How far the answer is")
        self.hide()

    def set_share(self, share: float | None) -> None:
        """How much is done, 0 to 1; None where nothing is waited for."""
        if share == self.share:
            return
        self.share = share
        self.setVisible(share is not None)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.share is None:
            return
        t = theme.current()
        painter = QPainter(self)
        painter.fillRect(self.rect(), t.color("line"))
        done = QRectF(0, 0, self.width() * max(self.share, 0.02), self.height())
        painter.fillRect(done, t.color("accent"))
        painter.end()
