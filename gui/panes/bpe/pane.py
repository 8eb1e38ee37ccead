"""The BPE film: a text to learn from, a film of its merges, and what is done with the tokenizer.

Learning is the worker's; what is drawn is the history that came. Knows the store, the form and the
pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QGuiApplication, QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QPushButton, QWidget

from gui import theme
from gui.on_screen import keep_on_screen
from gui.panes.base import EmptyState, Pane, column
from gui.panes.bpe import ENTRY, words
from gui.panes.bpe.film import Film
from gui.panes.bpe.source_form import SMALL, SourceForm
from gui.panes.bpe.stage import BELOW, BpeStage
from gui.session.state import Notice
from gui.session.store import Store
from gui.widgets.control_button import ControlButton, make_primary
from gui.widgets.offer_menu import MenuItem, OfferMenu
from gui.widgets.text import Text
from gui.widgets.transport_bar import TransportBar
from model import messages as m
from model.probe.question import Named
from model.tokenizer.bpe_history import BpeHistory
from model.train.presets import PRESETS
from model.train.recipe import WORLD

PRESET = "minute"
"""The recipe that is proposed with a tokenizer."""


class BpePane(Pane):
    """The film.

    Attributes:
        form: what is learnt from.
        learn_button: begins, or stops what is being learnt.
        film: where it is.
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
        self.more_button.setToolTip("Save the tokenizer, train a model on it, save the history")
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
        self.bar = TransportBar(self.film, "merge", "10 merges", self)
        self.bar.line.setToolTip("")
        self.figures = Text(parent=self, tone="dim", font=theme.mono(theme.SMALL_FONT_SIZE))
        self.stage = BpeStage(self)
        self._empty = EmptyState(words.EMPTY, self)
        self.sentence = Text(parent=self, wrap=True, font=small)
        self.sentence.setAccessibleName("What happens here")
        layout = column(self, spacing=theme.TIGHT)
        layout.addWidget(self.form)
        layout.addWidget(self.bar)
        layout.addWidget(self.figures)
        layout.addWidget(self.stage, 1)
        layout.addWidget(self._empty, 1)
        layout.addWidget(self.sentence)
        self._refusal = ""
        self._then_at = 0  # merges after which the film goes on, once the next history is there
        self._train_when_written = ""
        self._dialog: QFileDialog | None = None
        self.form.chosen.connect(self._on_source)
        self.form.file_requested.connect(self.ask_file)
        self.film.changed.connect(self.invalidate)
        self.stage.state_chosen.connect(self.film.go_to)
        self.stage.pair_chosen.connect(self.merge_by_hand)
        store.learning_bpe.changed.connect(self._on_learnt)
        store.learning_bpe.written.connect(self._on_written)
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
        dialog = self._file_dialog("A text to learn a tokenizer from")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(["Text (*.txt *.md *.csv *.py)", "All files (*)"])
        dialog.fileSelected.connect(self._learn_file)
        dialog.open()

    def _learn_file(self, path: str) -> None:
        self.form.choose_file(path)
        self.learn()

    def _on_source(self) -> None:
        self._refusal = ""
        if self.form.kind in SMALL:
            self.learn()  # takes milliseconds
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
        for widget in (self.stage, self.bar, self.figures):
            widget.setVisible(there)
        self._empty.setVisible(not there)
        problem = self._refusal or learning.problem
        if history is None:
            self._empty.setText(problem or (self._progress() if busy else words.EMPTY))
            self.sentence.hide()
            return
        self.stage.show_state(history, k, learning.words, moves=self.film.is_slow)
        self.figures.setText(words.figures(history, k))
        said = problem or (self._progress() if busy else words.here(history, k, self.n_ctx))
        self.sentence.setText(said)
        self.sentence.set_tone("warning" if problem else "text")
        self.sentence.show()

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
            MenuItem("Train a model on it…", self.train_model),
            MenuItem("Save the history as JSON…", self.save_history),
            MenuItem("Copy as Python", self.copy_python, group=1),
        ]
        menu = OfferMenu(items, self)
        menu.chosen.connect(self._do)
        menu.popup(self.more_button.mapToGlobal(QPoint(0, self.more_button.height())))

    def _do(self, thing: object) -> None:
        if callable(thing):
            thing()

    def save_tokenizer(self) -> None:
        """Ask where, and write the tokenizer of the merge that is shown."""
        self._ask_where("tokenizer.json", self._write_tokenizer)

    def train_model(self) -> None:
        """The same; then it stands in the recipe, with its text."""
        self._ask_where("tokenizer.json", self._write_and_train)

    def save_history(self) -> None:
        """Ask where, and write every merge."""
        self._ask_where("merges.json", self._write_history)

    def copy_python(self) -> None:
        """Put the lines of Python that learn the same on the clipboard."""
        asked = self.store.learning_bpe.learnt_from
        if asked is None:
            return
        text = f"{asked.text!r}"
        if asked.path:
            text = f"open({asked.path!r}, encoding='utf-8').read()"
        elif asked.world_tokens:
            text = f"model.world.write({asked.world_tokens})"
        settings = f"{asked.settings.vocab_size}"
        if asked.settings.chosen:
            settings += f", chosen={asked.settings.chosen!r}"
        QGuiApplication.clipboard().setText(
            "import model.world\n"
            "from model.tokenizer.bpe_history import BpeSettings\n"
            "from model.tokenizer.bpe_training import learn_bpe\n\n"
            f"history = learn_bpe({text}, BpeSettings({settings}))\n"
            f"tokenizer = history.tokenizer({self.film.at})\n"
        )

    def _ask_where(self, name: str, then: Any) -> None:
        if self.history is None:
            self.store.post(Notice("Nothing is learnt yet: press Learn in the BPE film first."))
            return
        dialog = self._file_dialog(f"Save {name}")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.setNameFilters(["JSON (*.json)"])
        dialog.setDefaultSuffix("json")
        dialog.selectFile(name)
        dialog.fileSelected.connect(then)
        dialog.open()

    def _file_dialog(self, title: str) -> QFileDialog:
        dialog = QFileDialog(self, title)
        keep_on_screen(dialog)
        dialog.setObjectName("bpe_file_dialog")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._dialog = dialog
        return dialog

    def _write_tokenizer(self, path: str) -> None:
        self.store.learning_bpe.write(self.film.at, path)

    def _write_and_train(self, path: str) -> None:
        asked = self.store.learning_bpe.learnt_from
        self._train_when_written = path
        text_path = str(Path(path).with_suffix(".txt")) if asked is not None and asked.text else ""
        self.store.learning_bpe.write(self.film.at, path, text_path)

    def _write_history(self, path: str) -> None:
        if self.history is not None:
            self.store.exporting.start(Path(path), _writing(Path(path), self.history))

    def _on_written(self, written: m.TokenizerWritten) -> None:
        asked, path = self.store.learning_bpe.learnt_from, written.path
        if path != self._train_when_written or asked is None:
            return
        self._train_when_written = ""
        data = asked.path or (WORLD if asked.world_tokens else written.text_path)
        name = Path(path).stem if Path(path).stem != "tokenizer" else "own-tokenizer"
        base = PRESETS[PRESET]
        tokens = asked.world_tokens or base.data_tokens
        recipe = replace(base, name=name, data=data, tokenizer=path, data_tokens=tokens)
        self.store.run.proposed.emit(recipe)
        self.store.post(
            Notice("The recipe in Training has this tokenizer and its text: press Start there.")
        )

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


def _writing(path: Path, history: BpeHistory) -> Any:
    """Writes a history in a thread beside the window."""
    from model.whole_file import write_whole

    yield 0.0
    write_whole(path, history.to_json())
    yield 1.0


_KEYPAD = Qt.KeyboardModifier.KeypadModifier
