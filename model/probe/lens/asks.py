"""The question for the logit lens: what the stream says at every border of a block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from model.probe.question import Answer, Array, Named, Question, TokenId


@dataclass(frozen=True, slots=True)
class Lens(Question):
    """What the network would say if it ended at each border of a block (nostalgebraist 2020).

    Raw: the final norm is computed anew from the vector at each border, nothing is learned or
    centred. At the last border it is what the network says.

    Attributes:
        positions: which; all if left out.
        watched: a token whose rank and probability are told at every border.
        borders: which; all if left out. 0 is what block 0 reads, -1 what the last block left.
        watch_final: watch at each position the token that the network itself finds likeliest there.
        watch_each: watch a token of its own at each of the positions, by id.
    """

    name: ClassVar[str] = "lens"
    title: ClassVar[str] = "logit lens"
    later: ClassVar[bool] = True
    positions: tuple[int, ...] = ()
    watched: TokenId | None = None
    borders: tuple[int, ...] = ()
    watch_final: bool = False
    watch_each: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LensFound(Answer):
    """What was read. Shape suffixes: L borders (all ``n_layers + 1``, or some), P positions.

    Where the answer is coarse, positions that are still to come have probability NaN and id -1.

    Attributes:
        names: of the stream at the borders: what block 0 reads, then what each block left.
        borders_L: which borders.
        positions_P: which positions.
        ids_LP: of the likeliest token; the lowest id of several that are equal.
        logits_LP: its logit.
        probabilities_LP: its probability at temperature 1.
        entropies_LP: of the whole distribution, in bits.
        watched_logits_LP, watched_probabilities_LP, watched_ranks_LP: of the watched token; rank 1
            has the largest logit, ties by lower id. None where none is watched.
        watched_ids_P: which token is watched at each position.
    """

    names: tuple[str, ...]
    borders_L: Array
    positions_P: Array
    ids_LP: Array
    logits_LP: Array
    probabilities_LP: Array
    entropies_LP: Array
    watched_logits_LP: Array | None = None
    watched_probabilities_LP: Array | None = None
    watched_ranks_LP: Array | None = None
    watched_ids_P: Array | None = None

    def arrays(self) -> Mapping[str, Named]:
        found = {
            "id": self.ids_LP,
            "logit": self.logits_LP,
            "probability": self.probabilities_LP,
            "entropy_bits": self.entropies_LP,
            "watched_logit": self.watched_logits_LP,
            "watched_probability": self.watched_probabilities_LP,
            "watched_rank": self.watched_ranks_LP,
        }
        axes = "border", "position"
        at = {"border": self.borders_L, "position": self.positions_P}
        named = {
            name: Named(values, axes, at) for name, values in found.items() if values is not None
        }
        if self.watched_ids_P is not None:
            places = {"position": self.positions_P}
            named["watched_id"] = Named(self.watched_ids_P, ("position",), places)
        return named

    def as_rows(self) -> Mapping[str, list[dict[str, Any]]]:
        columns = {
            name: named.values.tolist()
            for name, named in self.arrays().items()
            if named.axes[0] == "border"
        }
        at = self.positions_P.tolist()
        return {
            "layers": [
                {
                    "border": border,
                    "after": "embedding" if border == 0 else f"block {border - 1}",
                    "name": name,
                    "positions": [
                        {"position": position}
                        | {column: values[row][p] for column, values in columns.items()}
                        for p, position in enumerate(at)
                    ],
                }
                for row, (border, name) in enumerate(zip(self.borders_L.tolist(), self.names))
            ]
        }

    def place_of(self, position: int) -> int | None:
        """Where a position stands in the arrays, if it was asked for and is there."""
        places = np.flatnonzero(self.positions_P == position)
        if not places.size or self.ids_LP[0, places[0]] < 0:
            return None
        return int(places[0])
