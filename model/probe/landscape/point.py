"""A copy of a network whose weights are one vector, to be moved about in the space of weights.

The network that was copied, which may be learning, is never written to. Knows the network; no
direction and no loss. Shape suffix: P weights.
"""

from __future__ import annotations

import torch
from torch import Tensor

from model.transformer import Transformer


class Point:
    """A network at a place among all weights.

    Args:
        like: whose weights it begins with; tied ones count once.

    Attributes:
        network: the copy, float32 at least: parameters are parts of one vector.
        weights_P: that vector; who writes into it moves the network.
    """

    def __init__(self, like: Transformer) -> None:
        own = like.embed.weight
        self.network = Transformer(like.config, empty=True).to(own.device, _wide(own.dtype))
        self.network.eval().requires_grad_(False)
        self.weights_P = weights_of(like)
        at = 0
        for parameter in self.network.parameters():
            n = parameter.numel()
            parameter.data = self.weights_P[at : at + n].view(parameter.shape)
            at += n


def weights_of(network: Transformer) -> Tensor:
    """A copy of all weights as one vector, float32 at least, ``[P]``."""
    return torch.cat([p.detach().to(_wide(p.dtype)).flatten() for p in network.parameters()])


def n_weights(network: Transformer) -> int:
    """How many there are; tied ones once."""
    return sum(p.numel() for p in network.parameters())


def _wide(dtype: torch.dtype) -> torch.dtype:
    # A half's steps are larger than what one place differs from the next by.
    return dtype if dtype is torch.float64 else torch.float32
