"""Numbers of an attention layer, taken apart: a reader for each kind of operation."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch

from model.network.rotary import rotation
from model.probe.terms.asks import Factor
from model.probe.terms.parts import Parts, Place, bias, function, product, scaled, softmax


def _heads(at: Place) -> Parts:
    """Queries, keys and values: the vector times a head's matrix ``[head, in, out]``."""
    _, t, h, k = at.index
    parts = product(
        at,
        at.read(at.op.inputs[0], t)[0],
        lambda i: (0, t, i),
        at.op.parameters[0],
        (h, slice(None), k),
        lambda i: (h, i, k),
        bias(at, h, k),
        "dimension",
    )
    clip = at.config.caps.qkv
    if clip is not None:
        parts.outer = f"clip(Σ, ±{clip:g})"
        parts.made = lambda total: min(max(total, -clip), clip)
    return parts


def _rotate(at: Place) -> Parts:
    _, t, h, k = at.index
    source = at.op.inputs[0]
    assert at.op.layer is not None
    rotary = at.config.rotary_at(at.op.layer)
    assert rotary is not None
    x = at.read(source, t)[0, h]
    like = torch.zeros((), dtype=torch.float64)
    cos, sin = (
        each[0].numpy() for each in rotation(rotary, at.config, t, 1, like, at.subject.n_tokens)
    )
    half = len(cos)
    if k >= 2 * half:  # this dimension is not turned
        own = Factor(source, (0, t, h, k), float(x[k]))
        return Parts(np.array([own.value]), lambda _: (own,), "", how="lookup")
    pair, second = (k // 2, k % 2 == 1) if rotary.interleaved else (k % half, k >= half)
    first_at, second_at = (2 * pair, 2 * pair + 1) if rotary.interleaved else (pair, pair + half)
    turned = [
        (first_at, float(sin[pair] if second else cos[pair])),
        (second_at, float(cos[pair] if second else -sin[pair])),
    ]
    values = np.array([x[i] * by for i, by in turned])
    return Parts(
        values,
        lambda n: (
            Factor(source, (0, t, h, turned[n][0]), float(x[turned[n][0]])),
            Factor("", (t, pair), turned[n][1]),
        ),
        "of the pair",
    )


def _dot(at: Place) -> Parts:
    _, h, q, s = at.index
    queries, keys = at.op.inputs
    group = h * at.config.n_kv_heads // at.config.n_heads
    q_K, k_K = at.read(queries, q)[0, h], at.read(keys, s)[0, group]
    return Parts(
        q_K * k_K,
        lambda i: (
            Factor(queries, (0, q, h, i), float(q_K[i])),
            Factor(keys, (0, s, group, i), float(k_K[i])),
        ),
        "dimension",
    )


def _scale(at: Place) -> Parts:
    assert at.op.layer is not None
    factor = at.config.score_scale(at.op.layer)
    return function(at, f"s · {factor:.4g}", lambda s: s * factor)


def _position_bias(at: Place) -> Parts:
    source = at.factor(at.op.inputs[0], *at.index)
    # What is added depends on the distance and the head alone: the network's own, not a formula.
    added = at.number(at.op.output, at.index) - source.value
    constant = Factor("", at.index[1:], added)
    return Parts(np.array([source.value, added]), lambda i: ((source,), (constant,))[i], "summand")


def _cap(at: Place) -> Parts:
    limit = at.config.caps.scores
    assert limit is not None
    return function(at, f"{limit:g} tanh(s / {limit:g})", lambda s: limit * math.tanh(s / limit))


def _mask(at: Place) -> Parts:
    masked = at.number(at.op.output, at.index) == -math.inf
    return function(
        at,
        "−∞: this key is masked" if masked else "s: this key is seen",
        lambda s: -math.inf if masked else s,
    )


def _pattern(at: Place) -> Parts:
    _, h, q, _ = at.index
    source = at.op.inputs[0]
    return softmax(at, source, at.read(source, q)[h, 0], lambda i: (0, h, q, i))


def _mix(at: Place) -> Parts:
    _, t, h, k = at.index
    pattern, values = at.op.inputs
    group = h * at.config.n_kv_heads // at.config.n_heads
    weight_S = at.read(pattern, t)[h, 0]
    value_S = at.read(values, 0, at.subject.n_tokens)[: len(weight_S), group, k]
    return Parts(
        weight_S * value_S,
        lambda i: (
            Factor(pattern, (0, h, t, i), float(weight_S[i])),
            Factor(values, (0, i, group, k), float(value_S[i])),
        ),
        "key",
    )


def _attn_out(at: Place) -> Parts:
    """All heads' results, joined, times the matrix ``[head, d_head, d_model]``."""
    t, j = at.position, at.index[-1]
    width = at.config.d_head
    parts = product(
        at,
        at.read(at.op.inputs[0], t)[0].reshape(-1),
        lambda i: (0, t, *divmod(i, width)),
        at.op.parameters[0],
        (slice(None), slice(None), j),
        lambda i: (*divmod(i, width), j),
        bias(at, j),
        "dimension of a head",
    )
    return scaled(parts, at.config.scales.residual)


READERS: Mapping[str, Callable[[Place], Parts]] = {
    "query": _heads,
    "key": _heads,
    "value": _heads,
    "rotate": _rotate,
    "dot": _dot,
    "scale": _scale,
    "bias": _position_bias,
    "cap": _cap,
    "mask": _mask,
    "pattern": _pattern,
    "mix": _mix,
    "attn_out": _attn_out,
}
"""By the kind of operation."""
