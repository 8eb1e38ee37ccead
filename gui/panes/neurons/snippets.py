"""Pieces of text around the tokens that excite a neuron, a line each, coloured by activation.

The exciting tokens stand beneath each other, so that what comes before them is compared at a
glance. Knows the theme and what it is given; no store, no model. Shape suffixes: K texts, S tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.widgets.canvas import CAPTION_HEIGHT, Canvas
from gui.widgets.drawing_cache import Text, line
from gui.widgets.heat_map.color_bar import paint_color_bar
from gui.widgets.text import ink_on

ROW = 22.0
FIGURES = 52.0
"""Room for the activation at the left."""
AT = 0.62
"""Where the exciting token stands, of the width."""


@dataclass(frozen=True, slots=True, eq=False)
class SnippetLine:
    """A text.

    Attributes:
        pieces: a token each.
        at: the exciting one.
        values: activations of them all; NaN where there is none.
    """

    pieces: tuple[str, ...]
    at: int
    values: NDArray[np.floating]

    @property
    def value(self) -> float:
        """The largest."""
        return float(self.values[self.at])


class Snippets(Canvas):
    """The lines, strongest first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Texts that excite the neuron")
        self.lines: tuple[SnippetLine, ...] = ()
        self.limit = 1.0
        self._empty = ""
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def set_lines(self, lines: Sequence[SnippetLine], empty: str = "") -> None:
        """Draw these; `empty` is said where there are none."""
        self.lines, self._empty = tuple(lines), empty
        largest = [float(np.nanmax(np.abs(one.values))) for one in self.lines]
        self.limit = max(largest, default=0.0) or 1.0
        said = ["".join(one.pieces) for one in self.lines[:5]]
        self.setAccessibleDescription("; ".join(said) or empty)
        self.lay_out()
        self.redraw()

    def lay_out(self) -> None:
        window = QSizeF(self.viewport().width(), self.viewport().height() - CAPTION_HEIGHT)
        self.scroll_over(QSizeF(0, len(self.lines) * ROW), window)
        self.verticalScrollBar().setSingleStep(int(ROW))

    # ------------------------------------------------------------------ what is where

    def row_rect(self, row: int) -> QRectF:
        """Where a line is."""
        return QRectF(0, row * ROW - self.scrolled.y(), self.viewport().width(), ROW)

    def token_rects(self, row: int) -> list[QRectF]:
        """Where each token of a line is; some lie outside what is seen."""
        one = self.lines[row]
        widths = [piece.width for piece in self._pieces(one)]
        box = self.row_rect(row)
        room = box.width() - FIGURES
        middle = FIGURES + AT * room
        left = middle - sum(widths[: one.at])
        after = sum(widths[one.at :])
        # What follows is seen as well, where the line is wide enough for that.
        left = max(left - max(0.0, middle + after - box.right()), left - 0.3 * room)
        rects = []
        for width in widths:
            rects.append(QRectF(left, box.top() + 2, width, ROW - 4))
            left += width
        return rects

    def _pieces(self, one: SnippetLine) -> list[Text]:
        font = theme.sans()
        return [line(_shown(piece), font) for piece in one.pieces]

    # ----------------------------------------------------------------------- painting

    def paint_ground(self, painter: QPainter) -> None:
        t = theme.current()
        if not self.lines:
            painter.setPen(t.color("dim"))
            painter.setFont(theme.sans(theme.SMALL_FONT_SIZE))
            how = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.viewport().rect().adjusted(12, 0, -12, 0), how, self._empty)
            return
        seen = QRectF(self.viewport().rect()).adjusted(0, 0, 0, -CAPTION_HEIGHT)
        painter.save()
        painter.setClipRect(seen)
        for row, one in enumerate(self.lines):
            box = self.row_rect(row)
            if box.bottom() < 0 or box.top() > seen.bottom():
                continue
            painter.setPen(t.color("dim"))
            value = line(_figure(one.value), theme.mono(theme.SMALL_FONT_SIZE), FIGURES - 8)
            value.draw(painter, FIGURES - 8 - value.width, box.center().y())
            painter.save()
            painter.setClipRect(
                QRectF(FIGURES, box.top(), box.width() - FIGURES, ROW),
                Qt.ClipOperation.IntersectClip,
            )
            self._paint_line(painter, row, one)
            painter.restore()
        painter.restore()
        area = QRectF(8, seen.bottom(), seen.width() - 12, CAPTION_HEIGHT)
        title = ("activation of each token", "activation")
        paint_color_bar(painter, area, "diverging", self.limit, title=title)

    def _paint_line(self, painter: QPainter, row: int, one: SnippetLine) -> None:
        t = theme.current()
        for index, (rect, piece) in enumerate(
            zip(self.token_rects(row), self._pieces(one), strict=True)
        ):
            value = float(one.values[index])
            if np.isnan(value):
                painter.setPen(t.color("dim"))
            else:
                fill = theme.diverging_color(value / self.limit)
                painter.fillRect(rect, fill)
                painter.setPen(ink_on(fill))
            piece.draw(painter, rect.left(), rect.center().y())
            if index == one.at:
                painter.setPen(QPen(t.color("text"), 1))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(rect.adjusted(0.5, 0.5, -0.5, -0.5))

    # ------------------------------------------------------------------ mouse and keys

    def tooltip(self, at: QPoint) -> str:
        row = int((at.y() + self.scrolled.y()) // ROW)
        inside = at.y() < self.viewport().height() - CAPTION_HEIGHT
        if not 0 <= row < len(self.lines) or not inside:
            return ""
        one = self.lines[row]
        whole = " ".join("".join(one.pieces).split())
        for index, rect in enumerate(self.token_rects(row)):
            if rect.contains(QPointF(at)) and at.x() >= FIGURES:
                value = float(one.values[index])
                said = "not sent to this expert" if np.isnan(value) else f"{value:.6g}"
                return f"“{one.pieces[index]}”  {said}\n{whole}"
        return f"{one.value:.6g} at “{one.pieces[one.at]}”\n{whole}"

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if step is None:
            event.ignore()
        else:
            bar = self.verticalScrollBar()
            bar.setValue(bar.value() + step * int(ROW))


def _shown(piece: str) -> str:
    """A token on one line, with its line breaks to be seen."""
    return piece.replace("\n", "⏎").replace("\t", " ")


def _figure(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")
