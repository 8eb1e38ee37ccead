"""Self-attention: multi-head, grouped-query or multi-query; fused, or step by step."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.config import TransformerConfig
from model.network import training_kernels
from model.network.keep import Keep
from model.network.linear import Linear
from model.network.norm import Norm
from model.network.rotary import rotate
from model.network.scores import attention_scores, mix_values
from model.network.span import Span

NARROW = 16
"""Keys that fill a vector register of the widest CPUs. With fewer, torch's kernel (2.13) takes a
row whose scores are all NaN for one that may look nowhere, and writes zeros: the network would go
on with finite numbers that no formula gives. Told by a mask where it may look, it writes NaN."""


class KVCache:
    """Keys and values of the positions seen so far, for one growing sequence.

    A buffer a layer, ``[B, G, S, K]``. They double when they are full, up to the whole context: a
    step copies only what is new, and a context of a hundred thousand tokens costs what is used of
    it. Not one buffer for all layers: the C library gives memory of that size back to the system
    each time, and fresh pages cost more than what is written to them.

    Args:
        config: of the network.
        batch: how many sequences.
        like: dtype and device.
        capacity: how many positions there is room for at first.
    """

    def __init__(
        self, config: TransformerConfig, batch: int, like: Tensor, capacity: int = 256
    ) -> None:
        self._n_ctx = config.n_ctx
        shape = (batch, config.n_kv_heads, min(config.n_ctx, capacity), config.d_head)
        self.k_LBGSK = [like.new_empty(shape) for _ in range(config.n_layers)]
        self.v_LBGSK = [like.new_empty(shape) for _ in range(config.n_layers)]
        self.length = 0

    def extend(self, layer: int, k_BGTK: Tensor, v_BGTK: Tensor) -> tuple[Tensor, Tensor]:
        """Append one layer's new keys and values; returns all of them, ``[B, G, S, K]``."""
        start, end = self.length, self.length + k_BGTK.shape[2]
        if end > self.k_LBGSK[layer].shape[2]:
            self._grow(layer, end)
        k_BGSK, v_BGSK = self.k_LBGSK[layer], self.v_LBGSK[layer]
        k_BGSK[:, :, start:end] = k_BGTK
        v_BGSK[:, :, start:end] = v_BGTK
        return k_BGSK[:, :, :end], v_BGSK[:, :, :end]

    def crop(self, length: int) -> None:
        """Forget every position from ``length`` on."""
        self.length = min(self.length, length)

    def _grow(self, layer: int, needed: int) -> None:
        for buffers in (self.k_LBGSK, self.v_LBGSK):
            old = buffers[layer]
            capacity = max(needed, min(2 * old.shape[2], self._n_ctx))
            new = old.new_empty((*old.shape[:2], capacity, old.shape[3]))
            new[:, :, : self.length] = old[:, :, : self.length]
            buffers[layer] = new


