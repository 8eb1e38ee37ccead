"""Three parts of a block with backward passes of their own, for training in bfloat16 on a CPU.

Measured on a CPU with AVX512-BF16 (batches of 12 × 64 tokens, width 128): torch's fused attention
takes 0.5 ms forward and 4.3 ms backward in bfloat16, here both together take 0.5 ms; products of
matrices are 4 times as fast as in float32, so that what stands around them counts. Everything is
the mathematics of `model.network.attention`, `norm` and `mlp`, differentiated by hand; a test holds
them to those.

Knows tensors; no config, no module. Nothing here can be differentiated twice.

Shape suffixes as elsewhere; N stands for batch and heads together, J for queries and keys together.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

LONGEST = 256
"""Positions up to which scores are written out: beyond that torch's fused backward is faster, and
they would take memory that grows with the square."""


_TRAINS: ContextVar[bool] = ContextVar("trains in a narrower dtype", default=False)


@contextmanager
def training() -> Iterator[None]:
    """A pass that learns or validates; all others take the usual way, to its last digit."""
    before = _TRAINS.set(True)
    try:
        yield
    finally:
        _TRAINS.reset(before)


def wanted(x: Tensor) -> bool:
    """Whether a tensor is one of a training pass, of a kind for which these are faster."""
    return _TRAINS.get() and x.dtype is torch.bfloat16 and x.device.type == "cpu"


def rms_norm(x: Tensor, eps: float) -> Tensor:
    """The last axis brought to a mean square of one, without a weight."""
    return cast("Tensor", _RMSNorm.apply(x, eps))  # type: ignore[no-untyped-call]


def relu2(x: Tensor) -> Tensor:
    """ReLU squared (So et al. 2021)."""
    return cast("Tensor", _ReLU2.apply(x))  # type: ignore[no-untyped-call]


def causal_attention(
    qkv_BTN: Tensor,
    n_heads: int,
    scale: float,
    rotation: tuple[Tensor, Tensor] | None,
    norm_eps: float | None,
) -> Tensor:
    """What the heads read of a whole causal sequence, ``[B, T, H * K]``.

    Args:
        qkv_BTN: queries, keys and values of all heads, ``[B, T, 3 * H * K]``.
        n_heads: H, as many for keys and values.
        scale: query · key is multiplied with it.
        rotation: cosines and sines ``[T, K / 2]`` by which queries and keys are turned, in pairs
            half a head apart; None where they are not.
        norm_eps: of an RMSNorm of queries and keys before they are turned; None where there is
            none.
    """
    cos_TK = sin_TK = None
    if rotation is not None:
        cos, sin = rotation
        cos_TK, sin_TK = torch.cat((cos, cos), -1), torch.cat((-sin, sin), -1)
    z_BTN = _Attention.apply(  # type: ignore[no-untyped-call]
        qkv_BTN, n_heads, scale, cos_TK, sin_TK, norm_eps
    )
    return cast("Tensor", z_BTN)


class _RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, eps: float) -> Tensor:
        inverse = _inverse_rms(x, eps)
        normed = x * inverse
        ctx.save_for_backward(normed, inverse)
        return normed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        normed, inverse = ctx.saved_tensors
        return _through_norm(grad, normed, inverse), None


class _ReLU2(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        kept = x.relu()
        ctx.save_for_backward(kept)
        return kept * kept

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (kept,) = ctx.saved_tensors
        return (grad * kept).mul_(2)


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        qkv_BTN: Tensor,
        H: int,
        scale: float,
        cos_TK: Tensor | None,
        sin_TK: Tensor | None,
        norm_eps: float | None,
    ) -> Tensor:
        B, T, N = qkv_BTN.shape
        K = N // (3 * H)
        x_BTJK = qkv_BTN[..., : 2 * H * K].reshape(B, T, 2 * H, K)
        inverse = None
        if norm_eps is not None:
            inverse = _inverse_rms(x_BTJK, norm_eps)
            x_BTJK = x_BTJK * inverse
        turned_BTJK = x_BTJK
        if cos_TK is not None and sin_TK is not None:
            turned_BTJK = _turned(x_BTJK, cos_TK, sin_TK)
        qk = turned_BTJK.view(B, T, 2, H, K).permute(2, 0, 3, 1, 4).reshape(2, B * H, T, K)
        q_NTK, k_NTK = qk[0], qk[1]
        v_NTK = qkv_BTN[..., 2 * H * K :].view(B, T, H, K).transpose(1, 2).reshape(B * H, T, K)
        future_TT = torch.full((T, T), float("-inf"), dtype=qkv_BTN.dtype).triu_(1)
        scores_NTT = torch.baddbmm(future_TT, q_NTK, k_NTK.mT, alpha=scale)
        pattern_NTT = scores_NTT.softmax(-1)
        z_NTK = torch.bmm(pattern_NTT, v_NTK)
        normed = None if inverse is None else x_BTJK
        ctx.save_for_backward(q_NTK, k_NTK, v_NTK, pattern_NTT, normed, inverse, cos_TK, sin_TK)
        ctx.scale, ctx.H = scale, H
        return z_NTK.view(B, H, T, K).transpose(1, 2).reshape(B, T, H * K)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_BTN: Tensor) -> tuple[Tensor | None, ...]:
        q_NTK, k_NTK, v_NTK, pattern_NTT, normed, inverse, cos_TK, sin_TK = ctx.saved_tensors
        H = ctx.H
        B, T, _ = grad_BTN.shape
        K = grad_BTN.shape[2] // H
        grad_NTK = grad_BTN.view(B, T, H, K).transpose(1, 2).reshape(B * H, T, K)
        grads = grad_NTK.new_empty(3, B * H, T, K)
        torch.bmm(pattern_NTT.mT, grad_NTK, out=grads[2])
        # Of the scores: the softmax's Jacobian, A ⊙ (g − Σ A ⊙ g).
        scores_NTT = torch._softmax_backward_data(
            torch.bmm(grad_NTK, v_NTK.mT), pattern_NTT, -1, grad_NTK.dtype
        ).mul_(ctx.scale)
        torch.bmm(scores_NTT, k_NTK, out=grads[0])
        torch.bmm(scores_NTT.mT, q_NTK, out=grads[1])
        by_position = grads.view(3, B, H, T, K).permute(1, 3, 0, 2, 4)
        if normed is None and cos_TK is None:
            return by_position.reshape(B, T, 3 * H * K), None, None, None, None, None
        x_BTJK = by_position[:, :, :2].reshape(B, T, 2 * H, K)
        if cos_TK is not None:
            x_BTJK = _turned(x_BTJK, cos_TK, -sin_TK)  # back by the same angle
        if normed is not None:
            x_BTJK = _through_norm(x_BTJK, normed, inverse)
        out = x_BTJK.new_empty(B, T, 3, H, K)
        out[:, :, :2] = x_BTJK.view(B, T, 2, H, K)
        out[:, :, 2] = by_position[:, :, 2]
        return out.view(B, T, 3 * H * K), None, None, None, None, None


def _inverse_rms(x: Tensor, eps: float) -> Tensor:
    """1 / √(mean square + ε), summed in at least float32, for the last axis."""
    wide = torch.promote_types(x.dtype, torch.float32)
    length = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=wide)
    return length.square_().div_(x.shape[-1]).add_(eps).rsqrt_().to(x.dtype)


def _through_norm(grad: Tensor, normed: Tensor, inverse: Tensor) -> Tensor:
    """The gradient of what an RMSNorm read, from that of its result."""
    along = (grad * normed).mean(-1, keepdim=True)
    return torch.addcmul(grad, normed, along, value=-1).mul_(inverse)


def _turned(x_BTJK: Tensor, cos_TK: Tensor, sin_TK: Tensor) -> Tensor:
    """Pairs half a head apart, turned by the angle of their position.

    Args:
        x_BTJK: queries and keys.
        cos_TK: cosines, once for each half.
        sin_TK: the first half's sines negative.
    """
    half = x_BTJK.shape[-1] // 2
    swapped = torch.cat((x_BTJK[..., half:], x_BTJK[..., :half]), -1)
    return swapped.mul_(sin_TK[:, None]).addcmul_(x_BTJK, cos_TK[:, None])
