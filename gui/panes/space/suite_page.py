"""A suite of analogies: its words, its score, and each analogy with the rank of its answer.

Knows an answer and names of rows; no store.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QPainter
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.base import column
from gui.panes.space.list_editor import ListEditor
from gui.panes.space.lists import SUITES
from gui.panes.space.rows import Rows
from gui.widgets.canvas import Canvas
from gui.widgets.text import Text
from model.space.questions.asks import Suite, SuiteFound
from model.space.words import SuiteRead

ROW = 20
TIP = (
    "A line of four words a b c d asks whether b − a + c is d: man king woman queen.\n"
    "Lines of two words are pairs: every pair is asked with every other of its heading.\n"
    "A line that begins with a colon is a heading."
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the result.

    Attributes:
        text: what it says.
        rank, rank_all: of the expected word; 0 in a heading.
        share: of a heading, how many are right; else NaN.
        typed: the sum as it would be typed; empty in a heading.
    """

    text: str
    rank: int = 0
    rank_all: int = 0
    share: float = float("nan")
    typed: str = ""


class SuiteList(Canvas):
    """Headings with their score, and below each its analogies, the wrong ones first.

    Signals:
        sum_chosen: a sum, as it would be typed.
    """

    sum_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Analogies with the rank of the expected word")
        self.lines: tuple[Line, ...] = ()
        self._current: int | None = None
        self._hovered: int | None = None

    def show_lines(self, lines: tuple[Line, ...]) -> None:
        """List these."""
        if lines != self.lines:
            self.lines = lines
            self._current = self._hovered = None
            self.lay_out()
            self.redraw()

    def lay_out(self) -> None:
        content = QSizeF(0, ROW * len(self.lines))
        self.scroll_over(content, QSizeF(self.viewport().size()))

    def line_box(self, index: int) -> QRectF:
        """The place of a line."""
        return QRectF(0, ROW * index - self.scrolled.y(), self.viewport().width(), ROW)

    def line_at(self, y: float) -> int | None:
        """The line at a height."""
        index = int((y + self.scrolled.y()) // ROW)
        return index if 0 <= index < len(self.lines) else None

    def paint_ground(self, painter: QPainter) -> None:
        first = max(0, int(self.scrolled.y() // ROW))
        last = first + self.viewport().height() // ROW + 2
        for index in range(first, min(last, len(self.lines))):
            self._paint(painter, self.lines[index], self.line_box(index), index == self._current)

    def _paint(self, painter: QPainter, line: Line, box: QRectF, lit: bool) -> None:
        t = theme.current()
        heading = not line.typed
        font = theme.mono(theme.SMALL_FONT_SIZE, bold=heading)
        painter.setFont(font)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        middle = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        if lit:
            painter.fillRect(box, t.color("accent_soft"))
        number = f"{line.share:.0%}" if heading else f"{line.rank:,}"
        if heading and line.share == line.share:
            bar = box.adjusted(0, ROW - 3, 0, -1)
            painter.fillRect(bar, t.color("raised"))
            done = QRectF(bar.left(), bar.top(), bar.width() * line.share, bar.height())
            painter.fillRect(done, t.color("good"))
        tone = "text" if heading else ("good" if line.rank == 1 else "negative")
        painter.setPen(t.color(tone))
        painter.drawText(box.adjusted(0, 0, -4, 0), right, number)
        room = box.width() - QFontMetricsF(font).horizontalAdvance(number) - 14
        text = QFontMetricsF(font).elidedText(line.text, Qt.TextElideMode.ElideRight, room)
        painter.setPen(t.color("text" if heading else "dim"))
        painter.drawText(box.adjusted(4, 0, 0, 0), middle, text)

    def paint_overlay(self, painter: QPainter) -> None:
        if self._hovered is not None and self._hovered < len(self.lines):
            painter.fillRect(self.line_box(self._hovered), theme.current().color("accent", 0.10))

    def hover(self, at: QPoint | None) -> None:
        index = None if at is None else self.line_at(at.y())
        if index != self._hovered:
            self._hovered = index
            self.viewport().update()

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        self._choose(self.line_at(at.y()))

    def _choose(self, index: int | None) -> None:
        if index is None or not self.lines[index].typed:
            return
        self._current = index
        self.redraw()
        self.sum_chosen.emit(self.lines[index].typed)

    def tooltip(self, at: QPoint) -> str:
        index = self.line_at(at.y())
        if index is None:
            return ""
        line = self.lines[index]
        if not line.typed:
            return f"{line.text}: the expected word is nearest in {line.share:.1%}"
        return (
            f"{line.text}\nThe expected word is number {line.rank:,} without the three words of "
            f"the sum, {line.rank_all:,} with them.\nClick shows it in space."
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down) and self.lines:
            step = -1 if key == Qt.Key.Key_Up else 1
            at = -1 if self._current is None else self._current
            self._choose(next((i for i in self._from(at, step) if self.lines[i].typed), None))
        else:
            super().keyPressEvent(event)

    def _from(self, at: int, step: int) -> range:
        return range(at + 1, len(self.lines)) if step > 0 else range(at - 1, -1, -1)


class SuitePage(QWidget):
    """The page.

    Attributes:
        editor: the words.
        summary: the score.
        list: the analogies.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.editor = ListEditor(SUITES, "Score", TIP)
        self.summary = Text(
            "Press Score: of how many analogies is the expected word the nearest?",
            tone="dim",
            font=theme.sans(theme.SMALL_FONT_SIZE),
            wrap=True,
        )
        self.list = SuiteList()
        inner = column(self, margin=0, spacing=theme.TIGHT)
        inner.addWidget(self.editor)
        inner.addWidget(self.summary)
        inner.addWidget(self.list, 1)

    def say(self, sentence: str, tone: str = "dim") -> None:
        """Why there is no score, or that it comes."""
        self.summary.set_tone(tone)
        self.summary.setText(sentence)

    def show_found(self, found: SuiteFound, rows: Rows, read: SuiteRead | None) -> None:
        """The score so far, and all analogies that were answered."""
        self.say(summary(found, read), "text")
        self.list.show_lines(lines_of(found, rows))


def summary(found: SuiteFound, read: SuiteRead | None) -> str:
    """The score in a sentence, with what was left out."""
    question = found.question
    assert isinstance(question, Suite)
    n = len(found.ranks_Q2)
    said = (
        f"{found.score():.0%} of {n:,} {'analogy' if n == 1 else 'analogies'} right, the three "
        f"words left out; {found.score(inputs=True):.0%} with them, {found.score(top=5):.0%} "
        "among the first 5."
    )
    if found.share < 1:
        said = f"{found.share:.0%} done. {said}"
    if read is not None and read.n_all > len(read.fours):
        said += f" A part: {len(read.fours):,} of {read.n_all:,}."
    if read is not None and read.skipped:
        some = ", ".join(f"“{word}”" for word in read.skipped[:4])
        more = f" and {len(read.skipped) - 4:,} more" if len(read.skipped) > 4 else ""
        said += f" Not one row each, so left out: {some}{more}."
    return said


def lines_of(found: SuiteFound, rows: Rows) -> tuple[Line, ...]:
    """Headings and analogies, in each heading the worst first."""
    question = found.question
    assert isinstance(question, Suite)
    n = len(found.ranks_Q2)
    groups = question.groups[:n] or ("",) * n
    lines: list[Line] = []
    for group in dict.fromkeys(groups):
        of_group = [at for at in range(n) if groups[at] == group]
        title = f"{group or 'analogies'}  ({len(of_group):,})"
        lines.append(Line(title, share=found.score(group=group if question.groups else None)))
        for at in sorted(of_group, key=lambda at: -int(found.ranks_Q2[at, 0])):
            a, b, c, d = question.fours[at]
            words = [rows.text(row).strip("· ") for row in (a, b, c, d)]
            got = rows.text(int(found.answers_Q[at])).strip("· ")
            text = f"{words[0]} − {words[1]} + {words[2]} = {got}"
            if int(found.ranks_Q2[at, 0]) != 1:
                text += f", not {words[3]}"
            lines.append(
                Line(
                    text,
                    int(found.ranks_Q2[at, 0]),
                    int(found.ranks_Q2[at, 1]),
                    typed=f"#{a} - #{b} + #{c} = #{d}",
                )
            )
    return tuple(lines)
