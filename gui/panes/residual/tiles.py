"""The lens in tiles: some positions by some borders a question, so that only what is seen is asked.

A tile that was asked once is known when it comes into view again. What came is put together into
arrays of the whole text, in which cells that are not there yet are unknown.

Plain computing. Shape suffixes: L borders, P positions of the text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.probe.lens.asks import Lens, LensFound
from model.probe.question import TokenId

SIDE = 16
"""Positions, and borders, of a tile: at most 256 vectors go through the head."""

Tile = tuple[int, int]
"""Which one, down and across."""


def tiles_in(borders: range, positions: range) -> list[Tile]:
    """The tiles of which something is in view."""
    if not borders or not positions:
        return []
    down = range(borders.start // SIDE, (borders.stop - 1) // SIDE + 1)
    across = range(positions.start // SIDE, (positions.stop - 1) // SIDE + 1)
    return [(i, j) for j in across for i in down]


def name_of(tile: Tile) -> str:
    """By which a pane asks for it."""
    return f"tile {tile[0]} {tile[1]}"


def question(tile: Tile, n_borders: int, n_positions: int, watched: int | None) -> Lens:
    """What is asked for a tile.

    Args:
        tile: which.
        n_borders, n_positions: of the whole.
        watched: a token; None for the network's own answer at each position.
    """
    return Lens(
        positions=_within(tile[1], n_positions),
        watched=None if watched is None else TokenId(watched),
        borders=_within(tile[0], n_borders),
        watch_final=watched is None,
    )


def _within(index: int, n: int) -> tuple[int, ...]:
    return tuple(range(index * SIDE, min(n, (index + 1) * SIDE)))


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """What is known of the lens of one text.

    Attributes:
        known_LP: which cells are there.
        ids_LP: the likeliest token.
        probabilities_LP, entropies_LP: its probability; bits of the whole distribution.
        watched_probabilities_LP, watched_ranks_LP: of the watched token; rank -1 where unknown.
        watched_P: which token is watched at each position; -1 where it isn't known.
    """

    known_LP: NDArray[np.bool_]
    ids_LP: NDArray[np.int64]
    probabilities_LP: NDArray[np.float64]
    entropies_LP: NDArray[np.float64]
    watched_probabilities_LP: NDArray[np.float64]
    watched_ranks_LP: NDArray[np.int64]
    watched_P: NDArray[np.int64]

    @classmethod
    def of(cls, n_borders: int, n_positions: int, answers: Iterable[LensFound]) -> Sheet:
        """Answers about one subject, put together."""
        shape = n_borders, n_positions
        sheet = cls(
            np.zeros(shape, np.bool_),
            np.full(shape, -1, np.int64),
            np.full(shape, np.nan),
            np.full(shape, np.nan),
            np.full(shape, np.nan),
            np.full(shape, -1, np.int64),
            np.full(n_positions, -1, np.int64),
        )
        for found in answers:
            sheet._put(found)
        return sheet

    def _put(self, found: LensFound) -> None:
        there_P = (found.ids_LP >= 0).all(0)
        at_P = found.positions_P[there_P]
        at = np.ix_(found.borders_L, at_P)
        self.known_LP[at] = True
        self.ids_LP[at] = found.ids_LP[:, there_P]
        self.probabilities_LP[at] = found.probabilities_LP[:, there_P]
        self.entropies_LP[at] = found.entropies_LP[:, there_P]
        if found.watched_ranks_LP is None or found.watched_probabilities_LP is None:
            return
        self.watched_probabilities_LP[at] = found.watched_probabilities_LP[:, there_P]
        self.watched_ranks_LP[at] = found.watched_ranks_LP[:, there_P]
        assert found.watched_ids_P is not None
        self.watched_P[at_P] = found.watched_ids_P[there_P]
