"""The question for how much each head of a network reads one token (or word) from another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from model.probe.question import Answer, Array, Named, Question


@dataclass(frozen=True, slots=True)
class OnKey(Question):
    """Every head's weight of a query on a key.

    Attributes:
        query: whose weights.
        key: what is read.
        words: first token of each word, where tokens are merged to words, as in `Pattern`; query
            and key are positions of tokens all the same, and their words are meant. Empty for
            tokens.
    """

    name: ClassVar[str] = "on_key"
    title: ClassVar[str] = "what every head reads of a token"
    query: int
    key: int
    words: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OnKeyFound(Answer):
    """A number a head.

    Attributes:
        weight_LH: ``[layer, head]`` float32: the weight; 0 where the key is masked.
        valued_LH: the length of what the head writes from that key, ``‖A · v · W_O‖``.
    """

    weight_LH: Array
    valued_LH: Array

    def arrays(self) -> Mapping[str, Named]:
        axes = ("layer", "head")
        return {
            "weight": Named(self.weight_LH, axes),
            "value_weighted": Named(self.valued_LH, axes),
        }
