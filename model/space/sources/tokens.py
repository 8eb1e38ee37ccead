"""The table of token vectors of the model in view."""

from __future__ import annotations

from collections.abc import Generator

from model.space.registry import SpaceError
from model.space.sources.asks import TokenTable
from model.space.sources.place import Place
from model.space.table import VectorTable


def table(source: TokenTable, place: Place) -> Generator[tuple[int, int], None, VectorTable]:
    """A view of the weights, kept with what is found of it as long as they are.

    Raises:
        SpaceError: no model is open.
    """
    yield from ()
    if place.bench is None:
        raise SpaceError("No model is open. Open a checkpoint first.")
    return place.bench.token_table(place.model, place.step, source.matrix)
