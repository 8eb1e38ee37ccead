"""A card about one edge of the graph: the heads that carry it and what each promotes there.

Knows an answer and tokens; no store.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui import theme
from gui.panes.attention.edge_rows import EdgeRows
from gui.panes.attention.edges import Head
from gui.panes.attention.words import percent
from gui.widgets.control_button import ControlButton
from gui.widgets.nest import nest
from gui.widgets.segments import Segments
from gui.widgets.text import Text
from model.probe.edge.asks import EdgeFound
from model.tokenizer.tokens import Token

DIRECT = "Directly: through the final norm as it is here and the unembedding, past later layers."


class EdgeCard(QWidget):
    """The widget.

    Signals:
        closed: its cross was clicked, or Esc pressed.
        head_chosen: a head of the layer.
        position_chosen: one of the two tokens.

    Attributes:
        rows: the heads.
        query_button, key_button: the tokens; they select their positions.
        which: tokens of all that a head writes, or of what comes along the edge.
    """

    closed = Signal()
    head_chosen = Signal(int)
    position_chosen = Signal(int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("An edge of the graph: its heads")
        self.setAutoFillBackground(True)
        small = theme.sans(theme.SMALL_FONT_SIZE)
        self._found: EdgeFound | None = None
        self._side = ""
        self.query_button = self._token_button("the token that reads")
        self.key_button = self._token_button("the token that is read")
        self._reads = Text("reads", self, tone="dim", font=small)
        self.close_button = ControlButton("press", self, sign="close")
        self.close_button.setToolTip("Close (Esc)")
        self.close_button.setAccessibleName("Close the card of the edge")
        self.close_button.clicked.connect(self.closed)
        self.says = Text("", self, wrap=True)
        self.which = Segments(self, font=small)
        self.which.setAccessibleName("Which tokens")
        self.which.add("all", "all it writes", f"Tokens that the head promotes here. {DIRECT}")
        self.which.add("along", "this key", f"Of what comes along this edge alone. {DIRECT}")
        self.which.set_current("all")
        self.which.chosen.connect(self._choose)
        self.note = Text("", self, tone="dim", font=small, wrap=True)
        self.rows = EdgeRows(self)
        self.rows.head_chosen.connect(self.head_chosen)
        first = QHBoxLayout()
        first.setSpacing(theme.TIGHT)
        for widget in (self.query_button, self._reads, self.key_button):
            first.addWidget(widget)
        first.addStretch(1)
        first.addWidget(self.close_button)
        second = QHBoxLayout()
        second.addWidget(self.which)
        second.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.SPACE, theme.TIGHT, theme.TIGHT, theme.TIGHT)
        layout.setSpacing(theme.TIGHT)
        nest(layout, first)
        layout.addWidget(self.says)
        nest(layout, second)
        layout.addWidget(self.rows, 1)
        layout.addWidget(self.note)
        self.hide()

    def _token_button(self, what: str) -> ControlButton:
        button = ControlButton("press", self)
        button.setToolTip(f"Select {what}")
        button.setAccessibleName(f"Select {what}")
        button.clicked.connect(self._on_token)
        return button

    @property
    def text(self) -> str:
        """What the card says, line by line."""
        title = f"{self.query_button.text()} reads {self.key_button.text()}"
        return "\n".join(filter(None, (title, self.says.text(), self.note.text())))

    def say(self, tokens: Sequence[Token], query: int, key: int, text: str) -> None:
        """A sentence in place of an answer: that it comes, or why there is none."""
        self._found = None
        self._name(tokens, query, key)
        self.says.setText(text)
        self.note.setText("")
        self.which.hide()
        self.rows.show_answer(None, str, {})

    def show_answer(
        self,
        found: EdgeFound,
        tokens: Sequence[Token],
        text: Callable[[int], str],
        colors: Mapping[Head, QColor],
        side: str = "",
    ) -> None:
        """Draw an answer.

        Args:
            found: the answer.
            tokens: of its prompt.
            text: how a token of the vocabulary is written.
            colors: of the heads that have a hue in the graph.
            side: of a comparison, whose heads these are; empty where nothing is compared.
        """
        self._found, self._side = found, side
        self._name(tokens, found.asked.query, found.asked.key)
        self.rows.show_answer(found, text, colors)
        self.says.setText(self._sentence())
        has_tokens = bool(found.promoted_NK.size)
        self.which.setVisible(has_tokens)
        self.note.setText(f"{DIRECT} {found.note}".strip() if has_tokens else found.note)

    def set_selected(self, layer: int, head: int) -> None:
        """Mark the row of the selected head."""
        found = self._found
        mine = found is not None and found.asked.layer == layer
        self.rows.set_selected(head if mine else -1)

    def _sentence(self) -> str:
        """The one thing to see here."""
        found = self._found
        assert found is not None
        if not len(found.head_N) or not math.isfinite(float(found.weight_H[found.head_N[0]])):
            return "The weights of this edge are no numbers."
        head = int(found.head_N[0])
        begins = f"{self._side}, in" if self._side else "In"
        said = (
            f"{begins} layer {found.asked.layer}, head {found.asked.layer}.{head} carries most: "
            f"it gives {percent(float(found.weight_H[head]))} of its attention and adds "
            f"{percent(float(found.share_H[head]))} of the stream's length"
        )
        tokens = self.rows.tokens_of(0)
        return f"{said}, towards “{tokens[0][0].strip(' ·')}”." if tokens else f"{said}."

    def _name(self, tokens: Sequence[Token], query: int, key: int) -> None:
        for button, at, what in (
            (self.query_button, query, "query"),
            (self.key_button, key, "key"),
        ):
            there = 0 <= at < len(tokens)
            button.setText(f"{tokens[at].text if there else '?'} {at}".replace("&", "&&"))
            button.setProperty("position", at)
            button.setToolTip(f"Select position {at}, the {what}")
            button.setAccessibleName(f"Select the {what}, position {at}")

    def _on_token(self) -> None:
        at = self.sender().property("position")
        if isinstance(at, int):
            self.position_chosen.emit(at)

    def _choose(self, which: str) -> None:
        self.rows.set_along(which == "along")
        if self._found is not None:
            self.says.setText(self._sentence())

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
