"""Queries, keys and values that a file keeps in one matrix, group by group.

A group is a key/value head with the query heads that share it: the rows of its query heads, then
of its key head, then of its value head. Ours are all queries, then all keys, then all values.
Knows no family.
"""

from __future__ import annotations

import torch
from torch import Tensor

from model.checkpoint.families.rules import Rule, reshaped, stands_in
from model.config import TransformerConfig


def grouped_qkv(ours: str, theirs: str, config: TransformerConfig) -> list[Rule]:
    """The rules of such a matrix, and of its bias if there is one.

    With as many key/value heads as query heads a group is one head (GPT-NeoX, BLOOM); with a
    single one the order is ours already (Falcon 7B).
    """
    n_groups, d_head = config.n_kv_heads, config.d_head
    n_shared = config.n_heads // n_groups
    sizes = (config.n_heads * d_head, n_groups * d_head, n_groups * d_head)

    def read(fused: Tensor) -> Tensor:
        groups = fused.unflatten(0, (n_groups, n_shared + 2, d_head))
        return torch.cat([part.flatten(0, 2) for part in groups.split((n_shared, 1, 1), dim=1)])

    def write(qkv: Tensor) -> Tensor:
        if stands_in(qkv):
            return qkv
        parts = [part.unflatten(0, (n_groups, -1, d_head)) for part in qkv.split(sizes)]
        return torch.cat(parts, dim=1).flatten(0, 2)

    kinds = ("weight", "bias") if config.qkv_bias else ("weight",)
    return [reshaped(f"{ours}.{kind}", f"{theirs}.{kind}", read, write) for kind in kinds]
