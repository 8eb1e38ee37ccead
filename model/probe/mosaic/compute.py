"""All heads, layer by layer and window by window of queries: exact block maxima.

Shape suffixes: L layers, H heads, Q queries, S keys, C cells of a tile along a side.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from model.bench import Bench
from model.bench.looking import WINDOW
from model.probe.mosaic.asks import KINDS, Mosaic, MosaicFound
from model.probe.pattern.compute import looked_at
from model.probe.pattern.masks import may_look
from model.probe.pattern.valued import Valued
from model.probe.pattern.words import Words
from model.probe.question import Answer, Array, read_only
from model.probe.tensors.compute import to_array
from model.subject import Subject

TELL_SECONDS = 0.15
"""How often what is there so far is shown."""


def answer(question: Mosaic, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """A window of one layer a slice; what is there by then every `TELL_SECONDS`."""
    config = bench.network(subject).config
    words = Words(question.words, subject.n_tokens)
    n = words.n
    k = -(-n // max(1, question.cells))
    n_cells = -(-n // k)
    shape = (config.n_layers, config.n_heads, n_cells, n_cells)
    found = _Found(
        k,
        np.full(shape, np.nan, np.float32),
        np.stack(
            [
                masked_cells(config.window_at(layer), k, n, causal=config.causal)
                for layer in range(config.n_layers)
            ]
        ),
        np.full((*shape[:2], len(KINDS)), np.nan, np.float32),
        np.full((*shape[:2], 2), np.nan, np.float32),
    )
    height = max(1, WINDOW // k) * k
    told = time.monotonic()
    seconds = 0.0
    for layer in range(config.n_layers):
        sums = torch.zeros(config.n_heads, len(KINDS), dtype=torch.float64)
        measures = torch.zeros(config.n_heads, 2, dtype=torch.float64)
        tile = np.empty(shape[1:], np.float32)
        tile[...] = 0
        valued = None
        if question.valued or question.measured:
            valued = Valued(bench, subject, layer)
        for start in range(0, n, height):
            began = time.perf_counter()
            stop = min(start + height, n)
            cells = slice(start // k, -(-stop // k))
            first, last = words.tokens(start, stop)
            pattern_HQS = bench.pattern(subject, layer, None, first, last, seen_only=True)
            sums += _sums(pattern_HQS, first, causal=config.causal)
            if question.measured and valued is not None:
                measures += _measures(pattern_HQS, valued, first, causal=config.causal)
            if question.valued and valued is not None:
                pattern_HQS = valued.weigh(pattern_HQS, slice(first, last))
            pattern_HQS = words.fold(pattern_HQS, np.arange(first, last))
            pooled = to_array(_pooled(pattern_HQS, k, hide_first=question.hide_first))
            tile[:, cells, : pooled.shape[-1]] = pooled
            changed = bench.concerns(subject, layer)
            if changed or (words.merges and config.window_at(layer) is not None):
                if changed:
                    look_HQS = looked_at(subject, bench, layer, None, first, last)
                    look_QS: Array = np.logical_or.reduce(look_HQS, 0)
                else:
                    window = config.window_at(layer)
                    look_QS = may_look(config, window, first, last, subject.n_tokens)
                may_1QS = torch.from_numpy(words.any(look_QS, first)).float()[None]
                seen = to_array(_pooled(may_1QS, k, hide_first=False))[0] > 0
                found.masked[layer, cells] = ~seen
            seconds += time.perf_counter() - began
            yield None
        found.maxima[layer] = tile
        found.shares[layer] = _means(sums, subject.n_tokens, causal=config.causal)
        if question.measured:
            every = max(1, subject.n_tokens - 1 if config.causal else subject.n_tokens)
            found.measures[layer] = to_array((measures / every).float())
        if layer + 1 < config.n_layers and time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            yield found.so_far(question, subject, layer + 1, seconds)
    yield found.so_far(question, subject, config.n_layers, seconds)


@dataclass(slots=True)
class _Found:
    """What is filled layer by layer; shapes as in `MosaicFound`."""

    block: int
    maxima: Array
    masked: Array
    shares: Array
    measures: Array  # [L, H, 2]: entropy and strength

    def so_far(self, question: Mosaic, subject: Subject, done: int, seconds: float) -> MosaicFound:
        """The layers that are done; later ones don't change it."""
        measures = self.measures.copy()
        return MosaicFound(
            subject=subject,
            question=question,
            share=done / len(self.maxima),
            seconds=seconds,
            block=self.block,
            maxima=read_only(self._kept(self.maxima, done)),
            masked=read_only(self._kept(self.masked, done)),
            shares=read_only(self._kept(self.shares, done)),
            entropy=read_only(measures[..., 0]),
            strength=read_only(measures[..., 1]),
        )

    def _kept(self, array: Array, done: int) -> Array:
        return array if done == len(self.maxima) else array.copy()


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


def _measures(pattern_HQS: Tensor, valued: Valued, start: int, *, causal: bool) -> Tensor:
    """Entropies, and how much is written from all keys together, ``[H, 2]``, summed."""
    counted = slice(1 if causal and start == 0 else 0, None)
    entropy_H = torch.special.entr(pattern_HQS.float())[:, counted].double().sum((-1, -2))
    stop = start + pattern_HQS.shape[1]
    written_HQS = valued.weigh(pattern_HQS, slice(start, stop))[:, counted]
    return torch.stack([entropy_H, written_HQS.double().sum((-1, -2))], -1).cpu()


def _means(sums_HK: Tensor, n: int, *, causal: bool) -> Array:
    every = max(1, n - 1 if causal else n)
    counts = torch.tensor([every, max(1, n - 1), every], dtype=torch.float64)
    return to_array((sums_HK / counts).float())
