"""From logits to the distribution that is sampled, and to a sampled token.

The one definition: generation draws from exactly the probabilities that the prediction pane
shows. NumPy only, one position at a time; knows no model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

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
        min_p: keep only tokens that are at least this share as likely as the likeliest one (Nguyen
            et al. 2024); 0 keeps all. Applied last.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature <= HOTTEST:  # NaN compares as False
            raise ValueError(
                f"temperature is {self.temperature}; it must be from 0 (greedy) to {HOTTEST:g}."
            )
        if self.top_k < 0:
            raise ValueError(f"top_k is {self.top_k}; it must be 0 (all) or more.")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}; it must be above 0 and at most 1.")
        if not 0 <= self.min_p <= 1:
            raise ValueError(f"min_p is {self.min_p}; it must be from 0 (all) to 1.")

    @property
    def cuts(self) -> bool:
        """Whether it may leave tokens out."""
        return self.temperature == 0 or self.top_k > 0 or self.top_p < 1 or self.min_p > 0

    def code(self) -> str:
        """As it is written in Python, after ``import model``."""
        given = f"temperature={self.temperature!r}, top_k={self.top_k}, top_p={self.top_p!r}"
        min_p = f", min_p={self.min_p!r}" if self.min_p else ""
        return f"model.Sampling({given}{min_p})"


OWN = Sampling()
"""The model's own distribution: nothing is cut, nothing sharpened."""


def probabilities(logits_V: NDArray[np.floating], sampling: Sampling) -> NDArray[np.float64]:
    """The distribution from which the next token is drawn.

    Args:
        logits_V: one score per token of the vocabulary, at one position.
        sampling: temperature and truncation.

    Returns:
        ``[d_vocab]``, sums to one; tokens cut by top-k, top-p or min-p have exactly 0. At
        temperature 0 all the probability is on the likeliest token (the lowest id, if several tie).

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
    if sampling.min_p > 0:
        probs = _kept(probs, np.flatnonzero(probs >= sampling.min_p * probs.max()))
    return probs


Cut = Literal["", "temperature 0", "top k", "top p", "min p"]
CUTS: tuple[Cut, ...] = ("", "temperature 0", "top k", "top p", "min p")
"""What leaves a token out, in the order in which it is applied; the first leaves none out."""


def cut_by(logits_V: NDArray[np.floating], sampling: Sampling) -> NDArray[np.uint8]:
    """What left each token out: an index into `CUTS`, ``[d_vocab]``.

    A token that is too unlikely for a float64 is no token that was cut.

    Raises:
        NoDistributionError: as of `probabilities`.
    """
    found = np.zeros(np.asarray(logits_V).shape, np.uint8)
    if not sampling.cuts:
        return found
    own = Sampling(temperature=sampling.temperature or 1.0)
    there = probabilities(logits_V, own) > 0
    if sampling.temperature == 0:
        steps = [(1, sampling)]
    else:
        with_k = replace(own, top_k=sampling.top_k)
        with_p = replace(with_k, top_p=sampling.top_p)
        steps = [(2, with_k), (3, with_p), (4, sampling)]
    for index, step in steps:
        kept = probabilities(logits_V, step) > 0
        found[there & ~kept] = index
        there = kept
    return found


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


@dataclass(frozen=True, slots=True)
class Drawn:
    """One token drawn: the place of a random number among the probabilities, laid end to end.

    They lie in the order of their ids, from 0 to 1, each as long as it is likely.

    Attributes:
        token_id: on which the number fell.
        probability: its own.
        u: the number, at least 0 and below 1.
        start, stop: where the token's part begins and ends.
        ids, starts, widths: the longest parts, longest first, that one among them.
    """

    token_id: int
    probability: float
    u: float
    start: float
    stop: float
    ids: tuple[int, ...] = ()
    starts: tuple[float, ...] = ()
    widths: tuple[float, ...] = ()


LONGEST_PARTS = 12


def drawn(probs_V: NDArray[np.float64], rng: np.random.Generator) -> Drawn:
    """One token drawn from a distribution, and how: the one way in which any is drawn."""
    u = float(rng.random())
    # Tokens that can't be drawn have no part, and a vocabulary of 50,000 is mostly those.
    ids = np.flatnonzero(probs_V)
    ends = np.cumsum(probs_V[ids])
    # Scaled by the last sum, which rounding leaves a hair off one.
    ends /= ends[-1]
    at = min(int(np.searchsorted(ends, u, side="right")), len(ids) - 1)
    starts = np.concatenate([[0.0], ends[:-1]])
    widths = probs_V[ids]
    n = min(LONGEST_PARTS, len(ids))
    longest = np.argpartition(-widths, n - 1)[:n]
    longest = longest[np.argsort(-widths[longest], kind="stable")]
    if at not in longest:
        longest[-1] = at
    return Drawn(
        token_id=int(ids[at]),
        probability=float(widths[at]),
        u=u,
        start=float(starts[at]),
        stop=float(ends[at]),
        ids=tuple(ids[longest].tolist()),
        starts=tuple(starts[longest].tolist()),
        widths=tuple(widths[longest].tolist()),
    )


def draw(probs_V: NDArray[np.float64], rng: np.random.Generator) -> int:
    """One token id drawn from a distribution."""
    return drawn(probs_V, rng).token_id


def surprisal_bits(logits_V: NDArray[np.floating], token_id: int) -> float:
    """-log2 p of a token under the model's own distribution (temperature 1)."""
    logits = np.asarray(logits_V, dtype=np.float64)
    top = logits.max()
    log_z = top + np.log(np.exp(logits - top).sum())
    return float((log_z - logits[token_id]) / np.log(2))


def likeliest(logits_V: NDArray[np.floating], n: int) -> NDArray[np.intp]:
    """The ids of the n largest logits, largest first; ties by lower id."""
    n = min(n, logits_V.size)
    border = np.partition(logits_V, logits_V.size - n)[logits_V.size - n]
    if np.isnan(border):  # of a network that diverged
        return np.arange(n)
    candidates = np.flatnonzero(logits_V >= border)
    order = np.argsort(-logits_V[candidates], kind="stable")
    return candidates[order][:n]


def rank_of(logits_V: NDArray[np.floating], token_id: int) -> int:
    """1 for the token with the largest logit; ties by lower id."""
    own = logits_V[token_id]
    before = np.count_nonzero(logits_V > own) + np.count_nonzero(logits_V[:token_id] == own)
    return int(before) + 1
