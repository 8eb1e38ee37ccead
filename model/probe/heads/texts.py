"""The texts that heads are scored on: random tokens that come again in the same order.

Knows config and tokenizer; no network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.config import TransformerConfig
from model.probe.heads.asks import Heads
from model.tokenizer.tokenizer import Tokenizer

SKIPPED = 2
"""Queries at the beginning that do not count: of two keys each is the first or the one before."""


@dataclass(frozen=True, slots=True)
class RepeatedTexts:
    """Texts of equal length.

    Attributes:
        start: tokens before the random ones.
        n: random tokens before they come again; up to `SKIPPED` they tell nothing.
        ids: of each text.
    """

    start: int
    n: int
    ids: tuple[tuple[int, ...], ...]


def repeated_texts(
    question: Heads, config: TransformerConfig, tokenizer: Tokenizer | None
) -> RepeatedTexts:
    """The texts of a question for a network; none where its context is too short for any."""
    start, end = ((), ()) if tokenizer is None else _around(tokenizer)
    n = min(question.n_random, (config.n_ctx - len(start) - len(end)) // 2)
    if n <= SKIPPED:
        return RepeatedTexts(len(start), n, ())
    pool = _pool(config, tokenizer)
    random = np.random.default_rng(question.seed)
    drawn = (
        tuple(random.choice(pool, n, replace=len(pool) < n).tolist())
        for _ in range(question.n_texts)
    )
    return RepeatedTexts(len(start), n, tuple((*start, *one, *one, *end) for one in drawn))


def _around(tokenizer: Tokenizer) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What stands before and behind a text of the model's: heads park there what they don't need.

    What its tokenizer puts around any text; where it puts nothing, the token that begins one.
    """
    bare = tokenizer.encode("a", add_special=False).ids
    whole = tokenizer.encode("a").ids
    for at in range(len(whole) - len(bare) + 1):
        if whole[at : at + len(bare)] == bare and len(whole) > len(bare):
            return tuple(whole[:at]), tuple(whole[at + len(bare) :])
    first = tokenizer.start_of_text
    return ((), ()) if first is None else ((first,), ())


def _pool(config: TransformerConfig, tokenizer: Tokenizer | None) -> Sequence[int]:
    """Ids that stand for text."""
    every = range(config.d_vocab)
    if tokenizer is None:
        return every
    left_out = {*tokenizer.special_ids, tokenizer.unknown_id}
    written = tokenizer.vocabulary
    found = [one for one in every[: len(written)] if written[one] and one not in left_out]
    return found or every
