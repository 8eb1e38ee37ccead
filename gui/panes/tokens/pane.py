"""The tokens of the prompt as chips; hover and click select a position everywhere.

Chips are coloured by position, to tell neighbours apart, or by surprisal: how many bits each
token cost the model, given what stands before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QElapsedTimer, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QSizePolicy,
    QStackedLayout,
    QToolButton,
    QWidget,
)

from gui import theme
from gui.panes.base import EmptyState, Pane, column
from gui.panes.tokens import ENTRY
from gui.panes.tokens.strip import Chip, TokenStrip
from gui.session.state import Inspected
from gui.session.store import Store
from gui.widgets.text import Text
from model.sampling import surprisal_bits
from model.tokenizer.tokens import Token

BY_POSITION, BY_SURPRISAL = "position", "surprisal"
_SURPRISAL = "Colour every token by its surprisal: −log₂ p given what stands before it, in bits"
_NO_SURPRISAL = (
    "This model reads the whole text at once, so it says of no token how likely it is given what "
    "stands before it: there is no surprisal"
)
_HOW_TO_MASK = "Double-click or M to mask it"
SLICE_MS = 4
"""Longest time at one go for surprisals: each reads a whole row of logits, and with a large
vocabulary and a long prompt all of them together would hold up the window."""


class TokensPane(Pane):
    """Chips with position, text, id and bytes."""

    entry = ENTRY

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self._bits = np.empty(0)
        self._bits_done = 0
        self._bits_timer = QTimer(self)
        self._bits_timer.setInterval(0)
        self._bits_timer.timeout.connect(self._measure_more)

        self.strip = TokenStrip(self)
        self.strip.setAccessibleName("Tokens of the prompt")
        self.strip.tip = self.describe
        self.strip.chip_hovered.connect(self._on_hover)
        self.strip.chip_chosen.connect(self.choose)
        self.strip.chip_activated.connect(self.toggle_mask)
        self._empty = EmptyState(parent=self)

        self.surprisal_choice = _toggle(
            self,
            "Surprisal",
            _SURPRISAL,
        )
        self.surprisal_choice.toggled.connect(self._on_colour_choice)
        self.bytes_choice = _toggle(self, "Bytes", "Show every token's bytes in hexadecimal")
        self.bytes_choice.toggled.connect(self.strip.set_show_details)
        self._legend = SurprisalLegend(self)
        self._reading = Text(parent=self, tone="dim", font=theme.mono(theme.SMALL_FONT_SIZE))

        chips = QWidget(self)
        self._stack = QStackedLayout(chips)
        self._stack.addWidget(self.strip)
        self._stack.addWidget(self._empty)
        self._below = QWidget(self)
        row = QHBoxLayout(self._below)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.TIGHT)
        row.addWidget(self._reading, 1)
        row.addWidget(self._legend)
        row.addWidget(self.surprisal_choice)
        row.addWidget(self.bytes_choice)
        outer = column(self, margin=theme.TIGHT + 2, spacing=theme.TIGHT)
        outer.addWidget(chips, 1)
        outer.addWidget(self._below)

        store.trace_changed.connect(self.invalidate)
        store.model_changed.connect(self.invalidate)
        store.selection_changed.connect(self._follow_selection)

    # ------------------------------------------------------------------------ drawing

    def refresh(self) -> None:
        trace = self.store.trace
        self._bits_timer.stop()
        has_tokens = trace is not None
        self._stack.setCurrentWidget(self.strip if has_tokens else self._empty)
        self._below.setVisible(has_tokens)
        if trace is None:
            self._bits, self._bits_done = np.empty(0), 0
            self.strip.set_chips((), ())
            self._empty.setText(self._why_empty())
            self._empty.update()
            return
        self._bits = np.full(trace.n_tokens, np.nan)
        self._bits_done = 1  # nothing stands before the first token
        self._legend.set_limit(self._limit)
        self.surprisal_choice.setEnabled(self.has_surprisal)
        self.surprisal_choice.setToolTip(_SURPRISAL if self.has_surprisal else _NO_SURPRISAL)
        self.strip.set_chips([self._chip(token) for token in trace.tokens], ())
        self._color()
        self._follow_selection()
        if self.by_surprisal:
            self._measure_more()

    def _why_empty(self) -> str:
        if self.store.prompt_problem:
            return self.store.prompt_problem
        if self.store.model is None:
            return "No model is open. Open a checkpoint to see how it cuts a text into tokens."
        return "Type a prompt to see its tokens."

    def _chip(self, token: Token) -> Chip:
        return Chip(
            text=self._text(token),
            id=str(token.id),
            detail="" if token.special else token.bytes.hex(" ").upper(),
            special=token.special,
        )

    def _text(self, token: Token) -> str:
        if token.bytes:
            return token.text
        return self.store.model.token_text(token.id) if self.store.model else f"‹{token.id}›"

    def header_note(self) -> str:
        trace = self.store.trace
        if trace is None:
            return ""
        n = trace.n_tokens
        parts = [f"{n:,} token{'' if n == 1 else 's'}"]
        if trace.n_bytes:
            characters = len(trace.text[: trace.truncated_at])
            parts += [
                f"{characters:,} character{'' if characters == 1 else 's'}",
                f"{trace.n_bytes:,} byte{'' if trace.n_bytes == 1 else 's'}",
            ]
        return " · ".join(parts)

    def export_data(self) -> Mapping[str, NDArray[Any]]:
        trace = self.store.trace
        if trace is None:
            return {}
        return {
            "position": np.arange(trace.n_tokens),
            "id": np.array([token.id for token in trace.tokens]),
            "text": np.array([self._text(token) for token in trace.tokens]),
            "bytes": np.array([token.bytes.hex(" ") for token in trace.tokens]),
            "char_start": np.array([token.char_start for token in trace.tokens]),
            "char_end": np.array([token.char_end for token in trace.tokens]),
            "surprisal_bits": np.array([self.surprisal(i) for i in range(trace.n_tokens)]),
        }

    # ---------------------------------------------------------------------- surprisal

    @property
    def by_surprisal(self) -> bool:
        """Whether colours mean surprisal."""
        return self.surprisal_choice.isChecked() and self.has_surprisal

    @property
    def has_surprisal(self) -> bool:
        """Whether the model says how likely a token is given what stands before it.

        A masked one does not: it reads both sides, and the token itself.
        """
        model = self.store.model
        return model is not None and not model.config.no_continuation

    def set_colours(self, by: str) -> None:
        """Colour chips by ``"position"`` or ``"surprisal"``."""
        self.surprisal_choice.setChecked(by == BY_SURPRISAL)

    def surprisal(self, index: int) -> float:
        """−log₂ p of a token given what stands before it, in bits; NaN for the first."""
        trace = self.store.trace
        if trace is None or not self.has_surprisal or not 0 < index < trace.n_tokens:
            return float("nan")
        if index < len(self._bits) and not np.isnan(self._bits[index]):
            return float(self._bits[index])
        return surprisal_bits(trace.logits[index - 1], trace.tokens[index].id)

    @property
    def _limit(self) -> float:
        """End of the colour scale: what a uniform guess over the vocabulary would cost."""
        model = self.store.model
        return float(np.log2(model.config.d_vocab)) if model is not None else 1.0

    def _measure_more(self) -> None:
        trace = self.store.trace
        if trace is None or len(self._bits) != trace.n_tokens:
            self._bits_timer.stop()
            return
        clock = QElapsedTimer()
        clock.start()
        while self._bits_done < trace.n_tokens:
            at = self._bits_done
            self._bits[at] = surprisal_bits(trace.logits[at - 1], trace.tokens[at].id)
            self._bits_done += 1
            if clock.elapsed() >= SLICE_MS:
                break
        self._color()
        if self._bits_done < trace.n_tokens:
            self._bits_timer.start()
        else:
            self._bits_timer.stop()

    def _color(self) -> None:
        chips = theme.current().chips
        fills: list[QColor | None]
        if self.by_surprisal:
            fills = [
                None if np.isnan(bits) else theme.sequential_color(bits / self._limit)
                for bits in self._bits
            ]
        else:
            cycle = [QColor(color) for color in chips]
            fills = [cycle[i % len(cycle)] for i in range(len(self.strip.chips))]
        self.strip.set_fills(fills)
        self._legend.setVisible(self.by_surprisal)

    # ---------------------------------------------------------------------- selection

    def choose(self, index: int) -> None:
        """Select a position and show its id in the inspector."""
        trace = self.store.trace
        if trace is None or not 0 <= index < trace.n_tokens:
            return
        self.store.select(position=index)
        token = trace.tokens[index]
        self.store.inspect(
            Inspected(
                name="input_ids",
                index=(0, index),
                value=float(token.id),
                dtype="int64",
                code=f'trace["input_ids"][0, {index}]',
                note=f"Position {index} is “{self._text(token)}”: "
                + ("a special token that stands for no text." if token.special else "")
                + ("" if token.special else self._bytes_sentence(token)),
            )
        )

    def describe(self, index: int) -> str:
        """What hovering a chip says."""
        trace = self.store.trace
        if trace is None or not 0 <= index < trace.n_tokens:
            return ""
        token = trace.tokens[index]
        what = "special token, no text" if token.special else self._bytes_sentence(token)
        lines = [
            f"{self._text(token)}   id {token.id}   position {index}",
            what,
            f"input_ids[0, {index}]",
            self._surprisal_words(index),
        ]
        if self.store.masking.possible:
            known = self.store.masking.original(index) is not None
            lines.append("Double-click or M to put it back" if known else _HOW_TO_MASK)
        return "\n".join(lines)

    def _bytes_sentence(self, token: Token) -> str:
        n = len(token.bytes)
        part = ", part of a character" if token.partial else ""
        return f"{n} byte{'' if n == 1 else 's'} {token.bytes.hex(' ').upper()}{part}"

    def _surprisal_words(self, index: int) -> str:
        if not self.has_surprisal:
            return "no surprisal: the model reads the whole text, this token too"
        if index == 0:
            return "no surprisal: nothing stands before it"
        bits = self.surprisal(index)
        return f"surprisal {bits:.4f} bits (p = {2.0**-bits:.4g} before it was read)"

    def toggle_mask(self, index: int) -> None:
        """Put a masked model's mask in place of a token, or that token back."""
        if self.store.masking.possible:
            self.store.masking.toggle(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_M and self.store.masking.possible:
            self.toggle_mask(self.store.selection.position)
        else:
            super().keyPressEvent(event)

    def _follow_selection(self) -> None:
        selection = self.store.selection
        self.strip.set_selected(selection.position)
        self.strip.set_hovered(selection.hovered)
        trace = self.store.trace
        at = selection.hovered if selection.hovered is not None else selection.position
        if trace is None or not 0 <= at < trace.n_tokens:
            self._reading.setText("")
            return
        token = trace.tokens[at]
        raw = "special" if token.special else token.bytes.hex(" ").upper()
        bits = "" if at == 0 or not self.has_surprisal else f"   {self.surprisal(at):.3f} bits"
        self._reading.setText(f"{at}  {self._text(token)}   id {token.id}{bits}   {raw}")

    def _on_hover(self, index: int | None) -> None:
        self.store.select(hovered=index)

    def _on_colour_choice(self) -> None:
        if self.store.trace is None:
            return
        self._color()
        if self.by_surprisal and self._bits_done < len(self._bits):
            self._measure_more()


class SurprisalLegend(QWidget):
    """The colour scale of surprisal: from 0 bits to what a uniform guess costs."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._limit = 1.0
        self._font = theme.mono(theme.SMALL_FONT_SIZE - 0.5)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.setAccessibleName("Colour scale of surprisal")

    def set_limit(self, bits: float) -> None:
        self._limit = bits
        self.setToolTip(
            f"0 bits: the model was certain of this token. {bits:.2f} bits: as costly as a "
            "uniform guess over the vocabulary; anything above has the same colour."
        )
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(190, 16)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 16)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setFont(self._font)
            metrics = QFontMetricsF(self._font)
            label = f"≥ {self._limit:.1f} bits"
            label_width = metrics.horizontalAdvance(label)
            zero_width = metrics.horizontalAdvance("0")
            bar_width = min(96.0, self.width() - label_width - zero_width - 12)
            if bar_width < 20:
                return
            middle = self.height() / 2
            table = theme.sequential_table()
            left = zero_width + 6
            for x in range(int(bar_width)):
                r, g, b = table[round(255 * x / (bar_width - 1))]
                painter.fillRect(
                    QRectF(left + x, middle - 4, 1.5, 8), QColor(int(r), int(g), int(b))
                )
            painter.setPen(theme.current().color("line"))
            painter.drawRect(QRectF(left - 0.5, middle - 4.5, bar_width + 1, 9))
            painter.setPen(theme.current().color("dim"))
            flags = int(Qt.AlignmentFlag.AlignVCenter)
            painter.drawText(QRectF(0, 0, zero_width, self.height()), flags, "0")
            painter.drawText(
                QRectF(left + bar_width + 6, 0, label_width + 1, self.height()), flags, label
            )


def _toggle(parent: QWidget, text: str, tip: str) -> QToolButton:
    button = QToolButton(parent)
    button.setText(text)
    button.setCheckable(True)
    button.setToolTip(tip)
    button.setAccessibleName(text)
    button.setAccessibleDescription(tip)
    return button
