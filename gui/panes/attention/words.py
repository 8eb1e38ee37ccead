"""What is said about attention weights: shares measured from a pattern, and sentences.

Knows arrays and tokens; no store, no widget. Shape suffixes: Q queries, S keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.tokenizer.tokens import Token


@dataclass(frozen=True, slots=True)
class Shares:
    """Where a head's attention goes, as means over the queries that have such a key.

    Under a causal mask position 0 is left out: it can only attend to itself.

    Attributes:
        first, previous, itself: shares of the first token, the one before and the query's own.
        following: of the one after, None under a causal mask.
        n_queries: how many queries the means are of.
    """

    first: float
    previous: float
    itself: float
    n_queries: int
    following: float | None = None


def shares(pattern_QS: NDArray[Any], *, causal: bool = True) -> Shares | None:
    """Measure them; None for a single token, which has nothing to choose from."""
    n = pattern_QS.shape[0]
    if n < 2:
        return None
    if not causal:
        return Shares(
            first=float(pattern_QS[:, 0].mean()),
            previous=float(np.diagonal(pattern_QS, -1).mean()),
            itself=float(np.diagonal(pattern_QS).mean()),
            n_queries=n,
            following=float(np.diagonal(pattern_QS, 1).mean()),
        )
    return Shares(
        first=float(pattern_QS[1:, 0].mean()),
        previous=float(np.diagonal(pattern_QS, -1).mean()),
        itself=float(np.diagonal(pattern_QS)[1:].mean()),
        n_queries=n - 1,
    )


def reads(shares: Shares) -> str:
    """The shares as a line."""
    if shares.following is not None:
        return (
            f"reads first token {percent(shares.first)} · previous {percent(shares.previous)} · "
            f"itself {percent(shares.itself)} · next {percent(shares.following)} · "
            f"mean over {shares.n_queries} positions"
        )
    over = "at position 1" if shares.n_queries == 1 else f"mean over positions 1–{shares.n_queries}"
    return (
        f"reads first token {percent(shares.first)} · previous {percent(shares.previous)} · "
        f"itself {percent(shares.itself)} · {over}"
    )


def percent(share: float) -> str:
    """A share of attention, with a decimal where it is small."""
    return f"{share:.0%}" if share >= 0.0995 else f"{share:.1%}"


def exact(value: float) -> str:
    """A float32 with just the digits that tell it from its neighbours."""
    return str(np.float32(value)).replace("-", "−").replace("inf", "∞")


def named(tokens: Sequence[Token], position: int) -> str:
    """A token with its position, as it stands in sentences: ``“·queen” (1)``."""
    return f"“{tokens[position].text}” ({position})"


def weight_sentence(tokens: Sequence[Token], query: int, key: int, weight: float) -> str:
    """What one weight of a pattern means."""
    return (
        f"{percent(weight)} of what this head reads at {named(tokens, query)} "
        f"is the value of {named(tokens, key)}."
    )


def score_sentence(tokens: Sequence[Token], query: int, key: int, score: float) -> str:
    """What one score means."""
    if np.isneginf(score):
        why = "comes after" if key > query else "is farther than this layer looks from"
        return f"Masked: {named(tokens, key)} {why} {named(tokens, query)}."
    return (
        f"The query of {named(tokens, query)} times the key of {named(tokens, key)}, "
        "over √d_head; softmax over each query's scores makes them weights."
    )
