"""From queries and keys to scores, pattern and mixed values: explicit attention, step by step.

Each function takes any heads and any window of query positions. Where ``in_place`` is offered the
result is written over the input, which nobody else may hold: scores are by far the largest tensors
of a long text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from model.config import TransformerConfig
from model.network.span import Span


def dot(
    q_BQHK: Tensor,
    k_BSGK: Tensor,
    config: TransformerConfig,
    heads: Sequence[int] | None = None,
    factor: float = 1.0,
) -> Tensor:
    """Query · key, ``[B, H, Q, S]``.

    Args:
        q_BQHK: queries of all heads, at any positions.
        k_BSGK: keys of all key/value heads.
        config: says which heads share keys.
        heads: the query heads that are wanted; None for all.
        factor: multiplies the queries first, which costs less than to multiply the scores.
    """
    shared_by = config.n_heads // config.n_kv_heads
    if factor != 1:
        q_BQHK = q_BQHK * factor
    if heads is not None:
        q_BHQK = q_BQHK[:, :, list(heads)].transpose(1, 2)
        k_BSHK = k_BSGK[:, :, [head // shared_by for head in heads]]
        return q_BHQK @ k_BSHK.permute(0, 2, 3, 1)
    q_BHQK, k_BGKS = q_BQHK.transpose(1, 2), k_BSGK.permute(0, 2, 3, 1)
    if shared_by == 1:
        return q_BHQK @ k_BGKS
    # Heads that share keys meet them in one product, so that nothing is repeated.
    B, H, Q, K = q_BHQK.shape
    scores_BGQS = q_BHQK.reshape(B, -1, shared_by * Q, K) @ k_BGKS
    return scores_BGQS.view(B, H, Q, -1)


def scale(scores: Tensor, factor: float, in_place: bool = False) -> Tensor:
    """What a score is multiplied with, whatever the head and position."""
    return scores.mul_(factor) if in_place else scores * factor


def bias(
    scores_BHQS: Tensor,
    span: Span,
    heads: Sequence[int] | None = None,
    in_place: bool = False,
    rows: Sequence[int] | None = None,
) -> Tensor:
    """A bias per head and distance is added, where the positions are linear biases.

    Args:
        scores_BHQS: of the span's queries with all of its keys.
        span: which positions.
        heads: the query heads that the scores are of; None for all.
        in_place: as above.
        rows: which of the span's queries the scores are of; None for all.
    """
    bias_HQS = span.bias()
    if bias_HQS is None:
        return scores_BHQS
    if heads is not None:
        bias_HQS = bias_HQS[list(heads)]
    if rows is not None:
        bias_HQS = bias_HQS[:, list(rows)]
    return scores_BHQS.add_(bias_HQS) if in_place else scores_BHQS + bias_HQS


def cap(scores: Tensor, limit: float, in_place: bool = False) -> Tensor:
    """Within ±limit, almost unchanged near zero."""
    # A gradient needs the tanh, which must then not be multiplied in its place.
    if in_place and not scores.requires_grad:
        return scores.div_(limit).tanh_().mul_(limit)
    return torch.tanh(scores / limit) * limit


def mask(
    scores_BHQS: Tensor,
    span: Span,
    layer: int,
    in_place: bool = False,
    rows: Sequence[int] | None = None,
) -> Tensor:
    """Scores of keys that a query may not see become -inf.

    Args:
        scores_BHQS: of any heads, of the span's queries with all of its keys.
        span: which positions.
        layer: index of the block, whose window may be its own.
        in_place: as above.
        rows: which of the span's queries the scores are of; None for all.
    """
    mask_QS = span.mask(layer)
    if mask_QS is None:
        return scores_BHQS
    mask_QS = mask_QS if rows is None else mask_QS[list(rows)]
    if not in_place:
        return scores_BHQS.masked_fill(~mask_QS, -math.inf)
    # What stands before the first query all of them may see, unless a window ends.
    first = span.start if span.sees_all_before(layer) else 0
    scores_BHQS[..., first:].masked_fill_(~mask_QS[:, first:], -math.inf)
    return scores_BHQS


def attention_scores(q_BQHK: Tensor, k_BSGK: Tensor, span: Span, layer: int) -> Tensor:
    """All of these steps at once, ``[B, H, Q, S]``: for a pass that looks at none of them."""
    c = span.config
    scores_BHQS = dot(q_BQHK, k_BSGK, c, factor=c.score_scale(layer))
    scores_BHQS = bias(scores_BHQS, span, in_place=True)
    if c.caps.scores is not None:
        scores_BHQS = cap(scores_BHQS, c.caps.scores, in_place=True)
    return mask(scores_BHQS, span, layer, in_place=True)


def mix_values(pattern_BHQS: Tensor, v_BSGK: Tensor, config: TransformerConfig) -> Tensor:
    """The mean of the values that each head attends to, ``[B, Q, H, K]``."""
    v_BGSK = v_BSGK.transpose(1, 2)
    shared_by = config.n_heads // config.n_kv_heads
    if shared_by == 1:
        return (pattern_BHQS @ v_BGSK).transpose(1, 2)
    B, H, Q, S = pattern_BHQS.shape
    z_BGQK = pattern_BHQS.reshape(B, -1, shared_by * Q, S) @ v_BGSK
    return z_BGQK.view(B, H, Q, -1).transpose(1, 2)


def power_of_two(factor: float) -> tuple[float, float]:
    """The factor as a power of two times what is left: queries are multiplied by the first exactly.

    So the product comes out scaled, without a digit changed, for less than it costs to multiply
    all scores; and in float16 it overflows as late as a fused kernel's.
    """
    mantissa, exponent = math.frexp(factor)
    return 2.0 ** (exponent - 1), 2 * mantissa
