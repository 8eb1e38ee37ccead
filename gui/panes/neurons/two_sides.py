"""The map's rows on the other side of a comparison: the same neurons, at the tokens in view.

Knows answers and an alignment; no store, no widget.

Shape suffixes: R rows, T tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gui.session.sides import Sides
from model.alignment import Alignment
from model.probe.neurons.map.asks import NeuronMap, NeuronMapFound
from model.probe.question import Array


@dataclass(frozen=True, slots=True, eq=False)
class OtherRows:
    """What is subtracted.

    Attributes:
        values_RT: activations; NaN where a token has no other side, or isn't sent to the expert.
        drawn_RT: the same as they are drawn.
        sides: what both are called.
    """

    values_RT: Array
    drawn_RT: Array
    sides: Sides


def question(drawn: NeuronMapFound) -> NeuronMap:
    """What is asked of it: the rows of an answer."""
    asked, rows = drawn.asked, tuple(drawn.rows_R.tolist())
    return NeuronMap(asked.layer, by=asked.by, n=len(rows), rows=rows)


def rows(
    drawn: NeuronMapFound, other: NeuronMapFound | None, alignment: Alignment, sides: Sides
) -> OtherRows | None:
    """The other side of what is drawn; None where its answer is still to come."""
    if other is None or other.question != question(drawn):
        return None
    if drawn.values_RT.shape[1] != alignment.n_a or other.values_RT.shape[1] != alignment.n_b:
        return None
    return OtherRows(_moved(other.values_RT, alignment), _moved(other.drawn_RT, alignment), sides)


def _moved(theirs_RT: Array, alignment: Alignment) -> Array:
    """Its tokens at the places that they have in view."""
    moved_RT = np.full((len(theirs_RT), alignment.n_a), np.nan, theirs_RT.dtype)
    pairs = np.array(alignment.pairs, dtype=np.intp).reshape(-1, 2)
    moved_RT[:, pairs[:, 0]] = theirs_RT[:, pairs[:, 1]]
    return moved_RT
