"""The length of every token's residual stream, as a bar each.

Draws what the trace of the store holds; moves the position of the selection.
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
from tests.samples.pane import ENTRY

ROW = 18
LABEL = 90


class StreamLengthPane(Pane):
    """A row a token: its text, and a bar as long as its vector.

    Attributes:
        order: the position that each row shows, from the top.
    """

    entry = ENTRY

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self.order: tuple[int, ...] = ()
        self._sorted = False
        self._lengths: NDArray[np.floating] = np.zeros(0)
        for signal in (store.trace_changed, store.selection_changed, store.activation_changed):
            signal.connect(self.invalidate)

    @property
    def tensor(self) -> str:
        """The tensor whose rows are measured."""
        return f"blocks.{self.store.selection.layer}.hook_resid_post"

    def toggle_sorted(self) -> None:
        """The longest first, or in the order of the text."""
        self._sorted = not self._sorted
        self.invalidate()

    def select_longest(self) -> None:
        """Go to the token whose vector is longest."""
        lengths = self._measured()
        if lengths.size:
            self.store.select(position=int(lengths.argmax()))

    def refresh(self) -> None:
        self._lengths = self._measured()
        order = np.argsort(-self._lengths) if self._sorted else np.arange(self._lengths.size)
        self.order = tuple(int(position) for position in order)
        self.update()

    def header_note(self) -> str:
        return self.tensor if self._lengths.size else ""

    def export_data(self) -> Mapping[str, NDArray[Any]]:
        lengths = self._measured()
        return {"position": np.arange(lengths.size), "length": lengths} if lengths.size else {}

    def remember(self) -> dict[str, Any]:
        return {"sorted": self._sorted}

    def recall(self, kept: Mapping[str, Any]) -> None:
        self._sorted = kept.get("sorted") is True

    def _measured(self) -> NDArray[np.floating]:
        stream_BTD = self.store.activation(self.tensor)
        return np.zeros(0) if stream_BTD is None else np.linalg.norm(stream_BTD[0], axis=1)

    def paintEvent(self, event: QPaintEvent) -> None:
        t, trace = theme.current(), self.store.trace
        painter = QPainter(self)
        if trace is None or not self.order or trace.n_tokens != self._lengths.size:
            painter.setPen(t.color("dim"))
            words = "Type a prompt to see how long each token's vector is."
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, words)
        else:
            unit = (self.width() - LABEL - 2 * theme.SPACE) / float(self._lengths.max())
            for row, position in enumerate(self.order):
                top = theme.SPACE + row * ROW
                bar = QRectF(LABEL, top + 3, unit * float(self._lengths[position]), ROW - 6)
                painter.setPen(t.color("text"))
                text = trace.tokens[position].bytes.decode(errors="replace")
                painter.drawText(theme.SPACE, top + ROW - 5, text)
                lit = position == self.store.selection.position
                painter.fillRect(bar, t.color("accent" if lit else "dim"))
        painter.end()
