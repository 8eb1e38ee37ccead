"""How long the text is in tokens for every size of the vocabulary; dragging sets the size.

Knows the history; no store.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.bpe.view import TITLE_HEIGHT, FilmView
from gui.widgets.charts.stroke import stroke
from gui.widgets.drawing_cache import line

BELOW = 20
TITLE = "Tokens of the text, by size of the vocabulary"


class CurveView(FilmView):
    """The curve; axes begin at no tokens and end at one token a byte."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Length of the text by size of the vocabulary", TITLE, parent)
        self._dragging = False
        self._hovered: int | None = None
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setCursor(Qt.CursorShape.SizeHorCursor)

    def state_changed(self, before: int | None) -> None:
        if before is None:
            self._hovered = None  # it was a state of another history
            self.redraw()
        self.viewport().update()  # the mark alone has moved

    # ------------------------------------------------------------------------------ places

    @property
    def _plot(self) -> QRectF:
        room = QRectF(self.viewport().rect())
        widest = "0" if self.history is None else f"{int(self.history.n_tokens[0]):,}"
        left = line(widest, theme.mono(theme.SMALL_FONT_SIZE)).width + 10
        return room.adjusted(left, TITLE_HEIGHT + 6, -14, -BELOW)

    def point_of(self, k: int) -> QPointF:
        """Where a state is, in the viewport."""
        history, plot = self.history, self._plot
        assert history is not None
        x = plot.left() + plot.width() * k / max(1, history.n_merges)
        share = int(history.n_tokens[k]) / max(1, int(history.n_tokens[0]))
        return QPointF(x, plot.bottom() - plot.height() * share)

    def state_at(self, x: float) -> int:
        """The state at a place."""
        history, plot = self.history, self._plot
        if history is None:
            return 0
        share = (x - plot.left()) / max(1.0, plot.width())
        return min(max(round(share * history.n_merges), 0), history.n_merges)

    # ---------------------------------------------------------------------------- painting

    def paint_ground(self, painter: QPainter) -> None:
        self.paint_title(painter)
        history, t = self.history, theme.current()
        if history is None:
            return
        plot, font = self._plot, theme.mono(theme.SMALL_FONT_SIZE)
        start = int(history.n_tokens[0])
        for share in (0.0, 0.5, 1.0):
            y = round(plot.bottom() - plot.height() * share)
            painter.setPen(QPen(t.color("line"), 1))
            painter.drawLine(round(plot.left()), y, round(plot.right()), y)
            label = line(f"{round(start * share):,}", font)
            painter.setPen(t.color("dim"))
            label.draw(painter, plot.left() - label.width - 6, y)
        last = -1e9
        n = history.n_merges
        for k in (0, n // 4, n // 2, 3 * n // 4, n):
            label = line(f"{history.vocab_size(k):,}", font)
            x = self.point_of(k).x() - label.width / 2
            x = min(
                max(x, plot.left() - label.width / 2), self.viewport().width() - label.width - 2
            )
            if x > last + 8:
                painter.setPen(t.color("dim"))
                label.draw(painter, x, plot.bottom() + BELOW / 2)
                last = x + label.width
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(t.color("accent"), 1.6))
        states = np.unique(np.linspace(0, n, max(2, min(n + 1, int(plot.width())))).astype(int))
        stroke(painter, [self.point_of(int(k)) for k in states])

    def paint_overlay(self, painter: QPainter) -> None:
        if self.history is None:
            return
        t, plot = theme.current(), self._plot
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._hovered is not None and not self._dragging:
            painter.setPen(QPen(t.color("faint"), 1))
            x = round(self.point_of(self._hovered).x()) + 0.5
            painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
        at = self.point_of(self.k)
        painter.setPen(QPen(t.color("text"), 1))
        painter.drawLine(
            QPointF(round(at.x()) + 0.5, plot.top()), QPointF(round(at.x()) + 0.5, plot.bottom())
        )
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(t.color("accent"))
        painter.drawEllipse(at, 4, 4)
        self._paint_label(painter)

    def _paint_label(self, painter: QPainter) -> None:
        """What the mark is worth, in the corner that a falling curve leaves free."""
        history, t, plot = self.history, theme.current(), self._plot
        assert history is not None
        font, length = theme.mono(theme.SMALL_FONT_SIZE), int(history.n_tokens[self.k])
        words = line(f"{length:,} tokens · {history.bytes_per_token(self.k):.2f} bytes each", font)
        if words.width > plot.width() * 0.8:
            words = line(f"{length:,} tokens", font, plot.width())
        left, y = plot.right() - words.width - 4, plot.top() + 14
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(t.color("panel", 0.85))
        painter.drawRoundedRect(QRectF(left - 4, y - 9, words.width + 8, 18), 3, 3)
        painter.setPen(t.color("text"))
        words.draw(painter, left, y)

    # ------------------------------------------------------------------------------- mouse

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        self._dragging = True
        self.state_chosen.emit(self.state_at(at.x()))

    def hover(self, at: QPoint | None) -> None:
        self._hovered = None if at is None or self.history is None else self.state_at(at.x())
        if self._dragging and self._hovered is not None:
            self.state_chosen.emit(self._hovered)
        self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        self._dragging = False

    def tooltip(self, at: QPoint) -> str:
        history = self.history
        if history is None:
            return ""
        k = self.state_at(at.x())
        return (
            f"vocabulary {history.vocab_size(k):,}: {int(history.n_tokens[k]):,} tokens, "
            f"{history.bytes_per_token(k):.2f} bytes each\nDrag to set the size of the vocabulary"
        )
