"""The question for all heads at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from model.probe.question import Answer, Array, Named, Question

KINDS = ("first", "previous", "itself")
"""Where a head may look by its place alone: what heads are told apart and sorted by."""


@dataclass(frozen=True, slots=True)
class Mosaic(Question):
    """A tile for every head.

    Attributes:
        cells: the most cells of a tile along a side.
        hide_first: leave the first token's column out of the maxima.
    """

    name: ClassVar[str] = "mosaic"
    title: ClassVar[str] = "attention of all heads"
    later: ClassVar[bool] = True
    cells: int
    hide_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MosaicFound(Answer):
    """The tiles.

    Attributes:
        block: tokens to a cell, along each side.
        maxima: ``[L, H, C, C]`` float32: the largest weight of each block; where the answer is
            coarse, of the queries that were looked at. NaN in layers that are still to come.
        masked: ``[L, C, C]``: whether no query of a cell may look at any of its keys.
        shares: ``[L, H, 3]``: of the head's attention, what goes to the first token, the one
            before and itself (`KINDS`), as means over the queries that have such a key.
    """

    block: int
    maxima: Array
    masked: Array
    shares: Array

    @property
    def n_layers_there(self) -> int:
        """How many layers are answered; those above are still to come."""
        return round(self.share * self.maxima.shape[0])

    def arrays(self) -> Mapping[str, Named]:
        n_cells = self.maxima.shape[-1]
        at = np.arange(n_cells) * self.block
        return {
            "weight": Named(
                self.maxima, ("layer", "head", "query", "key"), {"query": at, "key": at}
            ),
            "share": Named(self.shares, ("layer", "head", "kind"), {"kind": np.array(KINDS)}),
        }
