"""Recipes before they run: what one would take, measured by the worker, and those in files.

Knows messages; no widget.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal

from gui.session.feature import Feature
from gui.session.state import Notice
from model import messages as m
from model.train.estimate import Estimate
from model.train.recipe import Recipe

if TYPE_CHECKING:
    from gui.session.store import Store


TEXTS = "texts"
"""The folder beside runs in which pasted texts lie."""


def name_of(text: str) -> str:
    """What the file of a pasted text is called: its first words, and a number that is its own."""
    words = re.findall(r"[^\W_]+", text[:200].lower())[:3]
    number = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{'-'.join(words)[:40] or 'text'}-{number}.txt"


class Recipes(Feature):
    """One measurement at a time, and the last one; recipes as TOML.

    Attributes:
        problem: why it could not be measured, a sentence; empty if it could.

    Signals:
        read: a recipe that stood in a file.
        text_written: who wanted a text written, and where it lies now.
    """

    read = Signal(object)
    text_written = Signal(str, str)

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.problem = ""
        self._found: Estimate | None = None
        self._request: m.MeasureRecipe | None = None
        self._texts: dict[int, str] = {}  # who wants it, by request

    @property
    def going(self) -> bool:
        """Whether one is being measured."""
        return self._request is not None

    def estimate(self, recipe: Recipe) -> Estimate | None:
        """What a recipe takes; None where its updates were not measured."""
        return None if self._found is None else self._found.of(recipe)

    def measure(self, recipe: Recipe) -> None:
        """Measure this one."""
        self.problem = ""
        self._request = m.MeasureRecipe(recipe=recipe)
        self._store.send(self._request)
        self.changed.emit()

    def cancel(self) -> None:
        """Measure no further."""
        if self._request is not None:
            self._store.send(m.Cancel(target=self._request.id))

    def read_file(self, path: str) -> None:
        """Read a recipe from a TOML file, a run's run.toml too; `read` follows."""
        self._store.send(m.ReadRecipe(path=path))

    def write_file(self, recipe: Recipe, path: str) -> None:
        """Write a recipe to a TOML file."""
        self._store.send(m.WriteRecipe(recipe=recipe, path=path))

    def write_text(self, text: str, folder: Path, who: str) -> None:
        """Keep a text that was pasted, to be trained on; `text_written` follows.

        Args:
            text: which.
            folder: of runs: texts lie in one beside them, the same text in the same file.
            who: says itself in `text_written`.
        """
        request = m.WriteText(text=text, path=str(folder / TEXTS / name_of(text)))
        self._texts[request.id] = who
        self._store.send(request)

    def take(self, result: m.Result) -> bool:
        if isinstance(result, m.TextWritten):
            self.text_written.emit(self._texts.pop(result.request_id, ""), result.path)
            return True
        if isinstance(result, m.RecipeRead):
            self.read.emit(result.recipe)
            return True
        if isinstance(result, m.RecipeWritten):
            self._store.post(Notice(f"The recipe is in {result.path}."))
            return True
        request = self._request
        if request is None or result.request_id != request.id:
            return False
        match result:
            case m.RecipeMeasured():
                self._found = result.estimate
            case m.Failed():
                self.problem = result.message
            case m.Cancelled():
                pass
            case _:
                return False
        self._request = None
        self.changed.emit()
        return True
