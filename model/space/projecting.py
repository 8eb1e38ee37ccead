"""Draw a table: the one way to any projection."""

from __future__ import annotations

from collections.abc import Generator

from model.space.projections import PROJECTIONS
from model.space.projections.placed import Placed
from model.space.registry import Projection, entry_of
from model.space.table import VectorTable


def projecting(
    how: Projection, table: VectorTable, previous: Placed | None = None
) -> Generator[Placed | str | None, None, None]:
    """As ``compute`` of its line does it: None, or in words what it does now, frames, the whole.

    Raises:
        SpaceError: it can't be drawn so.
    """
    yield from entry_of(PROJECTIONS, how.name).load()(how, table, previous)


def project(how: Projection, table: VectorTable, previous: Placed | None = None) -> Placed:
    """The same, at once."""
    placed = None
    for step in projecting(how, table, previous):
        placed = step if isinstance(step, Placed) else placed
    assert placed is not None
    return placed
