"""What the pictures of the film have in common: a history, a state, a title; keys are the pane's.

Knows the history; no store.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QPainter
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.widgets.canvas import Canvas
from gui.widgets.drawing_cache import line
from model.tokenizer.bpe_history import BpeHistory

TITLE_HEIGHT = 22


class FilmView(Canvas):
    """Base of the pictures.

    Signals:
        state_chosen: a state that was pointed at.
        pair_chosen: ids of two neighbours that a person wants merged now.

    Attributes:
        title: above the picture; says what is drawn and in which unit.
    """

    state_chosen = Signal(int)
    pair_chosen = Signal(int, int)

    def __init__(self, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.title = title
        self.history: BpeHistory | None = None
        self.k = 0
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def show_state(self, history: BpeHistory | None, k: int) -> None:
        """Draw a state; the history may be another."""
        changed = history is not self.history
        before, self.history, self.k = self.k, history, k
        if changed:
            self.lay_out()
        if changed or before != k:
            self.state_changed(None if changed else before)

    def state_changed(self, before: int | None) -> None:
        """There is something else to draw.

        Args:
            before: the state that was drawn; None where the history is another.
        """
        self.redraw()

    def paint_title(self, painter: QPainter) -> QRectF:
        """The title; gives the room below it."""
        room = QRectF(self.viewport().rect())
        words = line(self.title, theme.sans(theme.SMALL_FONT_SIZE), room.width() - 8)
        painter.setPen(theme.current().color("dim"))
        words.draw(painter, 4, TITLE_HEIGHT / 2)
        return room.adjusted(0, TITLE_HEIGHT, 0, 0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        event.ignore()  # the film's keys are the pane's


def mono_metrics(size: float = theme.SMALL_FONT_SIZE) -> QFontMetricsF:
    """Of the font in which tokens are written."""
    return QFontMetricsF(theme.mono(size))
