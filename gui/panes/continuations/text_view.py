"""The whole text in figures, and its tokens as rows.

Draws one answer, `SurprisalFound`. Knows rows and words; no store.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui import theme
from gui.panes.base import readonly
from gui.panes.continuations import words
from gui.panes.continuations.token_rows import TokenRow, TokenRows
from gui.session.adding import AddedToken
from gui.session.sides import Sides
from gui.widgets.flow import FlowLayout
from gui.widgets.nest import nest
from gui.widgets.segments import Segments
from gui.widgets.text import Text
from model.messages import ModelInfo, PromptRead
from model.probe.surprisal.asks import SurprisalFound

ORDERS = {
    "worst": ("Worst first", "The most surprising tokens above"),
    "text": ("In order", "As they stand in the text"),
    "added": ("Added", "Only tokens that were drawn, forced or taken, in order"),
}


@dataclass(frozen=True, slots=True)
class OtherText:
    """The other side of a comparison.

    Attributes:
        bits: of the tokens in view, what each one's other side costs; NaN where it has none.
        total_bits: of its whole text.
        sides: what both are called.
    """

    bits: tuple[float, ...]
    total_bits: float
    sides: Sides


class TextView(QWidget):
    """Figures above, rows below.

    Signals:
        position_chosen: of a row.
        order_changed: the rows stand otherwise.
    """

    position_chosen = Signal(int)
    order_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.figures = tuple(
            Text(parent=self, font=theme.mono(theme.FONT_SIZE + 1)) for _ in range(5)
        )
        self._units = tuple(
            Text(parent=self, tone="dim", font=theme.sans(theme.SMALL_FONT_SIZE)) for _ in range(5)
        )
        self.orders = Segments(self, font=theme.sans(theme.SMALL_FONT_SIZE))
        self.orders.setAccessibleName("In which order tokens stand")
        for key, (text, tip) in ORDERS.items():
            self.orders.add(key, text, tip)
        self.orders.chosen.connect(self._on_order)
        self.sentence = Text(parent=self, font=theme.sans(), wrap=True)
        self.change = Text(parent=self, tone="dim", font=theme.mono(theme.SMALL_FONT_SIZE))
        self.rows = TokenRows(self)
        self.rows.row_chosen.connect(self.position_chosen)
        above = FlowLayout(spacing=2 * theme.SPACE)
        for figure, unit in zip(self.figures, self._units, strict=True):
            pair = QWidget(self)
            row = QHBoxLayout(pair)
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(theme.TIGHT)
            row.addWidget(figure)
            row.addWidget(unit)
            above.addWidget(pair)
        second = QHBoxLayout()
        second.setSpacing(theme.SPACE)
        second.addWidget(self.sentence, 1)
        second.addWidget(self.orders)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE)
        nest(layout, above)
        layout.addWidget(self.change)
        nest(layout, second)
        layout.addWidget(self.rows, 1)

    def _on_order(self, _: str) -> None:
        self.order_changed.emit()

    def show_found(
        self,
        found: SurprisalFound,
        other: OtherText | None,
        read: PromptRead,
        model: ModelInfo,
        added: Mapping[int, AddedToken],
    ) -> None:
        """Draw an answer.

        Args:
            found: the surprisals.
            other: the other side of a comparison; None where no difference is shown.
            read: the prompt that the answer is about.
            model: whose tokens.
            added: what was added to it, by position.
        """
        sums = words.sums(found)
        for figure, unit, told in zip(self.figures, self._units, sums, strict=False):
            figure.setText(told[0])
            unit.setText(told[1])
            figure.setToolTip(told[2])
            unit.setToolTip(told[2])
            figure.setAccessibleName(f"{told[0]} {told[1]}")
        for label in (*self.figures, *self._units):
            label.setVisible(bool(sums))
        self.sentence.setText(words.text_sentence(model, found, read.subject.ids))
        self.change.setVisible(other is not None)
        if other is not None:
            name, moved = other.sides.other, other.sides.minus(found.total_bits, other.total_bits)
            self.change.setText(f"{name} {other.total_bits:,.1f} bits   {moved:+,.1f}   │ {name}")
            self.change.setToolTip(f"{other.sides.difference}, in bits: {moved:+,.6g}")
        # The scale stays while the text grows: what a uniform guess costs.
        limit = math.log2(model.config.d_vocab)
        said = "" if other is None else other.sides.at_other
        self.rows.set_rows(self._made(found, other, read, added), limit, said)

    def _made(
        self,
        found: SurprisalFound,
        other: OtherText | None,
        read: PromptRead,
        added: Mapping[int, AddedToken],
    ) -> list[TokenRow]:
        bits = readonly(found.bits_T).tolist()
        ranks = [0] * len(bits) if found.ranks_T is None else found.ranks_T.tolist()
        theirs = (math.nan,) * len(bits) if other is None else other.bits
        rows = [
            TokenRow(
                i,
                token.text,
                added[i].how if i in added else "",
                bits[i],
                ranks[i],
                theirs[i],
            )
            for i, token in enumerate(read.tokens)
        ]
        match self.orders.current:
            case "worst":
                known = [row for row in rows if not math.isnan(row.bits)]
                return sorted(known, key=lambda row: -row.bits)
            case "added":
                return [row for row in rows if row.how]
            case _:
                return rows
