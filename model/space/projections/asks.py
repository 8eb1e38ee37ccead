"""The kinds of projections, as values. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from model.space.registry import Projection

MOST_AXES = 50
"""Of so many principal axes any three can be chosen."""

Terms = tuple[tuple[int, int], ...]
"""(sign, row) of each word of a sum."""


@dataclass(frozen=True, slots=True)
class PrincipalAxes(Projection):
    """The axes along which a table varies most.

    Attributes:
        axes: which three of them, counted from 0.
    """

    name: ClassVar[str] = "pca"
    axes: tuple[int, int, int] = (0, 1, 2)


@dataclass(frozen=True, slots=True)
class SumPlane(Projection):
    """The plane in which a sum lies; the third axis goes from its end to the nearest other word.

    Attributes:
        terms: (sign, row) of each word.
        expected: the row that the sum should end at, to which the third axis then goes; -1 for
            the nearest.
    """

    name: ClassVar[str] = "plane"
    terms: Terms
    expected: int = -1


@dataclass(frozen=True, slots=True)
class Direction:
    """From the middle of some rows to the middle of others; either may be none: the zero vector.

    Attributes:
        plus, minus: rows.
        words: as it was typed.
    """

    plus: tuple[int, ...]
    minus: tuple[int, ...] = ()
    words: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class WordAxes(Projection):
    """Axes that words make: a row's place is its dot product with each direction of length 1.

    Attributes:
        directions: one to three; the other axes are the principal ones of what is left.
    """

    name: ClassVar[str] = "words"
    directions: tuple[Direction, ...]


Likeness = Literal["cosine", "euclidean"]
"""What near means to a map: the same direction, or a small distance."""


@dataclass(frozen=True, slots=True)
class NeighbourMap(Projection):
    """What maps have in common, which keep who is near whom and no axes.

    Attributes:
        likeness: what near means.
        steps: of the optimisation; 0 for as many as the method takes by default.
        seed: of the chance.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    """Libraries without which it can't be drawn, as they are imported."""
    likeness: Likeness = "cosine"
    steps: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class TSNE(NeighbourMap):
    """t-distributed stochastic neighbour embedding (van der Maaten and Hinton 2008), in a plane.

    Attributes:
        perplexity: of about so many neighbours each vector's place takes notice.
        exaggeration: how much neighbours attract each other more in the first third of the steps.
    """

    name: ClassVar[str] = "tsne"
    needs: ClassVar[tuple[str, ...]] = ("openTSNE",)
    perplexity: float = 30.0
    exaggeration: float = 12.0


@dataclass(frozen=True, slots=True)
class UMAP(NeighbourMap):
    """Uniform manifold approximation and projection (McInnes, Healy and Melville 2018).

    Attributes:
        n_neighbors: of so many neighbours each vector's place takes notice.
        min_dist: how near two points may come.
        dimensions: two or three.
    """

    name: ClassVar[str] = "umap"
    needs: ClassVar[tuple[str, ...]] = ("torchdr", "faiss", "matplotlib")
    n_neighbors: int = 15
    min_dist: float = 0.1
    dimensions: int = 2
