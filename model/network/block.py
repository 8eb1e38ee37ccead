"""One block of a transformer, and the transform before a masked language model's unembedding."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from model.config import BlockNorm, TransformerConfig
from model.network.attention import Attention, KVCache
from model.network.linear import Linear
from model.network.mlp import MLP, Mixture, activate
from model.network.norm import Norm
from model.network.span import Span


class Block(nn.Module):
    """Attention and MLP around the residual stream, with norms where the config puts them."""

    def __init__(self, config: TransformerConfig, layer: int) -> None:
        super().__init__()
        names = config.block_norms(layer)

        def norm(name: BlockNorm) -> Norm | None:
            return Norm(config) if name in names else None

        self.parallel = config.parallel
        self.norms_sums = config.norms.placement == "post"
        self.residual_scale = config.scales.residual
        self.dropout = config.dropout
        self.ln1 = norm("ln1")
        self.attn = Attention(config, layer)
        self.ln1_post = norm("ln1_post")
        self.ln2 = norm("ln2")
        self.mlp = MLP(config) if config.experts is None else Mixture(config)
        self.ln2_post = norm("ln2_post")

    def forward(self, resid_BTD: Tensor, span: Span, cache: KVCache | None) -> Tensor:
        if self.norms_sums:
            return self._norming_sums(resid_BTD, span, cache)
        x_BTD = resid_BTD if self.ln1 is None else self.ln1(resid_BTD)
        attn_BTD = self._output(self.attn(x_BTD, span, cache), self.ln1_post)
        if self.parallel:
            x_BTD = x_BTD if self.ln2 is None else self.ln2(resid_BTD)
            return resid_BTD + attn_BTD + self._output(self.mlp(x_BTD), self.ln2_post)
        resid_BTD = resid_BTD + attn_BTD
        x_BTD = resid_BTD if self.ln2 is None else self.ln2(resid_BTD)
        return resid_BTD + self._output(self.mlp(x_BTD), self.ln2_post)

    def _norming_sums(self, resid_BTD: Tensor, span: Span, cache: KVCache | None) -> Tensor:
        assert self.ln1 is not None
        assert self.ln2 is not None
        attn_BTD = self._output(self.attn(resid_BTD, span, cache), None)
        resid_BTD = self.ln1(resid_BTD + attn_BTD)
        normed_BTD: Tensor = self.ln2(resid_BTD + self._output(self.mlp(resid_BTD), None))
        return normed_BTD

    def _output(self, x_BTD: Tensor, norm: Norm | None) -> Tensor:
        """What is added to the stream, of what a sublayer computed."""
        if self.residual_scale != 1:
            x_BTD = x_BTD * self.residual_scale
        if norm is not None:
            x_BTD = norm(x_BTD)
        if self.dropout and self.training:
            x_BTD = F.dropout(x_BTD, self.dropout)
        return x_BTD


class MaskedHead(nn.Module):
    """Dense, activation, norm: what a masked language model does before it scores tokens."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        assert config.masked_head is not None
        self.activation = config.masked_head.activation
        self.dense = Linear(config.d_model, config.d_model, bias=config.masked_head.bias)
        self.ln = Norm(config)

    def forward(self, x_BTD: Tensor) -> Tensor:
        normed_BTD: Tensor = self.ln(activate(self.dense(x_BTD), self.activation))
        return normed_BTD
