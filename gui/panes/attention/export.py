"""What the attention pane gives out: the numbers of its answers as a table with named columns.

Knows answers and tokens; no store, no widget, no file.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gui.panes.attention.units import Units
from gui.session.sides import Sides
from model.probe.edge.asks import EdgeFound
from model.probe.mosaic.asks import MosaicFound
from model.probe.pattern.asks import Pattern, PatternFound
from model.probe.question import Answer, Array, Named
from model.probe.routes.asks import RoutesFound
from model.probe.routes_difference.asks import RoutesDifferenceFound
from model.probe.why_attends.asks import WhyAttendsFound

Table = dict[str, Array]
SIDES = Sides()


def table(answer: Answer | None, units: Units, sides: Sides = SIDES) -> Mapping[str, Named | Array]:
    """What a view shows, as a table with named columns.

    Mosaic: of each cell of a tile its largest weight, by layer, head, its first query and key;
    where each head looks comes with it, ``share`` by layer, head, kind. Of why a head attends, what
    each pair of parts adds to the score.
    """
    match answer:
        case PatternFound():
            return matrix(answer, units)
        case MosaicFound() | WhyAttendsFound() | EdgeFound():
            return answer.arrays()
        case RoutesDifferenceFound():
            return routes_difference(answer, units, sides)
        case RoutesFound():
            return routes(answer, units)
    return {}


def matrix(found: PatternFound, units: Units) -> Table:
    """A row a cell: layer, head, query, key, weight or score, and both tokens.

    Where a cell is several numbers, query and key say where its largest stands.
    """
    question = found.question
    assert isinstance(question, Pattern)
    query, key = found.value_rows.reshape(-1), found.value_columns.reshape(-1)
    number = "weight" if question.tensor == "pattern" else "score"
    if question.valued:
        number = "value_weighted"
    return {
        "layer": np.full(query.size, question.layer),
        "head": np.full(query.size, question.head),
        "query": query,
        "key": key,
        number: found.values.reshape(-1),
        **_texts(query, key, units),
    }


def drawn(answer: Answer | None) -> Mapping[str, Named]:
    """A matrix as it is drawn, under the name of its tensor."""
    if not isinstance(answer, PatternFound):
        return {}
    question = answer.question
    assert isinstance(question, Pattern)
    if not question.is_tensor:
        return {}
    [named] = answer.arrays().values()
    return {f"{question.activation}.head_{question.head}": named}


def routes(found: RoutesFound, units: Units) -> Table:
    """A row an edge: layer, head (-1 for a mean over heads), query, key, weight, both tokens."""
    table = {name: named.values for name, named in found.arrays().items()}
    return {**table, **_texts(found.query_E, found.key_E, units)}


def routes_difference(found: RoutesDifferenceFound, units: Units, sides: Sides) -> Table:
    """A row an edge: layer, head, both weights, their difference, both tokens."""
    own, other = found.own_E, found.other_E
    weights = zip(sides.names, sides.in_order(own, other), strict=True)
    query, key = found.query_E, found.key_E
    places = {
        f"{of}_{whose}": at_C[column]
        for of, column in (("query", query), ("key", key))
        for whose, at_C in zip(sides.names, sides.in_order(found.own_C, found.other_C), strict=True)
    }
    return {
        "layer": found.layer_E,
        "head": found.head_E,
        **places,
        **dict(weights),
        sides.difference: sides.minus(own, other),
        **_texts(query, key, units),
    }


def _texts(query: Array, key: Array, units: Units) -> Table:
    texts = np.array(units.labels)
    return {"query_token": texts[query], "key_token": texts[key]}


def view_of(chosen: str, *, why: bool, edge: bool) -> str:
    """The question whose answer is handed over: of several views the matrix.

    Args:
        chosen: the view that was chosen, or ``all``.
        why: whether the card that says why a head attends is open.
        edge: whether that of an edge is.
    """
    view = "why" if why else "matrix" if chosen == "all" else chosen
    return "edge" if view == "graph" and edge else view  # it is what is looked at
