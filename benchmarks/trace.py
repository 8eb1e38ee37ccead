"""What recording every activation costs, against a plain eager forward pass.

The plain pass is `transformers`' GPT-2 with attention that is computed explicitly, which is what a
person runs who wants attention weights; a random GPT-2 small, batch 1, both on the same threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from statistics import median

import torch

from benchmarks.rows import Row
from model.config import TransformerConfig
from model.trace import record
from model.transformer import Transformer

REPEATS = 15


def run() -> list[Row]:
    """Medians of passes in turns, at 32 and 256 tokens."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    network = Transformer(
        TransformerConfig(n_layers=12, n_heads=12, d_model=768, d_vocab=50257, n_ctx=1024)
    ).eval()
    network.initialize()
    plain = GPT2LMHeadModel(GPT2Config(use_cache=False)).eval()
    plain.set_attn_implementation("eager")
    rows = []
    with torch.inference_mode():
        for n_tokens in (32, 256):
            ids_BT = torch.randint(0, 50257, (1, n_tokens))
            ours, theirs = in_turns(
                partial(record, network, ids_BT), partial(plain, ids_BT), REPEATS
            )
            rows.append(
                Row(
                    f"full trace, GPT-2 small, {n_tokens} tokens",
                    1000 * ours,
                    1000 * theirs,
                    ours / theirs,
                    "ms",
                    "≤ 1.15 × plain eager forward",
                )
            )
    return rows


def in_turns(
    ours: Callable[[], object], theirs: Callable[[], object], repeats: int
) -> tuple[float, float]:
    """Median seconds of each, run alternately, after one warm-up each."""
    ours()
    theirs()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        for which, work in enumerate((ours, theirs)):
            began = time.perf_counter()
            work()
            times[which].append(time.perf_counter() - began)
    return median(times[0]), median(times[1])
