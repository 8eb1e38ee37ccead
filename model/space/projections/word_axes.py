"""Axes that words make: dot products with directions as they are, not made orthogonal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from model.probe.geometry.compute import leading_axes
from model.space.projections.asks import Direction, WordAxes
from model.space.projections.placed import Placed, finding_scatter, percent, placed_on, scatter_of
from model.space.registry import SpaceError
from model.space.table import VectorTable


def direction_of(table: VectorTable, direction: Direction) -> Tensor:
    """From the middle of one list to the middle of the other, float64 ``[D]``.

    Raises:
        SpaceError: a row is not in the table, or both middles are the same.
    """
    sides = []
    for rows in (direction.plus, direction.minus):
        if any(not 0 <= row < len(table) for row in rows):
            raise SpaceError(f"“{direction.words}” names a word that is not in {table.name}.")
        ids = torch.tensor(rows, dtype=torch.long, device=table.rows_ND.device)
        zero = torch.zeros(table.rows_ND.shape[1], dtype=torch.float64)
        sides.append(table.rows_ND[ids].double().mean(0).cpu() if rows else zero)
    way_D = sides[0] - sides[1]
    scale = max(float(sides[0].norm()), float(sides[1].norm()), 1e-30)
    if float(way_D.norm()) <= 1e-6 * scale:
        raise SpaceError(f"“{direction.words}” is no direction: both sides are in one place.")
    return way_D


def place(how: WordAxes, table: VectorTable, previous: Placed | None) -> Iterator[Placed | None]:
    """A direction an axis; what is left over is the principal axes of the rest.

    Raises:
        SpaceError: there is no direction.
    """
    if not how.directions:
        raise SpaceError("Type a direction such as woman − man, or king, prince − queen, princess.")
    for _ in finding_scatter(table):
        yield None
    axes = [direction_of(table, direction) for direction in how.directions[:3]]
    axes_rD = torch.stack([axis / axis.norm() for axis in axes])
    yield None
    cosines = (axes_rD @ axes_rD.T).triu(1)
    basis = torch.linalg.qr(axes_rD.T)
    rank = int((basis.R.diagonal().abs() > 1e-6).sum())
    if rank < len(axes_rD):
        raise SpaceError("Two of the directions are the same; change one.")
    _, scatter_DD = scatter_of(table)
    rest = leading_axes(scatter_DD, 3 - len(axes_rD), basis.Q.T.contiguous())
    names = [direction.words for direction in how.directions[:3]]
    names += [f"rest {at + 1}" for at in range(len(rest))]
    placed = placed_on(
        table, torch.cat([axes_rD, rest]), tuple(names), previous=previous, fixed=len(axes_rD)
    )
    said = f"A place is the dot product with each direction; the three keep {percent(placed.kept)} "
    said += "of the variance."
    if len(axes_rD) > 1:
        largest = cosines.flatten()[cosines.abs().argmax()]
        said += f" Drawn at right angles, their cosine is {float(largest):.2f}."
        if len(axes_rD) > 2:
            said = said.replace("their cosine is", "their largest cosine is")
    yield replace(placed, sentence=said)
