"""What a byte-pair encoding is learnt from, and how large its vocabulary may grow.

Knows the store's prompt and the request that it makes; reads no file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui import theme
from gui.session.store import Store
from gui.widgets.choice import Choice
from gui.widgets.long_text_edit import LongTextEdit
from gui.widgets.nest import nest
from gui.widgets.number_boxes import WholeBox
from gui.widgets.text import Text
from model import messages as m
from model.tokenizer.bpe_history import BpeSettings

LOW, NEWEST, PROMPT, TYPED, WORLD, FILE = "low", "newest", "prompt", "typed", "world", "file"
SMALL = {
    LOW: "low\nlower\nlowest",
    # Sennrich, Haddow and Birch 2016, their first example.
    NEWEST: "\n".join(["low"] * 5 + ["lower"] * 2 + ["newest"] * 6 + ["widest"] * 3),
}
"""The textbook's texts."""
AT_ONCE = (*SMALL, PROMPT, WORLD)
"""Kinds of text that are learnt from as soon as they are chosen: nothing else is to be said."""
TITLES = {
    LOW: "low, lower, lowest",
    NEWEST: "low, lower, newest, widest (Sennrich 2016)",
    PROMPT: "the prompt",
    WORLD: "the story world",
    TYPED: "a text typed or pasted here",
    FILE: "a text file…",
}
WORLD_TOKENS = 200_000
LEAST, MOST = 258, 60_000


class SourceForm(QWidget):
    """The text and the size.

    Signals:
        chosen: another kind of text was chosen.
        edited: the text of this kind, or the size, is another now.
        file_requested: a file is to be chosen; answer with `choose_file`.
    """

    chosen = Signal()
    edited = Signal()
    file_requested = Signal()

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._path = ""
        self._kind = LOW
        small = theme.sans(theme.SMALL_FONT_SIZE)
        self.source = Choice(self)
        self.source.setAccessibleName("Text to learn from")
        self.source.setToolTip("The text whose pairs are counted")
        for kind, title in TITLES.items():
            self.source.addItem(title, kind)
        self.source.setMinimumContentsLength(12)
        self.source.activated.connect(self._on_source)
        self.size_box = WholeBox(LEAST, MOST, "size of the vocabulary", self)
        self.size_box.setValue(1024)
        self.size_box.setAccessibleName("Vocabulary at most")
        self.size_box.setToolTip("Tokens at most: 256 bytes, <|endoftext|>, and one for each merge")
        self.size_box.valueChanged.connect(self.edited)
        self.size_box.refusals.tell = self._tell
        self.typed = LongTextEdit(self)
        self.typed.setPlaceholderText("Type or paste a text, then press Learn")
        self.typed.setAccessibleName("A text to learn from")
        self.typed.setTabChangesFocus(True)
        self.typed.setFont(theme.mono())
        self.typed.setFixedHeight(72)
        self.typed.textChanged.connect(self.edited)
        self.typed.hide()
        self.refusal = Text(parent=self, tone="warning", font=small)
        self.refusal.hide()
        store.prompt_changed.connect(self._on_prompt)
        self.row = QHBoxLayout()
        self.row.setSpacing(theme.SPACE)
        self.row.addWidget(self.source, 1)
        self.row.addWidget(Text("vocabulary ≤", self, tone="dim", font=small))
        self.row.addWidget(self.size_box)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.TIGHT)
        nest(layout, self.row)
        layout.addWidget(self.typed)
        layout.addWidget(self.refusal)

    # ----------------------------------------------------------------------------- what

    @property
    def kind(self) -> str:
        """Of text."""
        return self._kind

    @property
    def path(self) -> str:
        """Of the file, if it is one."""
        return self._path if self._kind == FILE else ""

    def request(self) -> m.LearnBpe | str:
        """What is to be learnt; a sentence where there is nothing to learn from."""
        settings = BpeSettings(self.size_box.value())
        match self._kind:
            case _ if self._kind in SMALL:
                return m.LearnBpe(text=SMALL[self._kind], settings=settings)
            case "prompt":
                text = self._store.prompt
                if not text:
                    return "The prompt is empty. Type one, or choose another text."
                return m.LearnBpe(text=text, settings=settings)
            case "typed":
                text = self.typed.whole_text()
                if not text:
                    return "Nothing is typed yet. Type or paste a text, or choose another."
                return m.LearnBpe(text=text, settings=settings)
            case "world":
                return m.LearnBpe(world_tokens=WORLD_TOKENS, settings=settings)
            case _:
                return m.LearnBpe(path=self._path, settings=settings)

    def choose(self, kind: str) -> None:
        """Choose a kind of text."""
        self._kind = kind
        self.source.setCurrentIndex(self.source.findData(kind))
        self.typed.setVisible(kind == TYPED)
        self.chosen.emit()

    def choose_file(self, path: str) -> None:
        """Learn from this file."""
        self._path = path
        at = self.source.findData(FILE)
        self.source.setItemText(at, Path(path).name or TITLES[FILE])
        self.choose(FILE)

    # ---------------------------------------------------------------------------- inside

    def _on_source(self, index: int) -> None:
        kind = str(self.source.itemData(index))
        if kind == FILE:
            # Not a text yet: all stays as it was until a file is there.
            self.source.setCurrentIndex(self.source.findData(self._kind))
            self.file_requested.emit()
        else:
            self.choose(kind)

    def _on_prompt(self) -> None:
        if self._kind == PROMPT:
            self.edited.emit()

    def _tell(self, why: str) -> None:
        self.refusal.setText(why)
        self.refusal.setVisible(bool(why))

    def remember(self) -> dict[str, Any]:
        """The choices as JSON has them."""
        return {"vocab_size": self.size_box.value()}

    def recall(self, kept: Mapping[str, Any]) -> None:
        """Take up `remember`'s choices; what isn't as it should be is passed over."""
        size = kept.get("vocab_size")
        if isinstance(size, int) and not isinstance(size, bool) and LEAST <= size <= MOST:
            self.size_box.setValue(size)
