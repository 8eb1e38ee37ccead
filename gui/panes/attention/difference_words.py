"""What is said of B − A in the attention pane: captions, tooltips, sentences.

Knows answers, columns and the sides' names; no widget, no store.
"""

from __future__ import annotations

import math

from gui.panes.attention.columns import Columns
from gui.panes.attention.graph_ink import ink_limit
from gui.panes.attention.words import at_least, between, counted_edges, exact, named, percent
from gui.session.sides import Sides
from model.counting import counted
from model.probe.not_finite.asks import NO_NUMBER
from model.probe.routes_difference.asks import RoutesDifference, RoutesDifferenceFound


def signed(value: float, digits: int = 2) -> str:
    """A difference as it stands in sentences."""
    return f"{value:+.{digits}f}".replace("-", "−")


def routes(found: RoutesDifferenceFound, columns: Columns, n_heads: int, sides: Sides) -> str:
    """What the graph of a difference shows: the strongest edge first, then which there are."""
    question = found.question
    assert isinstance(question, RoutesDifference)
    if question.over == "heads" and not question.heads:
        return "No head is chosen: Ctrl+click heads in the mosaic."
    text = f"{sides.difference} of {_what(question, n_heads)}"
    n_alone = len(found) - int(found.shared_E.sum())
    text += f" · {counted_edges(len(found) - n_alone)} {at_least(question.threshold)}"
    if n_alone:
        text += f", {n_alone:,} of tokens that one text lacks"
    if found.total > len(found):
        text += f" · the strongest {len(found):,} of {found.total:,}"
    if question.valued:
        text += " of the stream's length (‖A·v·W_O‖)"
    if question.hide_first:
        text += f" · {found.hidden:,} to the first token hidden"
    if question.words:
        text += " · by words"
    if found.no_number:
        text = f"{NO_NUMBER} in {counted(found.no_number, 'row')} of weights · {text}"
    if question.position is None:
        text = f"all positions · {text}"
    else:
        text = f"routes to {named(columns, columns.column(question.position))} · {text}"
    if len(found):
        text += f" · ink to {ink_limit(found):.2g}"
    return f"{_most(found, columns, sides)} {text[:1].upper()}{text[1:]}".strip()


def _what(question: RoutesDifference, n_heads: int) -> str:
    if question.over == "max":
        return f"the head that changed most, of {n_heads}"
    if question.over == "mean":
        return f"the mean of {counted(n_heads, 'head')}"
    if len(question.heads) == 1:
        return "layer {} · head {}".format(*question.heads[0])
    return counted(len(question.heads), "head")


def _most(found: RoutesDifferenceFound, columns: Columns, sides: Sides) -> str:
    """Where both differ most, in a sentence."""
    question = found.question
    assert isinstance(question, RoutesDifference)
    shared = found.shared_E.nonzero()[0]
    if not len(shared):
        if found.is_whole and not found.no_number:
            told = f"the largest difference is {found.largest:.2g}"
            return f"No weight on the way differs by {question.threshold:.2g} or more: {told}."
        return ""
    at = int(shared[0])  # the largest comes first
    whose = "The mean of the heads" if found.head_E[at] < 0 else f"Head {_head(found, at)}"
    query, key = int(found.query_E[at]), int(found.key_E[at])
    a, b = sides.in_order(float(found.own_E[at]), float(found.other_E[at]))
    more = "more" if b > a else "less"
    when = "" if sides.names[1] == "after" else f" in {sides.names[1]}"
    after = " now" if not when else ""
    if question.valued:
        figures = f"{a:.2g} → {b:.2g} of the stream's length"
    else:
        figures = f"{percent(a)} → {percent(b)}"
    return (
        f"{whose} reads {named(columns, key)} from {named(columns, query)} {more}{after}{when}: "
        f"{figures}."
    )


def _head(found: RoutesDifferenceFound, index: int) -> str:
    return f"{int(found.layer_E[index])}.{int(found.head_E[index])}"


def edge(
    found: RoutesDifferenceFound, columns: Columns, index: int, n_heads: int, sides: Sides
) -> str:
    """An edge: its difference, whose it is, both weights, and between which tokens."""
    question = found.question
    assert isinstance(question, RoutesDifference)
    own, other = float(found.own_E[index]), float(found.other_E[index])
    query, key = int(found.query_E[index]), int(found.key_E[index])
    layer, head = int(found.layer_E[index]), int(found.head_E[index])
    whose = f"layer {layer} · mean of {counted(n_heads, 'head')}"
    if head >= 0:
        whose = f"layer {layer} · head {head}"
        whose += f", changed most of {n_heads}" if question.over == "max" else ""
    values = zip(sides.names, sides.in_order(own, other), strict=True)
    both = ", ".join(f"{name} {exact(value)}" for name, value in values if not math.isnan(value))
    if math.isnan(own) or math.isnan(other):
        lacking = sides.in_view if math.isnan(own) else sides.other
        first = f"no difference: {_text(lacking)} lacks one of the tokens"
    else:
        first = f"{sides.difference} {signed(sides.minus(own, other), 4)}"
    unit = " of the stream's length" if question.valued else ""
    return f"{first} · {whose}\n{both}{unit}\n{between(columns, query, key)}"


def _text(side: str) -> str:
    return side if side in ("before", "after") else f"the text of {side}"
