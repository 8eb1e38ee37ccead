"""The table of token vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from model.messages.base import Array, Request, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectVocabulary(Request):
    """The whole table of token vectors on its first principal axes: `VocabularyProjected`.

    Newest wins.
    """

    newest_wins: ClassVar[bool] = True

    matrix: Literal["W_E", "W_U"] = "W_E"


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
    """Exact principal components of a table of token vectors.

    Attributes:
        model_id, step: of which weights.
        matrix: which table.
        points: ``[V, 3]`` float32, the centred table on its first three axes.
        axes: ``[3, D]`` float32, orthonormal; signs and order follow the projection before,
            while a model is training, so that the cloud doesn't flip.
        mean: ``[D]`` float32.
        variance_kept: ``[3]``, each axis' share of the table's variance.
        norms: ``[V]`` lengths of the vectors.
    """

    model_id: int
    step: int | None
    matrix: str
    points: Array
    axes: Array
    mean: Array
    variance_kept: Array
    norms: Array


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
