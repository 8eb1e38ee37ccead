"""Three of a table's principal axes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from model.space.projections.asks import PrincipalAxes
from model.space.projections.placed import Placed, finding_scatter, percent, placed_on, principal_of
from model.space.registry import SpaceError
from model.space.table import VectorTable


def place(
    how: PrincipalAxes, table: VectorTable, previous: Placed | None
) -> Iterator[Placed | None]:
    """Exact, on the whole table.

    Raises:
        SpaceError: there is no such axis, or nothing to find axes in.
    """
    for _ in finding_scatter(table):
        yield None
    axes_mD, shares_m = principal_of(table)
    yield None
    wanted = [axis for axis in how.axes if axis < len(axes_mD)]
    if not wanted:
        raise SpaceError(f"{table.name} has {len(axes_mD)} principal axes, counted from 1.")
    names = tuple(f"axis {axis + 1}" for axis in wanted)
    placed = placed_on(table, axes_mD[wanted], names, previous=previous, fixed=0)
    dropped = "" if placed.kept > 0.995 else f" {percent(1 - placed.kept)} of it is not in sight."
    yield replace(
        placed,
        sentence=f"{_these(how.axes)} keep {percent(placed.kept)} of the variance of the "
        f"{len(table):,} vectors in {table.rows_ND.shape[1]} dimensions.{dropped}",
        spectrum_m=shares_m,
    )


def _these(axes: tuple[int, ...]) -> str:
    if axes == (0, 1, 2):
        return "The first three principal axes"
    listed = ", ".join(str(axis + 1) for axis in axes)
    return f"The principal axes {listed}"
