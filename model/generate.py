"""Generation, one token at a time, with or without a cache of keys and values.

Each token is drawn from `model.sampling.probabilities`, the very distribution that the
prediction pane shows. Knows ids, no text.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from model.config import TransformerConfig
from model.sampling import Drawn, NoDistributionError, Sampling, drawn, probabilities
from model.slices import retold
from model.transformer import KVCache, Transformer

Ending = Literal["max_new_tokens", "stop_id", "context_full"]


@dataclass(frozen=True, slots=True)
class Step:
    """One generated token.

    Attributes:
        token_id: the token that was drawn.
        logits_V: the logits that it was drawn from, float32, ``[d_vocab]``.
        how: the random number, and where it fell.
    """

    token_id: int
    logits_V: NDArray[np.float32]
    how: Drawn


def generate(
    transformer: Transformer,
    ids: Sequence[int],
    max_new_tokens: int,
    sampling: Sampling,
    rng: np.random.Generator,
    use_cache: bool = True,
    stop_ids: Collection[int] = frozenset(),
    logits_of: Callable[[Sequence[int]], NDArray[np.float32]] | None = None,
) -> Generator[Step, None, Ending]:
    """Draw tokens until there are enough, one of ``stop_ids`` was drawn, or the context is full.

    The context is never shortened behind the reader's back: once it is full, generation ends.
    A stop id is the last step, not swallowed.

    Args:
        transformer: the network.
        ids: the prompt's ids, at least one.
        max_new_tokens: how many tokens at most.
        sampling: temperature, top-k, top-p, min-p.
        rng: where chance comes from.
        use_cache: keep keys and values; the tokens are the same without, only later.
        stop_ids: ids that end the text.
        logits_of: gives the logits after ids in another way than by running the network as it is.

    Yields:
        One step a token.

    Returns:
        Why it ended.

    Raises:
        ValueError: the prompt is empty or longer than the context, or the network is none that
            continues a text.
    """
    if transformer.config.no_continuation:
        raise ValueError(transformer.config.no_continuation)
    n_ctx = transformer.config.n_ctx
    weight = transformer.embed.weight
    use_cache = use_cache and logits_of is None
    cache = KVCache(transformer.config, 1, weight) if use_cache else None
    seen = list(ids)
    new = seen
    for _ in range(max_new_tokens):
        if cache is not None and _outdated(cache, transformer.config, len(seen)):
            cache.crop(0)
            new = seen
        # Entered for each step anew: the mode must not leak out of a generator that waits.
        with torch.inference_mode():
            if logits_of is not None:
                logits_V = logits_of(seen)
            else:
                ids_BT = torch.tensor([new], dtype=torch.long, device=weight.device)
                logits_BTV = transformer(ids_BT, cache, last_only=True)
                logits_V = logits_BTV[0, -1].float().cpu().numpy()
        how = drawn(probabilities(logits_V, sampling), rng)
        token_id = how.token_id
        yield Step(token_id, logits_V, how)
        if token_id in stop_ids:
            return "stop_id"
        seen.append(token_id)
        if len(seen) > n_ctx:
            return "context_full"
        new = [token_id] if use_cache else seen
    return "max_new_tokens"


def drawn_ids(
    steps: Generator[Step, None, Ending], ids: Sequence[int], why: Callable[[list[int]], str]
) -> Generator[int, None, Ending]:
    """The ids of steps, as they are drawn.

    Args:
        steps: of `generate`.
        ids: of the prompt.
        why: says of the ids up to a token that can't be drawn where the numbers went wrong.

    Raises:
        NoDistributionError: a logit is no number; the message says where that began.
    """
    seen = list(ids)

    def noted(step: Step) -> int:
        seen.append(step.token_id)
        return step.token_id

    try:
        return (yield from retold(steps, noted))
    except NoDistributionError as error:
        raise NoDistributionError(f"{error} {why(seen)}".strip()) from error


def _outdated(cache: KVCache, config: TransformerConfig, length: int) -> bool:
    """Whether what the cache holds is rotated otherwise in a sequence of that length."""
    return cache.length > 0 and config.length_changes_rotations(cache.length, length)