class Attention(nn.Module):
    """Self-attention of one block (Vaswani et al. 2017)."""

    def __init__(self, config: TransformerConfig, layer: int) -> None:
        super().__init__()
        self.config = config
        self.layer = layer
        self.name = f"blocks.{layer}.attn"
        self.rotary = config.rotary_at(layer)
        self.n_q = config.n_heads * config.d_head
        self.n_kv = config.n_kv_heads * config.d_head
        self.qkv = Linear(config.d_model, self.n_q + 2 * self.n_kv, bias=config.qkv_bias)
        self.out = Linear(self.n_q, config.d_model, bias=config.out_bias)
        self.q_norm = _qk_norm(config, config.n_heads)
        self.k_norm = _qk_norm(config, config.n_kv_heads)

    def forward(
        self, x_BTD: Tensor, span: Span, cache: KVCache | None, keep: Keep | None = None
    ) -> Tensor:
        """What attention adds to the stream, before any norm or scale of it, ``[B, T, D]``."""
        c = self.config
        B, T, _ = x_BTD.shape
        qkv_BTN = self.qkv(x_BTD)
        if c.caps.qkv is not None:
            qkv_BTN = qkv_BTN.clamp(-c.caps.qkv, c.caps.qkv)
        if cache is None and keep is None and self._trains_by_hand(qkv_BTN, span):
            eps = None if self.q_norm is None else self.q_norm.eps
            rotation = None if self.rotary is None else span.rotation(self.rotary)
            scale = c.score_scale(self.layer)
            return self.out(
                training_kernels.causal_attention(qkv_BTN, c.n_heads, scale, rotation, eps)
            )
        q_BTN, k_BTN, v_BTN = qkv_BTN.split((self.n_q, self.n_kv, self.n_kv), dim=-1)
        q_BTHK = q_BTN.view(B, T, c.n_heads, c.d_head)
        k_BTGK = k_BTN.view(B, T, c.n_kv_heads, c.d_head)
        v_BTGK = v_BTN.view(B, T, c.n_kv_heads, c.d_head)
        if keep is not None:
            keep(f"{self.name}.hook_q", q_BTHK)
            keep(f"{self.name}.hook_k", k_BTGK)
            keep(f"{self.name}.hook_v", v_BTGK)
        if self.q_norm is not None and self.k_norm is not None:
            q_BTHK, k_BTGK = self.q_norm(q_BTHK), self.k_norm(k_BTGK)
            if keep is not None:
                keep(f"{self.name}.q_norm.hook_normalized", q_BTHK)
                keep(f"{self.name}.k_norm.hook_normalized", k_BTGK)
        q_BHTK, k_BGTK = q_BTHK.transpose(1, 2), k_BTGK.transpose(1, 2)
        v_BGTK = v_BTGK.transpose(1, 2)
        if self.rotary is not None:
            cos_TK, sin_TK = span.rotation(self.rotary)
            q_BHTK = rotate(q_BHTK, cos_TK, sin_TK, self.rotary.interleaved)
            k_BGTK = rotate(k_BGTK, cos_TK, sin_TK, self.rotary.interleaved)
            if keep is not None:
                keep(f"{self.name}.hook_rot_q", q_BHTK.transpose(1, 2))
                keep(f"{self.name}.hook_rot_k", k_BGTK.transpose(1, 2))
        if cache is not None:
            k_BGTK, v_BGTK = cache.extend(self.layer, k_BGTK, v_BGTK)
        z_BTHK = self._mix(q_BHTK, k_BGTK, v_BGTK, span, keep).transpose(1, 2)
        if keep is not None:
            keep(f"{self.name}.hook_z", z_BTHK)
        return self.out(z_BTHK.reshape(B, T, self.n_q))

    def _trains_by_hand(self, qkv_BTN: Tensor, span: Span) -> bool:
        """Whether `causal_attention` knows this attention, and is faster."""
        c, rotary = self.config, self.rotary
        return (
            training_kernels.wanted(qkv_BTN)
            and span.T <= training_kernels.LONGEST
            and span.is_plainly_causal(self.layer)
            and c.n_heads == c.n_kv_heads
            and c.caps.scores is None
            and c.alibi is None
            and (rotary is None or not (rotary.interleaved or rotary.odd_dim))
            and (rotary is None or c.rotary_dim(rotary) == c.d_head)
            and (self.q_norm is None or (self.q_norm.rms and self.q_norm.w is None))
            and (c.qk_norm is None or c.qk_norm.over != "all heads")
        )

    def _mix(
        self, q_BHTK: Tensor, k_BGTK: Tensor, v_BGTK: Tensor, span: Span, keep: Keep | None
    ) -> Tensor:
        """Scores, softmax and the mean of values in one kernel, where a kernel knows how."""
        c = self.config
        # The fused kernels know no cap, and divide by a scale that is zero or negative.
        scale = c.score_scale(self.layer)
        if c.caps.scores is not None or scale <= 0:
            scores_BHQS = attention_scores(
                q_BHTK.transpose(1, 2), k_BGTK.transpose(1, 2), span, self.layer
            )
            pattern_BHQS = scores_BHQS.softmax(-1)
            if keep is not None:
                keep(f"{self.name}.hook_attn_scores", scores_BHQS)
                keep(f"{self.name}.hook_pattern", pattern_BHQS)
            return mix_values(pattern_BHQS, v_BGTK.transpose(1, 2), c).transpose(1, 2)
        bias_HQS = span.bias()
        plainly_causal = bias_HQS is None and span.is_plainly_causal(self.layer)
        mask = None if plainly_causal else span.mask(self.layer)
        if bias_HQS is not None:
            mask = bias_HQS if mask is None else bias_HQS.masked_fill(~mask, float("-inf"))
        T, S = q_BHTK.shape[2], k_BGTK.shape[2]
        if mask is None and S < NARROW and q_BHTK.device.type == "cpu":
            plainly_causal, mask = False, span.mask(self.layer)
            if mask is None:
                mask = torch.ones(T, S, dtype=torch.bool, device=q_BHTK.device)
        return F.scaled_dot_product_attention(
            q_BHTK,
            k_BGTK,
            v_BGTK,
            attn_mask=mask,
            is_causal=plainly_causal,
            scale=scale if c.scales.by_layer else c.scales.scores,
            enable_gqa=c.n_heads != c.n_kv_heads,
        )

    def project(self, x_BTD: Tensor, letter: Literal["q", "k", "v"]) -> Tensor:
        """Queries, keys or values alone, ``[B, T, heads, K]``: the traced path's view."""
        start, size = {
            "q": (0, self.n_q),
            "k": (self.n_q, self.n_kv),
            "v": (self.n_q + self.n_kv, self.n_kv),
        }[letter]
        weight = self.qkv.weight[start : start + size]
        bias = None if self.qkv.bias is None else self.qkv.bias[start : start + size]
        projected = F.linear(x_BTD, weight, bias).unflatten(-1, (-1, self.config.d_head))
        clip = self.config.caps.qkv
        return projected if clip is None else projected.clamp(-clip, clip)


def _qk_norm(config: TransformerConfig, n_heads: int) -> Norm | None:
    if config.qk_norm is None:
        return None
    bias = config.qk_norm.bias
    match config.qk_norm.over:
        case "head":
            return Norm(config, (config.d_head,), bias)
        case "each head":
            return Norm(config, (n_heads, config.d_head), bias)
        case "all heads":
            return Norm(config, (n_heads, config.d_head), bias, n_axes=2)
