"""The text that goes through the network: edit it, and everything follows.

Keeps the prompts that stood for a while as a history, offers examples, and says in place what
became of the text: what was replaced, where it was cut, why it can't be run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QSize, Qt, QTimer
from PySide6.QtGui import QAction, QResizeEvent, QTextCursor
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QLayout,
    QMenu,
    QToolButton,
    QWidget,
)

from gui import theme
from gui.panes.base import Pane, column
from gui.panes.prompt import ENTRY
from gui.panes.prompt.editor import PromptEditor, as_typed
from gui.panes.prompt.words import how_run
from gui.reading import code
from gui.session.store import Store
from gui.widgets.nest import nest
from gui.widgets.text import Text, as_written, no_mnemonic
from model.train.tasks.chosen import Chosen, task_of

DEBOUNCE_MS = 12
STOOD_MS = 1500
HISTORY_LENGTH = 50
MENU_LENGTH = 64

EXAMPLES: tuple[tuple[str, str], ...] = (
    ("Whose crown", "Here comes the king with his crown, and here comes the queen with her"),
    ("A pronoun", "There is a duchess in the hall, and"),
    (
        "Who asks",
        "Once there was a queen who lived in the palace. One day she could not find her crown. "
        '"Where is my crown?" asked the',
    ),
    ("A capital", "Paris is the capital of"),
    ("A list again", "List: brown boat Eva loud light. List: brown boat Eva"),
    ("A sum", "The sum of two and seven is"),
    ("An opposite", "If it is not low, it must be"),
    ("A rare name", "At the age of six Tavin Marlock began to play"),
)
"""Label and text of the examples offered when the window brings none of its own: sentences as the
story world has them, on which the bundled model was trained."""

MASKED_EXAMPLES: tuple[tuple[str, str], ...] = (
    ("A capital", "Paris is the capital of {mask}."),
    ("A pronoun", "The queen lost her crown, and the king lost {mask} crown."),
    ("An opposite", "If it is not hot, it must be {mask}."),
    ("A number", "A week has {mask} days."),
    ("Two words", "The {mask} chased the {mask} up a tree."),
)
"""Offered for models that fill masks, each with the model's own mask."""


NOTE_BESIDE = 440
"""Width from which what became of a prompt is read beside the buttons."""


NARROW = 300
"""Width below which the header leaves words out."""


