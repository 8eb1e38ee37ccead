"""The rules of relevance propagation, as other ways to compute single operations.

Their values are the usual ones; what is differentiated is not. After RelP (arXiv 2508.21258), on
the rules of layer-wise relevance propagation for transformers (Ali et al. 2022):

- linear maps, sums, positions: as they are;
- nonlinearities: the ratio of what comes out to what goes in, held fixed;
- norms: what they divide by, held fixed;
- attention: the pattern, held fixed; so are the shares of experts;
- products (gates): each factor takes half.

The limits of keys, queries and values, where a network has them, keep their gradient. Knows
operations and tensors; neither the graph nor the bench.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from model.config import TransformerConfig
from model.network.execute import Replace, Run
from model.network.mlp import activate
from model.operations import Operation

FIXED = frozenset(("norm_scale", "pattern", "expert_weights", "expert_shares"))


def relevance(config: TransformerConfig) -> Replace:
    """The rules for a network, as a replacement of its operations."""
    head = None if config.masked_head is None else config.masked_head.activation

    def replace(op: Operation, inputs: Sequence[Tensor], run: Run) -> Tensor | None:
        if op.kind in FIXED:
            return run([one.detach() for one in inputs])
        if op.kind == "head_act":
            assert head is not None
            return by_ratio(inputs[0], head)
        if op.kind == "mlp_act":
            gate = by_ratio(inputs[0], config.activation)
            return halved(gate, inputs[1]) if config.gated else gate
        return None

    return replace


def by_ratio(x: Tensor, activation: str) -> Tensor:
    """A nonlinearity whose slope is the line through zero."""
    fixed = x.detach()
    out = activate(fixed, activation)
    # At zero both are zero: what the ratio tends to there.
    limit = 0.0 if activation.startswith("relu") else 0.5
    ratio = torch.where(fixed == 0, torch.full_like(fixed, limit), out / fixed)
    return x * ratio


def halved(a: Tensor, b: Tensor) -> Tensor:
    """A product of which each factor takes half."""
    return 0.5 * (a * b.detach() + a.detach() * b)
