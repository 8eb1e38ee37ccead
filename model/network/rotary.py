"""Rotary position embedding: frequencies, with every way of stretching them, and the rotation.

The frequencies are computed in float32 in the same steps as transformers does, since published
models learned with those very numbers. The angles are float64: at late positions they lose digits
in float32.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from model.config import TransformerConfig
from model.positions import (
    DynamicScaling,
    LinearScaling,
    Llama3Scaling,
    LongRopeScaling,
    Rotary,
    YarnScaling,
)


@lru_cache(maxsize=64)
def frequencies(rotary: Rotary, dim: int, length: int) -> tuple[Tensor, float]:
    """Radians a position for each pair of dimensions, and a factor for sines and cosines.

    Args:
        rotary: base and scaling.
        dim: how many dimensions turn.
        length: of the whole sequence, which some scalings depend on.

    Returns:
        ``[dim / 2]``, float32 on the CPU, not to be written to; and the factor.
    """
    dim = rotary.odd_dim or dim
    exponents = torch.arange(0, dim, 2, dtype=torch.float32) / dim
    base = rotary.base
    match rotary.scaling:
        case None:
            return 1.0 / base**exponents, 1.0
        case LinearScaling(factor):
            return (1.0 / base**exponents) / factor, 1.0
        case DynamicScaling(factor, original):
            if length <= original:
                return 1.0 / base**exponents, 1.0
            # A float32 tensor, as transformers makes it.
            stretch = factor * torch.tensor(length) / original - (factor - 1)
            return 1.0 / (base * stretch ** (dim / (dim - 2))) ** exponents, 1.0
        case YarnScaling() as yarn:
            return _yarn(yarn, base, base**exponents, dim), yarn.attention_factor
        case Llama3Scaling() as llama3:
            return _llama3(llama3, 1.0 / base**exponents), 1.0
        case LongRopeScaling() as longrope:
            long = length > longrope.original_n_ctx
            divisors = longrope.long_factors if long else longrope.short_factors
            divided = torch.tensor(divisors, dtype=torch.float32) * base**exponents
            return 1.0 / divided, longrope.attention_factor


def _yarn(yarn: YarnScaling, base: float, wavelengths: Tensor, dim: int) -> Tensor:
    def dimension(turns: float) -> float:
        """The pair that makes so many turns within the old context."""
        within = yarn.original_n_ctx / (turns * 2 * math.pi)
        return dim * math.log(within) / (2 * math.log(base))

    low, high = dimension(yarn.beta_fast), dimension(yarn.beta_slow)
    if yarn.truncate:
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, dim - 1)
    if low == high:
        high += 0.001
    ramp = ((torch.arange(dim // 2, dtype=torch.float32) - low) / (high - low)).clamp(0, 1)
    kept = 1 - ramp
    return (1.0 / (yarn.factor * wavelengths)) * (1 - kept) + (1.0 / wavelengths) * kept


def _llama3(llama3: Llama3Scaling, plain: Tensor) -> Tensor:
    low, high = llama3.low_freq_factor, llama3.high_freq_factor
    original = llama3.original_n_ctx
    wavelength = 2 * math.pi / plain
    is_long = wavelength > original / low
    divided = torch.where(is_long, plain / llama3.factor, plain)
    smooth = (original / wavelength - low) / (high - low)
    between = (1 - smooth) * divided / llama3.factor + smooth * divided
    is_between = ~(wavelength < original / high) & ~is_long
    return torch.where(is_between, between, divided)


def rotation(
    rotary: Rotary,
    config: TransformerConfig,
    start: int,
    T: int,
    like: Tensor,
    length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the positions from ``start`` on, ``[T, dim / 2]`` each.

    Args:
        rotary: how.
        config: for the width of a head.
        start: the first position.
        T: how many positions.
        like: for dtype and device.
        length: of the whole sequence, if it goes on after these positions.
    """
    length = start + T if length is None else length
    # Most rotations do not ask how long the text is: then they are found in the cache.
    if rotary.depends_on_length() is None:
        length = 0
    frequency, factor = frequencies(rotary, config.rotary_dim(rotary), length)
    position = torch.arange(start, start + T, dtype=torch.float64)
    angle_TK = position[:, None] * frequency.double()[None, :]
    cos, sin = angle_TK.cos() * factor, angle_TK.sin() * factor
    # The dtype first: not every device knows float64.
    return cos.to(like.dtype).to(like.device), sin.to(like.dtype).to(like.device)


def rotate(x_BHTK: Tensor, cos_TK: Tensor, sin_TK: Tensor, interleaved: bool) -> Tensor:
    """Turn the first dimensions of each head by the angles of its position; the others pass.

    Args:
        x_BHTK: queries or keys, position last but one.
        cos_TK: cosines, ``[T, dim / 2]``.
        sin_TK: sines.
        interleaved: pairs are neighbours; otherwise halves.
    """
    half = cos_TK.shape[-1]
    turned, rest = x_BHTK[..., : 2 * half], x_BHTK[..., 2 * half :]
    if interleaved:
        first, second = turned[..., 0::2], turned[..., 1::2]
    else:
        first, second = turned[..., :half], turned[..., half:]
    new = (first * cos_TK - second * sin_TK, second * cos_TK + first * sin_TK)
    pairs = torch.stack(new, -1).flatten(-2) if interleaved else torch.cat(new, -1)
    return torch.cat((pairs, rest), -1) if rest.shape[-1] else pairs
