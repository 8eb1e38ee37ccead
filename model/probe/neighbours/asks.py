"""The question which tokens are near a sum of token vectors, and its answer."""

from __future__ import annotations

from dataclasses import dataclass

MATRICES = ("W_E", "W_U")
"""Tables of token vectors: the embedding, the unembedding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighboursQuestion:
    """Which tokens are near a signed sum of token vectors?

    Attributes:
        terms: (sign, token id), for example ((1, king), (-1, man), (1, woman)).
        k: how many.
        matrix: one of `MATRICES`.
    """

    terms: tuple[tuple[int, int], ...]
    k: int = 12
    matrix: str = "W_E"


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighboursAnswer:
    """Tokens by their cosine to the sum, nearest first.

    Attributes:
        question: what was asked.
        ids, cosines: the k nearest; the terms' own tokens are among them.
        own: for each of ``ids``, whether it is one of the terms' tokens: an analogy is read with
            and without them.
    """

    question: NeighboursQuestion
    ids: tuple[int, ...]
    cosines: tuple[float, ...]
    own: tuple[bool, ...]

    @property
    def ranks_without_own(self) -> tuple[int | None, ...]:
        """The place of each of ``ids`` if the terms' own tokens don't count; None for those."""
        ranks: list[int | None] = []
        counted = 0
        for own in self.own:
            counted += not own
            ranks.append(None if own else counted)
        return tuple(ranks)
