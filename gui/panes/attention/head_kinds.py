"""What kind of head each one is, for grouping tiles and in words.

A head that has earned a label on repeated random tokens goes by it; any other by where it looks
most in the text that is read. Knows answers; no store, no widget. Shape suffixes: L layers,
H heads, K places by which a head may look.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np

from model.probe.heads.asks import HeadsFound
from model.probe.mosaic.asks import KINDS
from model.probe.not_finite.asks import NO_NUMBER
from model.probe.question import Array

ELSEWHERE, UNKNOWN = "elsewhere", "unknown"

GROUPS = {
    "induction": "induction",
    "duplicate_token": "duplicate token",
    "previous": "previous token",
    "next_token": "next token",
    "itself": "itself",
    "first": "first token",
    "positional": "by position alone",
    "evenly": "all alike",
    ELSEWHERE: ELSEWHERE,
    UNKNOWN: NO_NUMBER,
}
"""Groups in their order, with their names."""
_OF_LABEL = {"previous_token": "previous", "first_token": "first"}
_OF_HEADS = {
    "induction": "induction head",
    "duplicate_token": "duplicate-token head",
    "previous_token": "previous-token head",
    "next_token": "next-token head",
    "itself": "reads itself",
    "first_token": "sink: rests on the first token",
    "positional": "reads by position alone",
    "evenly": "reads all alike",
}


@dataclass(frozen=True, slots=True, eq=False)
class Kinds:
    """The heads of a network.

    Attributes:
        shares_LHK: where each looks in the text that is read (`MosaicFound.shares`).
        found: the labels, once they are there.
    """

    shares_LHK: Array
    found: HeadsFound | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """How many layers, and heads in each."""
        n_layers, n_heads = self.shares_LHK.shape[:2]
        return n_layers, n_heads

    def group(self, layer: int, head: int) -> tuple[str, float]:
        """One of `GROUPS`, and how much a head is of it, 0 to 1."""
        shares_K = self.shares_LHK[layer, head].astype(np.float64)
        if np.isnan(shares_K).any():
            return UNKNOWN, 0.0
        label = "" if self.found is None else self.found.label(layer, head)
        if label and self.found is not None:
            return _OF_LABEL.get(label, label), self.found.scores(layer, head)[label]
        every = dict(zip(KINDS, shares_K.tolist(), strict=True))
        every[ELSEWHERE] = max(0.0, 1 - sum(every.values()))
        return max(every.items(), key=lambda one: one[1])

    def groups(
        self, shown: Collection[tuple[int, int]] | None = None
    ) -> list[tuple[str, list[tuple[int, int]]]]:
        """Caption and heads of each group that has any; first those that are most of it.

        Args:
            shown: the heads that count; all if None.
        """
        n_layers, n_heads = self.shape
        members: dict[str, list[tuple[float, int, int]]] = {name: [] for name in GROUPS}
        for layer in range(n_layers):
            for head in range(n_heads):
                if shown is None or (layer, head) in shown:
                    name, share = self.group(layer, head)
                    members[name].append((-share, layer, head))
        return [
            (f"{GROUPS[name]} · {len(some)}", [(layer, head) for _, layer, head in sorted(some)])
            for name, some in members.items()
            if some
        ]


def short(found: HeadsFound | None, layer: int, head: int) -> str:
    """A head's label in a word or two, for a header; empty where it has none."""
    if not _has(found, layer, head):
        return ""
    label = found.label(layer, head)
    return _OF_HEADS[label].partition(":")[0] if label else ""


def line(found: HeadsFound | None, layer: int, head: int) -> str:
    """Its labels and scores in a line of a tooltip; empty before they are there."""
    if not _has(found, layer, head):
        return ""
    if found.problem:
        return found.problem
    scores, labels = found.scores(layer, head), found.labels(layer, head)
    if labels:
        said = " · ".join(f"{_OF_HEADS[label]} {scores[label]:.2f}" for label in labels)
    else:
        told = ("induction", "duplicate_token", "previous_token")
        said = "no kind · " + " · ".join(
            f"{label.replace('_', ' ')} {scores[label]:.2f}" for label in told
        )
    return f"on repeated random tokens: {said}"


def _has(found: HeadsFound | None, layer: int, head: int) -> TypeGuard[HeadsFound]:
    return found is not None and layer < len(found.scores_LHS) and head < found.scores_LHS.shape[1]
