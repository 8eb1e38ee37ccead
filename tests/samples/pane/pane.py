"""The length of every token's residual stream, as a bar each.

Asks `tests.samples.stream_length` and draws its answer; moves the position of the selection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.base import Pane
from gui.session.store import Store
from model.probe.question import Question
from tests.samples.pane import ENTRY
from tests.samples.stream_length.asks import StreamLength, StreamLengthFound

ROW = 18
LABEL = 60
NUMBER = 54


class StreamLengthPane(Pane):
    """A row a token: its text, a bar as long as its vector, and the number.

    Attributes:
        order: the position that each row shows, from the top.
        numbers: what is written at the end of each row.
    """

    entry = ENTRY

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self.order: tuple[int, ...] = ()
        self.numbers: tuple[str, ...] = ()
        self._sorted = False
        self._to_longest = False
        self._drawn: StreamLengthFound | None = None
        self._tokens: tuple[str, ...] = ()
        self._problem = ""
        # Which row is lit depends on no answer: it is drawn again at once.
        store.selection_changed.connect(self.update)

    # ------------------------------------------------------------ what is asked and known

    def questions(self) -> Mapping[str, Question]:
        return {"lengths": StreamLength(self.store.selection.layer)}

    # -------------------------------------------------------------------------- commands

    def toggle_sorted(self) -> None:
        """The longest first, or in the order of the text."""
        self._sorted = not self._sorted
        self.invalidate()

    def select_longest(self) -> None:
        """Go to the token whose vector is longest, as soon as that is known."""
        self._to_longest = True
        self.invalidate()

    # ---------------------------------------------------------------------- what is drawn

    def refresh(self) -> None:
        """Take the newest answer, with the tokens of its own prompt, whatever is typed by now."""
        slot = self.slot("lengths")
        self._drawn = self.answered("lengths", StreamLengthFound)
        self._problem = "" if slot is None else slot.problem
        read = None if slot is None else slot.read
        tokens = () if self._drawn is None or read is None else read.tokens
        self._tokens = tuple(token.bytes.decode(errors="replace") for token in tokens)
        lengths_T = np.zeros(0) if self._drawn is None else self._drawn.lengths_T
        order = np.argsort(-lengths_T) if self._sorted else np.arange(lengths_T.size)
        self.order = tuple(int(position) for position in order)
        self.numbers = tuple(f"{lengths_T[position]:.4f}" for position in self.order)
        if self._to_longest and slot is not None and slot.is_current:
            self._to_longest = False
            self.store.select(position=int(lengths_T.argmax()))
        self.update()

    def header_note(self) -> str:
        if self._drawn is None:
            return ""
        assert isinstance(self._drawn.question, StreamLength)
        return self._drawn.question.activation

    def export_data(self) -> Mapping[str, NDArray[Any]]:
        if self._drawn is None:
            return {}
        columns = self._drawn.arrays()["length"].columns()
        return {"position": columns["position"], "length": columns["value"]}

    def remember(self) -> dict[str, Any]:
        return {"sorted": self._sorted}

    def recall(self, kept: Mapping[str, Any]) -> None:
        self._sorted = kept.get("sorted") is True

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self._drawn is None or self._problem:
            painter.setPen(theme.current().color("dim"))
            words = self._problem or "Type a prompt to see how long each token's vector is."
            how = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect(), how, words)
        else:
            self._draw_rows(painter, self._drawn.lengths_T)
        waiting = self.store.asked.waits(self.key)
        if waiting is not None:
            line = QRectF(0, 0, self.width() * max(waiting.share, 0.02), 2)
            painter.fillRect(line, theme.current().color("accent"))
        painter.end()

    def _draw_rows(self, painter: QPainter, lengths_T: NDArray[Any]) -> None:
        t = theme.current()
        room = self.width() - LABEL - NUMBER - 2 * theme.SPACE
        unit = room / max(float(lengths_T.max()), 1e-9)
        for row, (position, number) in enumerate(zip(self.order, self.numbers)):
            top = theme.SPACE + row * ROW
            bar = QRectF(LABEL, top + 3, unit * float(lengths_T[position]), ROW - 6)
            painter.setPen(t.color("text"))
            painter.setFont(theme.sans())
            painter.drawText(theme.SPACE, top + ROW - 5, self._tokens[position])
            lit = position == self.store.selection.position
            painter.fillRect(bar, t.color("accent" if lit else "dim"))
            painter.setFont(theme.mono())
            painter.drawText(round(bar.right()) + theme.SPACE, top + ROW - 5, number)
