"""The tokens of the prompt as chips; hover and click select a position everywhere.

Chips carry their surprisal: how many bits each token cost the model, given what stands before it;
or, by choice, their ids or bytes. The tokens are the prompt's as it was read; surprisals come from
an answer of the worker, which arrives little by little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedLayout, QWidget

from gui import theme
from gui.panes.base import EmptyState, Pane, column
from gui.panes.tokens import ENTRY, words
from gui.panes.tokens.chips import Look, Tokens
from gui.panes.tokens.exporting import columns
from gui.panes.tokens.strip import TokenStrip
from gui.panes.tokens.two_sides import TwoSides
from gui.panes.tokens.values import Values
from gui.reading import code
from gui.reading.inspecting import inspected
from gui.session.adding import CAME, AddedToken
from gui.session.store import Store
from gui.widgets import surprisal
from gui.widgets.segments import Segments
from gui.widgets.surprisal import SurprisalLegend
from gui.widgets.text import Text, as_written
from model.messages import PromptRead
from model.operations import INPUT_IDS
from model.probe.question import Question
from model.probe.surprisal.asks import Surprisal, SurprisalFound

SURPRISAL, IDS, BYTES = "surprisal", "ids", "bytes"
MOST_ROWS = 4
"""Lines of chips for which the pane asks room; more are scrolled."""
NARROW = 420
"""Width below which the header counts no characters."""
PATIENCE_MS = 60
"""How long tokens of a new prompt wait for their surprisals: usually both are painted at once."""


class TokensPane(Pane):
    """Chips with text, and surprisal, id or bytes below."""

    entry = ENTRY

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self._read: PromptRead | None = None  # whose tokens are drawn
        self._added: Mapping[int, AddedToken] = {}  # what was put behind the prompt, by position
        self._values = Values()
        self._sides: TwoSides | None = None  # of a comparison, while the difference is drawn
        self._chosen = SURPRISAL  # what chips carry, where the model has it

        self.strip = TokenStrip(self)
        self.strip.setAccessibleName("Tokens of the prompt")
        self.strip.tip = self.describe
        self.strip.look = self._look
        self.strip.chip_hovered.connect(self._on_hover)
        self.strip.chip_chosen.connect(self.choose)
        self.strip.chip_activated.connect(self.toggle_mask)
        self._empty = EmptyState(parent=self)
        self._empty.setMinimumSize(60, 20)  # or it would keep the room that chips don't need

        self.segments = Segments(self)
        self.segments.add(SURPRISAL, "Surprisal", words.SURPRISAL)
        self.segments.add(IDS, "Ids", "Show below every token its id in the vocabulary")
        self.segments.add(BYTES, "Bytes", "Show below every token its bytes in hexadecimal")
        self.segments.chosen.connect(self.set_colours)
        self._legend = SurprisalLegend(self)
        small = theme.mono(theme.SMALL_FONT_SIZE)
        self._reading = Text(parent=self, tone="dim", font=small)
        self._waits = Text(parent=self, tone="dim", font=small)

        chips = QWidget(self)
        self._stack = QStackedLayout(chips)
        self._stack.addWidget(self.strip)
        self._stack.addWidget(self._empty)
        self._below = QWidget(self)
        row = QHBoxLayout(self._below)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.SPACE)
        row.addWidget(self._reading, 1)
        row.addWidget(self._waits)
        row.addWidget(self._legend)
        row.addWidget(self.segments)
        outer = column(self, margin=theme.TIGHT + 2, spacing=theme.TIGHT)
        outer.addWidget(chips, 1)
        outer.addWidget(self._below)

        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(PATIENCE_MS)
        self._patience.timeout.connect(self.invalidate)
        store.subject_changed.connect(self._on_subject)
        store.model_changed.connect(self.invalidate)
        store.adding.changed.connect(self.invalidate)
        store.selection_changed.connect(self._on_selection)

    # ----------------------------------------------------------------------- questions

    def questions(self) -> Mapping[str, Question]:
        return {"surprisal": Surprisal()} if self.by_surprisal else {}

    def other_questions(self) -> Mapping[str, Question]:
        both = self.by_surprisal and not self.store.comparing.no_predictions
        return {"surprisal": Surprisal()} if both else {}

    def _both(self, read: PromptRead | None) -> TwoSides | None:
        """Both sides' surprisals, once they are there; None where no difference is shown."""
        other = self.other("surprisal", SurprisalFound) if self.by_surprisal else None
        if read is None or other is None or read.subject != self.store.subject:
            return None
        return TwoSides.of(self._values.bits_T, other, self.store.comparing)

    @property
    def by_surprisal(self) -> bool:
        """Whether chips carry surprisal."""
        return self.carries == SURPRISAL

    @property
    def carries(self) -> str:
        """What chips carry: ``"surprisal"``, ``"ids"`` or ``"bytes"``."""
        return IDS if self._chosen == SURPRISAL and not self.has_surprisal else self._chosen

    @property
    def has_surprisal(self) -> bool:
        """Whether the model says how likely a token is given what stands before it.

        A masked one does not: it reads both sides, and the token itself.
        """
        model = self.store.model
        return model is not None and not model.config.no_continuation

    def _on_subject(self) -> None:
        slot = self.slot("surprisal")
        if slot is None or slot.is_current:
            self.invalidate()
            return
        self._dirty = True  # what is drawn is of the prompt before, until the answer or the timer
        self._patience.start()

    # ------------------------------------------------------------------------ drawing

    def refresh(self) -> None:
        self._patience.stop()
        read, model = self.store.read, self.store.model
        there = read is not None and model is not None
        self._stack.setCurrentWidget(self.strip if there else self._empty)
        self._below.setVisible(there)
        self._take_values(read)
        added = self.store.adding.marks(read)
        same = read is self._read and added == self._added
        self._read, self._added = read, added
        if read is None or model is None:
            self.strip.set_tokens(Tokens())
            self._empty.setText(words.why_empty(self.store))
            self._empty.update()
            return
        self.segments.set_current(self.carries)
        self.segments.buttons[SURPRISAL].setEnabled(self.has_surprisal)
        self.segments.explain(
            SURPRISAL, words.SURPRISAL if self.has_surprisal else words.NO_SURPRISAL
        )
        sides = self._sides = self._both(read)
        if sides is None:
            self._legend.set_limit(self._limit)
        else:
            self._legend.set_difference(sides.limit, sides.name)
        if not same or self.strip.tokens.carry != self.carries:
            self.strip.set_tokens(self._tokens(read))
        amounts_T = self._values.bits_T / self._limit if sides is None else sides.amounts_T
        self.strip.set_amounts(amounts_T, self._values.no_number_T, signed=sides is not None)
        self._tell_waiting()
        self._follow_selection()
        self.updateGeometry()

    def _take_values(self, read: PromptRead | None) -> None:
        """The surprisals that can be drawn with a prompt's tokens, and whether more will come."""
        slot = self.slot("surprisal")
        found = self.answered("surprisal", SurprisalFound)
        if read is None or slot is None:
            self._values = Values.none(0 if read is None else read.n_tokens)
            return
        same = self._read is not None and self._read.subject == read.subject
        self._values = Values.of(
            read.subject,
            found,
            self._values if same else None,
            whole=slot.is_current and found is not None and found.is_whole,
            refused=bool(slot.problem),
        )

    def _tokens(self, read: PromptRead) -> Tokens:
        texts = tuple(self._text(read, index) for index in range(read.n_tokens))
        special = frozenset(i for i, token in enumerate(read.tokens) if token.special)
        below = words.widths(read, self.carries, len(surprisal.WIDEST))
        return Tokens(texts, special, below, self.carries)

    def _text(self, read: PromptRead, index: int) -> str:
        token, model = read.tokens[index], self.store.model
        if token.bytes or model is None:
            return token.text
        return model.token_text(token.id)

    def _look(self, index: int) -> Look:
        """How a chip looks; asked for those that are painted."""
        look = self._carried(index)
        return replace(look, added=True) if index in self._added else look

    def _carried(self, index: int) -> Look:
        if self._read is None or index >= self._read.n_tokens:
            return Look()
        token = self._read.tokens[index]
        match self.carries:
            case "ids":
                return Look(str(token.id))
            case "bytes":
                return Look(words.raw(token))
        bits = self.surprisal(index)
        if self._sides is not None and not np.isnan(bits):
            return self._sides.look(index)
        if not np.isnan(bits):
            return Look(surprisal.figure(bits), surprisal.color_of(bits / self._limit))
        if index > 0 and self._values.pending:
            return Look(pending=True)
        if self._values.no_number_T[index]:
            return Look("NaN", theme.current().color("no_number"))
        return Look(surprisal.NOTHING, hatched=True)

    def _tell_waiting(self) -> None:
        slot, asking = self.slot("surprisal"), self.store.asked.waits(self.key)
        problem = "" if slot is None else slot.problem
        said = problem
        if not problem and asking is not None:
            said = f"surprisal … {asking.share:.0%}" if asking.share > 0 else "surprisal …"
        self._waits.setText(said)
        self._waits.setToolTip(as_written(problem))
        self._waits.set_tone("warning" if problem else "dim")
        self._waits.setVisible(bool(said))

    def no_difference(self) -> str:
        return self.store.comparing.no_predictions if self.by_surprisal else ""

    def header_note(self) -> str:
        read = self._read
        return "" if read is None else words.counted(read, narrow=self.width() < NARROW)

    def code(self) -> str:
        """The tokens of the prompt, and their surprisals if they are drawn."""
        read, model = self._read, self.store.model
        if read is None or model is None:
            return ""
        return code.together(code.tokens(read, model), super().code())

    def export_data(self) -> Mapping[str, NDArray[Any]]:
        """The tokens, and their surprisals if they are drawn: of one prompt, both."""
        slot, read = self.slot("surprisal"), self._read
        found = self.answered("surprisal", SurprisalFound)
        if slot is not None and slot.read is not None and found is not None:
            read = slot.read
        if read is None:
            return {}
        texts = [self._text(read, index) for index in range(read.n_tokens)]
        return columns(read, texts, found, self._sides)

    # ---------------------------------------------------------------------------- room

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._follow_selection()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        """For all chips, up to some lines, and the line below."""
        margin = 2 * (theme.TIGHT + 2)
        chips = self.strip.content_height(width - margin)
        chips = min(chips, self.strip.height_of(MOST_ROWS))
        return chips + margin + theme.TIGHT + self._below.sizeHint().height()

    # ---------------------------------------------------------------------- surprisal

    def set_colours(self, carries: str) -> None:
        """Let chips carry ``"surprisal"``, ``"ids"`` or ``"bytes"``."""
        self._chosen = carries
        self.ask()
        self.invalidate()

    def surprisal(self, index: int) -> float:
        """−log₂ p of a token given what stands before it, in bits, as it is drawn; NaN for none."""
        return (
            float(self._values.bits_T[index])
            if 0 <= index < len(self._values.bits_T)
            else float("nan")
        )

    @property
    def _limit(self) -> float:
        """End of the colour scale: what a uniform guess over the vocabulary would cost."""
        model = self.store.model
        return float(np.log2(max(model.config.d_vocab, 2))) if model is not None else 1.0

    # ---------------------------------------------------------------------- selection

    def choose(self, index: int) -> None:
        """Select a position and show its id in the inspector."""
        read = self._read
        if read is None or not 0 <= index < read.n_tokens:
            return
        token = read.tokens[index]
        self.store.select(position=index)
        if self.store.model is None:
            return
        note = f"Position {index} is “{self._text(read, index)}”: "
        note += "a special token that stands for no text." if token.special else ""
        note += "" if token.special else words.bytes_sentence(token)
        id_, at = float(token.id), (0, index)
        self.store.inspect(inspected(self.store.model, read, INPUT_IDS, at, id_, note))

    def describe(self, index: int) -> str:
        """What hovering a chip says."""
        read = self._read
        if read is None or not 0 <= index < read.n_tokens:
            return ""
        token = read.tokens[index]
        what = "special token, no text" if token.special else words.bytes_sentence(token)
        lines = [
            f"{self._text(read, index)}   id {token.id}   position {index}",
            what,
            f"input_ids[0, {index}]",
        ]
        if not self.has_surprisal:
            lines.append(words.NOT_FOR_THIS_MODEL)
        elif self.by_surprisal:
            lines.append(
                words.surprisal(index, self.surprisal(index), pending=self._values.pending)
            )
            lines += [] if self._sides is None else filter(None, [self._sides.words(index)])
        if index in self._added:
            lines.append(CAME[self._added[index].how].capitalize())
        if self.store.masking.possible:
            known = self.store.masking.original(index, read) is not None
            lines.append(words.UNMASK if known else words.MASK)
        return "\n".join(lines)

    def toggle_mask(self, index: int) -> None:
        """Put a masked model's mask in place of a token, or that token back."""
        if self.store.masking.possible:
            self.store.masking.toggle(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_M and self.store.masking.possible:
            self.toggle_mask(self.store.selection.position)
        else:
            super().keyPressEvent(event)

    def _on_selection(self) -> None:
        if self._read is self.store.read:  # else it is drawn with the prompt that it is of
            self._follow_selection()

    def _follow_selection(self) -> None:
        selection, read = self.store.selection, self._read
        self.strip.set_selected(selection.position)
        self.strip.set_hovered(selection.hovered)
        self.strip.set_key(selection.key)
        at = selection.hovered if selection.hovered is not None else selection.position
        if read is None or not 0 <= at < read.n_tokens:
            self._say(("",))
            return
        said = words.readings(
            at,
            read.tokens[at],
            self._text(read, at),
            self.surprisal(at),
            no_number=bool(self._values.no_number_T[at]),
        )
        both = "" if self._sides is None else self._sides.words(at)
        self._say((f"{said[0]}   {both}", f"{said[-2]}   {both}", *said) if both else said)

    def _say(self, readings: tuple[str, ...]) -> None:
        """The longest of some lines that finds room; the scale of colours gives way to one."""
        margin = theme.TIGHT + 2
        room = self.width() - 2 * margin - self.segments.sizeHint().width() - theme.SPACE
        if not self._waits.isHidden():
            room -= self._waits.sizeHint().width() + theme.SPACE
        legend = self._legend.least_width + theme.SPACE
        metrics, least = self._reading.fontMetrics(), self._reading.minimumSizeHint().width()
        wide = [max(metrics.horizontalAdvance(line) + 1, least) for line in readings]
        beside = self.by_surprisal and wide[-1] + legend <= room
        self._legend.setVisible(beside)
        left = room - legend if beside else room
        chosen = next((i for i, need in enumerate(wide) if need <= left), len(wide) - 1)
        self._reading.setText(readings[chosen])
        self._legend.setMinimumWidth(self._legend.least_width if beside else 0)
        self._legend.setMaximumWidth(max(0, room - wide[chosen] - theme.SPACE))

    def _on_hover(self, index: int | None) -> None:
        self.store.select(hovered=index)
