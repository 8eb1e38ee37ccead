"""Recipes before they run: what one would take, measured by the worker, and those in files.

Knows messages; no widget.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal

from gui.session.feature import Feature
from gui.session.state import Notice
from model import messages as m
from model.train.estimate import Estimate
from model.train.recipe import Recipe

if TYPE_CHECKING:
    from gui.session.store import Store


class Recipes(Feature):
    """One measurement at a time, and the last one; recipes as TOML.

    Attributes:
        problem: why it could not be measured, a sentence; empty if it could.

    Signals:
        read: a recipe that stood in a file.
    """

    read = Signal(object)

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.problem = ""
        self._found: Estimate | None = None
        self._request: m.MeasureRecipe | None = None

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

    def take(self, result: m.Result) -> bool:
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
