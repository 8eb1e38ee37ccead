"""What weights carry: each times the length of what its head writes from that key.

A head adds the sum over keys of ``A · v · W_O`` to what its layer writes, so that a weight moves as
much as its value is long once it went through ``W_O`` (Kobayashi et al. 2020, arXiv 2004.10102).
Where a norm of the output follows, each summand goes through it with the scale that the norm had at
the query; a scale of what a block adds counts, too. A norm of the stream behind the sum is left
out: it is no head's own. Query heads that share values each have their own rows of ``W_O``.

Knows a network's weights and the bench. Shape suffixes: H heads, G value heads, Q queries, S keys,
K d_head, D d_model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from model.bench import Bench
from model.interventions import Intervention
from model.interventions.remove_norm import is_removed
from model.network.block import Block
from model.probe.attribution.walk import wide
from model.subject import Subject
from model.transformer import Transformer


def write_matrices(
    network: Transformer, layer: int, heads: Sequence[int], changed: Sequence[Intervention] = ()
) -> tuple[Tensor, bool]:
    """What turns a head's mix of values into what it adds to the stream, ``[H, K, D]``.

    Args:
        network: whose.
        layer: of which block.
        heads: which, in this order.
        changed: interventions, which may have taken the norm of the output away.

    Returns:
        The matrices, and whether what they give is still to be divided by the scale that the norm
        of the output has at each query.
    """
    c = network.config
    block = cast("Block", network.blocks[layer])
    weight_DHK = wide(block.attn.out.weight).unflatten(1, (c.n_heads, c.d_head))
    weight_HKD = weight_DHK[:, list(heads)].permute(1, 2, 0) * c.scales.residual
    normed = "ln1_post" in c.block_norms(layer)
    normed = normed and not is_removed(f"blocks.{layer}.ln1_post", changed)
    if normed:  # linear, but for the scale of each query
        norm = network.norm_of(f"blocks.{layer}.ln1_post")
        if not norm.rms:
            weight_HKD = weight_HKD - weight_HKD.mean(-1, keepdim=True)
        weight_HKD = weight_HKD * wide(norm.weight())
    return weight_HKD, normed


class Valued:
    """The lengths of what each head of a layer writes from each key.

    Args:
        bench: that has the values.
        subject: whose.
        layer: of which block.
        heads: which, in this order; all if None.
    """

    def __init__(
        self, bench: Bench, subject: Subject, layer: int, heads: Sequence[int] | None = None
    ) -> None:
        network = bench.network(subject)
        c = network.config
        which = list(range(c.n_heads)) if heads is None else list(heads)
        b = f"blocks.{layer}"
        name = f"{b}.attn.hook_v"
        v_SGK = bench.values(subject, (name,))[name][0]
        with torch.inference_mode():
            weight_HKD, normed = write_matrices(network, layer, which, subject.interventions)
            # ‖v · W‖² by the products of W's rows: no vector of the stream's width for each key.
            gram_HKK = weight_HKD @ weight_HKD.mT
            shared_by = c.n_heads // c.n_kv_heads
            v_HSK = wide(v_SGK)[:, [head // shared_by for head in which]].transpose(0, 1)
            squared_HS = ((v_HSK @ gram_HKK) * v_HSK).sum(-1)
            self.lengths_HS = squared_HS.clamp(min=0).sqrt()
            self._scale_Q: Tensor | None = None
            if normed:
                scale = f"{b}.ln1_post.hook_scale"
                self._scale_Q = wide(bench.values(subject, (scale,))[scale][0, :, 0])

    def weigh(self, pattern_HQS: Tensor, queries: Sequence[int] | slice) -> Tensor:
        """Weights of these heads times the lengths, ``[H, Q, S]`` float32 or wider.

        Args:
            pattern_HQS: weights; of the first keys, if not of all.
            queries: their positions.
        """
        dtype = torch.promote_types(pattern_HQS.dtype, torch.float32)
        n_keys = pattern_HQS.shape[-1]
        device = pattern_HQS.device
        found_HQS = pattern_HQS.to(dtype) * self.lengths_HS[:, None, :n_keys].to(dtype).to(device)
        if self._scale_Q is not None:
            where = queries if isinstance(queries, slice) else list(queries)
            found_HQS = found_HQS / self._scale_Q[where].to(dtype).to(device)[:, None]
        return found_HQS
