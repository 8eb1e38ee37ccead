"""Many features in few dimensions: a small network that must store more than it has room for.

After Elhage et al. 2022, "Toy models of superposition": n features, each present with some
probability and then between 0 and 1, are written into d dimensions by a matrix W and read back as
``relu(W.T W x + b)``; what is lost is the squared error, weighted by how important a feature is.
Several densities are trained side by side, as one batch. Shape suffixes: S densities, D dimensions,
N features, B examples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

DENSITIES = (1.0, 0.5, 0.25, 0.1, 0.05, 0.02, 0.01)
"""How often a feature is present."""
STEPS = 2000
BATCH = 512
_RATE = 3e-3
_SAID_EVERY = 20
STORED = 0.5
"""Of a feature whose vector's squared length is above it is said that it is stored."""


@dataclass(frozen=True, slots=True, eq=False)
class Toy:
    """Where the training is.

    Attributes:
        step: of `STEPS`.
        w_SDN: what each feature is written as.
        b_SN: what is added before the nonlinearity.
        loss_S: the weighted squared error of each density, a mean over features.
    """

    step: int
    w_SDN: Tensor
    b_SN: Tensor
    loss_S: Tensor

    @property
    def stored_S(self) -> Tensor:
        """How many features are stored in each, ``[S]``."""
        return (self.w_SDN.square().sum(-2) > STORED).sum(-1)

    @property
    def shared_SN(self) -> Tensor:
        """The share of a dimension that each feature has for itself, ``[S, N]``.

        Its squared length, over the squared projections of all features on its direction: 1 where
        it stands alone, 1/2 where two share a line; 0 where it is not stored.
        """
        length_SN = self.w_SDN.norm(dim=-2)
        along_SDN = self.w_SDN / length_SN.clamp_min(1e-8)[:, None]
        crossed_SNN = torch.einsum("sdn,sdm->snm", along_SDN, self.w_SDN).square().sum(-1)
        return length_SN.square() / crossed_SNN.clamp_min(1e-8)


def training(
    n: int,
    d: int,
    *,
    seed: int = 0,
    fading: float = 0.9,
    steps: int = STEPS,
    batch: int = BATCH,
) -> Iterator[Toy]:
    """Train; yields now and then, the last when it is done.

    Args:
        n: features.
        d: dimensions.
        seed: of the beginning and of the examples.
        fading: how important each feature is against the one before it.
        steps: of the training.
        batch: examples of a step, for each density.
    """
    generator = torch.Generator().manual_seed(seed)
    density_S = torch.tensor(DENSITIES)
    w_SDN = torch.randn(len(DENSITIES), d, n, generator=generator) / d**0.5
    b_SN = torch.zeros(len(DENSITIES), n)
    w_SDN.requires_grad_()
    b_SN.requires_grad_()
    importance_N = fading ** torch.arange(n)
    optimiser = torch.optim.Adam([w_SDN, b_SN], lr=_RATE)
    for step in range(1, steps + 1):
        shape = len(DENSITIES), batch, n
        present = torch.rand(shape, generator=generator) < density_S[:, None, None]
        x_SBN = torch.rand(shape, generator=generator) * present
        h_SBD = torch.einsum("sbn,sdn->sbd", x_SBN, w_SDN)
        out_SBN = torch.relu(torch.einsum("sbd,sdn->sbn", h_SBD, w_SDN) + b_SN[:, None])
        loss_S = (importance_N * (out_SBN - x_SBN).square()).mean((1, 2))
        optimiser.zero_grad()
        # Each density by what it has to lose, or the rare ones would learn nothing.
        (loss_S / density_S).sum().backward()
        for group in optimiser.param_groups:
            group["lr"] = _RATE * (1 - (step - 1) / steps)
        optimiser.step()
        if step % _SAID_EVERY == 0 or step == steps:
            yield Toy(step, w_SDN.detach().clone(), b_SN.detach().clone(), loss_S.detach())
