"""Norms of vectors: in one pass, or in the two halves that a trace records."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.config import TransformerConfig
from model.network import training_kernels


class Norm(nn.Module):
    """LayerNorm (Ba et al. 2016) or RMSNorm (Zhang and Sennrich 2019), over the last axes.

    The weight is kept as the checkpoint stores it; ``config.norms.offset`` is added to it where it
    multiplies. Without a weight (``config.norms.weight``) nothing is learned.

    Args:
        config: which of the two, epsilon and offset.
        shape: of the weight, or of what it would be; by default ``[d_model]``.
        bias: whether a LayerNorm adds one; by default as the config says.
        n_axes: over how many of the last axes the mean is taken; the weight may have more.
    """

    def __init__(
        self,
        config: TransformerConfig,
        shape: tuple[int, ...] | None = None,
        bias: bool | None = None,
        n_axes: int = 1,
    ) -> None:
        super().__init__()
        shape = shape or (config.d_model,)
        self.rms = config.norm == "rms"
        self.eps = config.norm_eps
        self.offset = config.norms.offset
        self.axes = tuple(range(-n_axes, 0))
        self.w = nn.Parameter(torch.ones(shape)) if config.norms.weight else None
        has_bias = not self.rms and (config.norms.bias if bias is None else bias)
        self.b = nn.Parameter(torch.zeros(shape)) if has_bias else None
        self._normed = shape[-n_axes:]
        # Without a weight there is none that had more axes than are normed.
        self._fused = n_axes == len(shape) or self.w is None

    def forward(self, x: Tensor) -> Tensor:
        if not self._fused:
            return self.normalize(x, self.scale(x))
        if self.rms and len(self.axes) == 1 and training_kernels.wanted(x):
            normed = training_kernels.rms_norm(x, self.eps)
            return normed if self.w is None else normed * self.weight().to(x.dtype)
        if self.w is None:
            norm = F.rms_norm if self.rms else F.layer_norm
            return norm(x, self._normed, eps=self.eps)
        w = self.weight()
        if self.rms:
            return F.rms_norm(x.to(w.dtype), w.shape, w, self.eps).to(x.dtype)
        b = None if self.b is None else self.b.to(x.dtype)
        return F.layer_norm(x, w.shape, w.to(x.dtype), b, self.eps)

    def weight(self) -> Tensor:
        """What multiplies: the stored weight and its offset; a single one where there is none.

        Where there is an offset at least in float32: one and a little more is just one in half
        precision.
        """
        if self.w is None:
            return torch.ones(())
        if not self.offset:
            return self.w
        return self.w.to(torch.promote_types(self.w.dtype, torch.float32)) + self.offset

    def scale(self, x: Tensor) -> Tensor:
        """What the vectors are divided by: ``x``'s shape with ones for the last axes."""
        # As the fused norms do: a square passes float16's largest number long before its root.
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        if self.rms:
            squared = wide.square().mean(self.axes, keepdim=True)
        else:
            squared = wide.var(self.axes, keepdim=True, correction=0)
        return (squared + self.eps).sqrt().to(x.dtype)

    def normalize(self, x: Tensor, scale: Tensor) -> Tensor:
        """The norm's result from a scale that was computed (or intervened on) before."""
        if self.rms:
            normed = x / scale
            return normed if self.w is None else (normed * self.weight()).to(x.dtype)
        centred = (x - x.mean(self.axes, keepdim=True)) / scale
        if self.w is None:
            return centred
        if self.b is None:
            return (centred * self.weight()).to(x.dtype)
        return torch.addcmul(self.b, centred, self.weight().to(x.dtype))
