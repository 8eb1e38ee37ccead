"""What a recipe learns from, and how it is cut: the choices of two fields.

Knows recipes and tasks; opening a file dialog is its owner's affair.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QStandardItemModel

from gui.widgets.choice import Choice
from gui.widgets.text import as_written
from model.train.recipe import TASK_TOKENIZER, WORLD
from model.train.tasks.chosen import PREFIX, TaskError, chosen_task, is_task
from model.train.tasks.list import TASKS

_FOLDER, _PASTE = "\0folder", "\0paste"
"""No path can be these."""
_TIP = Qt.ItemDataRole.ToolTipRole


class TextChoice(Choice):
    """The story world, a toy task, or files of one's own.

    Attributes:
        chosen: the text as a recipe names it; empty while none is.

    Signals:
        text_chosen: another one, by a person.
        file_requested, folder_requested, paste_requested: one is to be chosen or typed; answer
            with `show_text`.
    """

    text_chosen = Signal()
    file_requested = Signal()
    folder_requested = Signal()
    paste_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.chosen = WORLD
        self.addItem("story world", WORLD)
        for task in TASKS.values():
            self.addItem(f"task: {task.title.lower()}", PREFIX + task.name)
            self.setItemData(self.count() - 1, f"A toy task. {task.sentence}", _TIP)
        self.addItem("paste a text…", _PASTE)
        self.addItem("choose a folder…", _FOLDER)
        self.setItemData(self.count() - 1, "All text files of a folder, one after the other", _TIP)
        self.addItem("choose a file…", None)
        self.setPlaceholderText("choose…")
        self.activated.connect(self._choose)

    def show_text(self, data: str) -> None:
        """Show a text, which may be one that was not offered yet; empty for none."""
        self.chosen = data
        if not data:
            self.setCurrentIndex(-1)
            return
        at = self.findData(data)
        if at < 0:
            at = self.count() - 3  # before the three that ask
            self.insertItem(at, _title(data), data)
            self.setItemData(at, as_written(data), _TIP)
        self.setCurrentIndex(at)

    def _choose(self, index: int) -> None:
        data = self.itemData(index)
        if data in (None, _FOLDER, _PASTE):
            # Not a text yet: all stays as it was until one is there.
            self.setCurrentIndex(self.findData(self.chosen) if self.chosen else -1)
            asks = {None: self.file_requested, _FOLDER: self.folder_requested}
            asks.get(data, self.paste_requested).emit()
        else:
            self.chosen = data
            self.text_chosen.emit()


def _title(data: str) -> str:
    if not is_task(data):
        return Path(data).name
    try:
        chosen = chosen_task(data)
    except TaskError:
        return data
    return f"task: {chosen.task.title.lower()}, {chosen.size} {chosen.task.size_means}"


class TokenizerChoice(Choice):
    """How the text is cut."""

    def __init__(self) -> None:
        super().__init__()
        self.addItem("BPE", "bpe")
        self.setItemData(0, "Byte-pair encoding, trained on the text", _TIP)
        self.addItem("characters", "char")
        self.setItemData(1, "One token for each character that occurs", _TIP)
        self._open_model: str | None = None

    def offer_open_model(self, name: str, path: str) -> None:
        """Offer the tokenizer of the model in view; an empty path for none.

        What was offered before goes, unless it is chosen.
        """
        before = -1 if self._open_model is None else self.findData(self._open_model)
        if before >= 0 and before != self.currentIndex():
            self.removeItem(before)
        self._open_model = path or None
        if path and self.findData(path) < 0:
            self.addItem(f"of {name}", path)
            tip = f"The tokenizer of the open model, as it is: {as_written(path)}"
            self.setItemData(self.count() - 1, tip, _TIP)

    def show_tokenizer(self, kind: str) -> None:
        """Show a tokenizer: ``bpe``, ``char``, a task's own, or the path of one."""
        if self.findData(kind) < 0:
            own = kind == TASK_TOKENIZER
            self.addItem("the task's own" if own else Path(kind).name, kind)
        self.setCurrentIndex(self.findData(kind))
        # A task's examples can be cut by nothing else, and its tokenizer cuts nothing else.
        model = self.model()
        assert isinstance(model, QStandardItemModel)
        for at in range(self.count()):
            own = self.itemData(at) == TASK_TOKENIZER
            model.item(at).setEnabled(own == (kind == TASK_TOKENIZER))
