"""The question for how far another subject is from one, operation by operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from model.alignment import Pairs
from model.probe.question import Answer, Array, Named, Question
from model.subject import Subject


@dataclass(frozen=True, slots=True)
class Difference(Question):
    """How far every activation of another subject (B) is from that of the one asked about (A).

    Attributes:
        other: B: another text, another model, or the same under other interventions.
        pairs: positions of A and B that are compared with each other; all, where it is empty and
            both texts have the same number of tokens.
        predictions: whether what both predict is compared too; of a large vocabulary it takes as
            long as many blocks.
    """

    name: ClassVar[str] = "difference"
    title: ClassVar[str] = "difference of A and B"
    other: Subject
    pairs: Pairs = ()
    predictions: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DifferenceFound(Answer):
    """B − A, over the pairs of positions. Shape suffixes: N activations, P pairs.

    Of scores the entries that a mask hides in either are left out.

    Attributes:
        names: activations that both have in the same shape, in the order of the forward pass.
        relative_N: ‖B − A‖ / ‖A‖ over all pairs; NaN where it is still to come.
        max_abs_N: the largest |b − a|.
        cosine_N: of both, as vectors of all their numbers.
        relative_NP: ‖b − a‖ / ‖a‖ at every pair.
        a_P, b_P: the pairs' positions.
        kl_bits_P: Kullback–Leibler divergence of the next token's distributions, of B from A:
            Σ a log2(a / b), in bits; NaN where they can't be compared.
        top_a_P, top_b_P: the likeliest token of either; -1 where it isn't known.
        left_out: names that only one has, or that have another shape.
        no_predictions: why predictions aren't compared; empty if they are.
    """

    names: tuple[str, ...]
    relative_N: Array
    max_abs_N: Array
    cosine_N: Array
    relative_NP: Array
    a_P: Array
    b_P: Array
    kl_bits_P: Array
    top_a_P: Array
    top_b_P: Array
    left_out: tuple[str, ...] = ()
    no_predictions: str = ""

    @property
    def agreement(self) -> float:
        """Share of the pairs after which both find the same token likeliest; NaN if unknown."""
        if not (self.top_a_P >= 0).any():
            return float("nan")
        return float((self.top_a_P == self.top_b_P).mean())

    def arrays(self) -> Mapping[str, Named]:
        names = {"activation": np.array(self.names, dtype=np.str_)}
        pairs = {"position": self.a_P}
        return {
            "relative_norm": Named(self.relative_N, ("activation",), names),
            "max_abs": Named(self.max_abs_N, ("activation",), names),
            "cosine": Named(self.cosine_N, ("activation",), names),
            "relative_norm_by_position": Named(
                self.relative_NP, ("activation", "position"), names | pairs
            ),
            "position_b": Named(self.b_P, ("position",), pairs),
            "kl_bits": Named(self.kl_bits_P, ("position",), pairs),
            "top_a": Named(self.top_a_P, ("position",), pairs),
            "top_b": Named(self.top_b_P, ("position",), pairs),
        }

    def as_rows(self) -> Mapping[str, list[dict[str, Any]]]:
        rows = zip(self.names, self.relative_N, self.max_abs_N, self.cosine_N, strict=True)
        return {
            "activations": [
                {
                    "name": name,
                    "relative_norm": float(relative),
                    "max_abs": float(most),
                    "cosine": float(cosine),
                }
                for name, relative, most, cosine in rows
            ],
            "positions": [
                {
                    "position": int(self.a_P[at]),
                    "position_b": int(self.b_P[at]),
                    "kl_bits": float(self.kl_bits_P[at]),
                    "top_a": int(self.top_a_P[at]),
                    "top_b": int(self.top_b_P[at]),
                    "same_top": bool(self.top_a_P[at] == self.top_b_P[at]),
                }
                for at in range(len(self.a_P))
                if self.top_a_P[at] >= 0
            ],
        }
