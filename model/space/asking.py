"""Ask a table: the one way to any question of it, and to any source."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

from model.space.questions import QUESTIONS
from model.space.registry import Source, TableQuestion, entry_of
from model.space.sources import SOURCES

if TYPE_CHECKING:
    from model.space.questions.asks import TableAnswer
    from model.space.sources.place import Place
    from model.space.table import VectorTable


def answering(question: TableQuestion, table: VectorTable) -> Iterator[TableAnswer | None]:
    """As ``compute`` of its line does it.

    Raises:
        SpaceError: it can't be answered.
    """
    yield from entry_of(QUESTIONS, question.name).load()(question, table)


def ask(question: TableQuestion, table: VectorTable) -> TableAnswer:
    """The whole answer, at once."""
    found = None
    for step in answering(question, table):
        found = step if step is not None else found
    assert found is not None
    return found


def opening(source: Source, place: Place) -> Generator[tuple[int, int], None, VectorTable]:
    """The table of a source, in slices.

    Raises:
        SpaceError: it can't be had.
    """
    table: VectorTable = yield from entry_of(SOURCES, source.name).load()(source, place)
    return table
