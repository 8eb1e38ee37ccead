"""The question for the surprisal of every token of the prompt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from model.probe.question import Answer, Array, Named, Question


@dataclass(frozen=True, slots=True)
class Surprisal(Question):
    """-log2 p of each token, given those before it, at temperature 1."""

    name: ClassVar[str] = "surprisal"
    title: ClassVar[str] = "surprisal"
    later: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurprisalFound(Answer):
    """Bits.

    Attributes:
        bits_T: ``[T]`` float64; NaN for the first token, which nothing predicts, and for those
            that are still to come.
    """

    bits_T: Array

    def arrays(self) -> Mapping[str, Named]:
        return {"surprisal_bits": Named(self.bits_T, ("position",))}
