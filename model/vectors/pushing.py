"""Random vectors, and an optimiser that pushes them apart until no two are near each other.

What is made small is a soft form of the largest squared cosine, which grows harder step by step:
``log(sum over pairs of exp(hardness * cosine ** 2)) / hardness``. Adam on the sphere. Shape
suffixes: N vectors, D dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from model.vectors.angles import unit

MOST = 3000
"""Vectors that are pushed: each step looks at all pairs."""
STEPS = 600
_SOFT, _HARD = 4.0, 6000.0
_RATE = 0.03


@dataclass(frozen=True, slots=True, eq=False)
class Pushed:
    """Where the vectors are.

    Attributes:
        step: of `STEPS`.
        x_ND: unit vectors.
        largest_cosine: the largest absolute cosine of a pair.
    """

    step: int
    x_ND: Tensor
    largest_cosine: float


def random_vectors(n: int, d: int, seed: int) -> Tensor:
    """Unit vectors ``[n, d]``, equally likely in every direction."""
    generator = torch.Generator().manual_seed(seed)
    return unit(torch.randn(n, d, generator=generator))


def pushing(x_ND: Tensor, steps: int = STEPS) -> Iterator[Pushed]:
    """Push vectors apart; yields before the first step and after each.

    Args:
        x_ND: unit vectors.
        steps: how many.

    Yields:
        Where they are; the best so far is the last.
    """
    x_ND = x_ND.clone()
    mean_ND, square = torch.zeros_like(x_ND), 0.0
    best_ND, best = x_ND, _largest(_cosines(x_ND))
    yield Pushed(0, x_ND, best)
    for step in range(1, steps + 1):
        share = (step - 1) / max(1, steps - 1)
        hardness = _SOFT * (_HARD / _SOFT) ** share
        cosine_NN = _cosines(x_ND)
        weight_NN = torch.softmax((hardness * cosine_NN**2).flatten(), 0).view_as(cosine_NN)
        push_ND = (weight_NN * cosine_NN) @ x_ND
        push_ND -= (push_ND * x_ND).sum(-1, keepdim=True) * x_ND  # along the sphere
        # One size of step for all: of a pair that is already right nothing needs to be known.
        mean_ND = 0.9 * mean_ND + 0.1 * push_ND
        square = 0.99 * square + 0.01 * float(push_ND.square().sum(-1).max())
        size = math.sqrt(square / (1 - 0.99**step)) + 1e-20
        rate = _RATE * (1 - share) + 1e-4
        x_ND = unit(x_ND - rate * mean_ND / (1 - 0.9**step) / size)
        now = _largest(_cosines(x_ND))
        if now < best:
            best, best_ND = now, x_ND
        yield Pushed(step, best_ND if step == steps else x_ND, best if step == steps else now)


def _cosines(x_ND: Tensor) -> Tensor:
    cosine_NN = x_ND @ x_ND.T
    return cosine_NN.fill_diagonal_(0)


def _largest(cosine_NN: Tensor) -> float:
    return float(cosine_NN.abs().max()) if len(cosine_NN) > 1 else 0.0
