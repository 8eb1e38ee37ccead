"""Which heads a line of text lets through: ``L3``, ``L2-5``, ``3.1``, ``induction``, ``> 0.3``.

Terms of one kind are alternatives (``L3 L5``), those of different kinds all count (``L3
induction``). Knows words and numbers; no answer, no widget.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from gui.panes.attention.head_kinds import GROUPS

EXAMPLES = "L3, L2-5, 3.1, induction, > 0.3"
_LAYERS = re.compile(r"l(\d+)(?:[-–](?:l?)(\d+))?$")
_HEAD = re.compile(r"l?(\d+)[.·](\d+)$")
_MORE = re.compile(r"[>≥](0?\.\d+|\d+(?:\.\d+)?)(%?)$")


@dataclass(frozen=True, slots=True)
class HeadFilter:
    """What a line asks for; empty lets every head through.

    Attributes:
        layers: first and last of each range.
        heads: layer and head.
        kinds: of `head_kinds.GROUPS`.
        least: the weight on the selected token that a head must pass; None for any.
        wrong: the first word that means nothing here; empty if all do.
    """

    layers: tuple[tuple[int, int], ...] = ()
    heads: tuple[tuple[int, int], ...] = ()
    kinds: tuple[str, ...] = ()
    least: float | None = None
    wrong: str = ""

    def __bool__(self) -> bool:
        return bool(self.layers or self.heads or self.kinds or self.least is not None)

    def passes(
        self, layer: int, head: int, kind: Callable[[int, int], str], weight: float | None
    ) -> bool:
        """Whether a head is let through.

        Args:
            layer, head: which.
            kind: the group of a head; asked only where it matters.
            weight: of it on the selected token; None while it is unknown: then it passes.
        """
        if (self.layers or self.heads) and not (
            any(first <= layer <= last for first, last in self.layers)
            or (layer, head) in self.heads
        ):
            return False
        if self.kinds and kind(layer, head) not in self.kinds:
            return False
        return self.least is None or weight is None or weight > self.least

    @property
    def problem(self) -> str:
        """What can't be read, and what could."""
        return f"“{self.wrong}” is no filter: try {EXAMPLES}" if self.wrong else ""


def read_filter(line: str) -> HeadFilter:
    """What a line of words asks for; what means nothing is left out and told."""
    line = re.sub(r"([>≥])\s+", r"\1", line.replace(",", " ")).lower()
    line = re.sub(r"\blayers?\s+(\d)", r"l\1", line)
    layers, heads, kinds, least, wrong = [], [], [], None, ""
    for word in line.split():
        if found := _LAYERS.match(word):
            first = int(found[1])
            last = first if found[2] is None else int(found[2])
            layers.append((min(first, last), max(first, last)))
        elif found := _HEAD.match(word):
            heads.append((int(found[1]), int(found[2])))
        elif found := _MORE.match(word):
            least = float(found[1]) / (100 if found[2] else 1)
        elif len(word) >= 2 and (matching := [k for k in GROUPS if _fits(k, word)]):
            kinds += matching
        elif word not in _FILLERS:
            wrong = wrong or word
    return HeadFilter(tuple(layers), tuple(heads), tuple(kinds), least, wrong)


_FILLERS = frozenset(("token", "head", "heads", "by"))
_ALSO = {"first": "sink", "previous": "previous-token", "duplicate_token": "duplicate-token"}


def _fits(kind: str, word: str) -> bool:
    """Whether a word begins a kind's name, or another name of it."""
    return GROUPS[kind].startswith(word) or _ALSO.get(kind, kind).startswith(word)
