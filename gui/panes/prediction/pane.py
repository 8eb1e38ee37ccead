"""What might come next after the selected position, or stand in its place, and drawing from it.

Bars, figures and words come from one answer of the worker, `NextTokenFound`, about one prompt.
Generation itself is the engine's. Holds no logits and no distribution.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui import theme
from gui.panes.base import NO_TOKEN, Pane
from gui.panes.prediction import ENTRY, pointing, words
from gui.panes.prediction.answers import position_of, row_of
from gui.panes.prediction.bars import Bar
from gui.panes.prediction.exporting import WholeVocabulary, table
from gui.panes.prediction.generation_controls import GenerationControls
from gui.panes.prediction.guess_view import GuessView
from gui.panes.prediction.mask_controls import MaskControls
from gui.panes.prediction.other_side import TwoSides, bars_of
from gui.panes.prediction.picture import Picture
from gui.panes.prediction.scrolled import scrolled
from gui.session.store import Store
from gui.widgets.text import as_written
from model.messages import PromptRead
from model.probe.attribution.asks import Attribution, AttributionFound, Part
from model.probe.next_token.asks import NextToken, NextTokenFound
from model.probe.question import Question, TokenId

MOST_BARS = 64
LOW = 240
"""A pane of less height has no room for the buttons that are pressed seldom."""
HIGH = 430
"""From this height on filters, length and seed are seen; below, the bars have their room, unless a
person has chosen otherwise."""
ROWS_AT_ONCE = 8
"""Rows are asked for in steps of so many, so that not every pixel of a resize is a question."""


class PredictionPane(Pane):
    """Bars of tokens, how one is drawn, sampling and generation, or filling masks."""

    entry = ENTRY

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        picture = self.picture = Picture(self)
        self.bars, self.why, self.sampling = picture.bars, picture.why, picture.sampling
        self.log_button = picture.log_button
        self.bars.tip = self.describe
        self.bars.bar_chosen.connect(self.choose)
        self.bars.bar_activated.connect(self.append)
        self.bars.resized.connect(self.ask)
        self.sampling.sampling_changed.connect(store.set_sampling)
        self.sampling.more_toggled.connect(self.toggle_more)
        self.why.by_changed.connect(self.ask)
        self.why.bars.part_chosen.connect(self.go_to_part)
        self.generation = GenerationControls(store, self)
        self.generation.message_changed.connect(self.invalidate)
        self.masks = MaskControls(store, lambda: self._wanted_position, self._can_fill, self)
        self._more: bool | None = None  # whether a person wants to see what is set seldom
        self._two_sides = TwoSides(store.comparing)
        self._export = WholeVocabulary(store)
        store.masking.changed.connect(self.invalidate)
        # In a small dock everything stays reachable, and what a person presses stays where it is.
        self._scroll, self.guess = scrolled(picture, self), GuessView(store, self)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self._scroll, 3)
        self.guess.hide()
        outer.addWidget(self.guess, 3)
        for controls in (self.generation, self.masks):
            controls.setContentsMargins(theme.SPACE, 0, theme.SPACE, theme.SPACE)
            outer.addWidget(controls)
        self._outer = outer
        for told in (store.generating, store.intervening, store.guessing):
            told.changed.connect(self.invalidate)
        store.model_changed.connect(self.invalidate)
        store.sampling_changed.connect(self._on_sampling)
        store.guessing.changed.connect(self.ask)
        self.generation.guess_button.clicked.connect(self.guess_first)
        store.subject_changed.connect(self._on_subject)
        store.model_changed.connect(self._follow_head)
        self._follow_head()

    # ----------------------------------------------------------------------- questions

    def questions(self) -> Mapping[str, Question]:
        store = self.store
        read, model = store.read, store.model
        if read is None or model is None or not model.config.has_logits or store.guessing.going:
            return {}
        at = self._wanted_position
        named = (words.real_token(store, read, at), store.selection.vocabulary_id)
        led = self._two_sides.best_at(at, self.other("next", NextTokenFound))
        also = (*named, *led)
        n = -(-self.bars.n_rows // ROWS_AT_ONCE) * ROWS_AT_ONCE
        question = NextToken(
            position=at,
            sampling=store.sampling,
            n=min(n, MOST_BARS),
            also=tuple(dict.fromkeys(token_id for token_id in also if token_id is not None)),
        )
        chosen = store.selection.vocabulary_id
        target = None if chosen is None else TokenId(chosen)
        return {"next": question, "why": Attribution(at, target, self.why.by)}

    def other_questions(self) -> Mapping[str, Question]:
        asked = self._two_sides.question(self.found)
        return {} if asked is None else {"next": asked}

    @property
    def other_found(self) -> NextTokenFound | None:
        """What the other side says, if it belongs to what is drawn."""
        return self._two_sides.found(self.found, self.other("next", NextTokenFound))

    @property
    def _wanted_position(self) -> int:
        """The position to predict after: the selected one, or the last; -1 for none."""
        read = self.store.read
        if read is None:
            return -1
        at = self.store.selection.position
        return at if 0 <= at < read.n_tokens else read.n_tokens - 1

    @property
    def found(self) -> NextTokenFound | None:
        """The answer that is drawn; None where there is no distribution."""
        found = self.answered("next", NextTokenFound)
        return None if found is None or found.problem else found

    @property
    def read(self) -> PromptRead | None:
        """The prompt that the answer is about."""
        slot = self.slot("next")
        return None if slot is None or slot.answer is None else slot.read

    @property
    def position(self) -> int:
        """The position after which the bars predict; -1 for none."""
        found = self.answered("next", NextTokenFound)
        return -1 if found is None else position_of(found)

    # ------------------------------------------------------------------------- drawing

    def refresh(self) -> None:
        store, found = self.store, self.found
        playing = store.guessing.going
        self._scroll.setVisible(not playing)
        self.guess.setVisible(playing)
        if playing:
            self.generation.hide()
            self.masks.hide()
            self.guess.refresh()
            return
        self.ask_other()
        head = words.head_of(store)
        problem = self._why_empty()
        there = found is not None and not problem
        self.bars.set_bars(self._make_bars() if there else [])
        self.bars.set_chosen(store.selection.vocabulary_id)
        self.bars.setVisible(there)
        self.picture.figures.setVisible(there)
        self.log_button.setVisible(there)
        figures = ""
        if found is not None and there:
            mark = "" if self.other_found is None else self.store.comparing.sides.other
            figures = words.figures(found, self._waiting(), mark)
        self.picture.figures.setText(figures)
        self.picture.empty.setVisible(not there)
        self.picture.empty.setText(problem)
        goes_on = self._goes_on_line() if there else ""
        self.picture.goes_on.setText(goes_on)
        self.picture.goes_on.setVisible(bool(goes_on))
        self.picture.goes_on.setToolTip(as_written(words.real_tip(store)))
        self._show_why(there=there)
        self.sampling.setVisible(head != "none")
        self.generation.setVisible(head == "lm")
        self.masks.setVisible(head == "mlm")
        self.masks.refresh()
        self._show_sampling()
        self.generation.refresh(low=self.height() < LOW, more=self.shows_more)
        self._outer.setStretchFactor(self.generation, 2 if self.generation.shows_text else 0)

    def _show_why(self, *, there: bool) -> None:
        why, model = self.answered("why", AttributionFound), self.store.model
        self.why.setVisible(there and why is not None)
        if why is not None and model is not None:
            self.why.show_found(why, words.plain(model, why.target), self.height())

    def _show_sampling(self) -> None:
        d_vocab = 0 if self.store.model is None else self.store.model.config.d_vocab
        self.sampling.show_sampling(self.store.sampling, d_vocab)
        self.sampling.show_more(self.shows_more)

    def _follow_head(self) -> None:
        self.set_title(words.TITLES[words.head_of(self.store)])

    def _on_sampling(self) -> None:
        self._show_sampling()
        self.ask()

    def _on_subject(self) -> None:
        # The picture waits for the answer; only where there was no prompt, or is none, it doesn't.
        if self.store.read is None or not self.generation.sample_button.isEnabled():
            self.invalidate()

    def apply_theme(self) -> None:
        self.generation.apply_theme()

    def _why_empty(self) -> str:
        """Why no bars are drawn, in a sentence; empty if they are."""
        store = self.store
        if store.model is None:
            return "No model is open. Open a checkpoint to see what it predicts."
        if store.prompt_problem:
            return store.prompt_problem
        if not store.model.config.has_logits:
            return words.NO_HEAD
        if store.read is None:
            return "Type a prompt to see what might come next."
        slot = self.slot("next")
        if slot is not None and slot.problem:
            return slot.problem
        found = self.answered("next", NextTokenFound)
        if found is None:
            return self._waiting()
        return found.problem

    def _waiting(self) -> str:
        """That it waits, after a moment; empty before and otherwise."""
        asking = self.store.asked.waits(self.key)
        return "" if asking is None else words.waiting(asking.share)

    def _make_bars(self) -> list[Bar]:
        found, model = self.found, self.store.model
        if found is None or model is None:
            return []
        return bars_of(found, model, self.actual_next, self.other_found)

    @property
    def actual_next(self) -> int | None:
        """The id that really comes next, or is in the position's place; None if it isn't known."""
        read = self.read
        return None if read is None else words.real_token(self.store, read, self.position)

    @property
    def entropy_bits(self) -> float:
        """Entropy of the distribution that is drawn from; NaN without one."""
        return float("nan") if self.found is None else self.found.entropy_bits

    @property
    def kept(self) -> float:
        """How much of the probability is left by temperature 0, top-k and top-p."""
        return float("nan") if self.found is None else self.found.kept

    def _goes_on_line(self) -> str:
        found, read, model, actual = self.found, self.read, self.store.model, self.actual_next
        if found is None or read is None or model is None or actual is None:
            return ""
        return words.goes_on(self.store, model, read, found, actual)

    def no_difference(self) -> str:
        comparing = self.store.comparing
        if self.read is None or comparing.no_predictions:
            return comparing.no_predictions
        return "" if comparing.other_position(self.position) is not None else NO_TOKEN

    def header_note(self) -> str:
        model, read = self.store.model, self.read
        if self.store.guessing.going:
            return "guess first"
        if model is None or read is None or self._why_empty():
            if model is not None and self.store.read is not None and not model.config.has_logits:
                return "vectors only"
            return ""
        return words.note(model, read, self.position)

    @property
    def shows_more(self) -> bool:
        """Whether filters, length and seed are seen also where nothing is set by them."""
        return self.height() >= HIGH if self._more is None else self._more

    def toggle_more(self) -> None:
        """Show filters, length and seed, or leave their room to the bars."""
        self._more = not self.shows_more
        self.invalidate()
        self.refresh_now()

    def remember(self) -> dict[str, Any]:
        kept: dict[str, Any] = {"why": self.why.by, "follow": self.store.following.on}
        return kept if self._more is None else {**kept, "more": self._more}

    def recall(self, kept: Mapping[str, Any]) -> None:
        self.why.set_by(str(kept.get("why")))
        self.store.following.set_on(kept.get("follow") is not False)
        more = kept.get("more")
        self._more = more if isinstance(more, bool) else None

    def prepare_export(self) -> None:
        self._export.ask(self.questions().get("next"))

    def export_data(self) -> Mapping[str, NDArray[Any]]:
        """One answer: of the whole vocabulary if that is there, or else what is drawn."""
        found, model = self.found, self.store.model
        whole = self._export.take(found)
        chosen = found if whole is None else whole
        if chosen is None or model is None:
            return {}
        comparing = self.store.comparing
        return table(
            chosen, model, self.other_found, (comparing.sides.in_view, comparing.sides.other)
        )

    # ------------------------------------------------------------------------- actions

    def describe(self, bar: Bar) -> str:
        """What hovering a bar says."""
        found, read = self.found, self.read
        if found is None or read is None or row_of(found, bar.token_id) is None:
            return ""
        return words.bar(self.store, read, found, bar)

    def choose(self, token_id: int) -> None:
        """Select a token of the vocabulary everywhere and show its probability exactly."""
        if self.found is not None and self.read is not None:
            pointing.choose(self.store, self.read, self.found, token_id)

    def go_to_part(self, part: Part) -> None:
        """Select what wrote a part of the logit, wherever it is shown."""
        pointing.go_to_part(self.store, part)

    def append(self, token_id: int) -> None:
        """Let the prompt go on with a token after the position, or put it in the mask's place.

        Of bars that are still those of an earlier prompt nothing is put into the one of now.
        """
        if self.read is not None:
            pointing.append(self.store, self.read, self.position, self.found, token_id)

    def sample_one(self) -> None:
        """Draw one token at the end of the prompt and append it, or fill the mask with it."""
        match words.head_of(self.store):
            case "lm":
                self.generation.sample_one()
            case "mlm":
                self.masks.fill()

    def guess_first(self) -> None:
        """Play: guess the next token before the model says what it thinks."""
        if not self.store.guessing.going:
            self.store.guessing.begin(self.store.guessing.source)
        self.refresh_now()
        self.guess.entry.setFocus()

    def take_back(self) -> None:
        """Take the last token that was added to the prompt away again."""
        self.store.adding.back()

    def mask_token(self) -> None:
        """Put the mask in place of the selected token, or put that token back."""
        self.masks.toggle_mask()

    def generate(self) -> None:
        """Continue the prompt by as many tokens as the box says."""
        if words.head_of(self.store) == "lm":
            self.generation.generate()

    def stop(self) -> None:
        """End the generation after the token that is being computed."""
        self.generation.stop()

    def use_as_prompt(self) -> None:
        """Make the prompt with its continuation the prompt."""
        self.generation.use_as_prompt()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().height() != event.size().height():
            self.invalidate()  # how much is shown depends on it

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_M and words.head_of(self.store) == "mlm":
            self.mask_token()
        else:
            super().keyPressEvent(event)

    def _can_fill(self) -> bool:
        """Whether a token can be drawn at the position."""
        model, found = self.store.model, self.answered("next", NextTokenFound)
        if self.store.read is None or model is None or not model.config.has_logits:
            return False
        return found is None or not found.problem
