"""The question for why a head's query attends to a key: what wrote both sides of their score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from model.probe.question import Answer, Array, Named, Question

BIASES, CHANGE = "biases", "change"
"""Parts that nobody wrote to the stream: what norms and linear maps add by themselves, and what
interventions did on the way."""


@dataclass(frozen=True, slots=True)
class WhyAttends(Question):
    """The score of a query and a key, by what was written to the residual stream at both places.

    A score is a product of two vectors, and each is linear in what embedding, attention and MLPs
    had written to its stream, once every norm divides by the scale that it had and every clip
    keeps what it kept (Elhage et al. 2021). So it is a sum over pairs: one part of the query's
    side, one of the key's.

    Attributes:
        layer, head: which head.
        query, key: the positions.
    """

    name: ClassVar[str] = "why_attends"
    title: ClassVar[str] = "why a head attends"
    layer: int
    head: int
    query: int
    key: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WhyAttendsFound(Answer):
    """The pairs; they, the bias and the remainder add up to the score.

    Attributes:
        query_parts, key_parts: what wrote each side, from the embedding upwards: ``embedding``,
            ``attention 3``, ``MLP 3``; and `BIASES`, `CHANGE` where there are any.
        values_QK: ``[query part, key part]`` float64: what each pair adds, scaled as scores are.
        bias: what the distance alone adds (ALiBi); 0 where positions are no such bias.
        score: the model's own, before a soft cap if there is one.
        capped: after the cap: what the softmax reads.
        weight: what the softmax makes of it.
        remainder: the score less everything else: rounding.
    """

    query_parts: tuple[str, ...]
    key_parts: tuple[str, ...]
    values_QK: Array
    bias: float
    score: float
    capped: float
    weight: float
    remainder: float

    def arrays(self) -> Mapping[str, Named]:
        at = {"query_part": np.array(self.query_parts), "key_part": np.array(self.key_parts)}
        return {"score": Named(self.values_QK, ("query_part", "key_part"), at)}

    def strongest(self, most: int) -> list[tuple[str, str, float]]:
        """The pairs that add or take most: part of the query, part of the key, value."""
        flat = self.values_QK.reshape(-1)
        order = np.argsort(-np.abs(flat), kind="stable")[:most].tolist()
        n = len(self.key_parts)
        return [
            (self.query_parts[at // n], self.key_parts[at % n], float(flat[at])) for at in order
        ]

    def as_rows(self) -> Mapping[str, list[dict[str, Any]]]:
        return {
            "pairs": [
                {"query_part": one, "key_part": other, "value": value}
                for one, other, value in self.strongest(self.values_QK.size)
            ],
            "sum": [
                {
                    "score": self.score,
                    "bias": self.bias,
                    "remainder": self.remainder,
                    "capped": self.capped,
                    "weight": self.weight,
                }
            ],
        }
