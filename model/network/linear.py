"""Linear maps and tables whose weights are set by others.

What comes in a narrower dtype than the weights is multiplied in its own: training in bfloat16 keeps
weights in float32.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class Linear(nn.Linear):
    """A linear map whose weights `Transformer.initialize` or a checkpoint sets, no default."""

    def forward(self, x: Tensor) -> Tensor:
        if x.dtype is self.weight.dtype:
            return F.linear(x, self.weight, self.bias)
        bias = None if self.bias is None else self.bias.to(x.dtype)
        return F.linear(x, self.weight.to(x.dtype), bias)

    def reset_parameters(self) -> None:
        pass


class Embedding(nn.Embedding):
    """A table whose rows `Transformer.initialize` or a checkpoint sets, no default."""

    def reset_parameters(self) -> None:
        pass
