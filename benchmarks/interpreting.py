"""What is read out of a network beside its predictions: lens, attribution, kinds of heads.

Random networks in the shapes of published ones; seconds of one thread, the only one that works.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.asking import bench_with, random_network, shapes, tokens, work
from benchmarks.rows import Row

if TYPE_CHECKING:
    from model.probe.question import Question
    from model.transformer import Transformer


def run() -> list[Row]:
    """All of it; the shapes one after the other."""
    from model.device import set_threads

    set_threads(1)
    rows: list[Row] = []
    for name, config in shapes().items():
        network = random_network(config)
        rows += _lens_and_why(name, network)
        rows.append(_kinds_of_heads(name, network))
        del network
        gc.collect()
    return rows


def _lens_and_why(name: str, network: Transformer) -> Iterator[Row]:
    """What is asked of a position after the first picture, and a lens of many: their slices."""
    from model.probe.attribution.asks import Attribution
    from model.probe.lens.asks import Lens
    from model.subject import Subject

    bench, n = bench_with(network), 64
    subject = Subject(1, None, tokens(n))
    bench.stream(subject)
    asked: dict[str, Question] = {
        "lens at a position": Lens(positions=(n - 1,)),
        "why a token": Attribution(n - 1),
        "lens at 64 positions": Lens(),
    }
    for what, question in asked.items():
        took, longest = [], []
        for _ in range(3):
            began = time.thread_time()
            longest.append(work(bench, subject, [question]))
            took.append(time.thread_time() - began)
        slice_ms = 1000 * median(longest)
        took_ms = f"{1000 * median(took):,.0f} ms"
        row = f"longest slice: {what} ({took_ms}), {name}"
        yield Row(row, slice_ms, None, slice_ms / 50, "ms", "≤ 50 ms")


def _kinds_of_heads(name: str, network: Transformer) -> Row:
    """Scores of every head, whatever is read: once for a model."""
    from model.probe.heads.asks import Heads
    from model.subject import Subject

    times: list[float] = []
    for _ in range(3):
        bench = bench_with(network)
        subject = Subject(1, None, tokens(8))
        bench.stream(subject)
        began = time.thread_time()
        work(bench, subject, [Heads()])
        times.append(time.thread_time() - began)
    took = 1000 * median(times)
    return Row(f"kinds of all heads, {name}", took, None, took / 2000, "ms", "≤ 2 s")
