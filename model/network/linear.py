"""Linear maps and tables whose weights are set by others."""

from __future__ import annotations

from torch import nn


class Linear(nn.Linear):
    """A linear map whose weights `Transformer.initialize` or a checkpoint sets, no default."""

    def reset_parameters(self) -> None:
        pass


class Embedding(nn.Embedding):
    """A table whose rows `Transformer.initialize` or a checkpoint sets, no default."""

    def reset_parameters(self) -> None:
        pass
