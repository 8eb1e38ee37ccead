"""Self-attention: multi-head, grouped-query or multi-query; fused, or step by step."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.config import TransformerConfig
from model.network.linear import Linear
from model.network.norm import Norm
from model.network.rotary import rotate
from model.network.span import Span


class KVCache:
    """Keys and values of the positions seen so far, for one growing sequence.

    Buffers double when they are full, up to the whole context: a step copies only what is new,
    and a context of a hundred thousand tokens costs what is used of it.
    """

    def __init__(self, config: TransformerConfig, batch: int, like: Tensor) -> None:
        self._n_ctx = config.n_ctx
        capacity = min(config.n_ctx, 256)
        shape = (config.n_layers, batch, config.n_kv_heads, capacity, config.d_head)
        self.k_LBGSK = like.new_empty(shape)
        self.v_LBGSK = like.new_empty(shape)
        self.length = 0

    def extend(self, layer: int, k_BGTK: Tensor, v_BGTK: Tensor) -> tuple[Tensor, Tensor]:
        """Append one layer's new keys and values; returns all of them, ``[B, G, S, K]``."""
        end = self.length + k_BGTK.shape[2]
        if end > self.k_LBGSK.shape[3]:
            self._grow(end)
        self.k_LBGSK[layer, :, :, self.length : end] = k_BGTK
        self.v_LBGSK[layer, :, :, self.length : end] = v_BGTK
        return self.k_LBGSK[layer, :, :, :end], self.v_LBGSK[layer, :, :, :end]

    def crop(self, length: int) -> None:
        """Forget every position from ``length`` on."""
        self.length = min(self.length, length)

    def _grow(self, needed: int) -> None:
        capacity = max(needed, min(2 * self.k_LBGSK.shape[3], self._n_ctx))
        for name in ("k_LBGSK", "v_LBGSK"):
            old: Tensor = getattr(self, name)
            new = old.new_empty((*old.shape[:3], capacity, old.shape[4]))
            new[:, :, :, : self.length] = old[:, :, :, : self.length]
            setattr(self, name, new)


class Attention(nn.Module):
    """Self-attention of one block (Vaswani et al. 2017)."""

    def __init__(self, config: TransformerConfig, layer: int) -> None:
        super().__init__()
        self.config = config
        self.layer = layer
        self.rotary = config.rotary_at(layer)
        self.n_q = config.n_heads * config.d_head
        self.n_kv = config.n_kv_heads * config.d_head
        self.qkv = Linear(config.d_model, self.n_q + 2 * self.n_kv, bias=config.qkv_bias)
        self.out = Linear(self.n_q, config.d_model, bias=config.out_bias)
        self.q_norm = _qk_norm(config, config.n_heads)
        self.k_norm = _qk_norm(config, config.n_kv_heads)

    def forward(self, x_BTD: Tensor, span: Span, cache: KVCache | None) -> Tensor:
        c = self.config
        B, T, _ = x_BTD.shape
        qkv_BTN = self.qkv(x_BTD)
        if c.caps.qkv is not None:
            qkv_BTN = qkv_BTN.clamp(-c.caps.qkv, c.caps.qkv)
        q_BTN, k_BTN, v_BTN = qkv_BTN.split((self.n_q, self.n_kv, self.n_kv), dim=-1)
        q_BTHK = q_BTN.view(B, T, c.n_heads, c.d_head)
        k_BTGK = k_BTN.view(B, T, c.n_kv_heads, c.d_head)
        if self.q_norm is not None and self.k_norm is not None:
            q_BTHK, k_BTGK = self.q_norm(q_BTHK), self.k_norm(k_BTGK)
        q_BHTK, k_BGTK = q_BTHK.transpose(1, 2), k_BTGK.transpose(1, 2)
        v_BGTK = v_BTN.view(B, T, c.n_kv_heads, c.d_head).transpose(1, 2)
        if self.rotary is not None:
            cos_TK, sin_TK = span.rotation(self.rotary)
            q_BHTK = rotate(q_BHTK, cos_TK, sin_TK, self.rotary.interleaved)
            k_BGTK = rotate(k_BGTK, cos_TK, sin_TK, self.rotary.interleaved)
        if cache is not None:
            k_BGTK, v_BGTK = cache.extend(self.layer, k_BGTK, v_BGTK)
        z_BHTK = self._mix(q_BHTK, k_BGTK, v_BGTK, span)
        return self.out(z_BHTK.transpose(1, 2).reshape(B, T, self.n_q))

    def _mix(self, q_BHTK: Tensor, k_BGTK: Tensor, v_BGTK: Tensor, span: Span) -> Tensor:
        """Scores, softmax and the mean of values in one kernel, where a kernel knows how."""
        c = self.config
        if c.caps.scores is not None:
            scores_BHQS = attention_scores(
                q_BHTK.transpose(1, 2), k_BGTK.transpose(1, 2), span, self.layer
            )
            pattern_BHQS = scores_BHQS.softmax(-1)
            return mix_values(pattern_BHQS, v_BGTK.transpose(1, 2), c).transpose(1, 2)
        bias_HQS = span.bias()
        plainly_causal = bias_HQS is None and span.is_plainly_causal(self.layer)
        mask = None if plainly_causal else span.mask(self.layer)
        if bias_HQS is not None:
            mask = bias_HQS if mask is None else bias_HQS.masked_fill(~mask, float("-inf"))
        return F.scaled_dot_product_attention(
            q_BHTK,
            k_BGTK,
            v_BGTK,
            attn_mask=mask,
            is_causal=plainly_causal,
            scale=c.scales.scores,
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


def attention_scores(q_BTHK: Tensor, k_BTGK: Tensor, span: Span, layer: int) -> Tensor:
    """Scaled, biased, capped and masked scores, ``[B, H, Q, S]``; masked entries are -inf."""
    c = span.config
    q_BHQK = q_BTHK.transpose(1, 2)
    k_BHKS = repeat_heads(k_BTGK, c).permute(0, 2, 3, 1)
    scores_BHQS = (q_BHQK * c.score_scale) @ k_BHKS
    bias_HQS = span.bias()
    if bias_HQS is not None:
        scores_BHQS += bias_HQS
    if c.caps.scores is not None:
        scores_BHQS = soft_cap(scores_BHQS, c.caps.scores)
    mask_QS = span.mask(layer)
    if mask_QS is not None:
        # In place on a tensor that nobody else holds yet: no second copy of the largest one.
        scores_BHQS.masked_fill_(~mask_QS, float("-inf"))
    return scores_BHQS


def mix_values(pattern_BHQS: Tensor, v_BTGK: Tensor, config: TransformerConfig) -> Tensor:
    """The mean of the values that each head attends to, ``[B, T, H, K]``."""
    v_BHSK = repeat_heads(v_BTGK, config).transpose(1, 2)
    return (pattern_BHQS @ v_BHSK).transpose(1, 2)


def repeat_heads(x_BTGK: Tensor, config: TransformerConfig) -> Tensor:
    """Each key/value head as often as query heads share it, ``[B, T, H, K]``."""
    times = config.n_heads // config.n_kv_heads
    return x_BTGK if times == 1 else x_BTGK.repeat_interleave(times, dim=2)


def soft_cap(x: Tensor, cap: float) -> Tensor:
    """Within ±cap, almost unchanged near zero."""
    return torch.tanh(x / cap) * cap
