"""The heads of an edge, a row each: weight, what they write along it, the tokens they promote.

Knows an answer and what tokens are called; no store.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from PySide6.QtCore import QPoint, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.attention.edges import Head
from gui.panes.attention.words import percent
from gui.widgets.canvas import Canvas
from gui.widgets.drawing_cache import line
from model.probe.edge.asks import EdgeFound

HEAD, ROW, TWO_LINES = 18.0, 22.0, 38.0
"""Heights; where there is room, tokens have a line of their own below a head's numbers."""
PAD = 6.0
NAME, NUMBER, BAR = 44.0, 44.0, 46.0


class EdgeRows(Canvas):
    """The widget.

    Signals:
        head_chosen: a head's row was clicked, or Enter pressed on it.

    Attributes:
        along: whether tokens are those of what comes along the edge alone; else of all that the
            head writes at the query.
    """

    head_chosen = Signal(int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("Heads of the edge")
        self.along = False
        self._found: EdgeFound | None = None
        self._text: Callable[[int], str] = str
        self._colors: Mapping[Head, QColor] = {}
        self._selected = -1
        self._row = 0
        self._pitch = ROW

    def show_answer(
        self,
        found: EdgeFound | None,
        text: Callable[[int], str],
        colors: Mapping[Head, QColor],
    ) -> None:
        """Draw an answer.

        Args:
            found: what to draw; None for nothing.
            text: how a token is written.
            colors: of the heads that have a hue in the graph.
        """
        self._found, self._text, self._colors = found, text, colors
        self._row = 0
        self._describe()
        self.lay_out()
        self.redraw()

    def set_along(self, along: bool) -> None:
        """Tokens of what comes along the edge alone, or of all that a head writes there."""
        self.along = along
        self._describe()
        self.redraw()

    def set_selected(self, head: int) -> None:
        """Mark the row of the selected head; -1 for none of them."""
        if head != self._selected:
            self._selected = head
            self.redraw()

    @property
    def found(self) -> EdgeFound | None:
        """What is drawn."""
        return self._found

    def tokens_of(self, row: int) -> list[tuple[str, float]]:
        """The tokens of a row with their logits, best first."""
        found = self._found
        if found is None:
            return []
        ids = found.carried_NK if self.along else found.promoted_NK
        scores = found.carried_score_NK if self.along else found.promoted_score_NK
        pairs = zip(ids[row].tolist(), scores[row].tolist(), strict=True)
        return [(self._text(id), score) for id, score in pairs]

    def sentence(self, row: int) -> str:
        """A row in words."""
        found = self._found
        if found is None:
            return ""
        head = int(found.head_N[row])
        said = (
            f"Head {found.asked.layer}.{head}: weight {percent(float(found.weight_H[head]))}, "
            f"writes {found.write_H[head]:.3g} along the edge, "
            f"{percent(float(found.share_H[head]))} of the stream's length"
        )
        tokens = ", ".join(f"“{text}” {score:+.2f}" for text, score in self.tokens_of(row))
        what = "what comes along the edge" if self.along else "all that it writes here"
        return f"{said}.\nLogits of {what}, directly: {tokens}" if tokens else f"{said}."

    def _describe(self) -> None:
        n = 0 if self._found is None else len(self._found.head_N)
        said = "\n".join(self.sentence(row).replace("\n", " ") for row in range(n))
        self.setAccessibleDescription(said)

    # ------------------------------------------------------------------------- places

    def lay_out(self) -> None:
        n = 0 if self._found is None else len(self._found.head_N)
        has_tokens = self._found is not None and bool(self._found.promoted_NK.size)
        high = self.maximumViewportSize().height()
        self._pitch = TWO_LINES if has_tokens and HEAD + n * TWO_LINES <= high else ROW
        whole = QRectF(0, 0, self.viewport().width(), HEAD + n * self._pitch).size()
        self.scroll_over(whole, QRectF(self.viewport().rect()).size())

    def row_at(self, at: QPoint) -> int | None:
        """The row under a point."""
        if self._found is None:
            return None
        row = math.floor((at.y() + self.scrolled.y() - HEAD) / self._pitch)
        return row if 0 <= row < len(self._found.head_N) else None

    def row_rect(self, row: int) -> QRectF:
        """Where a row is in the viewport."""
        top = HEAD + row * self._pitch - self.scrolled.y()
        return QRectF(0, top, self.viewport().width(), self._pitch)

    # ------------------------------------------------------------------------ painting

    def paint_ground(self, painter: QPainter) -> None:
        found, t = self._found, theme.current()
        if found is None:
            return
        width = self.viewport().width()
        small = theme.sans(theme.SMALL_FONT_SIZE)
        painter.setPen(t.color("dim"))
        x, middle = PAD, HEAD / 2 - self.scrolled.y()
        titles = ("head", NAME), ("weight", BAR + NUMBER), ("writes", BAR + NUMBER)
        for words, wide in titles:
            line(words, small, wide).draw(painter, x, middle)
            x += wide
        room = width - x - PAD
        if found.promoted_NK.size:
            words = "promotes, of this key alone" if self.along else "promotes here"
            line(words, small, max(10.0, room)).draw(painter, x, middle)
        most = max((v for v in found.share_H.tolist() if math.isfinite(v)), default=0.0)
        for row, head in enumerate(found.head_N.tolist()):
            self._paint_row(painter, row, head, most)

    def _paint_row(self, painter: QPainter, row: int, head: int, most: float) -> None:
        found, t = self._found, theme.current()
        assert found is not None
        box = self.row_rect(row)
        if head == self._selected:
            painter.fillRect(box, t.color("accent", 0.16))
        elif row == self._row and self.hasFocus():
            painter.fillRect(box, t.color("text", 0.08))
        mono, sans = theme.mono(theme.SMALL_FONT_SIZE), theme.sans(theme.SMALL_FONT_SIZE)
        middle, x = box.top() + ROW / 2, PAD
        color = self._colors.get((found.asked.layer, head))
        if color is not None:
            painter.fillRect(QRectF(x, middle - 4, 3, 8), color)
        painter.setPen(t.color("text"))
        line(f"{found.asked.layer}.{head}", mono, NAME - 8).draw(painter, x + 7, middle)
        x += NAME
        weight, share = float(found.weight_H[head]), float(found.share_H[head])
        for value, whole in ((weight, 1.0), (share, most)):
            if math.isfinite(value) and whole > 0:
                length = max(1.0, (BAR - 6) * min(1.0, value / whole))
                painter.fillRect(QRectF(x, middle - 4, length, 8), color or t.color("accent"))
            x += BAR
            painter.setPen(t.color("text"))
            line(percent(value), mono, NUMBER - 4).draw(painter, x, middle)
            x += NUMBER
        tokens = "   ".join(text for text, _ in self.tokens_of(row))
        if self._pitch > ROW:
            x, middle = PAD + 7, box.top() + ROW + 6
            painter.setPen(t.color("dim"))
        room = self.viewport().width() - x - PAD
        if tokens and room > 12:
            line(tokens, sans, room).draw(painter, x, middle)

    # ------------------------------------------------------------------ mouse and keys

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        row = self.row_at(at)
        if row is not None and self._found is not None:
            self._row = row
            self.head_chosen.emit(int(self._found.head_N[row]))

    def tooltip(self, at: QPoint) -> str:
        row = self.row_at(at)
        return "" if row is None else self.sentence(row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        found, key = self._found, Qt.Key(event.key())
        steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
        if found is None or not len(found.head_N):
            event.ignore()
        elif key in steps:
            self._row = min(max(0, self._row + steps[key]), len(found.head_N) - 1)
            self.scroll_to(self.row_rect(self._row), QRectF(self.viewport().rect()))
            self.redraw()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.head_chosen.emit(int(found.head_N[self._row]))
        else:
            event.ignore()
