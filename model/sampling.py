"""From logits to the distribution that is sampled, and to a sampled token.

The one definition: generation draws from exactly the probabilities that the prediction pane
shows. NumPy only, one position at a time; knows no model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HOTTEST = 10.0
"""The largest temperature: at 10 a logit counts a tenth, and text is all but noise."""


class NoDistributionError(ValueError):
    """The logits are no numbers that a distribution could be made of."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen.

    Attributes:
        temperature: divides the logits; 0 is greedy, 1 the model's own distribution; at most
            `HOTTEST`.
        top_k: keep only the k likeliest tokens; 0 keeps all. Ties at the border are kept
            by lower id, so that exactly k remain.
        top_p: keep the fewest tokens whose probability reaches p (nucleus sampling, Holtzman
            et al. 2020); 1 keeps all. Applied after temperature and top-k.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature <= HOTTEST:  # NaN compares as False
            raise ValueError(
                f"temperature is {self.temperature}; it must be from 0 (greedy) to {HOTTEST:g}."
            )
        if self.top_k < 0:
            raise ValueError(f"top_k is {self.top_k}; it must be 0 (all) or more.")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}; it must be above 0 and at most 1.")


OWN = Sampling()
"""The model's own distribution: nothing is cut, nothing sharpened."""


def probabilities(logits_V: NDArray[np.floating], sampling: Sampling) -> NDArray[np.float64]:
    """The distribution from which the next token is drawn.

    Args:
        logits_V: one score per token of the vocabulary, at one position.
        sampling: temperature and truncation.

    Returns:
        ``[d_vocab]``, sums to one; tokens cut by top-k or top-p have exactly 0. At temperature
        0 all the probability is on the likeliest token (the lowest id, if several tie).

    Raises:
        NoDistributionError: a logit is NaN or +infinite, or none is finite.
    """
    logits = np.asarray(logits_V, dtype=np.float64)
    if np.isnan(logits).any():
        raise NoDistributionError(
            "The model gave NaN as a logit; there is no distribution to sample."
        )
    if np.isposinf(logits.max()):
        raise NoDistributionError(
            "The model gave an infinite logit; there is no distribution to sample."
        )
    if np.isneginf(logits.max()):
        raise NoDistributionError("No logit is finite; there is no distribution to sample.")
    if sampling.temperature == 0:
        greedy = np.zeros_like(logits)
        greedy[int(logits.argmax())] = 1.0
        return greedy
    # The maximum goes first, so that a low temperature underflows to 0 and never overflows.
    with np.errstate(under="ignore", over="ignore"):
        probs = np.exp((logits - logits.max()) / sampling.temperature)
    probs /= probs.sum()
    if 0 < sampling.top_k < probs.size:
        probs = _kept(probs, _likeliest(probs, sampling.top_k))
    if sampling.top_p < 1:
        # All tokens below this share of the tail together hold less than the tail: none is kept,
        # and a vocabulary of 50,000 need not be sorted.
        floor = (1 - sampling.top_p) / probs.size
        candidates = np.flatnonzero(probs > floor)
        order = candidates[np.argsort(-probs[candidates], kind="stable")]
        before = np.cumsum(probs[order]) - probs[order]
        probs = _kept(probs, order[before < sampling.top_p])
    return probs


def _likeliest(probs_V: NDArray[np.float64], k: int) -> NDArray[np.intp]:
    """The k likeliest ids; of those that tie at the border the lowest."""
    border = np.partition(probs_V, -k)[-k]
    above = np.flatnonzero(probs_V > border)
    return np.concatenate([above, np.flatnonzero(probs_V == border)[: k - above.size]])


def _kept(probs_V: NDArray[np.float64], ids: NDArray[np.intp]) -> NDArray[np.float64]:
    """Only these ids, brought back to a sum of one."""
    kept = np.zeros_like(probs_V)
    kept[ids] = probs_V[ids]
    kept /= kept.sum()
    return kept


def draw(probs_V: NDArray[np.float64], rng: np.random.Generator) -> int:
    """One token id drawn from a distribution."""
    cumulative = np.cumsum(probs_V)
    # Scaled by the last sum, which rounding leaves a hair off one.
    index = int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right"))
    return min(index, int(np.flatnonzero(probs_V)[-1]))


def surprisal_bits(logits_V: NDArray[np.floating], token_id: int) -> float:
    """-log2 p of a token under the model's own distribution (temperature 1)."""
    logits = np.asarray(logits_V, dtype=np.float64)
    top = logits.max()
    log_z = top + np.log(np.exp(logits - top).sum())
    return float((log_z - logits[token_id]) / np.log(2))