def id_examples(d_vocab: int) -> tuple[tuple[str, str], ...]:
    """Label and text of the examples for a model without a tokenizer, all of them its own ids."""
    spread = [id * d_vocab // 8 for id in (1, 5, 2, 7, 3, 6)]
    rows = {"Counting": range(min(8, d_vocab)), "Some ids": spread, "A list again": [*spread] * 2}
    return tuple((label, " ".join(map(str, ids))) for label, ids in rows.items())


class PromptPane(Pane):
    """An editor of two to four lines, its history and examples."""

    entry = ENTRY

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self.examples: tuple[tuple[str, str], ...] = EXAMPLES
        self._history: tuple[str, ...] = ()
        self._at: int | None = None  # which of the history is being looked at
        self._draft = ""  # what was being typed before looking back
        self._following = False
        self._asked = False  # the prompt is being read

        self.editor = PromptEditor(self)
        self.editor.text_edited.connect(self._on_edit)
        self.editor.committed.connect(self.commit)
        self.editor.older_wanted.connect(self.older)
        self.editor.newer_wanted.connect(self.newer)
        self._debounce = _single_shot(self, DEBOUNCE_MS)
        self._debounce.timeout.connect(self._send)
        self._stood = _single_shot(self, STOOD_MS)
        self._stood.timeout.connect(self._remember_what_stood)

        self._menu = QMenu(self)
        self._menu.setToolTipsVisible(True)
        self._menu.triggered.connect(self._on_menu)
        self.examples_button = self._button(
            "Examples", "Prompts that show something worth seeing", self.show_examples
        )
        self.history_button = self._button(
            "History",
            "Prompts used before (Alt+Up and Alt+Down step through them)",
            self.show_history,
        )
        self._note = Text(
            parent=self, tone="dim", font=theme.sans(theme.SMALL_FONT_SIZE + 0.5), wrap=True
        )
        self._note.setAccessibleName("What became of the prompt")

        buttons = QHBoxLayout()
        buttons.setSpacing(theme.TIGHT)
        buttons.addStretch(1)
        buttons.addWidget(self.examples_button)
        buttons.addWidget(self.history_button)
        self._below = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._below.setSpacing(theme.TIGHT)
        self._below.addWidget(self._note, 1)
        nest(self._below, buttons)
        self._below.setAlignment(buttons, Qt.AlignmentFlag.AlignTop)
        outer = column(self, spacing=theme.TIGHT)
        # How many lines are shown follows the height there is, not the other way round.
        outer.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        outer.addWidget(self.editor)
        nest(outer, self._below)
        outer.addStretch(1)

        store.prompt_changed.connect(self._follow)
        store.prompt_changed.connect(self.invalidate)
        store.subject_changed.connect(self._answered)
        store.subject_changed.connect(self.invalidate)
        store.model_changed.connect(self.invalidate)
        store.model_changed.connect(self._ask_of_task)
        self._follow()

    # ------------------------------------------------------------------------- drawing

    def refresh(self) -> None:
        store = self.store
        read = store.read
        words = "Type a text; everything follows"
        if store.model is not None and not store.model.vocabulary:
            words = f"Type token ids: numbers from 0 to {store.model.config.d_vocab - 1:,}"
        self.editor.setPlaceholderText(words)
        problem = store.prompt_problem
        current = read is not None and read.text == self.editor.text()
        notes = read.notes if read is not None and current else ()
        self._note.setText(problem or "  ".join(notes))
        self._note.set_tone("warning" if problem or notes else "dim")
        self.editor.dim_from(read.truncated_at if read is not None and current else None)
        self._make_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        """A note is seen whole: above the buttons where it would be narrow, under fewer lines."""
        width = self.width() - 2 * theme.SPACE
        height = self.height() - 2 * theme.SPACE - theme.TIGHT
        way = QBoxLayout.Direction.LeftToRight
        if width < NOTE_BESIDE and self._note.text():
            way = QBoxLayout.Direction.TopToBottom
        if self._below.direction() != way:
            self._below.setDirection(way)
        # Where there is no room for both, the text is what is needed; a menu has the buttons, too.
        buttons = (self.examples_button, self.history_button)
        both = height >= self.editor.least_height + self._taken(width)
        for button in buttons:
            button.setVisible(both)
        note = self._note.heightForWidth(width) if self._note.text() else 0
        taken = self._taken(width) if both else note
        self.editor.set_room(height - taken, share=self.height() // 3)
        self.updateGeometry()

    def _taken(self, width: int) -> int:
        """Height of the note and the buttons, at a width."""
        buttons = QSize(theme.TIGHT, self.examples_button.sizeHint().height())
        for button in (self.examples_button, self.history_button):
            buttons += QSize(button.sizeHint().width() + theme.TIGHT, 0)
        if width >= NOTE_BESIDE or not self._note.text():
            note = self._note.heightForWidth(width - buttons.width())
            return max(buttons.height(), note)
        return buttons.height() + theme.TIGHT + self._note.heightForWidth(width)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        """For two to four lines of the prompt, and what stands below."""
        inner = width - 2 * theme.SPACE
        return self.editor.height_for(inner) + self._taken(inner) + 2 * theme.SPACE + theme.TIGHT

    def apply_theme(self) -> None:
        self.editor.apply_theme()

    def header_note(self) -> str:
        read = self.store.read
        return "" if read is None else how_run(read, self.store.ran, narrow=self.width() < NARROW)

    def code(self) -> str:
        """The tokens of the prompt."""
        read, model = self.store.read, self.store.model
        return "" if read is None or model is None else code.tokens(read, model)

    def export_data(self) -> Mapping[str, NDArray[Any]]:
        """The text, as it is and as far as it is read."""
        read, text = self.store.read, self.editor.text()
        if not text:
            return {}
        used = "" if read is None or read.text != text else text[: read.truncated_at]
        return {"prompt": np.array([text]), "prompt_read": np.array([used])}

    def focus_prompt(self) -> None:
        """Put the caret at the end of the text."""
        self.editor.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.editor.moveCursor(QTextCursor.MoveOperation.End)

    # ------------------------------------------------------------------------- editing

    def set_text(self, text: str) -> None:
        """Put a text into the editor and run it at once."""
        self.editor.replace_text(text)
        self._send()

    def commit(self) -> None:
        """Run the text at once and keep it in the history."""
        self._send()
        self._remember(self.editor.text())

    def _on_edit(self) -> None:
        if self._following:
            return
        self._at = None
        self._stood.start()
        if self._asked:
            self._debounce.start()
        else:
            self._send()

    def _send(self) -> None:
        self._debounce.stop()
        self._asked = True
        self.store.set_prompt(self.editor.text())

    def _answered(self) -> None:
        self._asked = False

    def _follow(self) -> None:
        """The prompt was set from outside, or by this editor: take over what differs."""
        if self._debounce.isActive():
            return  # what is being typed is newer
        if as_typed(self.store.prompt) == self.editor.text():
            return
        self._following = True
        self.editor.replace_text(self.store.prompt)
        self._following = False
        self._stood.start()

    # ------------------------------------------------------------------------- history

    @property
    def history(self) -> tuple[str, ...]:
        """Prompts used before, the newest last; at most 50."""
        return self._history

    @history.setter
    def history(self, prompts: tuple[str, ...]) -> None:
        self._history = tuple(prompts)[-HISTORY_LENGTH:]
        self._at = None

    def remember(self) -> dict[str, Any]:
        return {"history": list(self._history)}

    def recall(self, kept: Mapping[str, Any]) -> None:
        history = kept.get("history")
        if isinstance(history, list):
            self.history = tuple(text for text in history if isinstance(text, str))

    def older(self) -> None:
        """Go back to the prompt before."""
        if not self._history:
            return
        if self._at is None:
            self._draft = self.editor.text()
            at = len(self._history) - 1
            if self._history[at] == self._draft:
                at -= 1
        else:
            at = self._at - 1
        if at >= 0:
            self._look_at(at, self._history[at])

    def newer(self) -> None:
        """Go forward again, in the end to what was being typed."""
        if self._at is None:
            return
        at = self._at + 1
        if at < len(self._history):
            self._look_at(at, self._history[at])
        else:
            self._look_at(None, self._draft)

    def _look_at(self, at: int | None, text: str) -> None:
        self.set_text(text)
        self._at = at  # after the edit, which means "typing anew"

    def _remember_what_stood(self) -> None:
        if self._at is None:
            self._remember(self.editor.text())

    def _remember(self, text: str) -> None:
        if text.strip():
            others = tuple(prompt for prompt in self._history if prompt != text)
            self.history = (*others, text)

    # --------------------------------------------------------------------------- menus

    def show_history(self) -> None:
        """Open the menu of prompts used before."""
        self._fill_menu(
            [(_one_line(text), text) for text in reversed(self._history)],
            "Nothing yet: a prompt that stands for a moment is kept here",
        )
        self._open_menu(self.history_button)

    def show_examples(self) -> None:
        """Open the menu of examples."""
        examples, mask = self.examples, self.store.masking.written
        if mask:
            examples = tuple((label, text.format(mask=mask)) for label, text in MASKED_EXAMPLES)
        elif self.store.model is not None and not self.store.model.vocabulary:
            examples = id_examples(self.store.model.config.d_vocab)
        elif self.store.model is not None and (task := self._task()) is not None:
            examples = tuple((task.task.title, text) for text in task.examples)
        self._fill_menu(
            [
                (f"{label}:  {_one_line(text)}" if label else _one_line(text), text)
                for label, text in examples
            ],
            "This model brings no examples",
        )
        self._open_menu(self.examples_button)

    def _task(self) -> Chosen | None:
        """The toy task that the model was trained on."""
        model = self.store.model
        return None if model is None else task_of(model.vocabulary, model.config.n_ctx)

    def _ask_of_task(self) -> None:
        """A model of a toy task reads nothing but its questions: it is asked one."""
        task = self._task()
        if task is not None and not task.can_read(self.store.prompt):
            self.store.set_prompt(task.examples[0])

    def _fill_menu(self, entries: list[tuple[str, str]], empty: str) -> None:
        self._menu.clear()
        for label, text in entries:
            action = QAction(no_mnemonic(label), self._menu)
            action.setData(text)
            action.setToolTip(as_written(text))
            self._menu.addAction(action)
        if not entries:
            self._menu.addAction(empty).setEnabled(False)

    def _open_menu(self, button: QWidget) -> None:
        if button.isHidden():
            button = self.editor
        left = button.mapToGlobal(QPoint(button.width(), button.height() + 2))
        self._menu.popup(left - QPoint(self._menu.sizeHint().width(), 0))

    def _on_menu(self, action: QAction) -> None:
        text = action.data()
        if isinstance(text, str):
            self.set_text(text)
            self._remember(text)
            self.focus_prompt()

    def _button(self, text: str, tip: str, slot: object) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setToolTip(tip)
        button.setAccessibleName(text)
        button.setAccessibleDescription(tip)
        button.setProperty("flat", True)
        button.clicked.connect(slot)
        return button


def _one_line(text: str) -> str:
    line = text.replace("\n", " ⏎ ")
    return line if len(line) <= MENU_LENGTH else line[: MENU_LENGTH - 1] + "…"


def _single_shot(parent: QWidget, ms: int) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(ms)
    return timer
