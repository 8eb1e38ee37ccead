"""A list of tokens beside the embedding space: neighbours with their cosines, or search results.

Knows rows of text and numbers and the theme; neither the store nor vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QPainter
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.widgets.canvas import Canvas
from gui.widgets.point_cloud.looking import sign_of

ROW = 20
HEADER = 18
BAR = 7.0

_HEADINGS = {"dot": "dot product", "euclidean": "distance"}


@dataclass(frozen=True, slots=True)
class Row:
    """One token.

    Attributes:
        token_id: index into the vocabulary.
        text: its bytes made visible.
        cosine: or dot product, or distance, with what was asked for; None in a list of search
            results.
        rank: place among all tokens; 0 where there are no ranks.
        rank_without: place with the words of the sum left out; 0 for those words themselves.
        own: one of those words.
        before, after: what stands around it in a text; empty where it is in none.
        stands: where that is, in words.
    """

    token_id: int
    text: str
    cosine: float | None = None
    rank: int = 0
    rank_without: int = 0
    own: bool = False
    before: str = ""
    after: str = ""
    stands: str = ""


class TokenList(Canvas):
    """Rows of tokens, scrolled where there are many.

    Signals:
        token_chosen: id of a row that was clicked, or that Return was pressed on.
        token_hovered: id of the row under the mouse, or None.
        token_added: id of a row that was clicked with Ctrl, and +1; with Ctrl and Shift −1.
    """

    token_chosen = Signal(int)
    token_hovered = Signal(object)
    token_added = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Tokens")
        self._rows: tuple[Row, ...] = ()
        self._metric = "cosine"
        self._widest: float | None = None  # text of a row, in pixels; None until it is asked for
        self._current: int | None = None
        self._hovered: int | None = None
        self._font = theme.mono(theme.SMALL_FONT_SIZE + 0.5)
        self._small = theme.mono(theme.SMALL_FONT_SIZE - 0.5)

    @property
    def rows(self) -> tuple[Row, ...]:
        """What is listed."""
        return self._rows

    @property
    def current(self) -> int | None:
        """Index of the lit row."""
        return self._current

    @property
    def hovered(self) -> int | None:
        """Index of the row under the mouse."""
        return self._hovered

    def set_rows(self, rows: Sequence[Row], current: int | None = None) -> None:
        """List these."""
        if tuple(rows) == self._rows and current == self._current:
            return
        self._rows = tuple(rows)
        self._widest = None
        self._current = current if current is not None and current < len(self._rows) else None
        self._hovered = None
        self.lay_out()
        if self._current is not None:
            self._reveal(self._current)
        self.redraw()

    def set_metric(self, metric: str) -> None:
        """What the numbers are: cosines, of which 1 is a full bar, or others, whose largest is."""
        if metric != self._metric:
            self._metric = metric
            self.redraw()

    def set_current(self, index: int | None) -> None:
        """Light a row and bring it into sight."""
        if index == self._current:
            return
        self._current = index
        if index is not None:
            self._reveal(index)
        self.redraw()

    def step(self, by: int) -> None:
        """Light the next row, or the one before."""
        if self._rows:
            at = -1 if self._current is None and by > 0 else (self._current or 0)
            self.set_current(min(max(at + by, 0), len(self._rows) - 1))

    # ------------------------------------------------------------------------- places

    @property
    def _header(self) -> int:
        return HEADER if any(row.cosine is not None for row in self._rows) else 0

    @property
    def _ranked(self) -> bool:
        return any(row.rank for row in self._rows)

    def row_box(self, index: int) -> QRectF:
        """The place of a row in the viewport."""
        top = self._header + index * ROW - self.scrolled.y()
        return QRectF(0, top, self.viewport().width(), ROW)

    def bar_box(self, index: int) -> QRectF:
        """The place of a row's bar; its full length stands for a cosine of 1, or the largest."""
        left, right = self._columns()
        box = self.row_box(index)
        return QRectF(left, box.top() + (ROW - BAR) / 2, max(0.0, right - left), BAR)

    def bar(self, index: int) -> QRectF:
        """The bar itself. A negative cosine grows as far, in the colour of negative values."""
        box = self.bar_box(index)
        cosine = self._rows[index].cosine or 0.0
        full = 1.0
        if self._metric != "cosine":
            full = max((abs(row.cosine or 0.0) for row in self._rows), default=0.0) or 1.0
        return QRectF(
            box.left(), box.top(), box.width() * min(abs(cosine) / full, 1.0), box.height()
        )

    def row_at(self, y: float) -> int | None:
        """The row at a height of the viewport."""
        if y < self._header:
            return None
        index = int((y - self._header + self.scrolled.y()) // ROW)
        return index if 0 <= index < len(self._rows) else None

    def _rank_width(self) -> float:
        if not self._ranked:
            return 0.0
        widest = max(len(str(row.rank)) for row in self._rows)
        return QFontMetricsF(self._small).horizontalAdvance("0") * max(3, widest) + 4

    def _text_left(self) -> float:
        return 6.0 + (2 * self._rank_width() + 4 if self._ranked else 0)

    def _columns(self) -> tuple[float, float]:
        """Left and right end of a bar of full length."""
        if self._widest is None:
            metrics = QFontMetricsF(self._font)
            written = (f"{row.before}{row.text}{row.after}" for row in self._rows)
            self._widest = max(map(metrics.horizontalAdvance, written), default=0.0)
        width = self.viewport().width()
        number = QFontMetricsF(self._small).horizontalAdvance("-0.000") + 8
        right = width - number
        room = right - self._text_left()
        share = 0.8 if any(row.stands for row in self._rows) else 0.58
        left = self._text_left() + min(self._widest, room * share) + 8
        return left, max(left + 8, right)

    def lay_out(self) -> None:
        content = QSizeF(0, self._header + ROW * len(self._rows))
        self.scroll_over(content, QSizeF(self.viewport().size()))

    def _reveal(self, index: int) -> None:
        bar = self.verticalScrollBar()
        top = index * ROW
        bottom = top + ROW - (self.viewport().height() - self._header)
        bar.setValue(max(min(bar.value(), top), bottom))

    # ------------------------------------------------------------------------ painting

    def paint_ground(self, painter: QPainter) -> None:
        t = theme.current()
        height = self.viewport().height()
        for index, row in enumerate(self._rows):
            box = self.row_box(index)
            if box.bottom() < self._header or box.top() > height:
                continue
            if index == self._current:
                painter.fillRect(box, t.color("accent_soft"))
            self._paint_row(painter, index, row, box)
        if self._header:
            painter.fillRect(QRectF(0, 0, self.viewport().width(), HEADER), t.color("panel"))
            self._paint_header(painter)

    def paint_overlay(self, painter: QPainter) -> None:
        if self._hovered is not None:
            box = self.row_box(self._hovered)
            if box.top() >= self._header - ROW / 2:
                painter.fillRect(box, theme.current().color("accent", 0.10))

    def _paint_header(self, painter: QPainter) -> None:
        painter.setFont(self._small)
        painter.setPen(theme.current().color("dim"))
        right_align = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        left_align = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        width = self.viewport().width()
        rank = self._rank_width()
        if rank:
            painter.drawText(QRectF(0, 0, rank, HEADER), right_align, "#")
            painter.drawText(QRectF(rank, 0, rank, HEADER), right_align, "all")
        left = self._text_left()
        painter.drawText(QRectF(left, 0, width - left, HEADER), left_align, "token")
        painter.drawText(
            QRectF(0, 0, width - 6, HEADER), right_align, _HEADINGS.get(self._metric, self._metric)
        )

    def _paint_row(self, painter: QPainter, index: int, row: Row, box: QRectF) -> None:
        t = theme.current()
        right_align = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        left_align = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        rank = self._rank_width()
        if rank:
            painter.setFont(self._small)
            painter.setPen(t.color("dim" if row.own else "text"))
            without = str(row.rank_without) if row.rank_without else "–"
            painter.drawText(QRectF(0, box.top(), rank, ROW), right_align, without)
            painter.setPen(t.color("dim"))
            painter.drawText(QRectF(rank, box.top(), rank, ROW), right_align, str(row.rank))
        left = self._text_left()
        bar_left, _ = self._columns()
        text_right = bar_left - 8 if row.cosine is not None else box.right() - 60
        painter.setFont(self._font)
        left = self._paint_before(painter, row, left, text_right, box)
        painter.setPen(t.color("dim" if row.own else "text"))
        room = text_right - left
        text = QFontMetricsF(self._font).elidedText(row.text, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(left, box.top(), room + 2, ROW), left_align, text)
        if row.after and text == row.text:
            wide = QFontMetricsF(self._font).horizontalAdvance(text)
            painter.setPen(t.color("dim"))
            rest = QRectF(left + wide, box.top(), room - wide, ROW)
            painter.drawText(rest, left_align, row.after)
        painter.setFont(self._small)
        if row.cosine is None:
            painter.setPen(t.color("dim"))
            painter.drawText(box.adjusted(0, 0, -6, 0), right_align, str(row.token_id))
            return
        painter.fillRect(self.bar_box(index), t.color("raised"))
        tone = "faint" if row.own else ("accent" if row.cosine >= 0 else "negative")
        painter.fillRect(self.bar(index), t.color(tone))
        painter.setPen(t.color("dim"))
        painter.drawText(box.adjusted(0, 0, -6, 0), right_align, _short(row.cosine))

    def _paint_before(
        self, painter: QPainter, row: Row, left: float, right: float, box: QRectF
    ) -> float:
        """What stands before it in a text, as far as a third of the room goes; where it begins."""
        if not row.before:
            return left
        metrics = QFontMetricsF(self._font)
        room = (right - left) / 3
        before = metrics.elidedText(row.before, Qt.TextElideMode.ElideLeft, room)
        painter.setPen(theme.current().color("dim"))
        aligned = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(left, box.top(), room, ROW), aligned, before)
        return left + room

    # ----------------------------------------------------------------- mouse and keys

    def hover(self, at: QPoint | None) -> None:
        index = None if at is None else self.row_at(at.y())
        if index != self._hovered:
            self._hovered = index
            self.token_hovered.emit(None if index is None else self._rows[index].token_id)
            self.viewport().update()

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        index = self.row_at(at.y())
        sign = sign_of(modifiers)
        if index is not None and sign:
            self.token_added.emit(self._rows[index].token_id, sign)
        elif index is not None:
            self.set_current(index)
            self.token_chosen.emit(self._rows[index].token_id)

    def tooltip(self, at: QPoint) -> str:
        index = self.row_at(at.y())
        if index is None:
            return ""
        row = self._rows[index]
        lines = [f"{row.text}   id {row.token_id}"]
        if row.stands:
            lines = [f"{row.before}⟨{row.text}⟩{row.after}", row.stands]
        if row.cosine is not None:
            lines.append(f"{_HEADINGS.get(self._metric, self._metric)} {row.cosine:.6f}")
        if row.rank:
            left_out = "a word of the sum" if row.own else f"{row.rank_without} without them"
            lines.append(f"rank {row.rank} with the words of the sum, {left_out}")
        return "\n".join(lines)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.step(-1 if key == Qt.Key.Key_Up else 1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._current is not None:
            self.token_chosen.emit(self._rows[self._current].token_id)
        else:
            super().keyPressEvent(event)


def _short(value: float) -> str:
    """Three decimals where there is room for them."""
    return f"{value:.3f}" if abs(value) < 100 else f"{value:.4g}"
