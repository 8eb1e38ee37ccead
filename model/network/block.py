"""One block of a transformer, and the transform before a masked language model's unembedding."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from model.config import BlockNorm, TransformerConfig
from model.network.attention import Attention, KVCache
from model.network.keep import Keep
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

        self.name = f"blocks.{layer}"
        self.parallel = config.parallel
        self.norms_sums = config.norms.placement == "post"
        self.norms_stream = config.norms.placement == "stream"
        self.residual_scale = config.scales.residual
        self.dropout = config.dropout
        self.ln1 = norm("ln1")
        self.attn = Attention(config, layer)
        self.ln1_post = norm("ln1_post")
        self.ln2 = norm("ln2")
        self.mlp = (
            MLP(config, f"{self.name}.mlp")
            if config.experts is None
            else Mixture(config, f"{self.name}.mlp")
        )
        self.ln2_post = norm("ln2_post")

    def forward(
        self, resid_BTD: Tensor, span: Span, cache: KVCache | None, keep: Keep | None = None
    ) -> Tensor:
        """The residual stream after this block.

        Args:
            resid_BTD: the stream before it.
            span: which positions it is of.
            cache: keys and values of earlier positions.
            keep: told of what the pass has at hand.
        """
        if self.norms_sums:
            return self._norming_sums(resid_BTD, span, cache, keep)
        x_BTD = self._normed(resid_BTD, "ln1", keep)
        resid_BTD = x_BTD if self.norms_stream else resid_BTD
        attn_BTD = self._output(self.attn(x_BTD, span, cache, keep), "attn", keep)
        if self.parallel:
            x_BTD = x_BTD if self.ln2 is None else self._normed(resid_BTD, "ln2", keep)
            resid_BTD = resid_BTD + attn_BTD + self._output(self.mlp(x_BTD, keep), "mlp", keep)
        else:
            resid_BTD = resid_BTD + attn_BTD
            if keep is not None:
                keep(f"{self.name}.hook_resid_mid", resid_BTD)
            x_BTD = self._normed(resid_BTD, "ln2", keep)
            resid_BTD = x_BTD if self.norms_stream else resid_BTD
            resid_BTD = resid_BTD + self._output(self.mlp(x_BTD, keep), "mlp", keep)
        if keep is not None:
            keep(f"{self.name}.hook_resid_post", resid_BTD)
        return resid_BTD

    def _norming_sums(
        self, resid_BTD: Tensor, span: Span, cache: KVCache | None, keep: Keep | None
    ) -> Tensor:
        attn_BTD = self._output(self.attn(resid_BTD, span, cache, keep), "attn", keep)
        resid_BTD = resid_BTD + attn_BTD
        if keep is not None:
            keep(f"{self.name}.hook_resid_mid", resid_BTD)
        resid_BTD = self._normed(resid_BTD, "ln1", keep)
        resid_BTD = resid_BTD + self._output(self.mlp(resid_BTD, keep), "mlp", keep)
        if keep is not None:
            keep(f"{self.name}.hook_resid_post", resid_BTD)
        return self._normed(resid_BTD, "ln2", keep)

    def _normed(self, x_BTD: Tensor, which: Literal["ln1", "ln2"], keep: Keep | None) -> Tensor:
        """Through a norm, where there is one: before a sublayer, or after a sum."""
        norm = self.ln1 if which == "ln1" else self.ln2
        if norm is None:
            return x_BTD
        normed_BTD: Tensor = norm(x_BTD)
        if keep is not None:
            keep(f"{self.name}.{which}.hook_normalized", normed_BTD)
        return normed_BTD

    def _output(self, x_BTD: Tensor, part: Literal["attn", "mlp"], keep: Keep | None) -> Tensor:
        """What is added to the stream, of what a sublayer computed."""
        norm = self.ln1_post if part == "attn" else self.ln2_post
        if self.residual_scale != 1:
            x_BTD = x_BTD * self.residual_scale
        if norm is not None:
            if keep is not None:
                keep(f"{self.name}.{part}.hook_out", x_BTD)
            x_BTD = norm(x_BTD)
        if keep is not None:
            keep(f"{self.name}.hook_{part}_out", x_BTD)
        if self.dropout and self.training:
            x_BTD = F.dropout(x_BTD, self.dropout)
        return x_BTD


class MaskedTransform(nn.Module):
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
