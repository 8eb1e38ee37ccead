"""The vocabulary as it grows: a row a merge; those that are still to come are dim.

Knows the history; no store.
"""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRectF, QSizeF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.bpe import words
from gui.panes.bpe.view import TITLE_HEIGHT, FilmView, mono_metrics
from gui.widgets.drawing_cache import line
from model.counting import counted
from model.tokenizer.tokens import visible

ROW = 19


class MergesView(FilmView):
    """The list; the row of the last merge is marked and stays in view."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("The vocabulary that the merges make", "", parent)
        self._hovered: int | None = None

    def state_changed(self, before: int | None) -> None:
        history = self.history
        if before is None:
            self._hovered = None
        self.title = ""
        if history is not None:
            made = history.vocab_size(self.k) - history.settings.n_base
            special = len(history.settings.special)
            self.title = f"Vocabulary: 256 bytes, {special} special, {made:,} merged"
        self._follow()
        self.redraw()

    def lay_out(self) -> None:
        n = 0 if self.history is None else self.history.n_merges
        room = QSizeF(self.viewport().width(), self.viewport().height() - TITLE_HEIGHT)
        self.scroll_over(QSizeF(room.width(), n * ROW), room)
        self._follow()

    def _follow(self) -> None:
        """Keep the last merge in the middle."""
        room = self.viewport().height() - TITLE_HEIGHT
        self.verticalScrollBar().setValue(round((self.k - 0.5) * ROW - room / 2))

    def paint_ground(self, painter: QPainter) -> None:
        room = self.paint_title(painter)
        history, t = self.history, theme.current()
        if history is None or not history.n_merges:
            return
        painter.setClipRect(room)
        font = theme.mono(theme.SMALL_FONT_SIZE)
        digit = mono_metrics().horizontalAdvance("0")
        wide_id = digit * (len(str(int(history.made.max()))) + 1) + 6
        wide_count = digit * (len(f"{int(history.counts[0]):,}") + 1) + 6
        token_room = max(40.0, (room.width() - wide_id - wide_count) * 0.42)
        scrolled = self.scrolled.y()
        first = int(scrolled // ROW)
        for index in range(first, min(history.n_merges, first + int(room.height() // ROW) + 2)):
            row = QRectF(0, TITLE_HEIGHT + index * ROW - scrolled, room.width(), ROW)
            last, done = index + 1 == self.k, index < self.k
            if last:
                painter.fillRect(row, t.color("accent_soft"))
            middle = row.center().y()
            dim = t.color("dim")
            painter.setPen(dim)
            id_ = line(str(int(history.made[index])), font)
            id_.draw(painter, wide_id - id_.width, middle)
            painter.setPen(t.color("accent" if last else "text" if done else "dim"))
            token = line(words.made_by(history, index + 1), font, token_room)
            token.draw(painter, wide_id + 10, middle)
            left, right = history.pairs[index].tolist()
            x = wide_id + 10 + token_room + 8
            pair = f"{visible(history.tokens[left])} + {visible(history.tokens[right])}"
            painter.setPen(dim)
            line(pair, font, room.width() - x - wide_count - 8).draw(painter, x, middle)
            count = line(f"{int(history.counts[index]):,}", font)
            count.draw(painter, room.width() - count.width - 8, middle)
        painter.setClipping(False)

    def row_at(self, at: QPoint) -> int | None:
        """The merge under a place, from 0 on."""
        index = (at.y() - TITLE_HEIGHT + self.scrolled.y()) // ROW
        inside = at.y() >= TITLE_HEIGHT and self.history is not None
        return int(index) if inside and 0 <= index < self.history.n_merges else None  # type: ignore[union-attr]

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        index = self.row_at(at)
        if index is not None:
            self.state_chosen.emit(index + 1)

    def hover(self, at: QPoint | None) -> None:
        index = None if at is None else self.row_at(at)
        if index != self._hovered:
            self._hovered = index
            self.viewport().update()

    def paint_overlay(self, painter: QPainter) -> None:
        if self._hovered is not None:
            top = TITLE_HEIGHT + self._hovered * ROW - self.scrolled.y()
            row = QRectF(0, max(top, TITLE_HEIGHT), self.viewport().width(), ROW)
            painter.fillRect(row, theme.current().color("text", 0.06))

    def tooltip(self, at: QPoint) -> str:
        index, history = self.row_at(at), self.history
        if index is None or history is None:
            return ""
        left, right = history.pairs[index].tolist()
        return (
            f"merge {index + 1:,}: {words.pair_of(history, left, right)} is "
            f"“{words.made_by(history, index + 1)}”, id {history.made[index]}\n"
            f"found {counted(int(history.counts[index]), 'time')}; the text was "
            f"{int(history.n_tokens[index + 1]):,} tokens long after it\nClick to go there"
        )
