"""What is done with a tokenizer that was learnt: saved, trained on, told as Python.

Asks where, and has it written by the worker. Knows the store and the film; no picture.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from itertools import count
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from gui.file_dialog import file_dialog
from gui.panes.bpe.film import Film
from gui.session import runs_folder
from gui.session.state import Notice
from gui.session.store import Store
from model import messages as m
from model.tokenizer.bpe_history import BpeHistory
from model.train.presets import PRESETS
from model.train.recipe import WORLD

PRESET = "minute"
"""The recipe that is proposed with a tokenizer."""
FOLDER = "tokenizers"
"""Beside the runs: tokenizers that models are trained on."""


class Keeping(QObject):
    """Saves the tokenizer of the state that is shown.

    Args:
        store: has it written, and takes the recipe.
        film: where it is.
        parent: of the dialogs.
    """

    def __init__(self, store: Store, film: Film, parent: QWidget) -> None:
        super().__init__(parent)
        self._store, self._film, self._parent = store, film, parent
        self._train_when_written = ""
        store.learning_bpe.written.connect(self._on_written)

    # ------------------------------------------------------------------------------- asking

    def save_tokenizer(self) -> None:
        """Ask where, and write the tokenizer of the merge that is shown."""
        self._ask_where("tokenizer.json", self.write_tokenizer)

    def save_history(self) -> None:
        """Ask where, and write every merge."""
        self._ask_where("merges.json", self._write_history)

    def _ask_where(self, name: str, then: Callable[[str], None]) -> None:
        if not self._is_there():
            return
        dialog = self.file_dialog(f"Save {name}")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.setNameFilters(["JSON (*.json)"])
        dialog.setDefaultSuffix("json")
        dialog.selectFile(name)
        dialog.fileSelected.connect(then)
        dialog.open()

    def file_dialog(self, title: str) -> QFileDialog:
        """A dialog that asks for a file, not open yet."""
        return file_dialog(self._parent, title, "bpe_file_dialog")

    def _is_there(self) -> bool:
        if self._film.history is None:
            self._store.post(Notice("Nothing is learnt yet: press Learn in the BPE film first."))
            return False
        return True

    # ------------------------------------------------------------------------------ writing

    def write_tokenizer(self, path: str) -> None:
        """Write the tokenizer of the merge that is shown."""
        self._store.learning_bpe.write(self._film.at, path)

    def _write_history(self, path: str) -> None:
        if self._film.history is not None:
            work = _writing(Path(path), self._film.history)
            self._store.exporting.start(Path(path), work)

    # ----------------------------------------------------------------------------- training

    def train_model(self) -> None:
        """Write it beside the runs; then it stands in the recipe, with its text."""
        history, asked = self._film.history, self._store.learning_bpe.learnt_from
        if not self._is_there() or history is None or asked is None:
            return
        source = Path(asked.path).stem if asked.path else WORLD if asked.world_tokens else "text"
        folder = runs_folder.proposed() / FOLDER
        name = f"{source}-{history.vocab_size(self._film.at)}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = _unused(folder, name)
        except OSError as error:
            why = error.strerror or error
            said = f"{folder} can't be written ({why}): save the tokenizer elsewhere by “…”."
            self._store.post(Notice(said, level="error"))
            return
        self.write_and_train(str(path))

    def write_and_train(self, path: str) -> None:
        """Write it there, with its text if that was no file; the recipe follows."""
        asked = self._store.learning_bpe.learnt_from
        self._train_when_written = path
        text_path = str(Path(path).with_suffix(".txt")) if asked is not None and asked.text else ""
        self._store.learning_bpe.write(self._film.at, path, text_path)

    def _on_written(self, written: m.TokenizerWritten) -> None:
        asked, path = self._store.learning_bpe.learnt_from, written.path
        if path != self._train_when_written or asked is None:
            return
        self._train_when_written = ""
        data = asked.path or (WORLD if asked.world_tokens else written.text_path)
        base = PRESETS[PRESET]
        tokens = asked.world_tokens or base.data_tokens
        recipe = replace(base, name=Path(path).stem, data=data, tokenizer=path, data_tokens=tokens)
        self._store.run.proposed.emit(recipe)
        self._store.post(
            Notice("The recipe in Training has this tokenizer and its text: press Start there.")
        )

    # ------------------------------------------------------------------------------- Python

    def copy_python(self) -> None:
        """Put the lines of Python that learn the same on the clipboard."""
        asked = self._store.learning_bpe.learnt_from
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
            f"tokenizer = history.tokenizer({self._film.at})\n"
        )


def _unused(folder: Path, name: str) -> Path:
    """A file of that name that is not there yet: a run may have been trained on the old one."""
    names = (name if n == 1 else f"{name}-{n}" for n in count(1))
    return next(path for path in (folder / f"{each}.json" for each in names) if not path.exists())


def _writing(path: Path, history: BpeHistory) -> Generator[float, None, None]:
    """Writes a history in a thread beside the window."""
    from model.whole_file import write_whole

    yield 0.0
    write_whole(path, history.to_json())
    yield 1.0
