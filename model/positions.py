"""How order enters attention, as frozen descriptions: rotations and linear biases.

Knows numbers only; the tensors that follow from them are made in `model.network`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class LinearScaling:
    """Positions are divided by a factor (Chen et al. 2023)."""

    kind: Literal["linear"] = field(default="linear", init=False)
    factor: float


@dataclass(frozen=True, slots=True)
class DynamicScaling:
    """The base grows with the sequence once it is longer than in training ("dynamic NTK").

    Attributes:
        factor: how fast the base grows.
        original_n_ctx: up to here nothing is changed.
    """

    kind: Literal["dynamic"] = field(default="dynamic", init=False)
    factor: float
    original_n_ctx: int


@dataclass(frozen=True, slots=True)
class YarnScaling:
    """Slow frequencies are interpolated, fast ones kept, a ramp between (Peng et al. 2023).

    Attributes:
        factor: by how much the context grew.
        original_n_ctx: context before.
        attention_factor: multiplies rotated queries and keys.
        beta_fast, beta_slow: turns within the old context where the ramp begins and ends.
        truncate: whether the ends of the ramp are rounded to whole dimensions.
    """

    kind: Literal["yarn"] = field(default="yarn", init=False)
    factor: float
    original_n_ctx: int
    attention_factor: float
    beta_fast: float = 32.0
    beta_slow: float = 1.0
    truncate: bool = True


@dataclass(frozen=True, slots=True)
class Llama3Scaling:
    """Long wavelengths are divided by a factor, short ones kept (Llama 3.1).

    Attributes:
        factor: what the lowest frequencies are divided by.
        low_freq_factor, high_freq_factor: where the change begins and ends, in turns within the
            old context.
        original_n_ctx: context before.
    """

    kind: Literal["llama3"] = field(default="llama3", init=False)
    factor: float
    low_freq_factor: float
    high_freq_factor: float
    original_n_ctx: int


@dataclass(frozen=True, slots=True)
class LongRopeScaling:
    """Every frequency has a divisor of its own, another one for long texts (Ding et al. 2024).

    Attributes:
        short_factors, long_factors: a divisor per frequency, for sequences up to
            ``original_n_ctx`` and for longer ones.
        original_n_ctx: context before.
        attention_factor: multiplies rotated queries and keys.
    """

    kind: Literal["longrope"] = field(default="longrope", init=False)
    short_factors: tuple[float, ...]
    long_factors: tuple[float, ...]
    original_n_ctx: int
    attention_factor: float


Scaling: TypeAlias = LinearScaling | DynamicScaling | YarnScaling | Llama3Scaling | LongRopeScaling


@dataclass(frozen=True, slots=True)
class Rotary:
    """Rotary position embedding (Su et al. 2021).

    Attributes:
        base: of the frequencies: dimension pair p turns by ``base ** (-2p / dim)`` a position.
        dim: how many of ``d_head`` dimensions turn; 0 means all of them.
        interleaved: pairs are neighbours (2p, 2p + 1) as in GPT-J; otherwise halves
            (p, p + dim / 2).
        scaling: how it was stretched to longer texts.
        odd_dim: what the exponents are divided by instead of ``dim``; 0 means no other number.
            GPT-NeoX and Phi-3 turn the next even number of dimensions where a share of a head is
            odd, by the frequencies of the odd number.
    """

    base: float = 10_000.0
    dim: int = 0
    interleaved: bool = False
    scaling: Scaling | None = None
    odd_dim: int = 0

    def depends_on_length(self) -> int | None:
        """Up to which length the rotations do not depend on the length of the sequence.

        None where they never do.
        """
        if isinstance(self.scaling, DynamicScaling | LongRopeScaling):
            return self.scaling.original_n_ctx
        return None


@dataclass(frozen=True, slots=True)
class Alibi:
    """Attention with linear biases (Press et al. 2022): scores fall with the distance.

    Attributes:
        max_bias: the slopes of H heads are ``2 ** (-max_bias * h / H)`` for h from 1 to H.
        scale: multiplies the bias (Falcon adds it before it divides by √d_head).
        bfloat16: the bias is rounded to bfloat16 at each position, as Falcon's is.
    """

    max_bias: float = 8.0
    scale: float = 1.0
    bfloat16: bool = False
