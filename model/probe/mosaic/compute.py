"""All heads, layer by layer and window by window of queries: exact block maxima.

Shape suffixes: L layers, H heads, Q queries, S keys, C cells of a tile along a side.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from model.bench import Bench
from model.bench.looking import WINDOW
from model.probe.mosaic.asks import KINDS, Mosaic, MosaicFound
from model.probe.pattern.compute import looked_at
from model.probe.question import Answer, Array, read_only
from model.probe.tensors.compute import to_array
from model.subject import Subject

TELL_SECONDS = 0.15
"""How often what is there so far is shown."""


def answer(question: Mosaic, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """A window of one layer a slice; what is there by then every `TELL_SECONDS`."""
    config = bench.network(subject).config
    n = subject.n_tokens
    k = -(-n // max(1, question.cells))
    n_cells = -(-n // k)
    shape = (config.n_layers, config.n_heads, n_cells, n_cells)
    maxima = np.full(shape, np.nan, np.float32)
    shares = np.full((*shape[:2], len(KINDS)), np.nan, np.float32)
    masked = np.stack(
        [
            masked_cells(config.window_at(layer), k, n, causal=config.causal)
            for layer in range(config.n_layers)
        ]
    )
    height = max(1, WINDOW // k) * k
    told = time.monotonic()
    seconds = 0.0
    for layer in range(config.n_layers):
        sums = torch.zeros(config.n_heads, len(KINDS), dtype=torch.float64)
        tile = np.empty(shape[1:], np.float32)
        tile[...] = 0
        for start in range(0, n, height):
            began = time.perf_counter()
            stop = min(start + height, n)
            pattern_HQS = bench.pattern(subject, layer, None, start, stop, seen_only=True)
            sums += _sums(pattern_HQS, start, causal=config.causal)
            pooled = to_array(_pooled(pattern_HQS, k, hide_first=question.hide_first))
            tile[:, start // k : -(-stop // k), : pooled.shape[-1]] = pooled
            if bench.concerns(subject, layer):
                look_QS = looked_at(subject, bench, layer, None, start, stop).any(0, keepdims=True)
                look_HQS = torch.from_numpy(look_QS).float()
                seen = to_array(_pooled(look_HQS, k, hide_first=False))[0] > 0
                masked[layer, start // k : -(-stop // k)] = ~seen
            seconds += time.perf_counter() - began
            yield None
        maxima[layer] = tile
        shares[layer] = _means(sums, n, causal=config.causal)
        if layer + 1 < config.n_layers and time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            yield _found(
                question, subject, k, maxima.copy(), masked, shares.copy(), layer + 1, seconds
            )
    yield _found(question, subject, k, maxima, masked, shares, config.n_layers, seconds)


def _found(
    question: Mosaic,
    subject: Subject,
    k: int,
    maxima: Array,
    masked: Array,
    shares: Array,
    done: int,
    seconds: float,
) -> MosaicFound:
    return MosaicFound(
        subject=subject,
        question=question,
        share=done / len(maxima),
        seconds=seconds,
        block=k,
        maxima=read_only(maxima),
        masked=read_only(masked),
        shares=read_only(shares),
    )


def masked_cells(window: int | None, k: int, n: int, *, causal: bool) -> Array:
    """Whether no query of a cell may look at any of its keys, ``[C, C]``."""
    n_cells = -(-n // k)
    first = np.arange(n_cells) * k
    last = np.minimum(first + k, n) - 1
    # Of a cell, the latest query and the earliest key are farthest apart, and so on.
    most_behind = last[:, None] - first[None, :]
    least_behind = first[:, None] - last[None, :]
    reach = n if window is None else window - 1 if causal else window // 2
    ahead = 0 if causal else reach
    return (most_behind < -ahead) | (least_behind > reach)


def _pooled(pattern_HQS: Tensor, k: int, *, hide_first: bool) -> Tensor:
    """The largest weight of each block, ``[H, C', C'']``."""
    n_heads, n_queries, n_keys = pattern_HQS.shape
    rows, columns = -(-n_queries // k), -(-n_keys // k)
    if k == 1:
        pooled_HRS = pattern_HQS.clone() if hide_first else pattern_HQS
    else:
        # Over queries first: neighbours in memory are then compared side by side.
        whole = n_queries // k
        pooled_HRS = pattern_HQS.new_zeros(n_heads, rows, columns * k)
        blocks = pattern_HQS[:, : whole * k].unflatten(1, (whole, k))
        torch.amax(blocks, 2, out=pooled_HRS[:, :whole, :n_keys])
        if whole < rows:
            pooled_HRS[:, whole, :n_keys] = pattern_HQS[:, whole * k :].amax(1)
    if hide_first:
        pooled_HRS[:, :, 0] = 0
    if k > 1:
        pooled_HRS = pooled_HRS.view(n_heads, rows, columns, k).amax(-1)
    return pooled_HRS.float()


def _sums(pattern_HQS: Tensor, start: int, *, causal: bool) -> Tensor:
    """Weights on the first token, the one before and the query's own, ``[H, 3]``, summed."""
    n_queries = pattern_HQS.shape[1]
    at = torch.arange(start, start + n_queries)
    counted = at >= (1 if causal else 0)
    local = torch.arange(n_queries)
    first = pattern_HQS[:, local[counted], 0].double().sum(-1)
    back = at >= 1
    previous = pattern_HQS[:, local[back], at[back] - 1].double().sum(-1)
    itself = pattern_HQS[:, local[counted], at[counted]].double().sum(-1)
    return torch.stack([first, previous, itself], dim=-1).cpu()


def _means(sums_HK: Tensor, n: int, *, causal: bool) -> Array:
    every = max(1, n - 1 if causal else n)
    counts = torch.tensor([every, max(1, n - 1), every], dtype=torch.float64)
    return to_array((sums_HK / counts).float())
