"""The question for the routes of a position: attention weights as edges between tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from model.probe.question import Answer, Array, Named, Question

Over = Literal["heads", "max", "mean"]
MOST_EDGES = 4000
"""More curves than this are neither readable nor quick to draw."""


@dataclass(frozen=True, slots=True)
class Routes(Question):
    """Attention weights above a threshold.

    Attributes:
        position: what reaches this position at the top, layer by layer downwards, through edges
            above the threshold and the residual stream; None for all edges of all positions.
        over: ``heads``: of the heads that are named. ``max``, ``mean``: of all heads of a layer
            taken together, at most one edge between two positions.
        heads: (layer, head) pairs.
        threshold: the least weight.
        hide_first: leave out edges to the first token, where heads park what they don't need.
        most: how many of the strongest edges are kept.
        valued: by what the head writes from the key, ``‖A · v · W_O‖``
            (`model.probe.pattern.valued`), as a share of the length of the stream that it is added
            to, before the layer; a mean over heads is one of these shares.
        words: first token of each word, where tokens are merged to words: positions are words'
            then, as in `Pattern`. Empty for tokens.
    """

    name: ClassVar[str] = "routes"
    title: ClassVar[str] = "routes of attention"
    position: int | None
    over: Over = "max"
    heads: tuple[tuple[int, int], ...] = ()
    threshold: float = 0.3
    hide_first: bool = False
    most: int = MOST_EDGES
    valued: bool = False
    words: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RoutesFound(Answer):
    """Edges, from strongest to weakest; where the answer is coarse, of the upper layers.

    Attributes:
        layer_E, head_E, query_E, key_E: where each weight stands. ``head_E`` is -1 where the
            weight is a mean over heads.
        weight_E: the weights, or what they carry.
        total: how many there are above the threshold; more than ``len(weight_E)`` if only the
            strongest were kept.
        hidden: how many more lead to the first token and were left out.
        no_number: how many rows of weights (of one query, in one head or in all together) hold
            NaN: what these queries read is not known.
    """

    layer_E: Array
    head_E: Array
    query_E: Array
    key_E: Array
    weight_E: Array
    total: int
    hidden: int = 0
    no_number: int = 0

    def __len__(self) -> int:
        return len(self.weight_E)

    def arrays(self) -> Mapping[str, Named]:
        edge = np.arange(len(self))
        columns = {
            "layer": self.layer_E,
            "head": self.head_E,
            "query": self.query_E,
            "key": self.key_E,
            "weight": self.weight_E,
        }
        return {name: Named(values, ("edge",), {"edge": edge}) for name, values in columns.items()}
