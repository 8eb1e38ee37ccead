"""Tokens as rows: text, how it came, probability, rank, and its surprisal as a bar.

Knows the theme and rows; no store, no model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.widgets.canvas import Canvas
from gui.widgets.drawing_cache import line

HEADER = 22
ROW = 20
BAR = 9.0
PAD = 8.0


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One token of the text.

    Attributes:
        position: in the text.
        text: its bytes made visible.
        how: how it came there, in a word; empty for what was typed.
        bits: its surprisal; NaN where it isn't known.
        rank: 1 for the likeliest; 0 where it isn't known.
        other: its surprisal in the other side of a comparison; NaN where that isn't shown.
    """

    position: int
    text: str
    how: str
    bits: float
    rank: int
    other: float = math.nan


class TokenRows(Canvas):
    """A table that scrolls; one row is selected.

    Signals:
        row_chosen: position of a token that was clicked or reached by a key.
    """

    row_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Tokens by surprisal")
        self._rows: tuple[TokenRow, ...] = ()
        self._position: int | None = None
        self._hovered: int | None = None
        self._limit = 1.0
        self._at_other = ""
        self._font = theme.mono(theme.FONT_SIZE - 0.5)
        self._small = theme.sans(theme.SMALL_FONT_SIZE)

    # ------------------------------------------------------------------------ contents

    def set_rows(self, rows: Sequence[TokenRow], limit: float, at_other: str = "") -> None:
        """Show these, in this order.

        Args:
            rows: of one text.
            limit: bits at which a bar is as long as can be: it stays while the text grows.
            at_other: where the other side's surprisals hold, in words (`Sides.at_other`).
        """
        self._at_other = at_other
        if tuple(rows) != self._rows or limit != self._limit:
            self._rows, self._limit = tuple(rows), max(limit, 1e-6)
            self.lay_out()
            self.redraw()

    def set_position(self, position: int | None) -> None:
        """Light the row of a position."""
        if position != self._position:
            self._position = position
            self.viewport().update()

    @property
    def rows(self) -> tuple[TokenRow, ...]:
        """What is shown."""
        return self._rows

    def lay_out(self) -> None:
        size = QSizeF(self.viewport().size())
        content = QSizeF(size.width(), len(self._rows) * ROW)
        self.scroll_over(content, QSizeF(size.width(), size.height() - HEADER))

    def box_of(self, index: int) -> QRectF:
        """The place of a row in the viewport."""
        top = HEADER + index * ROW - self.scrolled.y()
        return QRectF(0, top, self.viewport().width(), ROW)

    @property
    def _columns(self) -> tuple[float, ...]:
        """Left edges: place, token, how, probability, rank, bar, bits."""
        width = self.viewport().width()
        place, how, p, rank, bits = 44.0, 54.0, 84.0, 62.0, 58.0
        if width < 420:
            how = rank = 0.0
        token = min(200.0, max(70.0, (width - place - how - p - rank - bits) * 0.45))
        lefts = [0.0]
        for each in (place, token, how, p, rank):
            lefts.append(lefts[-1] + each)
        lefts.append(width - bits)
        return tuple(lefts)

    def bar_of(self, index: int) -> QRectF:
        """The bar of a row's surprisal in the viewport."""
        lefts, box = self._columns, self.box_of(index)
        room = max(4.0, lefts[6] - lefts[5] - 2 * PAD)
        bits = self._rows[index].bits
        share = 0.0 if math.isnan(bits) else min(1.0, bits / self._limit)
        top = box.center().y() - BAR / 2
        return QRectF(lefts[5] + PAD, top, room * share, BAR)

    # ------------------------------------------------------------------------ painting

    def _seen(self) -> range:
        first = max(0, self.scrolled.y() // ROW)
        last = first + self.viewport().height() // ROW + 2
        return range(first, min(last, len(self._rows)))

    def paint_ground(self, painter: QPainter) -> None:
        if not self._rows:
            return
        t = theme.current()
        lefts = self._columns
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.save()
        painter.setClipRect(QRectF(0, HEADER, self.viewport().width(), self.viewport().height()))
        for index in self._seen():
            self._paint_row(painter, index)
        painter.restore()
        painter.setPen(t.color("dim"))
        names = ("", "token", "came", "probability", "rank", f"surprisal, 0 to {self._limit:.1f}")
        for left, right, name in zip(lefts, lefts[1:], names, strict=False):
            if right - left > 30:
                words = line(name, self._small, right - left - PAD)
                words.draw(painter, left + PAD, HEADER / 2)
        bits = line("bits", self._small)
        bits.draw(painter, self.viewport().width() - PAD - bits.width, HEADER / 2)
        painter.fillRect(QRectF(0, HEADER - 1, self.viewport().width(), 1), t.color("line"))

    def _paint_row(self, painter: QPainter, index: int) -> None:
        t = theme.current()
        row, lefts, box = self._rows[index], self._columns, self.box_of(index)
        middle = box.center().y()
        painter.setPen(t.color("dim"))
        place = line(f"{row.position}", self._font)
        place.draw(painter, lefts[1] - PAD - place.width, middle)
        painter.setPen(t.color("text"))
        line(row.text, self._font, lefts[2] - lefts[1] - PAD).draw(painter, lefts[1] + PAD, middle)
        painter.setPen(t.color("lens"))
        if lefts[3] > lefts[2]:
            line(row.how, self._small).draw(painter, lefts[2] + PAD, middle)
        if math.isnan(row.bits):
            painter.setPen(t.color("dim"))
            nothing = "nothing before it" if row.position == 0 else "…"
            line(nothing, self._small).draw(painter, lefts[5] + PAD, middle)
            return
        painter.setPen(t.color("text"))
        line(chance(row.bits), self._font).draw(painter, lefts[3] + PAD, middle)
        if lefts[5] > lefts[4] and row.rank:
            line(f"{row.rank:,}", self._font).draw(painter, lefts[4] + PAD, middle)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(t.color("negative"))
        painter.drawRoundedRect(self.bar_of(index), 1.5, 1.5)
        if not math.isnan(row.other):
            room = max(4.0, lefts[6] - lefts[5] - 2 * PAD)
            x = lefts[5] + PAD + room * min(1.0, row.other / self._limit)
            painter.fillRect(QRectF(round(x) - 1, middle - 7, 2, 14), t.color("text"))
        painter.setPen(t.color("text"))
        bits = line(f"{row.bits:.2f}", self._font)
        bits.draw(painter, self.viewport().width() - PAD - bits.width, middle)

    def paint_overlay(self, painter: QPainter) -> None:
        t = theme.current()
        painter.setClipRect(QRectF(0, HEADER, self.viewport().width(), self.viewport().height()))
        for index in self._seen():
            box = self.box_of(index).adjusted(0.5, 0.5, -0.5, -0.5)
            chosen = self._rows[index].position == self._position
            if chosen or index == self._hovered:
                painter.setPen(t.color("accent" if chosen else "line"))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(box, theme.RADIUS, theme.RADIUS)

    # ------------------------------------------------------------------ mouse and keys

    def row_at(self, at: QPoint) -> int | None:
        """Index of the row at a place."""
        if at.y() < HEADER:
            return None
        index = (at.y() - HEADER + self.scrolled.y()) // ROW
        return index if index < len(self._rows) else None

    def hover(self, at: QPoint | None) -> None:
        row = None if at is None else self.row_at(at)
        if row != self._hovered:
            self._hovered = row
            self.viewport().update()

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        row = self.row_at(at)
        if row is not None:
            self.row_chosen.emit(self._rows[row].position)

    def tooltip(self, at: QPoint) -> str:
        index = self.row_at(at)
        if index is None:
            return ""
        row = self._rows[index]
        if math.isnan(row.bits):
            return f"{row.text}: nothing stands before it that could predict it"
        lines = [f"{row.text}   position {row.position}", f"{row.bits:.6g} bits, rank {row.rank:,}"]
        if not math.isnan(row.other):
            lines.append(f"{row.other:.6g} bits {self._at_other}")
        lines.append("Click to select it in every pane")
        return "\n".join(lines)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if step is None or not self._rows:
            super().keyPressEvent(event)
            return
        at = next((i for i, row in enumerate(self._rows) if row.position == self._position), None)
        index = 0 if at is None else max(0, min(at + step, len(self._rows) - 1))
        window = QRectF(0, HEADER, self.viewport().width(), self.viewport().height() - HEADER)
        self.scroll_to(self.box_of(index), window)
        self.row_chosen.emit(self._rows[index].position)


def chance(bits: float) -> str:
    """The probability behind a surprisal, in at most seven characters."""
    p = 2.0**-bits
    return f"{p:.3f}" if p >= 0.0005 else f"{p:.0e}"
