"""The Tokenizer pane: a word step by step, a prompt under several tokenizers, a talk, all tokens.

Knows the store and the views.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from PySide6.QtCore import QPoint, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QStackedWidget,
    QWidget,
)

from gui import theme
from gui.file_dialog import file_dialog
from gui.panes.base import LAST, EmptyState, Pane, column
from gui.panes.tokenizer import ENTRY, words
from gui.panes.tokenizer.aligned_view import AlignedView
from gui.panes.tokenizer.all_tokens import AllTokens
from gui.panes.tokenizer.chat_view import ChatView
from gui.panes.tokenizer.chat_view import sentence as of_chat
from gui.panes.tokenizer.replay_view import ReplayView
from gui.session.store import Store
from gui.widgets.control_button import ControlButton
from gui.widgets.nest import nest
from gui.widgets.offer_menu import MenuItem, OfferMenu
from gui.widgets.segments import Segments
from gui.widgets.text import Text
from model import messages as m
from model.messages import PromptRead
from model.tokenizer.chat import NO_TEMPLATE
from model.tokenizer.side_by_side import BYTES, CHARACTERS, CutBy

VIEWS = {
    "word": ("this word", "How the open model's tokenizer cut one word, step by step"),
    "beside": ("side by side", "The prompt in the tokens of several tokenizers"),
    "chat": ("chat", "What the chat template puts around what you say"),
    "all": ("vocabulary", "All tokens of the open model: search, sort, norms of their vectors"),
}
ALWAYS = (m.OPEN_MODEL, BYTES, CHARACTERS)
BESIDE = "A tokenizer beside the open model's"
COMPARED = 2000
"""Characters of the prompt that are compared."""
_MOST_FILES = 8
NARROW = 600
"""Below this width the fields stand under the views, or their names would be cut."""


class TokenizerPane(Pane):
    """Four views of what tokenizers do.

    Attributes:
        views: which.
        word: a text of one's own; empty follows the selected token.
        replay, aligned, chat, table: the pictures.
        files: paths of tokenizers beside the open model's.
    """

    entry = ENTRY

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        small = theme.sans(theme.SMALL_FONT_SIZE)
        self.files: tuple[str, ...] = ()
        self.views = Segments(self, font=small)
        self.views.setAccessibleName("What is shown of tokenizers")
        for key, (text, tip) in VIEWS.items():
            self.views.add(key, text, tip)
        self.views.chosen.connect(self._on_view)
        self.word = QLineEdit(self)
        self.word.setFont(theme.mono())
        self.word.setAccessibleName("Word to cut")
        self.word.setToolTip("A word or a short text; left empty, the selected token's word")
        self.word.setClearButtonEnabled(True)
        self.word.textChanged.connect(self.invalidate)
        self.add_button = ControlButton("press", self, sign="add")
        self.add_button.setToolTip("A tokenizer beside these: a file, a folder, or take one away")
        self.add_button.setAccessibleName("Tokenizers beside the open model's")
        self.add_button.clicked.connect(self.offer_files)
        self.sentence = Text(parent=self, wrap=True, font=small)
        self.sentence.setAccessibleName("What the picture says here")
        self.replay = ReplayView(self)
        self.aligned = AlignedView(self)
        self.aligned.position_chosen.connect(self._select_at)
        self.chat = ChatView(self)
        self.chat.asked.connect(self.invalidate)
        self.chat.prompt_requested.connect(store.set_prompt)
        self.all = AllTokens(store, self)
        self.all.changed.connect(self.invalidate)
        self.all.texts_requested.connect(self.offer_texts)
        self.table = self.all.table
        self.table.token_chosen.connect(self._select_token)
        self._empty = EmptyState(parent=self)
        self._stack = QStackedWidget(self)
        for view in (self.replay, self.aligned, self.chat, self.table, self._empty):
            self._stack.addWidget(view)
        views, self._fields = QHBoxLayout(), QHBoxLayout()
        views.addWidget(self.views)
        views.addStretch(1)
        self._fields.setSpacing(theme.SPACE)
        self._fields.addWidget(self.word, 1)
        self._fields.addWidget(self.all.search, 1)
        self._fields.addWidget(self.all.kind)
        self._fields.addWidget(self.all.count_button)
        self._fields.addStretch(0)
        self._fields.addWidget(self.add_button)
        self._top = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._top.setSpacing(theme.SPACE)
        nest(self._top, views)
        nest(self._top, self._fields, 1)
        layout = column(self, spacing=theme.TIGHT)
        nest(layout, self._top)
        layout.addWidget(self.sentence)
        layout.addWidget(self._stack, 1)
        store.tokenizing.changed.connect(self.invalidate)
        store.selection_changed.connect(self.invalidate)
        store.subject_changed.connect(self.invalidate)
        store.model_changed.connect(self.invalidate)
        store.learning_bpe.changed.connect(self.invalidate)
        store.vocabulary_changed.connect(self.invalidate)
        self._on_view()

    # ------------------------------------------------------------------------------- drawing

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        below = self.width() < NARROW and self.views.current in ("word", "all")
        way = QBoxLayout.Direction
        self._top.setDirection(way.TopToBottom if below else way.LeftToRight)

    def apply_theme(self) -> None:
        self.table.apply_theme()

    @property
    def _followed(self) -> str:
        """The word of the selected token; of what stands around a text, the word before it."""
        read, position = self.store.read, self.store.selection.position
        found = (word_at(read, at) for at in range(position, -1, -1))
        return next(filter(None, found), "")

    @property
    def shown_word(self) -> str:
        """What is replayed: what is typed, or the word of the selected token."""
        return self.word.text() or self._followed

    def refresh(self) -> None:
        self.word.setPlaceholderText(self._followed.strip() or "a word")
        problem = "No model is open. Open a checkpoint first." if self.store.model is None else ""
        if self.views.current == "word":
            self._draw_word(problem)
        elif self.views.current == "chat":
            self._draw_chat(problem)
        elif self.views.current == "all":
            self._draw_all(problem)
        else:
            self._draw_beside(problem)

    def _draw_word(self, problem: str) -> None:
        tokenizing, text = self.store.tokenizing, self.shown_word
        if text and not problem:
            tokenizing.replay(text)
        problem = problem or tokenizing.replay_problem or ("" if text else words.EMPTY_WORD)
        found = tokenizing.replayed
        if problem or found is None:
            self._say_empty(problem or words.WAITING["word"])
            return
        self.replay.show_replay(found)
        self._stack.setCurrentWidget(self.replay)
        self.sentence.setText(words.here(found))
        self.sentence.set_tone("text" if found.replay.agrees else "warning")
        self.sentence.show()

    def _draw_beside(self, problem: str) -> None:
        tokenizing, text = self.store.tokenizing, self.store.prompt[:COMPARED]
        own = self.store.learning_bpe.history
        if text and not problem:
            names = ALWAYS + ((m.OWN,) if own is not None else ()) + self.files
            n = 0 if own is None else own.n_merges
            request = m.CompareTokenizers(text=text, names=names, own=own, n_merges=n)
            tokenizing.compare(request)
        problem = problem or tokenizing.compare_problem or ("" if text else words.EMPTY_TEXT)
        found = tokenizing.compared
        if problem or found is None:
            self._say_empty(problem or words.WAITING["beside"])
            return
        self.aligned.show_compared(found)
        self._stack.setCurrentWidget(self.aligned)
        said = words.compared(tuple(cut for cut in found.cuts if isinstance(cut, CutBy)))
        if len(self.store.prompt) > COMPARED:
            said += f" The first {COMPARED:,} characters of the prompt are compared."
        self.sentence.setText(said)
        self.sentence.set_tone("text")
        self.sentence.show()

    def _draw_chat(self, problem: str) -> None:
        tokenizing, view = self.store.tokenizing, self.chat
        if problem:
            self._say_empty(problem)
            return
        tokenizing.put_in_template(
            m.PutInTemplate(turns=view.turns(), answer_begins=view.begins.isChecked())
        )
        found, problem = tokenizing.chat, tokenizing.chat_problem
        if problem == NO_TEMPLATE:
            self._say_empty(f"{problem} {words.HAVE_TEMPLATES}")
            return
        view.show_chat(found)
        self._stack.setCurrentWidget(view)
        said = words.WAITING["chat"] if found is None else of_chat(found)
        self.sentence.setText(problem or said)
        self.sentence.set_tone("warning" if problem else "text")
        self.sentence.show()

    def _draw_all(self, problem: str) -> None:
        model = self.store.model
        if problem or model is None:
            self._say_empty(problem)
            return
        if not model.vocabulary:
            self._say_empty(words.NO_TEXTS)
            return
        said, tone = self.all.refresh(model)
        if not len(self.table.rows.shown):
            kind = str(self.all.kind.currentData() or "")
            self._say_empty(words.nothing_found(self.all.search.text(), kind))
            return
        self._stack.setCurrentWidget(self.table)
        self.sentence.setText(said)
        self.sentence.set_tone(tone)
        self.sentence.show()

    def _say_empty(self, problem: str) -> None:
        self._empty.setText(problem)
        self._stack.setCurrentWidget(self._empty)
        self.sentence.hide()

    def header_note(self) -> str:
        found = self.store.tokenizing.replayed
        if self.views.current != "word" or found is None:
            return ""
        return found.replay.algorithm

    # ------------------------------------------------------------------------------- actions

    def _on_view(self) -> None:
        view = self.views.current
        self.word.setVisible(view == "word")
        self.all.set_visible(view == "all")
        self.add_button.setVisible(view == "beside")
        self._fields.setStretch(4, 1 if view == "beside" else 0)
        self._arrange()
        self.invalidate()

    def offer_texts(self) -> None:
        """A menu of texts to count tokens in."""
        items = [
            MenuItem("In the story world", partial(self.all.count_in, "")),
            MenuItem("In a text file…", self.ask_text),
        ]
        menu = OfferMenu(items, self)
        menu.chosen.connect(self._do)
        menu.popup(self.all.count_button.mapToGlobal(QPoint(0, self.all.count_button.height())))

    def ask_text(self) -> None:
        """Ask for a text file to count in."""
        self._ask(QFileDialog.FileMode.ExistingFile, "A text to count tokens in", self.all.count_in)

    def _select_at(self, character: int) -> None:
        """Select the prompt's token at a character."""
        read = self.store.read
        for position, token in enumerate(() if read is None else read.tokens):
            if token.char_start <= character < token.char_end:
                self.store.select(position=position)
                return

    def _select_token(self, id: int) -> None:
        self.store.select(vocabulary_id=id)

    def offer_files(self) -> None:
        """A menu: another file or folder, and those that are there to take away."""
        full = "" if len(self.files) < _MOST_FILES else f"There are {_MOST_FILES}: take one away"
        items = [
            MenuItem("A tokenizer's or a model's file…", self.ask_file, why_not=full),
            MenuItem("A folder…", self.ask_folder, why_not=full),
        ]
        items += [
            MenuItem(words.short_name(file), file, checked=True, group=1) for file in self.files
        ]
        menu = OfferMenu(items, self)
        menu.chosen.connect(self._do)
        menu.popup(self.add_button.mapToGlobal(QPoint(0, self.add_button.height())))

    def _do(self, thing: object) -> None:
        if callable(thing):
            thing()
        else:
            self.files = tuple(file for file in self.files if file != thing)
            self.invalidate()

    def ask_file(self) -> None:
        """Ask for a file of a tokenizer."""
        self._ask(QFileDialog.FileMode.ExistingFile, BESIDE, self.add_file)

    def ask_folder(self) -> None:
        """Ask for a folder that holds one."""
        self._ask(QFileDialog.FileMode.Directory, BESIDE, self.add_file)

    def _ask(self, mode: QFileDialog.FileMode, title: str, then: Callable[[str], None]) -> None:
        dialog = file_dialog(self, title, "tokenizer_dialog", mode)
        dialog.fileSelected.connect(then)
        dialog.open()

    def add_file(self, path: str) -> None:
        """Show one more tokenizer."""
        if path not in self.files and len(self.files) < _MOST_FILES:
            self.files += (path,)
            self.invalidate()

    # ------------------------------------------------------------------------------- keeping

    def export_data(self) -> Mapping[str, Any]:
        if self.views.current == "word":
            found = self.store.tokenizing.replayed
            return {} if found is None else {"ids": np.array(found.replay.ids)}
        if self.views.current == "all":
            rows, ids = self.table.rows, self.table.rows.shown
            norms = rows.norms
            known = {"norm": norms[ids[ids < len(norms)]]} if norms is not None else {}
            if rows.counts is not None:
                known["count"] = rows.counts[ids[ids < len(rows.counts)]]
            return {"id": ids, **known}
        compared = self.store.tokenizing.compared
        cuts = () if compared is None else compared.cuts
        return {
            f"ids of {cut.name}": np.array([token.id for token in cut.tokens])
            for cut in cuts
            if isinstance(cut, CutBy)
        }

    def remember(self) -> dict[str, Any]:
        return {
            "view": self.views.current,
            "files": list(self.files),
            LAST: {"word": self.word.text()},
        }

    def recall(self, kept: Mapping[str, Any]) -> None:
        if kept.get("view") in VIEWS:
            self.views.set_current(str(kept["view"]))
        files = kept.get("files")
        if isinstance(files, list):
            named = [file for file in files if isinstance(file, str) and "\0" not in file]
            self.files = tuple(named[:_MOST_FILES])
        last = kept.get(LAST)
        if isinstance(last, Mapping) and isinstance(last.get("word"), str):
            self.word.setText(last["word"])
        self._on_view()

    def sizeHint(self) -> QSize:
        return QSize(620, 430)


def word_at(read: PromptRead | None, position: int) -> str:
    """The word of the prompt that a token is part of, with the space before it."""
    if read is None or not 0 <= position < read.n_tokens:
        return ""
    token = read.tokens[position]
    text = read.text
    start, end = token.char_start, token.char_end
    if start >= end:
        return ""
    while start < end - 1 and text[start].isspace():  # the word after its space
        start += 1
    while start > 0 and not text[start - 1].isspace():
        start -= 1
    while end < len(text) and not text[end - 1].isspace() and not text[end].isspace():
        end += 1
    return text[start - 1 : end] if start > 0 and text[start - 1] == " " else text[start:end]
