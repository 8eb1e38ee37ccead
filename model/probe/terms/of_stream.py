"""Numbers of the residual stream, its norms and the two ends of the network, taken apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from model.operations import norm_name
from model.parameters import parameter
from model.probe.question import Array
from model.probe.terms.asks import Factor
from model.probe.terms.parts import Parts, Place, bias, dense, product, scaled


def _embed(at: Place) -> Parts:
    _, t, j = at.index
    id = at.subject.ids[t]
    row = Factor(at.op.parameters[0], (id, j), float(at.weights(at.op.parameters[0], (id, j))))
    parts = Parts(np.array([row.value]), lambda _: (row,), "", how="lookup")
    return scaled(parts, at.config.scales.embedding)


def _position(at: Place) -> Parts:
    _, t, j = at.index
    if not at.op.parameters:  # sines: nothing is read
        value = at.number(at.op.output, at.index)
        constant = Factor("", (t, j), value)
        return Parts(np.array([value]), lambda _: (constant,), "", how="lookup")
    name, row = at.op.parameters[0], t + at.config.position_offset
    found = Factor(name, (row, j), float(at.weights(name, (row, j))))
    return Parts(np.array([found.value]), lambda _: (found,), "", how="lookup")


def _token_type(at: Place) -> Parts:
    name, j = at.op.parameters[0], at.index[-1]
    found = Factor(name, (0, j), float(at.weights(name, (0, j))))
    return Parts(np.array([found.value]), lambda _: (found,), "", how="lookup")


def _add(at: Place) -> Parts:
    summands = tuple(at.factor(name, *at.index) for name in at.op.inputs)
    values = np.array([each.value for each in summands])
    return Parts(values, lambda i: (summands[i],), "summand")


def _norm_scale(at: Place) -> Parts:
    norm = at.network.norm_of(at.op.output.removesuffix(".hook_scale"))
    source = at.op.inputs[0]
    t = at.position
    x, where = _normed(at, source, at.op.shape)
    mean = 0.0 if at.config.norm == "rms" else float(x.mean())
    eps = norm.eps
    return Parts(
        (x - mean) ** 2 / len(x),
        lambda i: (Factor(source, (0, t, *where(i)), float(x[i])),),
        "dimension",
        how="mean square",
        mean=mean,
        outer=f"√(Σ + {eps:g})",
        made=lambda total: math.sqrt(total + eps),
    )


def _normed(
    at: Place, source: str, scale_shape: str
) -> tuple[Array, Callable[[int], tuple[int, ...]]]:
    """What one scale is of, flat, and each number's index behind batch and position."""
    x = at.read(source, at.position)[0]
    if x.ndim == 1:
        return x, lambda i: (i,)
    if scale_shape == "BT11":  # all heads together
        width = x.shape[1]
        return x.reshape(-1), lambda i: divmod(i, width)
    head = at.index[2]
    return x[head], lambda i: (head, i)


def _norm(at: Place) -> Parts:
    source, scale = at.op.inputs
    letters = at.network.shapes[scale]
    behind = at.index[2:]
    x = at.factor(source, *at.index)
    index = tuple(
        0 if letter == "1" else place for letter, place in zip(letters, (*at.index, 0, 0))
    )
    sigma = at.factor(scale, *index)
    everything, _ = _normed(at, source, letters)
    mean = 0.0 if at.config.norm == "rms" else float(everything.mean())
    if not at.op.parameters:  # a norm without a weight
        value = (x.value - mean) / sigma.value
        return Parts(
            np.array([value]),
            lambda _: (x, sigma),
            "",
            how="norm",
            mean=mean,
            outer="(x − mean) / σ",
        )
    name = at.op.parameters[0]
    norm = at.network.norm_of(norm_name(at.op))
    # The gain of a norm of queries may be one for all heads, or one for each.
    own = _own(parameter(at.network, name), behind)
    gain = Factor(name, own, float(at.weights(name, own)))
    bias = None
    if len(at.op.parameters) > 1:
        added = at.op.parameters[1]
        bias = Factor(added, own, float(at.weights(added, own)))
    offset = float(norm.offset)
    value = (x.value - mean) / sigma.value * (gain.value + offset)
    return Parts(
        np.array([value]),
        lambda _: (x, sigma, gain),
        "",
        how="norm",
        bias=bias,
        mean=mean,
        outer=f"(x − mean) / σ · ({offset:g} + w)" if offset else "(x − mean) / σ · w",
    )


def _own(weight: torch.Tensor, behind: Sequence[int]) -> tuple[int, ...]:
    """Where in a gain the place of a head and a dimension stands."""
    if weight.ndim == len(behind):
        return tuple(behind)
    return (behind[-1],)


def _unembed(at: Place) -> Parts:
    _, t, v = at.index
    name = at.op.parameters[0]
    tied = name == "W_E"
    config = at.config
    parts = product(
        at,
        at.read(at.op.inputs[0], t)[0],
        lambda i: (0, t, i),
        name,
        (v, slice(None)) if tied else (slice(None), v),
        lambda i: (v, i) if tied else (i, v),
        bias(at, v),
        "dimension",
    )
    scale, cap = config.scales.logits, config.caps.logits
    parts = scaled(parts, scale)
    if cap is not None:
        inner = "Σ" if scale == 1 else f"{scale:.4g} Σ"
        parts.outer = f"{cap:g} tanh({inner} / {cap:g})"
        parts.made = lambda total: cap * math.tanh(scale * total / cap)
    return parts


READERS: Mapping[str, Callable[[Place], Parts]] = {
    "embed": _embed,
    "project_in": dense,
    "pos_embed": _position,
    "token_type_embed": _token_type,
    "add": _add,
    "norm_scale": _norm_scale,
    "norm": _norm,
    "head_dense": dense,
    "project_out": dense,
    "unembed": _unembed,
}
"""By the kind of operation."""
