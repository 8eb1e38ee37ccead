"""One draw as a picture: the probabilities laid end to end, and where the random number fell.

Draws one `Drawn`. Knows the theme; no store, no model.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QHelpEvent, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui import theme
from gui.widgets.text import as_written, ink_on
from gui.widgets.tips import Tips
from model.sampling import Drawn

MARK = 5.0
"""Height of the mark of the random number above the bar."""
BAR = 14.0
WORDS = 16.0
PAD = 3.0
"""Left and right of a name inside its part."""


class DrawStrip(QWidget):
    """A bar from 0 to 1, a mark on it, and a line that says so.

    The parts lie in the order of their tokens' ids, as in the draw itself; of those that are not
    told one by one only the room is seen.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        Tips(self, self.show_tip)
        self._drawn: Drawn | None = None
        self._name: Callable[[int], str] = str
        self._font = theme.mono(theme.SMALL_FONT_SIZE - 0.5)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("The last draw")

    def show_draw(self, drawn: Drawn, name: Callable[[int], str]) -> None:
        """Show a draw.

        Args:
            drawn: where the number fell.
            name: a token's bytes made visible.
        """
        if drawn is not self._drawn:
            self._drawn, self._name = drawn, name
            self.setAccessibleDescription(self.sentence)
            self.update()

    @property
    def drawn(self) -> Drawn | None:
        """What is shown."""
        return self._drawn

    @property
    def sentence(self) -> str:
        """Where the number fell, in words."""
        drawn = self._drawn
        if drawn is None:
            return ""
        return (
            f"u {drawn.u:.4f} fell on {self._name(drawn.token_id)}, "
            f"{drawn.start:.3f} to {drawn.stop:.3f}"
        )

    def part(self, start: float, width: float) -> QRectF:
        """Where a part of the bar lies."""
        whole = self.width() - 1
        return QRectF(0.5 + start * whole, MARK + 1, width * whole, BAR)

    def part_at(self, x: float) -> int | None:
        """The token whose part lies at a place; None where no single one is told."""
        drawn = self._drawn
        if drawn is None:
            return None
        at = (x - 0.5) / max(1, self.width() - 1)
        for token_id, start, width in zip(drawn.ids, drawn.starts, drawn.widths, strict=True):
            if start <= at < start + width:
                return token_id
        return None

    def sizeHint(self) -> QSize:
        return QSize(200, round(MARK + BAR + WORDS + 3))

    def minimumSizeHint(self) -> QSize:
        return QSize(80, round(MARK + BAR + WORDS + 3))

    def paintEvent(self, event: QPaintEvent) -> None:
        drawn = self._drawn
        if drawn is None:
            return
        t = theme.current()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setFont(self._font)
            painter.setPen(t.color("line"))
            painter.setBrush(t.color("track"))
            painter.drawRect(self.part(0, 1))
            for token_id, start, width in zip(drawn.ids, drawn.starts, drawn.widths, strict=True):
                self._paint_part(painter, token_id, self.part(start, width))
            x = self.part(drawn.u, 0).left()
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(t.color("text"))
            mark = [QPointF(x - 4, 0), QPointF(x + 4, 0), QPointF(x, MARK)]
            painter.drawPolygon(QPolygonF(mark))
            painter.fillRect(QRectF(round(x) - 1, MARK, 2, BAR + 2), t.color("text"))
            painter.setPen(t.color("dim"))
            box = QRectF(0, MARK + BAR + 2, self.width(), WORDS)
            words = QFontMetricsF(self._font).elidedText(
                self.sentence, Qt.TextElideMode.ElideRight, box.width()
            )
            painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter), words)

    def _paint_part(self, painter: QPainter, token_id: int, box: QRectF) -> None:
        t = theme.current()
        assert self._drawn is not None
        hit = token_id == self._drawn.token_id
        fill = t.color("accent") if hit else t.color("active")
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawRect(box)
        if box.width() > 3:  # parts that touch are told apart
            painter.fillRect(QRectF(box.right() - 1, box.top(), 1, box.height()), t.color("panel"))
        metrics = QFontMetricsF(self._font)
        name = self._name(token_id)
        if metrics.horizontalAdvance(name) + 2 * PAD <= box.width():
            painter.setPen(ink_on(fill))
            painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), name)

    def show_tip(self, event: QHelpEvent) -> None:
        """Say what there is to say where the mouse is."""
        QToolTip.showText(event.globalPos(), as_written(self._tip(event.pos().x())), self)

    def _tip(self, x: float) -> str:
        drawn = self._drawn
        if drawn is None:
            return ""
        token_id = self.part_at(x)
        lines = [
            "A random number u between 0 and 1 falls on one of the tokens, whose probabilities lie "
            "end to end, in the order of their ids.",
            self.sentence,
        ]
        if token_id is not None:
            at = drawn.ids.index(token_id)
            start, width = drawn.starts[at], drawn.widths[at]
            lines.append(f"Here: {self._name(token_id)}   p = {width:.6g}, from {start:.6g}")
        return "\n".join(lines)
