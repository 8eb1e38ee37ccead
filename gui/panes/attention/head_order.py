"""In which order heads stand in the mosaic, and which of them are there.

Knows answers; no store, no widget. Shape suffixes: L layers, H heads.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gui.panes.attention.head_filter import HeadFilter
from gui.panes.attention.head_kinds import Kinds
from gui.widgets.text import counted
from model.probe.heads.asks import HeadsFound
from model.probe.mosaic.asks import Mosaic, MosaicFound
from model.probe.on_key.asks import OnKeyFound
from model.probe.question import Array

ORDERS = {
    "layer": ("By layer", "A row a layer, a column a head"),
    "kind": (
        "By kind",
        "Heads in groups: induction, previous token, … by their scores on repeated random tokens; "
        "all others by where they look most",
    ),
    "on_key": (
        "By weight",
        "First the heads in which the selected query reads the selected key most",
    ),
    "entropy": ("Sharpest", "First the heads whose queries read few keys: by their mean entropy"),
    "strength": (
        "Strongest",
        "First the heads that write most: ‖A · v · W_O‖ summed over keys, the mean over queries",
    ),
}
"""Names of orders, how they are called, and what they are."""

Heads = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Order:
    """What a person wants to see.

    Attributes:
        by: one of `ORDERS`.
        filter: which heads.
        on: the selected query and key in words; empty where no key is selected, or none is needed.
    """

    by: str = "layer"
    filter: HeadFilter = field(default_factory=HeadFilter)
    on: str = ""

    @property
    def needs_key(self) -> bool:
        """Whether it depends on the selected query and key."""
        return self.by == "on_key" or self.filter.least is not None

    @property
    def needs_measures(self) -> bool:
        """Whether entropy or strength must be measured."""
        return self.by in ("entropy", "strength")


@dataclass(frozen=True, slots=True, eq=False)
class Ordered:
    """The heads that are shown.

    Attributes:
        groups: caption (empty for none) and heads of each; with one group alone, in one flow.
        values_LH: what they are ordered by; None by layer and by kind.
        by_layer: whether they stand in rows of layers.
        caption: the order and the filter in words; empty for all of them by layer.
        n: how many there are.
    """

    groups: tuple[tuple[str, Heads], ...]
    values_LH: Array | None
    by_layer: bool
    caption: str
    n: int

    @property
    def shown(self) -> frozenset[tuple[int, int]]:
        """All heads that have a tile."""
        return frozenset(head for _, some in self.groups for head in some)


def ordered(
    order: Order, found: MosaicFound, kinds: HeadsFound | None, on_key: OnKeyFound | None
) -> Ordered:
    """The heads of an answer, as they are to stand; as long as it isn't whole, by layer.

    Args:
        order: which.
        found: tiles, and what is measured of heads.
        kinds: labels that heads have earned, once they are there.
        on_key: weights on the selected key, once they are there.
    """
    n_layers, n_heads = found.shares.shape[:2]
    groups = Kinds(found.shares, kinds)
    by = order.by if found.is_whole else "layer"
    weight_LH = None
    if on_key is not None and on_key.weight_LH.shape == (n_layers, n_heads):
        weight_LH = on_key.weight_LH

    def passes(layer: int, head: int) -> bool:
        weight = None if weight_LH is None else float(weight_LH[layer, head])
        return order.filter.passes(layer, head, lambda a, b: groups.group(a, b)[0], weight)

    every = [(a, b) for a in range(n_layers) for b in range(n_heads) if passes(a, b)]
    values_LH = _values(by, found, weight_LH)
    if values_LH is None and by not in ("layer", "kind"):
        by = "layer"
    words = [] if by == "layer" else [_said(by, order, found)]
    if order.by == "on_key" and not order.on:
        words.append("select a key to order by its weight")
    if order.filter:
        words.append(f"{len(every)} of {counted(n_layers * n_heads, 'head')}")
        if order.filter.least is not None:
            least = f"{order.filter.least:g}"
            words.append(
                f"> {least} on {order.on}" if order.on else f"select a key to hold to > {least}"
            )
    if order.filter.problem:
        words.append(order.filter.problem)
    caption = " · ".join(words)
    if by == "kind":
        parts = tuple(groups.groups(frozenset(every)))
        return Ordered(parts, None, False, caption, len(every))
    if values_LH is not None:
        sign = 1 if by == "entropy" else -1
        every.sort(key=lambda at: (np.isnan(values_LH[at]), sign * values_LH[at], at))
    return Ordered((("", every),), values_LH, values_LH is None, caption, len(every))


def _values(by: str, found: MosaicFound, weight_LH: Array | None) -> Array | None:
    """What heads are ordered by; None where that is unknown, or no number."""
    if by == "on_key":
        return weight_LH
    question = found.question
    assert isinstance(question, Mosaic)
    if not question.measured or by not in ("entropy", "strength"):
        return None
    return found.entropy if by == "entropy" else found.strength


def _said(by: str, order: Order, found: MosaicFound) -> str:
    match by:
        case "on_key":
            return f"by weight on {order.on}"
        case "entropy":
            return "sharpest first, by entropy in nats"
        case "strength":
            return "strongest first, by Σ‖A·v·W_O‖"
    return "by kind"
