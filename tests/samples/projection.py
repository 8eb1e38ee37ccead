"""A sample of a projection: random axes, in two steps, as one that takes long would come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import torch

from model.space.projections.placed import Placed
from model.space.registry import Entry, Projection
from model.space.table import VectorTable


@dataclass(frozen=True, slots=True)
class RandomAxes(Projection):
    """Random axes.

    Attributes:
        seed: of the chance.
    """

    name: ClassVar[str] = "random"
    seed: int = 0


def place(how: RandomAxes, table: VectorTable, previous: Placed | None) -> Iterator[Placed | None]:
    """Half of the way, then all of it."""
    chance = torch.Generator().manual_seed(how.seed)
    axes_D3 = torch.randn(table.rows_ND.shape[1], 3, generator=chance)
    whole = Placed(
        points_N3=table.times(axes_D3),
        names=("random 1", "random 2", "random 3"),
        sentence="A shuffled picture: it keeps nothing that you could name.",
    )
    yield None
    yield replace(whole, points_N3=whole.points_N3 / 2, share=0.5)
    yield None
    yield whole


ENTRY = Entry(
    "random",
    "Random axes",
    "Three axes by chance.",
    asks="tests.samples.projection:RandomAxes",
    compute="tests.samples.projection:place",
    on_request=True,
)
