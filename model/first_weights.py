"""What a network's parameters are before it learns.

Normal numbers as GPT-2 draws them (Radford et al. 2019) and, where it is asked for, outputs of zero
and heads that look a few tokens back. Knows the config and names of parameters; no network, and
torch only where it draws.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.config import ConfigError, TransformerConfig

if TYPE_CHECKING:
    import torch
    from torch import Tensor

STRENGTH = 4.5
"""How much larger than a query's other numbers, at first, those are that find a distance."""


@dataclass(frozen=True, slots=True)
class FirstWeights:
    """How parameters are drawn.

    Attributes:
        std: of matrices and tables. What writes to the residual stream is scaled by
            1/√(2 n_layers); biases are zero, norms one.
        zero_outputs: what writes to the stream, and an untied unembedding, is zero: at first every
            block adds nothing, and all tokens are as likely (Zhang et al. 2019; modded-nanogpt).
        offsets: how many tokens back the first heads of every block look at first, one number a
            head. Their biases of queries and keys are set so that, turned by their positions, they
            match at that distance.
    """

    std: float = 0.02
    zero_outputs: bool = False
    offsets: tuple[int, ...] = ()

    def check(self, config: TransformerConfig) -> None:
        """See that a network can begin so.

        Raises:
            ConfigError: it has no positions to match by, or too few heads.
        """
        if not self.offsets:
            return
        if config.positions != "rotary" or not config.qkv_bias or config.qk_norm is None:
            raise ConfigError(
                "Heads that look back at first need rotary positions, biases of queries and keys "
                "and norms of them."
            )
        if len(self.offsets) > config.n_heads or config.n_heads != config.n_kv_heads:
            raise ConfigError(
                f"{len(self.offsets)} heads shall look back, and a block has {config.n_heads} of "
                f"their own keys."
            )
        if not all(0 <= offset < config.n_ctx for offset in self.offsets):
            raise ConfigError(
                f"Heads can look back by 0 to {config.n_ctx - 1} tokens, the context."
            )

    def draw(
        self,
        name: str,
        tensor: Tensor,
        config: TransformerConfig,
        generator: torch.Generator | None,
    ) -> None:
        """Fill a tensor with the first values of a parameter.

        Args:
            name: the parameter's.
            tensor: whole.
            config: of the network.
            generator: of what is random.
        """
        writes = name.endswith((".out.weight", ".down.weight"))
        if name.endswith(".w"):
            tensor.fill_(1 - config.norms.offset)
        elif tensor.ndim < 2:
            tensor.zero_()
            if self.offsets and name.endswith(".qkv.bias"):
                self._look_back(tensor, config)
        elif self.zero_outputs and (writes or name == "unembed.weight"):
            tensor.zero_()
        else:
            scaled = self.std / math.sqrt(2 * config.n_layers) if writes else self.std
            tensor.normal_(0.0, scaled, generator=generator)

    def _look_back(self, bias: Tensor, config: TransformerConfig) -> None:
        from model.network.rotary import frequencies

        rotary = config.rotary_at(0)
        assert rotary is not None
        frequency_P, _ = frequencies(rotary, config.rotary_dim(rotary), config.n_ctx)
        half = len(frequency_P)
        strength = STRENGTH * self.std * math.sqrt(config.d_model)
        q_HK, k_HK = bias[: 2 * config.n_heads * config.d_head].view(2, config.n_heads, -1)
        for head, offset in enumerate(self.offsets):
            # A key turned by n and a query turned by n + offset then point the same way.
            angle_P = offset * frequency_P
            q_HK[head, :half] = strength * angle_P.cos()
            q_HK[head, half : 2 * half] = -strength * angle_P.sin()
            k_HK[head, :half] = strength
