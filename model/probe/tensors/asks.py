"""The question for whole activations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from model.probe.question import Answer, Array, Named, Question

MOST_BYTES = 32 * 2**20
"""More than this is nothing that can be drawn: it is asked for in parts."""

AXES = {
    "B": "batch",
    "T": "position",
    "Q": "query",
    "S": "key",
    "D": "dimension",
    "E": "dimension",
    "H": "head",
    "G": "kv_head",
    "K": "dimension",
    "M": "neuron",
    "V": "token",
    "X": "expert",
    "A": "choice",
    "1": "one",
}
"""Names of axes, as columns of a table have them."""


@dataclass(frozen=True, slots=True)
class Tensors(Question):
    """Some activations as they are.

    Attributes:
        names: full names or aliases.
    """

    name: ClassVar[str] = "tensors"
    title: ClassVar[str] = "activations"
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TensorsFound(Answer):
    """The activations.

    Attributes:
        tensors: name -> array without its batch dimension.
        letters: name -> the letters of its shape, without the batch's.
    """

    tensors: Mapping[str, Array]
    letters: Mapping[str, str]

    def arrays(self) -> Mapping[str, Named]:
        return {
            name: Named(array, tuple(AXES[letter] for letter in self.letters[name]))
            for name, array in self.tensors.items()
        }
