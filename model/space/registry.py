"""What a line in one of the lists of `model.space` says, and how its parts are imported.

Free of torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar


class SpaceError(ValueError):
    """A table that can't be had, drawn or asked: a sentence for people."""


class TooManyRows(SpaceError):
    """A file with more vectors than are opened at once.

    Attributes:
        n_rows: how many there are, about.
        sample: take every ``sample``-th instead.
    """

    def __init__(self, message: str, n_rows: int, sample: int) -> None:
        super().__init__(message)
        self.n_rows = n_rows
        self.sample = sample


@dataclass(frozen=True, slots=True)
class Source:
    """Where a table comes from; equal sources are the same table (of the same weights)."""

    name: ClassVar[str] = ""
    """Of its line in `model.space.sources.SOURCES`."""

    @property
    def title(self) -> str:
        """What the table is called: ``W_E``, ``resid_post 3``, ``glove.txt``."""
        return self.name

    @property
    def of_vocabulary(self) -> bool:
        """Whether its rows are the tokens of the model, in order of their ids."""
        return False

    @property
    def of_model(self) -> bool:
        """Whether it is another table once another model is in view."""
        return True


@dataclass(frozen=True, slots=True)
class Projection:
    """How a table is drawn on three axes."""

    name: ClassVar[str] = ""
    """Of its line in `model.space.projections.PROJECTIONS`."""


@dataclass(frozen=True, slots=True)
class TableQuestion:
    """Something that is asked of a table; equal questions are the same question."""

    name: ClassVar[str] = ""
    """Of its line in `model.space.questions.QUESTIONS`."""
    title: ClassVar[str] = ""
    """A few words for people: what is waited for."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is told of a source, a projection or a question before it is imported.

    Attributes:
        name: as its value's.
        title: for people.
        sentence: what it is, or what it keeps.
        asks: the frozen class, as ``package.module:Class``.
        compute: what does it, as ``package.module:function``.
        on_request: whether it takes so long that it begins only when a person says so.
        linear: of a projection, whether it has axes: then ways through the layers are drawn in it.
    """

    name: str
    title: str
    sentence: str
    asks: str
    compute: str
    on_request: bool = False
    linear: bool = False

    def load(self) -> Any:
        """The function that does it; torch comes with it."""
        return _named(self.compute)

    def kind(self) -> Any:
        """The frozen class."""
        return _named(self.asks)


def entry_of(entries: tuple[Entry, ...], name: str) -> Entry:
    """The line of that name.

    Raises:
        SpaceError: there is none.
    """
    for entry in entries:
        if entry.name == name:
            return entry
    listed = ", ".join(entry.name for entry in entries)
    raise SpaceError(f"There is no {name!r}; there are {listed}.")


def _named(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
