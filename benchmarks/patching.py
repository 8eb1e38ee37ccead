"""What taking a model apart costs, against the bare forward passes that a loop of one's own needs.

Activation patching: the loop runs one whole pass a cell, with the stream at one layer and position
replaced, and keeps the last position's logits; where TransformerLens is installed, its passes with
a hook take the loop's place. Ours is the probe, the first-order map and the reading of both texts
included. The texts differ from their first token on, so that no cell is known without a pass.

The attribution graph: reading the text, the way back, nodes and edges, against one bare pass.
Seconds of one thread, in turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from itertools import chain, count
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.asking import bench_with, in_pairs, random_network, shapes
from benchmarks.rows import Row

if TYPE_CHECKING:
    from torch import Tensor

    from model.probe.question import Question
    from model.subject import Subject
    from model.transformer import Transformer

SWEPT, LONG = 16, 32
"""Tokens of the texts that are swept, and of the one that a graph is made of."""


def run() -> list[Row]:
    """Both, in GPT-2 small's shape."""
    from model.device import set_threads

    set_threads(1)  # so that its seconds are all there are
    network = random_network(shapes()["GPT-2 small"])
    return [*_sweep(network), *_graph(network)]


def _sweep(network: Transformer) -> list[Row]:
    import torch

    from model.probe.metric import Metric
    from model.probe.patch.asks import Patch
    from model.probe.question import TokenId
    from model.subject import Subject

    first = count(1000)
    longest: list[float] = []
    metric = Metric(target=TokenId(11), against=TokenId(12))

    def ours() -> None:
        corrupted, clean = _tokens(next(first)), _tokens(next(first))
        question = Patch(clean_ids=clean, metric=metric)
        longest.append(_answered(network, question, Subject(1, None, corrupted)))

    ids_1T, clean_1T = (torch.tensor([_tokens(which)]) for which in (1, 2))
    theirs, whose = _cell_by_cell(network, ids_1T, clean_1T), "bare forwards, one a cell"
    if find_spec("transformer_lens") is not None:
        with suppress(ImportError):  # from its version 4 on there is no network of one's own shape
            theirs, whose = _with_transformer_lens(network, ids_1T), "TransformerLens' passes"
    mine, loop, ratio = in_pairs(ours, theirs, 2)
    cells = network.config.n_layers * SWEPT
    slice_ms = 1000 * median(longest)
    return [
        Row(
            f"patching sweep of {cells} cells, GPT-2 small, {SWEPT} tokens",
            1000 * mine,
            1000 * loop,
            ratio,
            "ms",
            f"≤ 0.7 × {whose}",
        ),
        Row("its longest slice", slice_ms, None, slice_ms / 50, "ms", "≤ 50 ms"),
    ]


def _graph(network: Transformer) -> list[Row]:
    import torch

    from model.probe.graph.asks import Graph
    from model.subject import Subject

    first = count(1000)
    ids_1T = torch.tensor([_tokens(1, LONG)])

    def asking(check: int) -> Callable[[], None]:
        def ours() -> None:
            _answered(network, Graph(check=check), Subject(1, None, _tokens(next(first), LONG)))

        return ours

    def theirs() -> None:
        with torch.inference_mode():
            network(ids_1T, last_only=True)

    rows = []
    for check, promised in ((0, "≤ 6 × one bare forward"), (96, "none: 96 nodes are cut out")):
        mine, bare, ratio = in_pairs(asking(check), theirs, 8 if not check else 2)
        what = "attribution graph" if not check else "the same with its check"
        rows.append(
            Row(
                f"{what}, GPT-2 small, {LONG} tokens",
                1000 * mine,
                1000 * bare,
                ratio,
                "ms",
                promised,
            )
        )
    return rows


def _answered(network: Transformer, question: Question, subject: Subject) -> float:
    """Reads the text and answers anew; returns the seconds of the longest slice."""
    from model.probe.answering import answering

    bench = bench_with(network)
    longest, began = 0.0, time.thread_time()
    steps = chain(bench.streaming(subject), answering(question)(question, subject, bench))
    for _ in steps:
        now = time.thread_time()
        longest, began = max(longest, now - began), now
    return longest


def _cell_by_cell(network: Transformer, ids_1T: Tensor, clean_1T: Tensor) -> Callable[[], None]:
    """A pass for every layer and position, with the stream replaced there."""
    import torch

    def loop() -> None:
        with torch.inference_mode():
            clean = [resid.clone() for resid in network.stream(clean_1T)]
            for layer in range(network.config.n_layers):
                for at in range(ids_1T.shape[1]):
                    for border, resid in enumerate(network.stream(ids_1T)):
                        if border == layer:
                            resid[:, at] = clean[layer][:, at]
                    network.head(resid[:, -1:])

    return loop


def _with_transformer_lens(network: Transformer, ids_1T: Tensor) -> Callable[[], None]:
    """The same by a random HookedTransformer of the same shape."""
    import torch
    from transformer_lens import (  # type: ignore[import-not-found,unused-ignore]
        HookedTransformer,
        HookedTransformerConfig,
    )

    c = network.config
    theirs = HookedTransformer(
        HookedTransformerConfig(
            n_layers=c.n_layers,
            d_model=c.d_model,
            n_ctx=c.n_ctx,
            d_head=c.d_head,
            n_heads=c.n_heads,
            d_mlp=c.d_mlp,
            d_vocab=c.d_vocab,
            act_fn="gelu_new",
            normalization_type="LN",
        )
    )

    def loop() -> None:
        with torch.inference_mode():
            for layer in range(c.n_layers):
                for at in range(ids_1T.shape[1]):

                    def patch(resid: Tensor, hook: object, at: int = at) -> Tensor:
                        resid[:, at] = 0
                        return resid

                    hooks = [(f"blocks.{layer}.hook_resid_pre", patch)]
                    theirs.run_with_hooks(ids_1T, fwd_hooks=hooks)

    return loop


def _tokens(which: int, n: int = SWEPT) -> tuple[int, ...]:
    """A text of its own, different from the first token on."""
    import torch

    generator = torch.Generator().manual_seed(which)
    drawn: list[int] = torch.randint(0, 40_000, (n - 1,), generator=generator).tolist()
    return (which, *drawn)
