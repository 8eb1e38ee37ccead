"""GPT-2's forward pass in NumPy and float64, from the published formulas; nothing of ours in it.

For networks like `BASE`: learned positions, LayerNorm before each sublayer, GELU by tanh, tied
embeddings. A tap sees the residual stream before each block, and what attention and MLP add.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from model.transformer import Transformer

Array = NDArray[np.float64]
Tap = Callable[[str, int, Array], Array]


def forward(network: Transformer, ids: Sequence[int], tap: Tap = lambda _, __, x: x) -> Array:
    """Logits, ``[T, V]``.

    Args:
        network: whose weights are read.
        ids: the text.
        tap: called with ``resid``, ``attn`` or ``mlp``, the layer and ``[T, D]``.
    """
    w = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    c = network.config
    T = len(ids)
    x = w["embed.weight"][list(ids)] + w["pos_embed.weight"][:T]
    unseen = np.triu(np.ones((T, T), bool), 1)
    for layer in range(c.n_layers):
        b = f"blocks.{layer}"
        x = tap("resid", layer, x)
        n = _norm(x, w, f"{b}.ln1", c.norm_eps)
        qkv = n @ w[f"{b}.attn.qkv.weight"].T + w[f"{b}.attn.qkv.bias"]
        q, k, v = (part.reshape(T, c.n_heads, c.d_head) for part in np.split(qkv, 3, axis=1))
        scores = np.einsum("qhd,khd->hqk", q, k) / np.sqrt(c.d_head)
        scores[:, unseen] = -np.inf
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        z = np.einsum("hqk,khd->qhd", weights, v).reshape(T, -1)
        x = x + tap("attn", layer, z @ w[f"{b}.attn.out.weight"].T + w[f"{b}.attn.out.bias"])
        n = _norm(x, w, f"{b}.ln2", c.norm_eps)
        hidden = _gelu(n @ w[f"{b}.mlp.up.weight"].T + w[f"{b}.mlp.up.bias"])
        x = x + tap("mlp", layer, hidden @ w[f"{b}.mlp.down.weight"].T + w[f"{b}.mlp.down.bias"])
    return _norm(x, w, "ln_final", c.norm_eps) @ w["embed.weight"].T


def _norm(x: Array, w: dict[str, Array], name: str, eps: float) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt(x.var(-1, keepdims=True) + eps) * w[f"{name}.w"] + w[f"{name}.b"]


def _gelu(x: Array) -> Array:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
