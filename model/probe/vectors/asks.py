"""The question for vectors out of activations, and where in a tensor they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from model.config import TransformerConfig
from model.probe.question import Answer, Array, Named, Question
from model.probe.tensors.asks import AXES
from model.sampling import OWN, Sampling

Index = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Vectors(Question):
    """One vector out of each of some activations.

    Attributes:
        names: of the activations, full names or aliases; ``probabilities`` too.
        position: whose (the query, for scores and patterns).
        head: whose, where there are heads.
        along_positions: what has one number a position (a norm's scale) is read at all of them;
            else at this one only, as a vector of one number.
        sampling: for ``probabilities``.
    """

    name: ClassVar[str] = "vectors"
    title: ClassVar[str] = "vectors of a position"
    names: tuple[str, ...]
    position: int
    head: int = 0
    along_positions: bool = False
    sampling: Sampling = OWN


@dataclass(frozen=True, slots=True, eq=False)
class Vector:
    """One vector.

    Attributes:
        name: of the activation.
        letters: of its shape (`model.operations.operation`).
        index: its full index, None at the axis that is free.
        values: ``[n]``, read-only.
    """

    name: str
    letters: str
    index: Index
    values: Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VectorsFound(Answer):
    """The vectors by name; a name that the network lacks is left out."""

    vectors: Mapping[str, Vector]

    def arrays(self) -> Mapping[str, Named]:
        return {
            name: Named(vector.values, (AXES[vector.letters[vector.index.index(None)]],))
            for name, vector in self.vectors.items()
        }


def index_of(
    letters: str, config: TransformerConfig, position: int, head: int, *, along_positions: bool
) -> Index:
    """Which vector of a tensor belongs to a position and a head.

    Args:
        letters: of the tensor's shape.
        config: of the network.
        position, head: whose.
        along_positions: as of `Vectors`.
    """
    head = min(head, config.n_heads - 1)
    match letters:
        case "BT":
            return (0, None)
        case "BT1":
            return (0, None, 0) if along_positions else (0, position, None)
        case "BTHK":
            return (0, position, head, None)
        case "BTGK":
            return (0, position, head * config.n_kv_heads // config.n_heads, None)
        case "BHQS":
            return (0, head, position, None)
        case "BTAM":  # of the expert with the largest share
            return (0, position, 0, None)
        case "BTH1" | "BTG1" | "BT11":  # a norm's scale: of every head
            return (0, position, None, 0)
        case _:
            return (0, position, None)
