"""Which token of one text stands where a token of another does.

Two texts of the same number of tokens are aligned position by position from the left. Others by
the fewest edits: what both have in common, in order; a stretch that was exchanged for one of the
same length is aligned too. Knows sequences of hashable things; no model, no tokenizer.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from model.counting import counted

Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Alignment:
    """Positions of A and of B that belong together.

    Attributes:
        n_a, n_b: tokens of either text.
        pairs: a position of A and one of B each, both in rising order.
    """

    n_a: int
    n_b: int
    pairs: Pairs

    @property
    def by_position(self) -> bool:
        """Whether every position belongs to the same one of the other text."""
        return self.n_a == self.n_b == len(self.pairs)

    def b_of(self, a: int) -> int | None:
        """The position of B that belongs to one of A; None if there is none."""
        at = bisect_left(self.pairs, (a, -1))
        return self.pairs[at][1] if at < len(self.pairs) and self.pairs[at][0] == a else None

    def a_of(self, b: int) -> int | None:
        """The position of A that belongs to one of B; None if there is none."""
        return self.turned().b_of(b)

    def turned(self) -> Alignment:
        """The same, seen from B."""
        return Alignment(self.n_b, self.n_a, tuple((b, a) for a, b in self.pairs))

    @property
    def words(self) -> str:
        """What doesn't belong together, in a sentence; empty where all does."""
        if self.by_position:
            return ""
        alone_a, alone_b = self.n_a - len(self.pairs), self.n_b - len(self.pairs)
        sides = [f"{n} of {whose}" for n, whose in ((alone_a, "A"), (alone_b, "B")) if n]
        return (
            f"A has {counted(self.n_a, 'token')} and B {self.n_b}: {len(self.pairs)} are aligned "
            f"by edit, {' and '.join(sides)} have no other side."
        )


def by_position(n: int) -> Alignment:
    """Of two texts of so many tokens."""
    return Alignment(n, n, tuple((at, at) for at in range(n)))


def aligned(a: Sequence[Hashable], b: Sequence[Hashable]) -> Alignment:
    """Two texts, given as their tokens.

    Args:
        a, b: ids, where both are cut by one tokenizer; or the tokens' bytes.
    """
    n_a, n_b = len(a), len(b)
    if n_a == n_b:
        return by_position(n_a)
    # What both begin and end with costs nothing, however long the texts are.
    head = 0
    while head < min(n_a, n_b) and a[head] == b[head]:
        head += 1
    tail = 0
    while tail < min(n_a, n_b) - head and a[n_a - 1 - tail] == b[n_b - 1 - tail]:
        tail += 1
    pairs = [(at, at) for at in range(head)]
    inner = SequenceMatcher(None, a[head : n_a - tail], b[head : n_b - tail])
    for _, a0, a1, b0, b1 in inner.get_opcodes():
        if a1 - a0 == b1 - b0:
            pairs += [(head + a0 + i, head + b0 + i) for i in range(a1 - a0)]
    pairs += [(n_a - tail + i, n_b - tail + i) for i in range(tail)]
    return Alignment(n_a, n_b, tuple(pairs))
