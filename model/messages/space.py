"""The table of token vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from model.messages.base import Array, Request, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectVocabulary(Request):
    """The whole table of token vectors on three axes: `VocabularyProjected`. Newest wins.

    Attributes:
        matrix: which table.
        plane: a sum of words, (sign, token id) each: the first two axes lie in its plane. Empty for
            the first principal axes.
    """

    newest_wins: ClassVar[bool] = True

    matrix: Literal["W_E", "W_U"] = "W_E"
    plane: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FindNeighbours(Request):
    """Tokens near a signed sum of token vectors, by cosine: `NeighboursFound`. Newest wins.

    Attributes:
        terms: (sign, token id), for example ((1, king), (-1, man), (1, woman)).
        k: how many.
    """

    newest_wins: ClassVar[bool] = True

    terms: tuple[tuple[int, int], ...]
    k: int = 12
    matrix: Literal["W_E", "W_U"] = "W_E"


@dataclass(frozen=True, slots=True, kw_only=True)
class VocabularyProjected(Result):
    """A table of token vectors on three axes: exact principal components, or a sum's plane first.

    Attributes:
        model_id, step: of which weights.
        matrix: which table.
        points: ``[V, 3]`` float32, the centred table on the axes.
        axes: ``[3, D]`` float32, orthonormal; while a model is training they are turned so that the
            cloud lies as it did before.
        mean: ``[D]`` float32.
        variance_kept: ``[3]``, each axis' share of the table's variance.
        norms: ``[V]`` lengths of the vectors.
        plane: the sum of words in whose plane the first two axes lie; empty for none.
        own_kept: share that the axes keep of the distances between the words of that sum and its
            end; NaN without one.
        nearest_kept: of the distance from its end to the nearest other word; NaN without one.
        nearest: that word's id, -1 for none.
    """

    model_id: int
    step: int | None
    matrix: str
    points: Array
    axes: Array
    mean: Array
    variance_kept: Array
    norms: Array
    plane: tuple[tuple[int, int], ...] = ()
    own_kept: float = float("nan")
    nearest_kept: float = float("nan")
    nearest: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighboursFound(Result):
    """Tokens by cosine to a signed sum of vectors, nearest first.

    Attributes:
        terms: the sum.
        ids, cosines: the k nearest, the terms' own tokens included.
        own: for each of ``ids``, whether it is one of the terms' tokens: an analogy is read
            with and without them.
    """

    model_id: int
    step: int | None
    matrix: str
    terms: tuple[tuple[int, int], ...]
    ids: tuple[int, ...]
    cosines: tuple[float, ...]
    own: tuple[bool, ...]
