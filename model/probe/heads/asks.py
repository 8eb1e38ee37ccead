"""The question for what kind each attention head is, and the labels that its scores earn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from model.probe.question import Answer, Array, Named, Question

LEAST: Mapping[str, float] = MappingProxyType(
    {
        "previous_token": 0.4,
        "duplicate_token": 0.4,
        "induction": 0.4,
        "next_token": 0.4,
        "itself": 0.4,
        "first_token": 0.5,
        "evenly": 0.8,
        "positional": 0.8,
    }
)
"""Scores in the order of their axis, with the least that earns a label.

A head that reads everything alike gives one place some 0.02 on these texts, and in SmolLM2-135M
nine heads of ten stay below 0.2; what it does not need, a trained head parks on the first token, so
that an induction head rarely puts more than half of its weight to work. Of the first token half is
asked, since it is where the rest goes. The last two compare whole rows of weights: two rows of
unrelated heads overlap by a half.
"""

SCORES = tuple(LEAST)


@dataclass(frozen=True, slots=True)
class Heads(Question):
    """What each head does on random tokens that are repeated (Olsson et al. 2022).

    The text is made here: its tokens are drawn from the vocabulary without special ones, then come
    again in the same order. So what a head reads is not what words mean, but where it looks.

    Attributes:
        n_random: tokens before they are repeated; fewer where the context is short.
        n_texts: how many such texts the scores are means of, at least 2.
        seed: of the tokens.
    """

    name: ClassVar[str] = "heads"
    title: ClassVar[str] = "kinds of heads"
    later: ClassVar[bool] = True
    of_text: ClassVar[bool] = False
    n_random: int = 40
    n_texts: int = 4
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeadsFound(Answer):
    """A score from 0 to 1 of each kind for every head; of the weights, not of the subject's text.

    ``previous_token``, ``itself``, ``next_token``: the weight on the token before, on the query's
    own, on the one behind it. ``first_token``: on the text's first token, a sink. In the repeat,
    ``duplicate_token``: on the same token before; ``induction``: on what followed it then. (Where
    a query may look ahead, the later copy counts too.) Before the repeat, ``positional``: how much
    of a row of weights is the same in another text, what lies on the first token left out;
    ``evenly``: how much is alike for all keys.

    Attributes:
        scores_LHS: float32, layer × head × score (`SCORES`).
        n_random: tokens before the repeat.
        problem: why heads can't be told apart, where all scores are NaN; empty if they can.
    """

    scores_LHS: Array
    n_random: int
    problem: str = ""

    def label(self, layer: int, head: int) -> str:
        """The kind that its scores earn, one of `SCORES`; empty if it is none of them."""
        return next(iter(self.labels(layer, head)), "")

    def labels(self, layer: int, head: int) -> tuple[str, ...]:
        """All kinds that its scores earn, the most telling first.

        Where it looks comes before where it parks; that it goes by position says little about a
        head that has another label.
        """
        score = self.scores(layer, head)
        earned = [name for name in SCORES if score[name] >= LEAST[name]]
        by_place = [name for name in earned if name not in _LESS]
        return (
            *sorted(by_place, key=lambda name: -score[name]),
            *(name for name in _LESS if name in earned),
        )

    def scores(self, layer: int, head: int) -> dict[str, float]:
        """Its scores by name."""
        return dict(zip(SCORES, self.scores_LHS[layer, head].tolist(), strict=True))

    def arrays(self) -> Mapping[str, Named]:
        at = {"kind": np.array(SCORES)}
        return {"score": Named(self.scores_LHS, ("layer", "head", "kind"), at)}

    def as_rows(self) -> Mapping[str, list[dict[str, Any]]]:
        n_layers, n_heads, _ = self.scores_LHS.shape
        return {
            "heads": [
                {"layer": layer, "head": head}
                | self.scores(layer, head)
                | {"labels": list(self.labels(layer, head))}
                for layer in range(n_layers)
                for head in range(n_heads)
            ]
        }


_LESS = ("first_token", "evenly", "positional")
