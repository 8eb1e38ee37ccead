"""The question for the distribution after a position, and for one token drawn from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from model.probe.question import Answer, Array, Named, Question
from model.sampling import OWN, Sampling


@dataclass(frozen=True, slots=True)
class NextToken(Question):
    """What the model says after a position (of a masked model: in its place).

    Attributes:
        position: after which.
        sampling: temperature, top-k, top-p, min-p.
        n: how many of the likeliest tokens; 0 for the whole vocabulary, for export.
        also: further tokens, wherever they rank.
        seed: draw one token with it; None draws none.
    """

    name: ClassVar[str] = "next_token"
    title: ClassVar[str] = "next token"
    position: int
    sampling: Sampling = OWN
    n: int = 10
    also: tuple[int, ...] = ()
    seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NextTokenFound(Answer):
    """The tokens that are shown, likeliest first, then those that were asked for by name.

    Attributes:
        ids, logits, ranks: of each token; rank 1 has the largest logit, ties by lower id.
        probabilities: with which each is drawn, cut by temperature 0, top-k, top-p and min-p.
        uncut: the same before the cut (at temperature 1 where it is 0).
        cut_by: what left each out, an index into `model.sampling.CUTS`.
        entropy_bits: of the distribution that is drawn from.
        kept: how much of the probability the cut leaves.
        n_kept: how many tokens it leaves.
        drawn: the token that was drawn; None if none was asked for.
        problem: why there is no distribution (a logit that is not finite), where that came from
            and what to do; empty if there is one.
    """

    ids: Array
    logits: Array
    ranks: Array
    probabilities: Array
    uncut: Array
    cut_by: Array
    entropy_bits: float
    kept: float
    n_kept: int
    drawn: int | None = None
    problem: str = ""

    def arrays(self) -> Mapping[str, Named]:
        columns = {
            "id": self.ids,
            "logit": self.logits,
            "rank": self.ranks,
            "probability": self.probabilities,
            "probability_before_cut": self.uncut,
            "cut_by": self.cut_by,
        }
        at = {"place": np.arange(len(self.ids))}
        return {name: Named(values, ("place",), at) for name, values in columns.items()}
