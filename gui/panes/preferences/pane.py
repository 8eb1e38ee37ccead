"""Preferences: two texts to choose from, what was chosen, and what the model made of it.

The run that learns them is a run as any other; what becomes of the next token shows in every pane
once before and after are compared. Knows the store and widgets, no other pane.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.panes.base import EmptyState, Pane, column
from gui.panes.preferences import ENTRY
from gui.panes.preferences.choices_view import ChoicesView
from gui.session import runs_folder
from gui.session.conditions import can_draw_pair, can_learn_choices
from gui.session.store import Store
from gui.widgets.control_button import mark_primary
from gui.widgets.flow import FlowLayout
from gui.widgets.nest import nest
from gui.widgets.text import Text, counted
from model.probe.question import Named
from model.train.margins_file import MarginsAt
from model.train.run_folder import unique_run_dir
from model.train.tuning_recipe import preferences_recipe

PAIR = 260
"""Pixels that two texts and their buttons take at most: they are short."""
EXPLAINED = (
    "Draw two continuations of the prompt, prefer one, and again; a few choices are enough. The "
    "run then makes each preferred text likelier than the other, held to the model as it was by β."
)


class PreferencesPane(Pane):
    """The widget.

    Attributes:
        texts: the two texts; prefer_buttons: the button under each.
        draw_button, learn_button, compare_button: what can be done.
        n_tokens, beta, steps: how long the texts are; how the choices are learned.
        choices: what was preferred to what.
        words: what it says, in a sentence.
    """

    entry = ENTRY
    frame_ms: ClassVar[int] = 100

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._refusal = ""
        self.draw_button = _button("Draw two", "Two continuations of the prompt, by chance (D)")
        self.learn_button = _button("Learn", "Begin a run that learns the choices (DPO)")
        self.compare_button = _button(
            "Before and after", "The prompt under the model before (A) and after (B)"
        )
        self.n_tokens = _count(1, 512, 24, "Tokens", "Tokens of each text at most")
        self.steps = _count(1, 10_000, 20, "Steps", "Updates of the weights")
        self.beta = QDoubleSpinBox()
        self.beta.setRange(0.01, 10.0)
        self.beta.setSingleStep(0.05)
        self.beta.setValue(0.1)
        self.beta.setFixedWidth(62)
        self.beta.lineEdit().setTextMargins(5, 0, 0, 0)
        self.beta.setAccessibleName("β")
        self.beta.setToolTip("β: how strongly it is held to the model as it was; higher is more")
        self.words = Text(EXPLAINED, self, wrap=True)
        self.words.setAccessibleName("What is going on")
        self.texts = tuple(_text(self, name) for name in ("First text", "Second text"))
        self.prefer_buttons = tuple(
            _button(f"Prefer this ({n})", f"The {name} text is the better one ({n})")
            for n, name in ((1, "first"), (2, "second"))
        )
        self.choices = ChoicesView(self)
        self.empty = EmptyState(parent=self)
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        flow = FlowLayout(spacing=theme.SPACE)
        flow.addWidget(self.draw_button)
        for name, box in (("Tokens", self.n_tokens),):
            flow.addWidget(_labelled(name, box))
        flow.addWidget(self.learn_button)
        for name, editor in (("Steps", self.steps), ("β", self.beta)):
            flow.addWidget(_labelled(name, editor))
        flow.addWidget(self.compare_button)
        self.pair = QWidget(self)
        self.pair.setMaximumHeight(PAIR)
        sides = QHBoxLayout(self.pair)
        sides.setContentsMargins(0, 0, 0, 0)
        sides.setSpacing(theme.SPACE)
        for text, button in zip(self.texts, self.prefer_buttons, strict=True):
            side = QVBoxLayout()
            side.setSpacing(theme.TIGHT)
            side.addWidget(text, 1)
            side.addWidget(button)
            nest(sides, side, 1)
        layout = column(self, spacing=theme.TIGHT + 2)
        nest(layout, flow)
        layout.addWidget(self.words)
        layout.addWidget(self.pair, 2)
        layout.addWidget(self.choices, 2)
        layout.addWidget(self.empty, 2)
        layout.addStretch(1)

    def _connect(self) -> None:
        store = self.store
        self.draw_button.clicked.connect(self.draw)
        self.learn_button.clicked.connect(self.learn)
        self.compare_button.clicked.connect(self.compare)
        self.prefer_buttons[0].clicked.connect(self.prefer_first)
        self.prefer_buttons[1].clicked.connect(self.prefer_second)
        self.choices.taken_back.connect(store.tuning.take_back)
        for signal in (
            store.tuning.changed,
            store.run.changed,
            store.timeline.changed,
            store.model_changed,
            store.engine_changed,
            store.prompt_changed,
            store.scaling.changed,
        ):
            signal.connect(self.invalidate)

    # --------------------------------------------------------------------------- doing

    def draw(self) -> None:
        """Have two texts drawn."""
        if can_draw_pair(self.store):
            self.store.tuning.draw(self.n_tokens.value())

    def prefer_first(self) -> None:
        self.store.tuning.prefer(one=True)

    def prefer_second(self) -> None:
        self.store.tuning.prefer(one=False)

    def learn(self) -> None:
        """Begin the run that learns the choices."""
        store = self.store
        if not can_learn_choices(store) or store.model is None:
            return
        recipe = preferences_recipe(
            store.tuning.weights, store.model.config.n_ctx, store.model.n_params
        )
        steps = self.steps.value()
        recipe = replace(
            recipe,
            name=f"{store.tuning.base_name}-dpo",
            steps=steps,
            curves_every=max(1, min(recipe.curves_every, steps // 4)),
            dpo_beta=self.beta.value(),
            seed=0,
        )
        self._refusal = ""
        try:
            folder = str(unique_run_dir(runs_folder.proposed(), recipe.name))
        except OSError as error:
            self._refusal = f"No folder can be made: {error.strerror or error}."
            self.invalidate()
            return
        store.tuning.learn(recipe, folder)

    def compare(self) -> None:
        """The model before (A) and after (B), on the prompt that is there."""
        steps = self.store.timeline.steps
        if len(steps) > 1:
            self.store.timeline.go_to(steps[0].step)
            self.store.comparing.compare_step(steps[-1].step)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        does = {
            Qt.Key.Key_D: self.draw,
            Qt.Key.Key_1: self.prefer_first,
            Qt.Key.Key_2: self.prefer_second,
        }.get(Qt.Key(event.key()))
        if does is None or event.modifiers():
            super().keyPressEvent(event)
        else:
            does()

    # ------------------------------------------------------------------------- drawing

    def refresh(self) -> None:
        store, tuning = self.store, self.store.tuning
        tuning.look()
        pair = tuning.pair
        for text, button, words in zip(
            self.texts,
            self.prefer_buttons,
            ("", "") if pair is None else (pair.one, pair.other),
            strict=True,
        ):
            shown = "" if pair is None else words.strip("\n")
            if text.toPlainText() != shown:
                text.setPlainText(shown)
            button.setEnabled(pair is not None)
        self.pair.setVisible(pair is not None)
        self.draw_button.setEnabled(can_draw_pair(store))
        self.learn_button.setEnabled(can_learn_choices(store))
        n = len(tuning.choices)
        self.learn_button.setText(f"Learn {counted(n, 'choice')}" if n else "Learn")
        found = tuning.found
        margins = () if found is None else found.margins
        learned = () if found is None else found.choices
        # Texts that were chosen since the run, or before another one, have no margin yet.
        if margins and (not tuning.choices or tuple(tuning.choices) == learned):
            self.choices.show_choices(learned, margins[0], margins[-1])
        else:
            self.choices.show_choices(tuning.choices, None, None)
        self.choices.setVisible(bool(self.choices.choices))
        self.choices.setMaximumHeight(self.choices.wanted_height())
        self.empty.setVisible(pair is None and not self.choices.choices)
        # One button is the next thing to do.
        mark_primary(self.draw_button, on=pair is None and not n)
        mark_primary(self.learn_button, on=pair is None and bool(n))
        why = self._why_not()
        explained = EXPLAINED if not why and tuning.drawing is None else ""
        self.empty.setText(explained)
        self.words.setVisible(not explained or not self.empty.isVisibleTo(self))
        run = tuning.run
        steps = store.timeline.steps
        ended = run is not None and not run.running and store.run.in_view(run)
        self.compare_button.setEnabled(bool(margins) and ended and len(steps) > 1)
        self.words.setText(self._said(margins))

    def _why_not(self) -> str:
        """Why nothing can be preferred here, or did not begin; empty where something can."""
        if self._refusal:
            return self._refusal
        if self.store.model is None:
            return "Open a model first: its texts are chosen from."
        if self.store.model.config.no_continuation:
            return "This model continues no text, so there is nothing to prefer."
        return ""

    def _said(self, margins: tuple[MarginsAt, ...]) -> str:
        tuning = self.store.tuning
        run = tuning.run
        why = self._why_not()
        if why:
            return why
        if tuning.drawing is not None:
            return "Drawing two texts …"
        if tuning.pair is not None:
            return f"Which is the better continuation of “{_end(tuning.pair.text)}”?"
        if run is not None and run.running and run.recipe.objective == "preferences":
            return f"Learning, step {run.step:,} of {run.recipe.steps:,} …"
        if margins:
            return sentence(margins[-1])
        if tuning.choices:
            n = counted(len(tuning.choices), "choice")
            return f"{n} so far. Draw two more texts, or let the model learn them."
        return EXPLAINED

    def export_data(self) -> Mapping[str, Any]:
        found = self.store.tuning.found
        if found is None or not found.margins:
            return {}
        steps = np.array([at.step for at in found.margins], dtype=np.int64)
        return {
            name: Named(
                np.array([getattr(at, name) for at in found.margins]),
                ("step", "pair"),
                {"step": steps},
            )
            for name in ("chosen", "rejected", "margins")
        }

    def code(self) -> str:
        found = self.store.tuning.found
        if found is None or not found.margins:
            return ""
        return (
            "from pathlib import Path\n"
            "from model.train.margins_file import read_margins\n\n"
            f"steps = read_margins(Path({found.run_dir!r}))\n"
            "margins = [at.margins for at in steps]\n"
        )


def sentence(after: MarginsAt) -> str:
    """What the margins say here."""
    n, right = len(after.margins), sum(margin > 0 for margin in after.margins)
    gained = sum(after.chosen) / n
    lost = sum(after.rejected) / n
    return (
        f"After {counted(after.step, 'step')} {right} of {counted(n, 'preferred text')} "
        f"{'has' if right == 1 else 'have'} gained on the other: log probability changed by "
        f"{gained:+.2f} nats for what was preferred and {lost:+.2f} for the other, on average."
        + (" Both became less likely: DPO asks for their difference alone." if gained < 0 else "")
    )


def _end(text: str) -> str:
    """The end of a prompt, in a line."""
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"… {line[-58:]}"


def _text(parent: QWidget, name: str) -> QPlainTextEdit:
    """A text that is read, not written."""
    text = QPlainTextEdit(parent)
    text.setReadOnly(True)
    text.setAccessibleName(name)
    text.setTabChangesFocus(True)
    text.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    text.setMinimumHeight(60)
    return text


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setAccessibleName(text)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


def _count(low: int, high: int, value: int, name: str, tip: str) -> QSpinBox:
    box = QSpinBox()
    box.setRange(low, high)
    box.setValue(value)
    box.setAccessibleName(name)
    box.setToolTip(tip)
    box.setFixedWidth(62)
    # A style sheet's padding does not reach the text of a spin box (Qt 6.11).
    box.lineEdit().setTextMargins(5, 0, 0, 0)
    return box


def _labelled(name: str, editor: QWidget) -> QWidget:
    whole = QWidget()
    row = QHBoxLayout(whole)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(theme.TIGHT)
    label = QLabel(name)
    label.setFont(theme.sans(theme.SMALL_FONT_SIZE))
    label.setBuddy(editor)
    row.addWidget(label)
    row.addWidget(editor)
    return whole
