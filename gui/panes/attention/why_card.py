"""A card that says why a head's query attends to a key.

A sentence, the score as a small map (parts of the query's side down, of the key's side across), and
the pairs that make most of it. Knows an answer and units; no store.
"""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.attention import why_difference, why_words
from gui.panes.attention.pair_bars import ROW, Bar, PairBars
from gui.panes.attention.units import Units
from gui.panes.attention.why_difference import WhyDifference
from gui.widgets.control_button import ControlButton
from gui.widgets.heat_map.heat_map import HeatMap
from gui.widgets.heat_map.layout import HeatMapContent
from gui.widgets.text import Text
from model.config import TransformerConfig
from model.probe.question import Array
from model.probe.why_attends.asks import WhyAttends, WhyAttendsFound

PAD = 8
HEAD = 26
MOST = 8
LOW = 300
"""Lower cards have the map at the left, logical pixels."""
HOW = "Choose a key that the query reads: click a cell of the matrix or of a head's tile."


class WhyCard(QWidget):
    """The widget.

    Signals:
        closed: its cross was clicked, or Esc pressed.

    Attributes:
        map: the score by parts.
        bars: the strongest pairs.
    """

    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("Why a head attends")
        self.setAutoFillBackground(True)
        self._found: WhyAttendsFound | None = None
        self._apart: WhyDifference | None = None
        self._units: Units | None = None
        self._title = Text("", self, font=theme.sans())
        self._close = ControlButton("press", self, sign="close")
        self._close.setToolTip("Close (Esc)")
        self._close.setAccessibleName("Close")
        self._close.clicked.connect(self.closed)
        self._says = Text("", self, wrap=True)
        self._note = Text("", self, tone="dim", font=theme.sans(theme.SMALL_FONT_SIZE))
        self.map = HeatMap(self)
        self.map.setAccessibleName("Score by what wrote query and key")
        self.map.describe = self._describe
        self.map.set_fit(True)
        self.bars = PairBars(self)
        self.hide()

    @property
    def found(self) -> WhyAttendsFound | None:
        """What is drawn; None where a sentence stands instead."""
        return self._found

    @property
    def apart(self) -> WhyDifference | None:
        """Both sides, where their difference is drawn."""
        return self._apart

    @property
    def text(self) -> str:
        """What the card says, line by line."""
        parts = (self._title.text(), self._says.text(), self._note.text())
        return "\n".join(part for part in parts if part)

    def say(self, text: str) -> None:
        """A sentence in place of an answer: what to do, or why there is none."""
        self._found = self._apart = None
        self._title.setText("Why does a query attend to a key?")
        self._says.setText(text)
        self._note.setText("")
        self.map.set_content(None)
        self.bars.set_bars(())
        self._lay_out()

    def show_answer(
        self, found: WhyAttendsFound, units: Units, config: TransformerConfig, alone: str = ""
    ) -> None:
        """Draw an answer about these tokens.

        Args:
            found: the answer.
            units: tokens of its prompt.
            config: of its model.
            alone: of a comparison, why this side stands alone; empty where nothing is compared.
        """
        self._found, self._units, self._apart = found, units, None
        self._name(found, units)
        self._says.setText(f"{why_words.summary(found)} {alone}".strip())
        self._tell(why_words.remainder(found, config))
        self._draw(
            found.values_QK,
            (found.query_parts, found.key_parts),
            ("what each pair adds to the score", "adds to the score"),
            found.strongest(MOST),
        )

    def show_difference(
        self, found: WhyAttendsFound, units: Units, apart: WhyDifference, other: Units
    ) -> None:
        """Draw B − A.

        Args:
            found: the answer of the side in view.
            units: tokens of its prompt.
            apart: both sides, subtracted.
            other: tokens of the other side's prompt.
        """
        self._found, self._units, self._apart = found, units, apart
        self._name(found, units)
        theirs = why_difference.other_tokens(apart, units, other)
        said = f"{why_difference.summary(apart)} {theirs and f'Beside it {theirs}.'}"
        self._says.setText(said.strip())
        self._tell(why_difference.remainder(apart))
        name = apart.sides.difference
        self._draw(
            apart.values_QK,
            (apart.query_parts, apart.key_parts),
            (f"what each pair adds to the score, {name}", f"adds to the score, {name}", name),
            apart.strongest(MOST),
        )

    def _name(self, found: WhyAttendsFound, units: Units) -> None:
        question = found.question
        assert isinstance(question, WhyAttends)
        self._title.setText(why_words.title(units, question.query, question.key))
        self._title.setToolTip(f"layer {question.layer} · head {question.head}")

    def _tell(self, note: str) -> None:
        self._note.setText(note)
        self._note.setToolTip(note)

    def _draw(
        self,
        values: Array,
        parts: tuple[tuple[str, ...], tuple[str, ...]],
        adds: tuple[str, ...],
        strongest: list[tuple[str, str, float]],
    ) -> None:
        """The map of the pairs, and the strongest of them."""
        found, units = self._found, self._units
        assert found is not None
        assert units is not None
        finite = np.abs(values[np.isfinite(values)])
        many = max(values.shape) > why_words.MANY
        rows, columns = (
            tuple(why_words.short(part, letters=many) for part in side) for side in parts
        )
        self.map.set_content(
            HeatMapContent(
                values_RC=values,
                row_labels=rows,
                column_labels=columns,
                row_title="query's",
                column_title="key's",
                kind="diverging",
                limit=float(finite.max(initial=0.0)) or 1.0,
                value_title=tuple(f"{words} · {why_words.LETTERS}" for words in adds) + adds
                if many
                else adds,
                digits=1,
            )
        )
        self.bars.set_bars(
            tuple(
                Bar(why_words.brief(one, other), value, why_words.pair(found, units, one, other))
                for one, other, value in strongest
                if not math.isnan(value)
            )
        )
        self._lay_out()

    def _describe(self, row: int, column: int) -> str:
        found, units, apart = self._found, self._units, self._apart
        if found is None or units is None:
            return ""
        if apart is not None:
            pair = apart.query_parts[row], apart.key_parts[column]
            return (
                f"{why_difference.cell(apart, row, column)}\n{why_words.pair(found, units, *pair)}"
            )
        one, other = found.query_parts[row], found.key_parts[column]
        value = float(found.values_QK[row, column])
        share = f" · {value / found.score:.0%} of the score" if found.score else ""
        return f"{value:+.4f}{share}\n{why_words.pair(found, units, one, other)}"

    # ------------------------------------------------------------------------- places

    def _lay_out(self) -> None:
        width, height = self.width() - 2 * PAD, self.height()
        self._title.setGeometry(PAD, 4, max(20, width - 30), HEAD)
        self._close.setGeometry(QRect(self.width() - 30, 4, 26, 24))
        there = self._found is not None
        for part in (self.map, self.bars, self._note):
            part.setVisible(there)
        y, left, room = HEAD + 6, PAD, width
        beside = there and height < LOW and width >= 280
        if beside:  # little height: the map has all of it, the words stand beside
            self.map.setGeometry(PAD, HEAD + 4, round(0.46 * width), height - HEAD - 28)
            left = PAD + round(0.46 * width) + 8
            room = PAD + width - left
        says = min(max(20, self._says.heightForWidth(room)), max(20, height - y - 20))
        self._says.setGeometry(left, y, room, says)
        y += says + 6
        if not there:
            return
        bottom = height - 22
        self._note.setGeometry(PAD, bottom, width, 20)
        if beside:
            self.bars.setGeometry(left, y, room, max(0, bottom - y - 4))
            return
        wide = width > 1.7 * (bottom - y)
        lines = min(len(self.bars.bars), MOST)
        if wide:  # side by side
            half = round(0.56 * width)
            self.map.setGeometry(PAD, y, half, bottom - y - 4)
            self.bars.setGeometry(PAD + half + 8, y + 4, width - half - 8, bottom - y - 8)
            return
        while lines > 3 and lines * ROW > 0.36 * (bottom - y):
            lines -= 1
        bars = lines * ROW
        self.map.setGeometry(PAD, y, width, max(40, bottom - y - bars - 8))
        self.bars.setGeometry(PAD, bottom - bars - 4, width, bars)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def sizeHint(self) -> QSize:
        return QSize(380, 380)

    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.current()
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), t.color("panel"))
            painter.setPen(QPen(t.color("line"), 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)
