"""What might come next after the selected position, or stand in its place, and drawing from it.

The bars, the figures and what is drawn come from one function, `model.sampling.probabilities`, on
the trace's own logits. Generation itself is the engine's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from gui import theme
from gui.panes.base import EmptyState, Pane
from gui.panes.prediction import ENTRY, words
from gui.panes.prediction.bars import Bar, ProbabilityBars, three_digits
from gui.panes.prediction.generation_controls import GenerationControls
from gui.panes.prediction.mask_controls import MaskControls
from gui.panes.prediction.sampling_controls import SamplingControls
from gui.reading import code
from gui.session.state import Inspected
from gui.session.store import Store
from gui.widgets.text import Text
from model.messages import TraceReady
from model.sampling import Sampling, probabilities

MOST_BARS = 64


class PredictionPane(Pane):
    """Bars of tokens, temperature, top-k and top-p, sampling and generation, or filling masks."""

    entry = ENTRY

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self._distribution: NDArray[np.float64] | None = None
        self._uncut: NDArray[np.float64] | None = None

        inner = QWidget(self)
        self.bars = ProbabilityBars(inner)
        self.bars.setAccessibleName("Probabilities of the next token")
        self.bars.tip = self.describe
        self.bars.bar_chosen.connect(self.choose)
        self.bars.bar_activated.connect(self.append)
        figures_font = theme.mono(theme.SMALL_FONT_SIZE - 0.5)
        self._figures = Text(parent=inner, tone="dim", font=figures_font)
        self._figures.setToolTip(
            "Entropy of the distribution that is drawn from, and how much of the probability "
            "temperature 0, top-k and top-p leave, in how many tokens"
        )
        self.sampling = SamplingControls(inner)
        self.sampling.sampling_changed.connect(store.set_sampling)
        self.generation = GenerationControls(store, inner)
        self.generation.message_changed.connect(self.invalidate)
        self.masks = MaskControls(
            store, lambda: self._distribution, lambda: self.position, parent=inner
        )
        store.masking.changed.connect(self.invalidate)
        self._empty = EmptyState(parent=inner)

        self._goes_on = Text(parent=inner, tone="dim", font=figures_font, dot="good")
        layout = QVBoxLayout(inner)
        layout.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        layout.setSpacing(theme.SPACE)
        layout.addWidget(self.bars, 3)
        layout.addWidget(self._empty, 3)
        layout.addWidget(self._figures)
        layout.addWidget(self._goes_on)
        layout.addWidget(self.sampling)
        layout.addWidget(self.generation)
        layout.addWidget(self.masks)
        self._layout = layout
        # In a small dock everything stays reachable.
        scroll = QScrollArea(self)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setWidget(inner)
        scroll.viewport().setAutoFillBackground(False)
        inner.setAutoFillBackground(False)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)

        for changed in (
            store.trace_changed,
            store.model_changed,
            store.sampling_changed,
            store.generating.changed,
        ):
            changed.connect(self.invalidate)
        store.selection_changed.connect(self._on_selection)
        store.model_changed.connect(self._follow_head)
        self._follow_head()
        self._drawn_selection: tuple[int, int | None] = (-1, None)

    # ------------------------------------------------------------------------- drawing

    @property
    def position(self) -> int:
        """The position after which is predicted: the selected one, or the last; -1 for none."""
        trace = self.store.trace
        if trace is None:
            return -1
        at = self.store.selection.position
        return at if 0 <= at < trace.n_tokens else trace.n_tokens - 1

    def refresh(self) -> None:
        store, trace = self.store, self.store.trace
        self._drawn_selection = (store.selection.position, store.selection.vocabulary_id)
        self._distribution = self._uncut = None
        problem = self._why_empty()
        head = words.head_of(store)
        if trace is not None and head != "none":
            try:
                self._predict(trace)
            except ValueError as error:  # a NaN among the logits
                problem = str(error)
        self.bars.setVisible(self._distribution is not None)
        self._figures.setVisible(self._distribution is not None)
        self._empty.setVisible(self._distribution is None)
        self._empty.setText(problem)
        self.bars.set_bars(self._make_bars())
        self.bars.set_chosen(store.selection.vocabulary_id)
        self._figures.setText(self._figures_line())
        goes_on = self._goes_on_line()
        self._goes_on.setText(goes_on)
        self._goes_on.setVisible(bool(goes_on))
        self._goes_on.setToolTip(words.real_tip(store))
        self.sampling.setVisible(head != "none")
        self.generation.setVisible(head == "lm")
        self.masks.setVisible(head == "mlm")
        self.masks.refresh()
        self.sampling.show_sampling(
            store.sampling, store.model.config.d_vocab if store.model is not None else 0
        )
        self.generation.refresh()
        self._layout.setStretchFactor(self.generation, 2 if self.generation.shows_text else 0)

    def _follow_head(self) -> None:
        self.set_title(words.TITLES[words.head_of(self.store)])

    def _on_selection(self) -> None:
        # Hovering changes the selection many times a second; nothing here depends on it.
        selection = self.store.selection
        if self._drawn_selection != (selection.position, selection.vocabulary_id):
            self.invalidate()

    def apply_theme(self) -> None:
        self.generation.apply_theme()

    def _why_empty(self) -> str:
        if self.store.prompt_problem:
            return self.store.prompt_problem
        if self.store.model is None:
            return "No model is open. Open a checkpoint to see what it predicts."
        if not self.store.model.config.has_logits:
            return words.NO_HEAD
        return "Type a prompt to see what might come next."

    def _predict(self, trace: TraceReady) -> None:
        logits_V = trace.logits[self.position]
        sampling = self.store.sampling
        self._distribution = probabilities(logits_V, sampling)
        # Greedy leaves nothing to compare with, so behind it stands the model's own distribution.
        uncut = Sampling(temperature=sampling.temperature or 1.0)
        self._uncut = self._distribution if uncut == sampling else probabilities(logits_V, uncut)

    def _make_bars(self) -> list[Bar]:
        if self._distribution is None or self._uncut is None or self.store.model is None:
            return []
        trace = self.store.trace
        assert trace is not None
        logits_V = trace.logits[self.position]
        order = likeliest(logits_V, MOST_BARS)
        actual = self.actual_next
        if actual is not None and actual not in order:
            order = np.append(order, actual)
        text = self.store.model.token_text
        return [
            Bar(
                token_id=int(i),
                text=text(int(i)),
                rank=row + 1 if row < MOST_BARS else rank_of(logits_V, int(i)),
                probability=float(self._distribution[i]),
                uncut=float(self._uncut[i]),
                actual=int(i) == actual,
            )
            for row, i in enumerate(order)
        ]

    @property
    def actual_next(self) -> int | None:
        """The id that really comes next, or is in the position's place; None if it isn't known."""
        return words.real_token(self.store, self.position)

    @property
    def entropy_bits(self) -> float:
        """Entropy of the distribution that is drawn from; NaN without one."""
        if self._distribution is None:
            return float("nan")
        p = self._distribution[self._distribution > 0]
        return float(-(p * np.log2(p)).sum()) + 0.0

    @property
    def kept(self) -> float:
        """How much of the probability is left by temperature 0, top-k and top-p."""
        if self._distribution is None or self._uncut is None:
            return float("nan")
        return float(self._uncut[self._distribution > 0].sum())

    def _figures_line(self) -> str:
        if self._distribution is None:
            return ""
        parts = [f"entropy {self.entropy_bits:.2f} bits"]
        if self._distribution is not self._uncut:
            n = int(np.count_nonzero(self._distribution))
            parts.append(f"kept {self.kept:.3f} ({n:,} token{'' if n == 1 else 's'})")
        return "   ".join(parts)

    def _goes_on_line(self) -> str:
        trace, model, actual = self.store.trace, self.store.model, self.actual_next
        if self._distribution is None or trace is None or model is None or actual is None:
            return ""
        rank = rank_of(trace.logits[self.position], actual)
        p = three_digits(float(self._distribution[actual]))
        said = words.real_words(self.store, self.position)
        return f"{said} {model.token_text(actual)}   {p}   rank {rank:,}"

    def header_note(self) -> str:
        return words.note(self.store, self.position)

    def export_data(self) -> Mapping[str, NDArray[Any]]:
        trace, model = self.store.trace, self.store.model
        if self._distribution is None or self._uncut is None or trace is None or model is None:
            return {}
        order = np.argsort(-trace.logits[self.position], kind="stable")
        return {
            "id": order,
            "text": np.array([model.token_text(int(i)) for i in order]),
            "logit": trace.logits[self.position][order],
            "probability": self._distribution[order],
            "probability_before_cut": self._uncut[order],
        }

    # ------------------------------------------------------------------------- actions

    def describe(self, bar: Bar) -> str:
        """What hovering a bar says."""
        trace = self.store.trace
        if trace is None:
            return ""
        at = self.position
        lines = [
            f"{bar.text}   id {bar.token_id}   rank {bar.rank:,}",
            f"p = {bar.probability:.6g}" + (" (cut)" if bar.cut else ""),
            f"logit {_repr32(trace.logits[at, bar.token_id])}",
            f"logits[0, {at}, {bar.token_id}]",
        ]
        if bar.uncut != bar.probability:
            before = (
                "at temperature 1" if self.store.sampling.temperature == 0 else "before the cut"
            )
            lines[1] += f", {bar.uncut:.6g} {before}"
        masked = words.head_of(self.store) == "mlm"
        if bar.actual:
            said = words.real_words(self.store, at)
            lines.append(f"{said} this token" if masked else "the prompt goes on with this token")
        put = "put it in this place" if masked else "let the text go on with it"
        lines.append(f"Double-click to {put}")
        return "\n".join(lines)

    def choose(self, token_id: int) -> None:
        """Select a token of the vocabulary everywhere and show its probability exactly."""
        trace, model = self.store.trace, self.store.model
        if trace is None or model is None or self._distribution is None:
            return
        at = self.position
        self.store.select(vocabulary_id=token_id)
        logit = _repr32(trace.logits[at, token_id])
        self.store.inspect(
            Inspected(
                name="probabilities",
                index=(0, at, token_id),
                value=float(self._distribution[token_id]),
                dtype="float64",
                code=code.activation(
                    "probabilities", (0, at, token_id), sampling=self.store.sampling
                ),
                note=words.chosen_note(
                    self.store, token_id, at, logit, rank_of(trace.logits[at], token_id)
                ),
            )
        )

    def append(self, token_id: int) -> None:
        """Let the prompt go on with a token after the position, or put it in the mask's place."""
        if words.head_of(self.store) == "mlm":
            self.store.masking.fill(self.position, token_id)
        else:
            self.generation.go_on_with(token_id, self.position)

    def sample_one(self) -> None:
        """Draw one token at the end of the prompt and append it, or fill the mask with it."""
        match words.head_of(self.store):
            case "lm":
                self.generation.sample_one()
            case "mlm":
                self.refresh_now()  # what is drawn from is what is shown
                self.masks.fill()

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

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_M and words.head_of(self.store) == "mlm":
            self.mask_token()
        else:
            super().keyPressEvent(event)


def likeliest(logits_V: NDArray[np.floating], n: int) -> NDArray[np.intp]:
    """The ids of the n largest logits, largest first; ties by lower id."""
    n = min(n, logits_V.size)
    border = np.partition(logits_V, logits_V.size - n)[logits_V.size - n]
    candidates = np.flatnonzero(logits_V >= border)
    order = np.argsort(-logits_V[candidates], kind="stable")
    return candidates[order][:n]


def rank_of(logits_V: NDArray[np.floating], token_id: int) -> int:
    """1 for the token with the largest logit; ties by lower id."""
    own = logits_V[token_id]
    before = np.count_nonzero(logits_V > own) + np.count_nonzero(logits_V[:token_id] == own)
    return int(before) + 1


def _repr32(value: np.floating) -> str:
    return str(np.float32(value))
