"""Reads the lengths of keys and values off the bench, where they lie.

Shape suffixes: L layers, G key/value heads, S positions, K d_head, C columns.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from model.bench import Bench
from model.probe.cache.asks import Cache, CacheFound
from model.probe.cost.formulas import cache_numbers, numbers_a_token
from model.probe.question import Answer, Array, ProbeError, read_only
from model.probe.sweeping import Pace
from model.subject import Subject


def answer(question: Cache, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """Some layers a slice.

    Raises:
        ValueError: there is no column to gather positions into.
    """
    if question.columns < 1:
        raise ProbeError(f"columns is {question.columns}; one is the least.")
    stream = bench.stream(subject)
    config, n = stream.network.config, subject.n_tokens
    starts_C = np.arange(0, n, -(-n // question.columns))
    kinds: tuple[list[Array], list[Array]] = ([], [])
    pace = Pace(0.02)
    for layer in range(config.n_layers):
        for kind, tensor in zip(kinds, (stream.keys(layer), stream.values(layer)), strict=True):
            kind.append(_lengths(tensor, starts_C))
        if pace.is_due():
            yield None
    size = stream.network.embed.weight.element_size()
    cache = stream.shelf.cache
    buffers = (*cache.k_LBGSK, *cache.v_LBGSK)
    yield CacheFound(
        subject=subject,
        question=question,
        k_LGC=read_only(np.stack(kinds[0])),
        v_LGC=read_only(np.stack(kinds[1])),
        starts_C=read_only(starts_C),
        n_tokens=n,
        n_layers=config.n_layers,
        n_kv_heads=config.n_kv_heads,
        d_head=config.d_head,
        bytes_per_number=size,
        cache_bytes=size * numbers_a_token(config) * n,
        needed_bytes=size * cache_numbers(config, n),
        buffer_bytes=sum(one.numel() * one.element_size() for one in buffers),
        stream_bytes=stream.n_bytes,
    )


def _lengths(tensor_BSGK: Tensor, starts_C: Array) -> Array:
    """Means of lengths over the positions of each column, ``[G, C]`` float32."""
    with torch.inference_mode():
        lengths_SG = torch.linalg.vector_norm(tensor_BSGK[0].float(), dim=-1).cpu().numpy()
    sums_CG = np.add.reduceat(lengths_SG.astype(np.float64), starts_C, axis=0)
    n_C = np.diff([*starts_C, len(lengths_SG)])
    found: Array = (sums_CG / n_C[:, None]).T.astype(np.float32)
    return found
