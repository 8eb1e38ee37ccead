"""Which tokens of two texts are partners. Knows ids; no model."""

from __future__ import annotations

from collections.abc import Sequence


def aligned(ids: Sequence[int], others: Sequence[int]) -> tuple[int, ...]:
    """For each token of a text the position of its partner in another; -1 without one.

    From the front as far as both agree, the rest from the end; the last tokens are always partners.
    """
    shift = len(others) - len(ids)
    if not shift:
        return tuple(range(len(ids)))
    n = min(n_alike(ids, others), len(ids) - 1, len(others) - 1)
    behind = (at + shift if at + shift >= n else -1 for at in range(n, len(ids)))
    return (*range(n), *behind)


def n_alike(ids: Sequence[int], others: Sequence[int]) -> int:
    """How many tokens two texts have in common at their beginning."""
    pairs = zip(ids, others)
    return next(
        (at for at, (one, other) in enumerate(pairs) if one != other), min(len(ids), len(others))
    )
