"""Pairs along a direction: a plot of their dot products, and whether they are in order.

Knows an answer and names of rows; no store.
"""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QPushButton, QWidget

from gui import theme
from gui.panes.base import column
from gui.panes.space.list_editor import ListEditor
from gui.panes.space.lists import DIRECTIONS
from gui.panes.space.rows import Rows
from gui.widgets.canvas import Canvas
from gui.widgets.text import Text
from model.counting import counted
from model.space.questions.asks import Along, AlongFound
from model.space.words import PairsRead

ROW = 24
AXIS = 18
TIP = (
    "A line of two words is a pair; the direction goes from the second words to the first.\n"
    "Each pair is looked at along the direction of all others. After a line of --- stand pairs\n"
    "that are only looked at, and single words."
)


class PairPlot(Canvas):
    """A row a pair: both words at their dot product with the direction, an arrow from b to a.

    Signals:
        row_chosen: a row of the table was clicked.
    """

    row_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Dot products of pairs with the direction")
        self.found: AlongFound | None = None
        self._rows: Rows | None = None
        self._hovered: int | None = None

    def show_found(self, found: AlongFound | None, rows: Rows) -> None:
        """Draw this answer."""
        if found is not self.found:
            self.found, self._rows = found, rows
            self._hovered = None
            self.lay_out()
            self.redraw()

    @property
    def order(self) -> list[tuple[tuple[int, ...], tuple[float, ...]]]:
        """What is drawn in each line: rows and their dot products, the widest apart first."""
        found = self.found
        if found is None:
            return []
        pairs = [
            (pair, (float(dots[0]), float(dots[1])))
            for pair, dots in zip(found.looked, found.dots_P2)
        ]
        pairs.sort(key=lambda line: line[1][1] - line[1][0])
        question = found.question
        assert isinstance(question, Along)
        singles = sorted(zip(question.singles, found.singles_S.tolist()), key=lambda line: -line[1])
        return [*pairs, *(((row,), (dot,)) for row, dot in singles)]

    def lay_out(self) -> None:
        content = QSizeF(0, AXIS + ROW * len(self.order))
        self.scroll_over(content, QSizeF(self.viewport().size()))

    def limits(self) -> tuple[float, float]:
        """The least and the largest dot product that the axis holds; zero is always on it."""
        dots = [dot for _, line in self.order for dot in line] or [0.0, 1.0]
        low, high = min(0.0, *dots), max(0.0, *dots)
        room = 0.04 * (high - low) or 1.0
        return low - room, high + room

    def x_of(self, dot: float) -> float:
        """Where a dot product lies."""
        low, high = self.limits()
        return 8 + (self.viewport().width() - 16) * (dot - low) / (high - low)

    def y_of(self, index: int) -> float:
        """The height of a line's dots."""
        return AXIS + ROW * index + 16 - self.scrolled.y()

    def paint_ground(self, painter: QPainter) -> None:
        t = theme.current()
        if self.found is None:
            return
        zero = self.x_of(0.0)
        painter.setPen(QPen(t.color("line"), 1))
        painter.drawLine(QPointF(zero, AXIS), QPointF(zero, self.viewport().height()))
        for index, (rows, dots) in enumerate(self.order):
            y = self.y_of(index)
            if AXIS - ROW < y < self.viewport().height() + ROW:
                self._paint_line(painter, y, rows, dots)
        painter.fillRect(QRectF(0, 0, self.viewport().width(), AXIS), t.color("panel"))
        painter.setFont(theme.mono(theme.SMALL_FONT_SIZE - 0.5))
        painter.setPen(t.color("dim"))
        low, high = self.limits()
        box = QRectF(4, 0, self.viewport().width() - 8, AXIS)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(box, middle | Qt.AlignmentFlag.AlignLeft, f"{low:.2g}")
        painter.drawText(box, middle | Qt.AlignmentFlag.AlignRight, f"{high:.2g}")
        painter.drawText(box, middle | Qt.AlignmentFlag.AlignHCenter, "dot product")

    def _paint_line(
        self, painter: QPainter, y: float, rows: tuple[int, ...], dots: tuple[float, ...]
    ) -> None:
        t = theme.current()
        assert self._rows is not None
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        right_way = len(dots) < 2 or dots[0] > dots[1]
        tone = "good" if right_way else "negative"
        places = [self.x_of(dot) for dot in dots]
        if len(places) == 2:
            painter.setPen(QPen(t.color(tone, 0.8), 1.6))
            painter.drawLine(QPointF(places[1], y), QPointF(places[0], y))
        font = theme.mono(theme.SMALL_FONT_SIZE - 0.5)
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        texts = [self._rows.text(row).strip("· ") for row in rows]
        boxes = _labels(texts, places, metrics, self.viewport().width())
        for at, (place, text) in enumerate(zip(places, texts)):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(t.color(tone if at == 0 else "dim"))
            painter.drawEllipse(QPointF(place, y), 3.2, 3.2)
            painter.setPen(t.color("text" if at == 0 else "dim"))
            painter.drawText(QPointF(boxes[at], y - 5), text)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def paint_overlay(self, painter: QPainter) -> None:
        if self._hovered is not None:
            box = QRectF(0, self.y_of(self._hovered) - 15, self.viewport().width(), ROW)
            painter.fillRect(box, theme.current().color("accent", 0.10))

    def line_at(self, y: float) -> int | None:
        """The line at a height."""
        index = int((y - AXIS + self.scrolled.y()) // ROW)
        return index if y >= AXIS and 0 <= index < len(self.order) else None

    def hover(self, at: QPoint | None) -> None:
        index = None if at is None else self.line_at(at.y())
        if index != self._hovered:
            self._hovered = index
            self.viewport().update()

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        index = self.line_at(at.y())
        if index is not None:
            rows, dots = self.order[index]
            nearest = min(range(len(rows)), key=lambda i: abs(self.x_of(dots[i]) - at.x()))
            self.row_chosen.emit(rows[nearest])

    def tooltip(self, at: QPoint) -> str:
        index = self.line_at(at.y())
        if index is None or self._rows is None:
            return ""
        rows, dots = self.order[index]
        lines = [f"{self._rows.text(row)}  {dot:.4f}" for row, dot in zip(rows, dots)]
        return "\n".join([*lines, "Its dot product with the direction, which is 1 long."])


class AlongPage(QWidget):
    """The page.

    Attributes:
        editor: the pairs.
        summary: what came out.
        plot: the picture.
        across: draws the direction as the first axis of the cloud.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.editor = ListEditor(DIRECTIONS, "Project", TIP)
        self.summary = Text(
            "Press Project: does the direction of these pairs order pairs that it was not made of?",
            tone="dim",
            font=theme.sans(theme.SMALL_FONT_SIZE),
            wrap=True,
        )
        self.plot = PairPlot()
        self.across = QPushButton("Draw it across")
        self.across.setAccessibleName("Draw the direction across")
        self.across.setToolTip("Make this direction the first axis of the cloud")
        self.across.setEnabled(False)
        inner = column(self, margin=0, spacing=theme.TIGHT)
        inner.addWidget(self.editor)
        inner.addWidget(self.summary)
        inner.addWidget(self.plot, 1)
        inner.addWidget(self.across)

    def say(self, sentence: str, tone: str = "dim") -> None:
        """Why there is no picture."""
        self.summary.set_tone(tone)
        self.summary.setText(sentence)

    def show_found(self, found: AlongFound, rows: Rows, read: PairsRead | None) -> None:
        """The picture and what it says."""
        self.say(summary(found, read), "text")
        self.plot.show_found(found, rows)
        self.across.setEnabled(True)


def summary(found: AlongFound, read: PairsRead | None) -> str:
    """How many pairs are in order, in a sentence."""
    question = found.question
    assert isinstance(question, Along)
    n = len(found.looked)
    said = ""
    if n:
        held = (
            "that were held out" if question.held_out else "each along the direction of the others"
        )
        said = f"{found.ordered} of {counted(n, 'pair')} in order, {held}. "
        said += (
            f"A pair's step has a cosine of {float(found.cosines_P.mean()):.2f} with it on average."
        )
    elif question.singles:
        said = f"{counted(len(question.singles), 'word')} along the direction."
    if read is not None and read.skipped:
        some = ", ".join(f"“{word}”" for word in read.skipped[:4])
        more = f" and {len(read.skipped) - 4:,} more" if len(read.skipped) > 4 else ""
        said += f" Not one row each, so left out: {some}{more}."
    return said


def _labels(
    texts: list[str], places: list[float], metrics: QFontMetricsF, width: float
) -> list[float]:
    """Where names begin: over their dots, inside the plot, never over each other."""
    widths = [metrics.horizontalAdvance(text) for text in texts]
    lefts = [min(max(2.0, x - w / 2), width - w - 2) for x, w in zip(places, widths)]
    if len(lefts) == 2:
        left, right = (0, 1) if places[0] <= places[1] else (1, 0)
        overlap = lefts[left] + widths[left] + 6 - lefts[right]
        if overlap > 0:
            lefts[left] -= overlap / 2
            lefts[right] += overlap / 2
            under = max(0.0, 2.0 - lefts[left])
            over = max(0.0, lefts[right] + widths[right] + 2 - width)
            lefts = [x + under - over for x in lefts]
    return lefts
