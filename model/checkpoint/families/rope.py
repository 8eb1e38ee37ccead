"""Rotary settings of config.json: the old keys and the new, both directions.

Old files say ``rope_theta``, ``rope_scaling`` and ``partial_rotary_factor``; new ones keep all of
it in ``rope_parameters``. Knows no family.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from model.checkpoint.errors import CheckpointError
from model.checkpoint.values import flag, number, whole
from model.config import TransformerConfig
from model.positions import (
    DynamicScaling,
    LinearScaling,
    Llama3Scaling,
    LongRopeScaling,
    Rotary,
    Scaling,
    YarnScaling,
)

KINDS = ("default", "linear", "dynamic", "yarn", "llama3", "longrope", "proportional")
MOST_FACTOR = 1e6
LEAST_BASE = 1e-6


def rotary_from_hf(
    hf: Mapping[str, Any],
    d_head: int,
    n_ctx: int,
    base: float = 10_000.0,
    partial: float | None = None,
    layer_type: str | None = None,
    *,
    rounds_up: bool = False,
) -> Rotary | None:
    """The rotation that a config.json describes.

    Args:
        hf: config.json.
        d_head: width of a head.
        n_ctx: its ``max_position_embeddings``.
        base, partial: the family's defaults: base, share of a head that turns. None for a family
            whose heads turn as a whole: transformers ignores ``partial_rotary_factor`` there.
        layer_type: of the layers it is for, where ``rope_parameters`` holds one set for each type.
        rounds_up: whether the family turns the next even number of dimensions where the share is
            an odd one.

    Returns:
        The rotation; None where the share is too small for one dimension.

    Raises:
        CheckpointError: a key does not fit; the message names it.
    """
    old = _mapping(hf, "rope_scaling")
    new = _mapping(hf, "rope_parameters")
    if layer_type is not None and isinstance(new.get(layer_type), Mapping):
        new = new[layer_type]
    # transformers prefers the old key where a file has both.
    values = {
        "rope_theta": hf.get("rope_theta"),
        "partial_rotary_factor": hf.get("partial_rotary_factor"),
        "original_max_position_embeddings": hf.get("original_max_position_embeddings"),
        **{key: value for key, value in (old or new).items() if value is not None},
    }
    share = 1.0
    if partial is not None:
        share = number(values, "partial_rotary_factor", partial, 0.0, 1.0)
    dim = int(d_head * share)
    if dim == 0:
        return None
    odd = dim if dim % 2 and rounds_up else 0
    return Rotary(
        base=number(values, "rope_theta", base, LEAST_BASE, 1e15),
        dim=dim + 1 if odd else 0 if share == 1 else dim,
        scaling=_scaling(values, n_ctx, share),
        odd_dim=odd,
    )


def n_ctx_of(rotary: Rotary | None, n_ctx: int) -> int:
    """How long a text may be: a dynamic scaling goes beyond ``max_position_embeddings``."""
    scaling = None if rotary is None else rotary.scaling
    return int(n_ctx * scaling.factor) if isinstance(scaling, DynamicScaling) else n_ctx


def max_positions(config: TransformerConfig) -> int:
    """The ``max_position_embeddings`` of a network: the reverse of `n_ctx_of`."""
    for rotary in config.rotations:
        if isinstance(rotary.scaling, DynamicScaling):
            return rotary.scaling.original_n_ctx
    return config.n_ctx


def rotary_to_hf(rotary: Rotary, d_head: int) -> dict[str, Any]:
    """The keys of config.json for a rotation, as old and new versions of transformers read them."""
    hf: dict[str, Any] = {"rope_theta": rotary.base}
    dim = rotary.odd_dim or rotary.dim
    if dim:
        exact = dim / d_head
        # Half a dimension more where rounding would lose a whole one.
        hf["partial_rotary_factor"] = exact if int(d_head * exact) == dim else (dim + 0.5) / d_head
    if rotary.scaling is not None:
        hf["rope_scaling"] = scaling_to_hf(rotary.scaling)
    return hf


def scaling_to_hf(scaling: Scaling) -> dict[str, Any]:
    """What ``rope_scaling`` says of a scaling."""
    match scaling:
        case LinearScaling(factor):
            return {"rope_type": "linear", "factor": factor}
        case DynamicScaling(factor, _):
            return {"rope_type": "dynamic", "factor": factor}
        case YarnScaling() as yarn:
            return {
                "rope_type": "yarn",
                "factor": yarn.factor,
                "original_max_position_embeddings": yarn.original_n_ctx,
                "attention_factor": yarn.attention_factor,
                "beta_fast": yarn.beta_fast,
                "beta_slow": yarn.beta_slow,
                "truncate": yarn.truncate,
            }
        case Llama3Scaling() as llama3:
            return {
                "rope_type": "llama3",
                "factor": llama3.factor,
                "low_freq_factor": llama3.low_freq_factor,
                "high_freq_factor": llama3.high_freq_factor,
                "original_max_position_embeddings": llama3.original_n_ctx,
            }
        case LongRopeScaling() as longrope:
            return {
                "rope_type": "longrope",
                "short_factor": list(longrope.short_factors),
                "long_factor": list(longrope.long_factors),
                "original_max_position_embeddings": longrope.original_n_ctx,
                "attention_factor": longrope.attention_factor,
            }


def _scaling(values: Mapping[str, Any], n_ctx: int, share: float) -> Scaling | None:
    kind = values.get("rope_type", values.get("type", "default"))
    # The name that Phi-3 used before it was given another.
    kind = {"su": "longrope"}.get(kind, kind) if isinstance(kind, str) else kind
    original = whole(values, "original_max_position_embeddings", n_ctx)
    match kind:
        case "default":
            return None
        case "proportional" if share == 1 and values.get("partial_rotary_factor") in (None, 1):
            return LinearScaling(_factor(values, 1.0))
        case "linear":
            return LinearScaling(_factor(values))
        case "dynamic":
            return DynamicScaling(_factor(values), n_ctx)
        case "llama3":
            return Llama3Scaling(
                _factor(values),
                number(values, "low_freq_factor", 1.0, 1e-6, MOST_FACTOR),
                number(values, "high_freq_factor", 4.0, 1e-6, MOST_FACTOR),
                original,
            )
        case "yarn":
            factor = _factor(values, n_ctx / original)
            return YarnScaling(
                factor,
                original,
                number(values, "attention_factor", _yarn_attention(values, factor), 0, MOST_FACTOR),
                # Zero means the default, as in transformers.
                number(values, "beta_fast", 32.0, 0, MOST_FACTOR) or 32.0,
                number(values, "beta_slow", 1.0, 0, MOST_FACTOR) or 1.0,
                flag(values, "truncate", True),
            )
        case "longrope":
            factor = _factor(values, n_ctx / original)
            stretched = factor > 1 and original > 1
            usual = math.sqrt(1 + math.log(factor) / math.log(original)) if stretched else 1.0
            return LongRopeScaling(
                _factors(values, "short_factor"),
                _factors(values, "long_factor"),
                original,
                number(values, "attention_factor", usual, 0, MOST_FACTOR),
            )
    raise CheckpointError(
        f"config.json: 'rope_type' is {str(kind)[:60]!r}; supported are {', '.join(KINDS)}."
    )


def _yarn_attention(values: Mapping[str, Any], factor: float) -> float:
    """What a yarn without an attention factor multiplies with (Peng et al. 2023)."""

    def mscale(by: float) -> float:
        return 0.1 * by * math.log(factor) + 1.0 if factor > 1 else 1.0

    above, below = number(values, "mscale", 0.0), number(values, "mscale_all_dim", 0.0)
    return mscale(above) / mscale(below) if above and below else mscale(1.0)


def _factor(values: Mapping[str, Any], default: float | None = None) -> float:
    if values.get("factor") is None and default is None:
        raise CheckpointError(
            "config.json: the rotary scaling has no 'factor', so how far the positions are "
            "stretched is unknown."
        )
    return number(values, "factor", default or 1.0, 1e-6, MOST_FACTOR)


def _factors(values: Mapping[str, Any], key: str) -> tuple[float, ...]:
    some = values.get(key)
    if not isinstance(some, list) or not all(
        isinstance(x, int | float) and not isinstance(x, bool) and 0 < x < MOST_FACTOR for x in some
    ):
        raise CheckpointError(f"config.json: {key!r} must be a list of positive numbers.")
    return tuple(float(x) for x in some)


def _mapping(hf: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = hf.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise CheckpointError(f"config.json: {key!r} is no object; copy the file again.")
    return value
