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
        valued: weights times the length of what the head writes from each key, as in `Pattern`.
        words: first token of each word, where tokens are merged to words, as in `Pattern`.
        measured: also measure how sharp each head is and how much it writes: it takes as long
            again.
    """

    name: ClassVar[str] = "mosaic"
    title: ClassVar[str] = "attention of all heads"
    later: ClassVar[bool] = True
    cells: int
    hide_first: bool = False
    valued: bool = False
    words: tuple[int, ...] = ()
    measured: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MosaicFound(Answer):
    """The tiles.

    Attributes:
        block: tokens (words) to a cell, along each side.
        maxima: ``[L, H, C, C]`` float32: the largest weight of each block; where the answer is
            coarse, of the queries that were looked at. NaN in layers that are still to come.
        masked: ``[L, C, C]``: whether no query of a cell may look at any of its keys.
        shares: ``[L, H, 3]``: of the head's attention, what goes to the first token, the one
            before and itself (`KINDS`), as means over the queries that have such a key. Of
            weights and tokens, whatever the tiles are of.
        entropy: ``[L, H]``: of a query's weights, in nats, the mean over the same queries. NaN
            where it isn't measured.
        strength: ``[L, H]``: the sum over keys of ``‖A · v · W_O‖``, the mean over the same
            queries. NaN where it isn't measured.
    """

    block: int
    maxima: Array
    masked: Array
    shares: Array
    entropy: Array
    strength: Array

    @property
    def sink(self) -> float:
        """The first token's share of all attention, the mean over heads; NaN if none is known."""
        first_LH = self.shares[: self.n_layers_there, :, 0]
        return float(first_LH.mean()) if first_LH.size else float("nan")

    @property
    def n_layers_there(self) -> int:
        """How many layers are answered; those above are still to come."""
        return round(self.share * self.maxima.shape[0])

    def arrays(self) -> Mapping[str, Named]:
        n_cells = self.maxima.shape[-1]
        at = np.arange(n_cells) * self.block
        question = self.question
        assert isinstance(question, Mosaic)
        arrays = {
            "value_weighted" if question.valued else "weight": Named(
                self.maxima, ("layer", "head", "query", "key"), {"query": at, "key": at}
            ),
            "share": Named(self.shares, ("layer", "head", "kind"), {"kind": np.array(KINDS)}),
        }
        if question.measured:
            arrays["entropy"] = Named(self.entropy, ("layer", "head"))
            arrays["strength"] = Named(self.strength, ("layer", "head"))
        return arrays
