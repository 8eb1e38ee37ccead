"""The BPE film: a text to learn from, a film of its merges, and what is done with the tokenizer.

Learning is the worker's; what is drawn is the history that came. Knows the store, the form and the
pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QWidget

from gui import theme
from gui.panes.base import EmptyState, Pane, column
from gui.panes.bpe import ENTRY, words
from gui.panes.bpe.film import Film
from gui.panes.bpe.keeping import Keeping
from gui.panes.bpe.source_form import AT_ONCE, PROMPT, SourceForm
from gui.panes.bpe.stage import BELOW, BpeStage
from gui.session.store import Store
from gui.widgets.control_button import ControlButton, make_primary
from gui.widgets.nest import nest
from gui.widgets.offer_menu import MenuItem, OfferMenu
from gui.widgets.text import Text
from gui.widgets.transport_bar import TransportBar
from model import messages as m
from model.probe.question import Named
from model.tokenizer.bpe_history import BpeHistory


class BpePane(Pane):
    """The film.

    Attributes:
        form: what is learnt from.
        learn_button: begins, or stops what is being learnt.
        film: where it is.
        keeping: what is done with its tokenizer.
        bar: its buttons.
        stage: the pictures.
        figures, sentence: what the state is worth, and what happened.
    """

    entry = ENTRY

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        small = theme.sans(theme.SMALL_FONT_SIZE)
        self.form = SourceForm(store, self)
        self.learn_button = QPushButton("Learn", self)
        make_primary(self.learn_button)
        self.learn_button.setAccessibleName("Learn")
        self.learn_button.setToolTip("Learn the merges of this text")
        self.learn_button.clicked.connect(self.learn_or_stop)
        self.more_button = ControlButton("press", self, sign="more")
        self.more_button.setToolTip("Save the tokenizer or its history, copy it as Python")
        self.more_button.setAccessibleName("More: BPE film")
        self.more_button.clicked.connect(self.offer_more)
        self.by_frequency = ControlButton("press", self)
        self.by_frequency.setText("As training")
        self.by_frequency.setAccessibleName("As training would")
        self.by_frequency.setToolTip("Take back what was merged by hand: the most frequent first")
        self.by_frequency.clicked.connect(self.forget_hand)
        self.by_frequency.hide()
        self.form.row.addWidget(self.by_frequency)
        self.form.row.addWidget(self.learn_button)
        self.form.row.addWidget(self.more_button)
        self.film = Film(self)
        self.keeping = Keeping(store, self.film, self)
        self.bar = TransportBar(self.film, "merge", "10 merges", self)
        self.bar.line.setToolTip("")
        mono = theme.mono(theme.SMALL_FONT_SIZE)
        self.figures = Text(parent=self, tone="dim", font=mono, wrap=True)
        self.train_button = ControlButton("press", self)
        self.train_button.setText("Train on it")
        self.train_button.setAccessibleName("Train a model on this tokenizer")
        self.train_button.setToolTip(
            "Keep this tokenizer beside the runs and put it into the recipe in Training, with its "
            "text: there, Start trains a model on it"
        )
        self.train_button.clicked.connect(self.train_model)
        self.stage = BpeStage(self)
        self._empty = EmptyState(words.EMPTY, self)
        self.sentence = Text(parent=self, wrap=True, font=small)
        self.sentence.setAccessibleName("What happens here")
        layout = column(self, spacing=theme.TIGHT)
        layout.addWidget(self.form)
        layout.addWidget(self.bar)
        figures = QHBoxLayout()
        figures.setSpacing(theme.SPACE)
        figures.addWidget(self.figures, 1)
        figures.addWidget(self.train_button)
        nest(layout, figures)
        layout.addWidget(self.stage, 1)
        layout.addWidget(self._empty, 1)
        layout.addWidget(self.sentence)
        self._refusal = ""
        self._then_at = 0  # merges after which the film goes on, once the next history is there
        self._behind = False  # the form says something else than what was learnt last
        self.form.chosen.connect(self._on_source)
        self.form.edited.connect(self._on_edited)
        self.form.file_requested.connect(self.ask_file)
        self.film.changed.connect(self.invalidate)
        self.stage.state_chosen.connect(self.film.go_to)
        self.stage.pair_chosen.connect(self.merge_by_hand)
        store.learning_bpe.changed.connect(self._on_learnt)
        store.activity.changed.connect(self._on_activity)
        store.engine_changed.connect(self.invalidate)
        store.model_changed.connect(self.invalidate)

    # ------------------------------------------------------------------------------ learning

    @property
    def history(self) -> BpeHistory | None:
        """What is drawn."""
        return self.film.history

    @property
    def n_ctx(self) -> int:
        """Of the model in view, for what a context holds."""
        model = self.store.model
        return 1024 if model is None else model.config.n_ctx

    def learn_or_stop(self) -> None:
        """What the button does."""
        if self.store.learning_bpe.asked is not None:
            self.store.learning_bpe.stop()
        else:
            self.learn()

    def learn(self) -> None:
        """Begin what the form says; where that can't be, say why."""
        request = self.form.request()
        self._then_at = 0
        self._refusal = request if isinstance(request, str) else ""
        if not isinstance(request, str):
            self._behind = False
            self.store.learning_bpe.learn(request)
        self.invalidate()

    def merge_by_hand(self, left: int, right: int) -> None:
        """Let this pair be merged next; all merges after it come by frequency again."""
        history, k = self.history, self.film.at
        if history is None or self.store.learning_bpe.asked is not None:
            return
        if k < history.n_merges and history.pairs[k].tolist() == [left, right]:
            self.film.forward()
            return
        pairs = [*history.pairs[:k].tolist(), [left, right]]
        chosen = tuple((history.tokens[a], history.tokens[b]) for a, b in pairs)
        self._learn_again(chosen, k + 1)

    def forget_hand(self) -> None:
        """All merges by frequency."""
        self._learn_again((), self.film.at)

    def _learn_again(self, chosen: tuple[tuple[bytes, bytes], ...], at: int) -> None:
        before = self.store.learning_bpe.learnt_from
        if before is None:
            return
        self._then_at = at
        self.store.learning_bpe.learn(
            m.LearnBpe(
                text=before.text,
                path=before.path,
                world_tokens=before.world_tokens,
                settings=replace(before.settings, chosen=chosen),
            )
        )
        self.invalidate()

    def ask_file(self) -> None:
        """Ask for a text to learn from."""
        dialog = self.keeping.file_dialog("A text to learn a tokenizer from")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(["Text (*.txt *.md *.csv *.py)", "All files (*)"])
        dialog.fileSelected.connect(self._learn_file)
        dialog.open()

    def _learn_file(self, path: str) -> None:
        self.form.choose_file(path)
        self.learn()

    def _on_source(self) -> None:
        self._refusal = ""
        if self.form.kind in AT_ONCE and (self.form.kind != PROMPT or self.store.prompt):
            self.learn()  # milliseconds; a second of the story world
        else:
            self._behind = True
        self.invalidate()

    def _on_edited(self) -> None:
        """The text or the size is another; a picture of the old one stays until Learn."""
        if not self._behind:
            self._behind = True
            self.invalidate()

    def _on_learnt(self) -> None:
        found = self.store.learning_bpe.history
        if found is not self.film.history:
            self.film.set_history(found, self._then_at)
            self._then_at = 0
        self.invalidate()

    def _on_activity(self) -> None:
        if self.store.learning_bpe.asked is not None:
            self.invalidate()

    # ------------------------------------------------------------------------------- drawing

    def refresh(self) -> None:
        learning, history, k = self.store.learning_bpe, self.history, self.film.at
        busy = learning.asked is not None
        self.learn_button.setText("Stop" if busy else "Learn")
        self.learn_button.setAccessibleName(f"{self.learn_button.text()} the encoding")
        tip = "Give it up; what was learnt before stays" if busy else "Learn merges from this text"
        self.learn_button.setToolTip(tip)
        self.learn_button.setEnabled(self.store.engine is not None)
        self.more_button.setEnabled(history is not None)
        self.by_frequency.setVisible(history is not None and bool(history.settings.chosen))
        there = history is not None
        for widget in (self.stage, self.bar, self.figures, self.train_button):
            widget.setVisible(there)
        self._empty.setVisible(not there)
        problem = self._refusal or learning.problem
        if history is None:
            self._empty.setText(problem or (self._progress() if busy else words.EMPTY))
            self.sentence.hide()
            return
        self.stage.show_state(history, k, learning.words, moves=self.film.is_slow)
        self.figures.setText(words.figures(history, k))
        said = problem or (self._progress() if busy else self._here(history, k))
        self.sentence.setText(said)
        self.sentence.set_tone("warning" if problem else "text")
        self.sentence.show()

    def _here(self, history: BpeHistory, k: int) -> str:
        if self._behind:
            return f"{words.BEHIND} {words.here(history, k, self.n_ctx)}"
        said, ids = words.here(history, k, self.n_ctx), self.stage.recut.all_ids
        if ids:
            said = " ".join(filter(None, (said, words.in_use(history, ids))))
        return f"{said} {words.BY_HAND}" if not k and history.n_merges else said

    def _progress(self) -> str:
        at = self.store.learning_bpe.progress
        if at is None:
            return "Getting ready…"
        return f"{at.what}, {at.done / at.total:.0%}" if at.total else f"{at.what}…"

    def header_note(self) -> str:
        return "" if self.history is None else words.header(self.history, self.film.at)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        learning = self.store.learning_bpe
        if self.history is None and learning.history is None and learning.asked is None:
            self.learn()  # the textbook's three words: milliseconds

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.film.stop()

    # ------------------------------------------------------------------------------- actions

    def offer_more(self) -> None:
        """A menu of what is done with the tokenizer."""
        size = 0 if self.history is None else self.history.vocab_size(self.film.at)
        items = [
            MenuItem(f"Save tokenizer.json of {size:,} tokens…", self.save_tokenizer),
            MenuItem("Train a model on it", self.train_model),
            MenuItem("Save the history as JSON…", self.keeping.save_history),
            MenuItem("Copy as Python", self.keeping.copy_python, group=1),
        ]
        menu = OfferMenu(items, self)
        menu.chosen.connect(self._do)
        menu.popup(self.more_button.mapToGlobal(QPoint(0, self.more_button.height())))

    def _do(self, thing: object) -> None:
        if callable(thing):
            thing()

    def save_tokenizer(self) -> None:
        """Ask where, and write the tokenizer of the merge that is shown."""
        self.keeping.save_tokenizer()

    def train_model(self) -> None:
        """Put the tokenizer of the merge that is shown into the recipe, with its text."""
        self.keeping.train_model()

    # --------------------------------------------------------------------------------- keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        film = self.film
        ways = {
            Qt.Key.Key_Space: film.toggle,
            Qt.Key.Key_Left: film.back,
            Qt.Key.Key_Right: film.forward,
            Qt.Key.Key_Down: film.next_layer,
            Qt.Key.Key_Home: film.first,
            Qt.Key.Key_End: film.last,
        }
        way = ways.get(Qt.Key(event.key()))
        if way is None or not film.n or event.modifiers() & ~_KEYPAD:
            super().keyPressEvent(event)
        else:
            way()

    # ------------------------------------------------------------------------------- keeping

    def export_data(self) -> Mapping[str, Named | np.ndarray]:
        history = self.history
        if history is None:
            return {}
        return {
            "left": history.pairs[:, 0],
            "right": history.pairs[:, 1],
            "made": history.made,
            "count": history.counts,
            "text_length_after": history.n_tokens[1:],
        }

    def remember(self) -> dict[str, Any]:
        return {"below": self.stage.below.current, **self.form.remember()}

    def recall(self, kept: Mapping[str, Any]) -> None:
        if kept.get("below") in BELOW:
            self.stage.show_below(str(kept["below"]))
        self.form.recall(kept)

    def sizeHint(self) -> QSize:
        return QSize(620, 430)


_KEYPAD = Qt.KeyboardModifier.KeypadModifier
